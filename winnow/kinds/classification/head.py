"""The classifier's head and loss, and its probabilities.

A document's logits are the mean of its tokens' logits. The head is linear, so that equals a classifier on the
mean-pooled hidden states, which suits sentence encoders with few labels better than their untrained [CLS] token; and
every architecture of transformers can be saved and loaded so, by `AutoModelForTokenClassification`, with no code of
ours.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from winnow.base.errors import UserError
from winnow.encoder import models, pooling
from winnow.encoder.reader import Reader
from winnow.training.finetuning import Texts

if TYPE_CHECKING:
    import torch
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


@dataclass(frozen=True)
class Loss:
    """The weighted mean cross-entropy, and what may be changed in it.

    Attributes:
        smoothing: label smoothing (Szegedy et al. 2016).
        focus: gamma of the focal loss (Lin et al. 2017): rows that the model has right already count less; 0 is off.
        shift: (labels,) float, added to the logits: tau times the log of the classes' shares, for the loss of logit
            adjustment (Menon et al. 2021, equation 10). The logits themselves then aim at balanced error.
    """

    smoothing: float = 0.0
    focus: float = 0.0
    shift: "torch.Tensor | None" = None

    def of(self, logits: "torch.Tensor", truth: "torch.Tensor", weights: "torch.Tensor") -> "torch.Tensor":
        """Return the loss of a batch.

        Args:
            logits: (rows, labels) float.
            truth: (rows,) int64.
            weights: (rows,) float32, from `balance`.
        """
        import torch

        logits = logits.float() if self.shift is None else logits.float() + self.shift
        each = torch.nn.functional.cross_entropy(logits, truth, reduction="none", label_smoothing=self.smoothing)
        if self.focus:
            right = torch.softmax(logits, dim=-1).gather(1, truth.unsqueeze(1)).squeeze(1)
            each = each * (1 - right).clamp_min(1e-6) ** self.focus  # at 0 a root has no gradient
        return (each * weights).sum() / weights.sum()


def probabilities(model: "torch.nn.Module", texts: Texts, reader: Reader) -> np.ndarray:
    """Return class probabilities, (rows, labels) float64, in the order of `texts`.

    Args:
        model: prepared by the accelerator and in evaluation mode.
    """
    import torch

    out = np.zeros((len(texts.tokens), reader.accelerator.unwrap_model(model).config.num_labels))
    with torch.inference_mode(), reader.accelerator.autocast():
        for batch, ids, mask in reader.batches(texts.tokens, "predicting"):
            own = None if texts.own is None else torch.as_tensor(texts.own[batch], device=reader.device)
            out[batch] = torch.softmax(logits(model, ids, mask, own).double(), dim=-1).cpu().numpy()
    return out
