"""The classifier's head and loss, and its probabilities.

A document's logits are the mean of its tokens' logits. The head is linear, so that equals a classifier on the
mean-pooled hidden states, which suits sentence encoders with few labels better than their untrained [CLS] token; and
every architecture of transformers can be saved and loaded so, by `AutoModelForTokenClassification`, with no code of
ours.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from winnow.base.errors import UserError
from winnow.base.stage import progress
from winnow.encoder import batching, models, pooling

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from transformers import PreTrainedModel


def build(folder: Path, labels: list[str]) -> "PreTrainedModel":
    """Return the encoder of `folder` with a fresh classification head, its outputs in the order of `labels`."""
    from transformers import AutoModelForTokenClassification

    return models.load_model(
        AutoModelForTokenClassification,
        folder,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )


def load(folder: Path) -> "PreTrainedModel":
    """Return a fine-tuned classifier."""
    from transformers import AutoModelForTokenClassification

    return models.load_model(AutoModelForTokenClassification, folder)


def output_layer(model: "PreTrainedModel") -> tuple["torch.nn.Module", str]:
    """Return the linear layer that gives the tokens' logits, as the module that holds it and its name there.

    Raises:
        UserError: the model has none.
    """
    import torch

    inside = set(map(id, model.base_model.modules()))
    for name, module in reversed(list(model.named_modules())):
        is_output = isinstance(module, torch.nn.Linear) and module.out_features == model.config.num_labels
        if is_output and id(module) not in inside:
            parent, _, own = name.rpartition(".")
            return model.get_submodule(parent), own
    raise UserError(f"{type(model).__name__}: no linear output layer; use an encoder whose token classifier has one")


def logits(
    model: "PreTrainedModel", ids: "torch.Tensor", mask: "torch.Tensor", own: "torch.Tensor | None" = None
) -> "torch.Tensor":
    """Return each document's logits, (rows, labels), from token ids and attention mask, both (rows, tokens).

    Args:
        own: (rows,) int, how many of its first tokens a document's mean is over; None: all.
    """
    import torch

    each = model(input_ids=ids, attention_mask=mask).logits
    if own is not None:
        mask = mask * (torch.arange(mask.shape[1], device=mask.device) < own.unsqueeze(1))
    return pooling.mean(each, mask)


def loss(
    logits: "torch.Tensor",
    truth: "torch.Tensor",
    weights: "torch.Tensor",
    smoothing: float,
    focus: float = 0.0,
    shift: "torch.Tensor | None" = None,
) -> "torch.Tensor":
    """Return the weighted mean cross-entropy.

    Args:
        logits: (rows, labels) float.
        truth: (rows,) int64.
        weights: (rows,) float32, from `balance`.
        smoothing: label smoothing (Szegedy et al. 2016).
        focus: gamma of the focal loss (Lin et al. 2017): rows that the model has right already count less; 0 is off.
        shift: (labels,) float, added to the logits: tau times the log of the classes' shares, for the loss of logit
            adjustment (Menon et al. 2021, equation 10). The logits themselves then aim at balanced error.
    """
    import torch

    logits = logits.float() if shift is None else logits.float() + shift
    each = torch.nn.functional.cross_entropy(logits, truth, reduction="none", label_smoothing=smoothing)
    if focus:
        right = torch.softmax(logits, dim=-1).gather(1, truth.unsqueeze(1)).squeeze(1)
        each = each * (1 - right).clamp_min(1e-6) ** focus  # at 0 a root has no gradient
    return (each * weights).sum() / weights.sum()


def predict(
    model: "PreTrainedModel",
    tokens: list[list[int]],
    padding: int,
    batch_tokens: int,
    accelerator: "Accelerator",
    own: np.ndarray | None = None,
) -> np.ndarray:
    """Return class probabilities, (rows, labels) float64, in the order of `tokens`.

    Args:
        own: (rows,) int, how many of its first tokens a document's mean is over; None: all.
    """
    return probabilities(accelerator.prepare(model).eval(), tokens, padding, batch_tokens, accelerator, own)


def probabilities(
    model: "torch.nn.Module",
    tokens: list[list[int]],
    padding: int,
    batch_tokens: int,
    accelerator: "Accelerator",
    own: np.ndarray | None = None,
) -> np.ndarray:
    """Return what `predict` does, by a model that `accelerator` has prepared and that is in evaluation mode."""
    import torch

    out = np.zeros((len(tokens), accelerator.unwrap_model(model).config.num_labels))
    with torch.inference_mode(), accelerator.autocast():
        for batch in progress(batching.by_length(models.lengths(tokens), batch_tokens), "predicting"):
            ids, mask = models.pad([tokens[row] for row in batch], padding, accelerator.device)
            parts = None if own is None else torch.as_tensor(own[batch], device=accelerator.device)
            out[batch] = torch.softmax(logits(model, ids, mask, parts).double(), dim=-1).cpu().numpy()
    return out
