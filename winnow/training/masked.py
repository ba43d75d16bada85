"""masked_lm: what stood at the masked places of this passage? (Devlin et al. 2019)."""

import numpy as np

from winnow.encoder import masked_lm, models
from winnow.encoder.tokens import Tokens


class MaskedLM:
    """The objective; `stages.adapt.objectives` says what its members mean."""

    head = None  # the body has it
    contrasts = False

    def __init__(self, passages: masked_lm.Passages, masking: masked_lm.Masking, device):
        """Take passages, and how their words are hidden."""
        self.keys = passages.keys
        self._tokens, self._masking, self._device = passages.tokens, masking, device

    def read(self, epoch: int) -> Tokens:
        return self._tokens

    def loss(self, model, rows: np.ndarray, epoch: int) -> tuple:
        pairs = [self._masking.apply(self._tokens[row], self.keys[row], epoch) for row in rows]
        padding = self._masking.tokenizer.pad_token_id
        ids, attention = models.pad([ids for ids, _ in pairs], padding, self._device)
        targets, _ = models.pad([targets for _, targets in pairs], -100, self._device)
        return masked_lm.loss(model.body, ids, attention, targets), (targets != -100).sum()
