"""A classifier that an encoder is fine-tuned into: a head, its loss, and predictions."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.encoder.reader import Reader
from winnow.kinds.classification import examples, head, predictions
from winnow.training.finetuning import Recipe, Texts

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from winnow.kinds.classification.labels import Task
    from winnow.training import loop

LOSS = ("label_smoothing", "focal_gamma", "logit_adjustment")


@dataclass(frozen=True)
class Labelled:
    """What is read of some rows and what should be said of it.

    Attributes:
        truth: (rows,) int, the classes.
        weights: (rows,) float, what each row counts in the loss.
    """

    texts: Texts
    truth: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, task: "Task", rows: pa.Table, texts: Texts) -> "Labelled":
        """Return the texts of labelled rows with their classes; each row counts its `weight`, 1 where it has none."""
        weights = rows["weight"].to_numpy() if "weight" in rows.column_names else np.ones(rows.num_rows)
        return cls(texts, task.indices(rows["label"].to_pylist()), weights)


def build(task: "Task", folder: Path) -> "PreTrainedModel":
    """Return the encoder of `folder` with a fresh head, its outputs the task's labels in their order."""
    return head.build(folder, task.labels)


def load(task: "Task", folder: Path) -> "PreTrainedModel":
    """Return a fine-tuned classifier.

    Raises:
        UserError: the folder holds none, or one of other labels.
    """
    model = head.load(folder)
    known = [model.config.id2label[number] for number in range(model.config.num_labels)]
    if known != task.labels:
        raise UserError(f"{folder}: was trained for the labels {', '.join(known)}; run `dvc repro finetune`")
    return model


def encode(task: "Task", rows: pa.Table, reader: Reader) -> Texts:
    """Return what a model reads of rows (id, group, text): the text, and beside it what the folder's store shows."""
    store = examples.load(reader.folder)
    if store:
        return store.inputs(rows, reader)
    return Texts(reader.tokenize(rows["text"]), rows["id"].to_pylist())


def losses(task: "Task", rows: pa.Table, texts: Texts, recipe: Recipe, reader: Reader) -> "loop.LossOf":
    """Return (model, batch) -> loss by the recipe, and what it weighs, of labelled rows."""
    return class_losses(Labelled.of(task, rows, texts), len(task.labels), recipe, reader)


def predictor(task: "Task", rows: pa.Table, reader: Reader) -> "Callable[[torch.nn.Module], pa.Table]":
    """Return what predicts rows (id, group, split, text, label) by a model: prepared, and in evaluation mode."""
    return of_texts(task, rows, encode(task, rows, reader), reader)


def of_texts(task: "Task", rows: pa.Table, texts: Texts, reader: Reader) -> "Callable[[torch.nn.Module], pa.Table]":
    """Return what `predictor` does, where it is known what the model reads; its first outputs are the task's labels."""

    def predict(model: "torch.nn.Module") -> pa.Table:
        return predictions.table(task, rows, head.probabilities(model, texts, reader)[:, : len(task.labels)])

    return predict


def class_losses(
    labelled: Labelled, classes: int, recipe: Recipe, reader: Reader, part: slice = slice(None)
) -> "loop.LossOf":
    """Return (model, batch) -> loss by the recipe, and what it weighs.

    Args:
        classes: how many there are.
        part: which of the model's outputs are these classes.
    """
    import torch

    device, texts = reader.device, labelled.texts
    truth, counts = torch.tensor(labelled.truth), torch.tensor(labelled.weights, dtype=torch.float32)
    own = None if texts.own is None else torch.tensor(texts.own)
    shift = None
    if recipe.logit_adjustment:
        # A class without rows would have no logarithm; no row asks for it.
        shares = np.bincount(labelled.truth, minlength=classes).clip(min=1) / len(labelled.truth)
        shift = torch.tensor(recipe.logit_adjustment * np.log(shares), dtype=torch.float32, device=device)
    loss = head.Loss(recipe.label_smoothing, recipe.focal_gamma, shift)

    def loss_of(model: torch.nn.Module, batch: "loop.Batch") -> tuple[torch.Tensor, torch.Tensor]:
        chosen = batch.rows
        ids, mask = reader.pad([texts.tokens[row] for row in chosen])
        logits = head.logits(model, ids, mask, None if own is None else own[chosen].to(device))[:, part]
        target, weights = truth[chosen].to(device), counts[chosen].to(device)
        return loss.of(logits, target, weights), weights.sum()

    return loss_of
