"""The classifier's head and loss, and its probabilities.

A document's logits are the mean of its tokens' logits. The head is linear, so that equals a classifier on the
mean-pooled hidden states, which suits sentence encoders with few labels better than their untrained [CLS] token; and
every architecture of transformers can be saved and loaded so, by `AutoModelForTokenClassification`, with no code of
ours.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from winnow import batching, encoder
from winnow.stage import progress

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from transformers import PreTrainedModel


def build(folder: Path, labels: list[str]) -> "PreTrainedModel":
    """Return the encoder of `folder` with a fresh classification head, its outputs in the order of `labels`."""
    from transformers import AutoModelForTokenClassification

    return encoder.load_model(
        AutoModelForTokenClassification,
        folder,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )


def load(folder: Path) -> "PreTrainedModel":
    """Return a fine-tuned classifier."""
    from transformers import AutoModelForTokenClassification

    return encoder.load_model(AutoModelForTokenClassification, folder)


def logits(model: "PreTrainedModel", ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Return each document's logits, (rows, labels), from token ids and attention mask, both (rows, tokens)."""
    weight = mask.unsqueeze(-1).float()
    each = model(input_ids=ids, attention_mask=mask).logits.float()
    return (each * weight).sum(1) / weight.sum(1)


def loss(logits: "torch.Tensor", truth: "torch.Tensor", weights: "torch.Tensor", smoothing: float) -> "torch.Tensor":
    """Return the weighted mean cross-entropy.

    Args:
        logits: (rows, labels) float.
        truth: (rows,) int64.
        weights: (rows,) float32, from `balance`.
        smoothing: label smoothing (Szegedy et al. 2016).
    """
    import torch

    each = torch.nn.functional.cross_entropy(logits.float(), truth, reduction="none", label_smoothing=smoothing)
    return (each * weights).sum() / weights.sum()


def predict(
    model: "PreTrainedModel", tokens: list[list[int]], padding: int, batch_tokens: int, accelerator: "Accelerator"
) -> np.ndarray:
    """Return class probabilities, (rows, labels) float64, in the order of `tokens`."""
    import torch

    out = np.zeros((len(tokens), model.config.num_labels))
    model = accelerator.prepare(model).eval()
    with torch.inference_mode(), accelerator.autocast():
        for batch in progress(batching.by_length(encoder.lengths(tokens), batch_tokens), "predicting"):
            ids, mask = encoder.pad([tokens[row] for row in batch], padding, accelerator.device)
            out[batch] = torch.softmax(logits(model, ids, mask).double(), dim=-1).cpu().numpy()
    return out
