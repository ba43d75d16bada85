"""position: where in its document does this passage stand?

Spans are drawn from documents, and a linear head on their mean-pooled states says in which part of the document their
middle lies. What a passage is for (to open, to report, to conclude) shows in its place, so the encoder learns of
discourse from text alone (sentence position in Chen, Chu and Gimpel 2019; related: Jernite, Bowman and Sontag 2017).
"""

import numpy as np

from stages.adapt.objectives.spans import SENTENCES, Documents, Span
from winnow.encoder import models
from winnow.encoder.tokens import Drawn

PARTS = 10  # of a document; tenths tell an abstract's sentences apart


class Position:
    """The objective; `stages.adapt.objectives` says what its members mean."""

    contrasts = False

    def __init__(self, documents: Documents, tokenizer, seed: int, width: int, device):
        """Take documents to draw from, and the encoder's `width` in dimensions."""
        import torch

        self.keys, self.head = documents.ids, torch.nn.Linear(width, PARTS)
        self._documents, self._padding, self._seed, self._device = documents, tokenizer.pad_token_id, seed, device

    def read(self, epoch: int) -> Drawn:
        return Drawn(len(self.keys), lambda row: self._span(row, epoch).tokens)

    def _span(self, row: int, epoch: int) -> Span:
        return self._documents.draw(row, SENTENCES, "position", self._seed, epoch)

    def loss(self, model, rows: np.ndarray, epoch: int) -> tuple:
        import torch

        spans = [self._span(row, epoch) for row in rows]
        ids, mask = models.pad([span.tokens for span in spans], self._padding, self._device)
        part = torch.tensor([min(PARTS - 1, int(span.middle * PARTS)) for span in spans], device=self._device)
        logits = model.heads["position"](model.pooled(ids, mask))
        return torch.nn.functional.cross_entropy(logits.float(), part), torch.tensor(float(len(rows)))
