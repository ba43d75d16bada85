"""The model that learns: an encoder, with its masked-LM head if it has one, and the heads of other objectives."""

import torch
from torch import nn

from winnow.encoder import pooling


class Learner(nn.Module):
    """An encoder and what its objectives put on it."""

    def __init__(self, body: nn.Module, heads: dict[str, nn.Module]):
        """Take the model `body`, whose `base_model` is the encoder, and each objective's head by its name."""
        super().__init__()
        self.body, self.heads = body, nn.ModuleDict(heads)

    @property
    def encoder(self) -> nn.Module:
        """The encoder alone, from token ids to hidden states."""
        return self.body.base_model

    def pooled(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return each row's mean hidden state over its tokens, (rows, dimensions) float32."""
        return pooling.mean(self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state, mask)
