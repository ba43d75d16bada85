"""contrast: a passage is nearer to itself than to others, though dropout shows it twice differently.

SimCSE without labels (Gao, Yao and Chen 2021): the other rows of a batch are the negatives. It spreads the domain's
texts over the space of the embeddings. It needs dropout.
"""

from functools import lru_cache

import numpy as np

from winnow import encoder
from winnow.objectives.spans import Documents

TEMPERATURE = 0.05  # the paper's
SENTENCES = 3


class Contrast:
    """The objective; `winnow.objectives` says what its members mean."""

    head = None

    def __init__(self, documents: Documents, tokenizer, seed: int, device):
        """Take documents to draw from."""
        self.keys = documents.ids
        self._documents, self._padding, self._seed, self._device = documents, tokenizer.pad_token_id, seed, device
        self.read = lru_cache(maxsize=2)(self._draw)

    def _draw(self, epoch: int) -> list[list[int]]:
        key = ("contrast", self._seed, epoch)
        return [self._documents.draw(number, SENTENCES, *key).tokens for number in range(len(self.keys))]

    def loss(self, model, rows: np.ndarray, epoch: int) -> tuple:
        import torch

        tokens = [self.read(epoch)[row] for row in rows]
        ids, mask = encoder.pad(tokens * 2, self._padding, self._device)
        one, two = torch.nn.functional.normalize(model.pooled(ids, mask), dim=1).chunk(2)
        target = torch.arange(len(rows), device=self._device)
        return torch.nn.functional.cross_entropy(one @ two.T / TEMPERATURE, target), torch.tensor(float(len(rows)))
