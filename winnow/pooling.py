"""Mean-pooled sentence embeddings, as MiniLM sentence encoders were trained to give (Reimers and Gurevych 2019)."""

from typing import TYPE_CHECKING

import numpy as np

from winnow import batching, encoder
from winnow.stage import progress

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from transformers import PreTrainedModel


def mean(states: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Return each row's mean over its tokens, (rows, width) float32, of `states`, (rows, tokens, width).

    Args:
        mask: (rows, tokens), 1 where a token counts.
    """
    weight = mask.unsqueeze(-1).float()
    return (states.float() * weight).sum(1) / weight.sum(1)


def embed(
    model: "PreTrainedModel", tokens: list[list[int]], padding: int, batch_tokens: int, accelerator: "Accelerator"
) -> np.ndarray:
    """Return the mean of each row's last hidden states over its tokens, (rows, dimensions) float32.

    Args:
        model: prepared by `accelerator`, in evaluation mode.
        tokens: (rows,) token ids of each text, special tokens included.
        padding: id of the padding token.
        batch_tokens: padded tokens in one forward pass.
    """
    import torch

    out = np.zeros((len(tokens), model.config.hidden_size), dtype=np.float32)
    with torch.inference_mode(), accelerator.autocast():
        for batch in progress(batching.by_length(encoder.lengths(tokens), batch_tokens), "embedding"):
            ids, mask = encoder.pad([tokens[row] for row in batch], padding, accelerator.device)
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
            out[batch] = mean(hidden, mask).cpu().numpy()
    return out
