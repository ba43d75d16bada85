"""masked_lm: what stood at the masked places of this passage? (Devlin et al. 2019)."""

import numpy as np

from winnow.encoder import masked_lm, models
from winnow.encoder.tokens import Tokens


class MaskedLM:
    """The objective; `stages.adapt.objectives` says what its members mean."""

    head = None  # the body has it

    def __init__(self, passages: masked_lm.Passages, tokenizer, seed: int, share: float, device):
        """Take passages, and the share of their tokens that is masked."""
        self.keys = passages.keys
        self._tokens, self._tokenizer, self._seed, self._share, self._device = (
            passages.tokens, tokenizer, seed, share, device,
        )  # fmt: skip

    def read(self, epoch: int) -> Tokens:
        return self._tokens

    def loss(self, model, rows: np.ndarray, epoch: int) -> tuple:
        how = (epoch, self._tokenizer, self._share, self._seed)
        pairs = [masked_lm.mask(self._tokens[row], self.keys[row], *how) for row in rows]
        ids, attention = models.pad([ids for ids, _ in pairs], self._tokenizer.pad_token_id, self._device)
        targets, _ = models.pad([targets for _, targets in pairs], -100, self._device)
        return masked_lm.loss(model.body, ids, attention, targets), (targets != -100).sum()
