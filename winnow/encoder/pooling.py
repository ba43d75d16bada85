"""Mean-pooled sentence embeddings, as MiniLM sentence encoders were trained to give (Reimers and Gurevych 2019)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from winnow.encoder import models
from winnow.encoder.reader import Reader

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


def load(folder: Path, accelerator: "Accelerator") -> "PreTrainedModel":
    """Return the encoder of a folder for `embed`, on the accelerator's device, its weights in its precision.

    In bf16 so are the states between layers, which is faster than to cast the weights at each use and moves embeddings
    little (`mean_cosine` in bench/results/train.json).

    Raises:
        UserError: the folder holds no encoder.
    """
    import torch
    from transformers import AutoModel

    kind = torch.bfloat16 if accelerator.mixed_precision == "bf16" else torch.float32
    return models.load_model(AutoModel, folder).to(accelerator.device, kind).eval()


def embed(
    model: "PreTrainedModel", tokens: Sequence[list[int]], reader: Reader, out: np.ndarray | None = None
) -> np.ndarray:
    """Return the mean of each row's last hidden states over its tokens, (rows, dimensions) float32.

    Args:
        model: from `load`.
        tokens: (rows,) token ids of each text, from `reader.tokenize`.
        out: where to put it; None: in a new array.
    """
    import torch

    if out is None:
        out = np.empty((len(tokens), model.config.hidden_size), dtype=np.float32)
    with torch.inference_mode():
        for batch, ids, mask in reader.batches(tokens, "embedding"):
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
            out[batch] = mean(hidden, mask).cpu().numpy()
    return out
