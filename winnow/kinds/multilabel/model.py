"""A model that an encoder is fine-tuned into: an output for each label, a sigmoid over it, and predictions.

The outputs are those of `winnow.kinds.classification.head`: the mean of the tokens' logits.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.encoder.reader import Reader
from winnow.kinds.classification import head
from winnow.kinds.multilabel import predictions, thresholds
from winnow.kinds.multilabel.labels import Task
from winnow.training.finetuning import Recipe, Texts

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from winnow.training import loop

LOSS = ("label_smoothing", "focal_gamma")
PROBLEM = "multi_label_classification"  # as transformers calls it: its pipeline then takes the sigmoid by itself


def build(task: Task, folder: Path) -> "PreTrainedModel":
    """Return the encoder of `folder` with a fresh head, its outputs the task's labels in their order."""
    return built(folder, task.labels)


def built(folder: Path, labels: list[str]) -> "PreTrainedModel":
    """Return the encoder of `folder` with a fresh output for each label."""
    model = head.build(folder, labels)
    model.config.problem_type = PROBLEM
    return model


def load(task: Task, folder: Path) -> "PreTrainedModel":
    """Return a fine-tuned model.

    Raises:
        UserError: the folder holds none, or one of other labels.
    """
    model = head.load(folder)
    names = [model.config.id2label[number] for number in range(model.config.num_labels)]
    if names != task.labels or model.config.problem_type != PROBLEM:
        raise UserError(f"{folder}: was trained for another task, with {', '.join(names)}; run `dvc repro finetune`")
    return model


def encode(task: Task, rows: pa.Table, reader: Reader) -> Texts:
    """Return what a model reads of rows (id, group, text)."""
    return Texts(reader.tokenize(rows["text"]), rows["id"].to_pylist())


def losses(task: Task, rows: pa.Table, texts: Texts, recipe: Recipe, reader: Reader) -> "loop.LossOf":
    """Return (model, batch) -> loss by the recipe, and what it weighs, of labelled rows with a weight."""
    return set_losses(texts, task.matrix(rows["label"].to_pylist()), rows["weight"].to_numpy(), recipe, reader)


def set_losses(texts: Texts, truth: np.ndarray, weights: np.ndarray, recipe: Recipe, reader: Reader) -> "loop.LossOf":
    """Return (model, batch) -> mean binary cross-entropy over labels and weighted rows, and what these weigh.

    The model's first outputs are the labels'. Label smoothing draws both values towards a half; the focal loss (Lin et
    al. 2017) counts labels less that the model has right already.

    Args:
        truth: (rows, labels) bool.
        weights: (rows,) float.
    """
    import torch

    smooth, focus = recipe.label_smoothing, recipe.focal_gamma
    targets = torch.tensor(truth * (1 - smooth) + smooth / 2, dtype=torch.float32)
    counts = torch.tensor(np.asarray(weights), dtype=torch.float32)

    def loss_of(model: torch.nn.Module, batch: "loop.Batch") -> tuple[torch.Tensor, torch.Tensor]:
        ids, mask = reader.pad([texts.tokens[row] for row in batch.rows])
        logits = head.logits(model, ids, mask)[:, : targets.shape[1]].float()
        target, weight = targets[batch.rows].to(reader.device), counts[batch.rows].to(reader.device)
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        if focus:
            p = torch.sigmoid(logits)
            wrong = torch.where(target > 0.5, 1 - p, p)
            each = each * wrong.clamp_min(1e-6) ** focus  # at 0 a root has no gradient
        return (each.mean(dim=1) * weight).sum() / weight.sum(), weight.sum()

    return loss_of


def predictor(task: Task, rows: pa.Table, reader: Reader) -> "Callable[[torch.nn.Module], pa.Table]":
    """Return what predicts rows (id, group, split, text, label) by a model: prepared, and in evaluation mode."""
    texts, otherwise = encode(task, rows, reader), thresholds.read(reader.folder, task)

    def predict(model: "torch.nn.Module") -> pa.Table:
        # While further tasks are learnt beside, they have outputs too.
        own = probabilities(model, texts, reader)[:, : len(task.labels)]
        return predictions.table(task, rows, own, otherwise)

    return predict


def probabilities(model: "torch.nn.Module", texts: Texts, reader: Reader) -> np.ndarray:
    """Return the probability of each label, (rows, labels) float64, in the order of `texts`.

    Args:
        model: prepared by the accelerator and in evaluation mode.
    """
    import torch

    found = np.zeros((len(texts.tokens), reader.accelerator.unwrap_model(model).config.num_labels))
    with torch.inference_mode(), reader.accelerator.autocast():
        for batch, ids, mask in reader.batches(texts.tokens, "predicting"):
            found[batch] = torch.sigmoid(head.logits(model, ids, mask).double()).cpu().numpy()
    return found
