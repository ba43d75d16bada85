"""order: which of two neighbouring passages comes first?

Pairs are drawn from documents, half of them turned round, and a small network on their mean-pooled states says whether
the first one it is given came first (binary sentence ordering in Chen, Chu and Gimpel 2019).
"""

import numpy as np

from stages.adapt.objectives.spans import SENTENCES, Documents, Span
from winnow.base import hashing
from winnow.encoder import models
from winnow.encoder.tokens import Drawn


class Order:
    """The objective; `stages.adapt.objectives` says what its members mean."""

    contrasts = False

    def __init__(self, documents: Documents, tokenizer, seed: int, width: int, device):
        """Take documents to draw from, and the encoder's `width` in dimensions."""
        from torch import nn

        self.keys = documents.ids
        self.head = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, 2))
        self._documents, self._padding, self._seed, self._device = documents, tokenizer.pad_token_id, seed, device

    def read(self, epoch: int) -> Drawn:
        def joined(row: int) -> list[int]:
            one, two = self._pair(row, epoch)
            return one.tokens + two.tokens

        return Drawn(len(self.keys), joined)

    def _pair(self, row: int, epoch: int) -> tuple[Span, Span]:
        return self._documents.draw_pair(row, SENTENCES, "order", self._seed, epoch)

    def loss(self, model, rows: np.ndarray, epoch: int) -> tuple:
        import torch

        turned = [hashing.unit("turned", self._seed, epoch, self.keys[row]) < 0.5 for row in rows]
        pairs = [self._pair(row, epoch)[:: -1 if turn else 1] for row, turn in zip(rows, turned, strict=True)]
        tokens = [pair[place].tokens for place in (0, 1) for pair in pairs]
        ids, mask = models.pad(tokens, self._padding, self._device)
        one, two = model.pooled(ids, mask).chunk(2)
        logits = model.heads["order"](torch.cat([one, two], dim=1))
        target = torch.tensor(turned, dtype=torch.int64, device=self._device)
        return torch.nn.functional.cross_entropy(logits.float(), target), torch.tensor(float(len(rows)))
