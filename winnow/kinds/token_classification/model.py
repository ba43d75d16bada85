"""A model that an encoder is fine-tuned into: each piece of a text has a tag, from which spans are read.

It is a token classifier of transformers, whose outputs are `Task.tags` in their order; its pipeline reads the same
spans. Long texts are read in windows that overlap, in training too: each piece counts once, in its home.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.encoder.reader import Reader
from winnow.kinds.classification import head
from winnow.kinds.token_classification import decoding, predictions, windows, words
from winnow.kinds.token_classification.labels import Task
from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.predictions import Told
from winnow.kinds.token_classification.windows import Windows
from winnow.training.finetuning import Recipe

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from winnow.training import loop

LOSS = ("label_smoothing", "focal_gamma")
IGNORED = -100  # the tag of a token that does not count; torch's name for it


def build(task: Task, folder: Path) -> "PreTrainedModel":
    """Return the encoder of `folder` with a fresh head, its outputs the tags in their order."""
    return head.build(folder, task.tags)


def load(task: Task, folder: Path) -> "PreTrainedModel":
    """Return a fine-tuned model.

    Raises:
        UserError: the folder holds none, or one of other labels.
    """
    model = head.load(folder)
    known = [model.config.id2label[number] for number in range(model.config.num_labels)]
    if known != task.tags:
        raise UserError(f"{folder}: was trained for another task, with {', '.join(known)}; run `dvc repro finetune`")
    return model


def encode(task: Task, rows: pa.Table, reader: Reader) -> Windows:
    """Return what a model reads of rows (id, group, text): all of each text."""
    return windows.cut(rows["text"], rows["id"].to_pylist(), reader)


def losses(task: Task, rows: pa.Table, texts: Windows, recipe: Recipe, reader: Reader) -> "loop.LossOf":
    """Return (model, batch) -> loss by the recipe, and what it weighs, of labelled rows with a weight."""
    truth = targets(task, rows["label"].to_pylist(), texts)
    return tag_losses(texts, truth, rows["weight"].to_numpy(), recipe, reader)


def targets(task: Task, labels: Sequence[str], texts: Windows) -> np.ndarray:
    """Return the tag that each token should have, (tokens,) int64; `IGNORED` where it is not a piece in its home."""
    found = np.full(len(texts.is_home), IGNORED, dtype=np.int64)
    home = np.flatnonzero(texts.is_home)
    bounds = np.searchsorted(texts.row_of_token[home], np.arange(len(labels) + 1))
    for row, label in enumerate(labels):
        own = home[bounds[row] : bounds[row + 1]]
        found[own] = words.tags(task, label, texts.offsets[own])
    return found


def tag_losses(texts: Windows, truth: np.ndarray, weights: np.ndarray, recipe: Recipe, reader: Reader) -> "loop.LossOf":
    """Return (model, batch) -> mean cross-entropy over pieces, each as its text weighs, and what these weigh.

    The focal loss (Lin et al. 2017) counts pieces less that the model has right already: most are outside of all spans.

    Args:
        truth: (tokens,) int64, from `targets`.
        weights: (rows,) float, of the texts.
    """
    import torch

    smooth, focus = recipe.label_smoothing, recipe.focal_gamma

    def loss_of(model: torch.nn.Module, batch: "loop.Batch") -> tuple[torch.Tensor, torch.Tensor]:
        ids, mask = reader.pad([texts.tokens[window] for window in batch.rows])
        target = np.full(ids.shape, IGNORED)
        for place, window in enumerate(batch.rows):
            own = truth[texts.bounds[window] : texts.bounds[window + 1]]
            target[place, : len(own)] = own
        counts = (target != IGNORED) * np.asarray(weights, np.float32)[texts.row[batch.rows]][:, None]
        logits = model(input_ids=ids, attention_mask=mask).logits.float().flatten(0, 1)
        wanted = torch.from_numpy(target).to(reader.device).flatten()
        weight = torch.from_numpy(counts).float().to(reader.device).flatten()
        each = torch.nn.functional.cross_entropy(logits, wanted, reduction="none", label_smoothing=smooth)
        if focus:
            right = torch.softmax(logits, dim=-1).gather(1, wanted.clamp_min(0).unsqueeze(1)).squeeze(1)
            each = each * (1 - right).clamp_min(1e-6) ** focus  # at 0 a root has no gradient
        total = weight.sum()
        return (each * weight).sum() / total.clamp_min(1e-9), total  # of no piece at all, 0

    return loss_of


def predictor(task: Task, rows: pa.Table, reader: Reader) -> "Callable[[torch.nn.Module], pa.Table]":
    """Return what predicts rows (id, group, split, text, label) by a model: prepared, and in evaluation mode."""
    read, texts = encode(task, rows, reader), rows["text"].to_pylist()
    layout = Layout.of(texts)

    def predict(model: "torch.nn.Module") -> pa.Table:
        # While further tasks are learnt beside, they have outputs too.
        chances = probabilities(model, read, reader)[:, : len(task.tags)]
        of_words = decoding.of_words(read, chances, layout)
        said = [Told.of(layout.offsets[own], of_words[own]) for own in map(layout.own, range(layout.rows))]
        return predictions.table(task, rows, decoding.spans(task, read, chances, texts), said)

    return predict


def probabilities(model: "torch.nn.Module", texts: Windows, reader: Reader) -> np.ndarray:
    """Return the probability of each tag, (tokens, tags) float32, of all tokens of the windows.

    Args:
        model: prepared by the accelerator and in evaluation mode.
    """
    import torch

    tags = reader.accelerator.unwrap_model(model).config.num_labels
    found = np.zeros((len(texts.is_piece), tags), np.float32)
    with torch.inference_mode(), reader.accelerator.autocast():
        for batch, ids, mask in reader.batches(texts.tokens, "predicting"):
            own = torch.softmax(model(input_ids=ids, attention_mask=mask).logits.float(), dim=-1).cpu().numpy()
            for place, window in enumerate(batch):
                first, end = texts.bounds[window], texts.bounds[window + 1]
                found[first:end] = own[place, : end - first]
    return found
