"""contrast: a passage is nearer to itself than to others, though dropout shows it twice differently.

SimCSE without labels (Gao, Yao and Chen 2021): the other rows of a batch are the negatives. It spreads the domain's
texts over the space of the embeddings. It needs dropout.
"""

import numpy as np

from stages.adapt.objectives.spans import Documents
from winnow.encoder import models
from winnow.encoder.tokens import Drawn

TEMPERATURE = 0.05  # the paper's


class Contrast:
    """The objective; `stages.adapt.objectives` says what its members mean."""

    head = None
    contrasts = True

    def __init__(self, documents: Documents, tokenizer, seed: int, device):
        """Take documents to draw from."""
        self.keys = documents.ids
        self._documents, self._padding, self._seed, self._device = documents, tokenizer.pad_token_id, seed, device

    def read(self, epoch: int) -> Drawn:
        return self._documents.spans("contrast", self._seed, epoch)

    def loss(self, model, rows: np.ndarray, epoch: int) -> tuple:
        import torch

        tokens = [self.read(epoch)[row] for row in rows]
        ids, mask = models.pad(tokens * 2, self._padding, self._device)
        one, two = torch.nn.functional.normalize(model.pooled(ids, mask), dim=1).chunk(2)
        target = torch.arange(len(rows), device=self._device)
        return torch.nn.functional.cross_entropy(one @ two.T / TEMPERATURE, target), torch.tensor(float(len(rows)))
