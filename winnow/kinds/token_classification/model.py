"""A model that an encoder is fine-tuned into: each piece of a text has a tag, from which spans are read.

It is a token classifier of transformers, whose outputs are `Task.tags` in their order; its pipeline reads the same
spans by the strategy that the model's folder names. Long texts are read in windows that overlap, in training too: each
piece counts once, in its home.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow import kinds
from winnow.base.errors import UserError
from winnow.encoder.reader import Reader
from winnow.kinds.classification import head
from winnow.kinds.token_classification import decoding, predictions, windows, words
from winnow.kinds.token_classification.labels import Strategy, Task, spans
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
PREFERRED: tuple[Strategy, ...] = ("average", "first", "simple")  # the best measured first
SETTLED_BY = 2000  # rows of the training table, from its first on
MOST_LOST = 0.02  # of the entity F1 of a model that has each piece right
LONGEST = 10**6  # tokens of a text


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


def settled(task: Task, rows: pa.Table, reader: Reader) -> Task:
    """Return the task with a strategy, by labelled rows to learn from where it leaves that open.

    The strategy is the first of `PREFERRED` by which a model that has each piece right loses hardly an entity. It loses
    some where what transformers' pipeline holds for a word is none: to it, with most tokenizers, a comma belongs to the
    word before. By `average` also where entities of one type often stand side by side.
    """
    if task.aggregation:
        return task
    f1 = right(task, rows.slice(0, SETTLED_BY), reader)
    least = f1("simple") - MOST_LOST
    return task.model_copy(update={"aggregation": next(own for own in PREFERRED if f1(own) >= least)})


def right(task: Task, rows: pa.Table, reader: Reader) -> Callable[[Strategy], float]:
    """Return what entity F1 a model would have by a strategy that has each piece of these rows right."""
    labels = rows["label"].to_pylist()
    # Whole texts: no target says what a piece should be where it is not at home.
    texts = encode(task, rows, replace(reader, max_length=LONGEST))
    chances = np.eye(len(task.tags))[np.maximum(targets(task, labels, texts), words.OUTSIDE)]
    entities = {(row, *span) for row, label in enumerate(labels) for span in spans(label)}

    def f1(strategy: Strategy) -> float:
        read = decoding.spans(task, texts, chances, rows["text"].to_pylist(), strategy)
        found = {(row, *span) for row, own in enumerate(read) for span, _ in own}
        return 2 * len(entities & found) / max(len(entities) + len(found), 1)

    return f1


def strategy_of(task: Task, folder: Path) -> Strategy:
    """Return how the spans of a model are read: as the task or the model's folder says, else `simple`."""
    if task.aggregation is None and (folder / kinds.TASK_FILE).exists():
        task = kinds.saved_task(folder)
    return task.aggregation or "simple"


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
    read, texts, strategy = encode(task, rows, reader), rows["text"].to_pylist(), strategy_of(task, reader.folder)
    layout = Layout.of(texts)

    def predict(model: "torch.nn.Module") -> pa.Table:
        # While further tasks are learnt beside, they have outputs too.
        chances = probabilities(model, read, reader)[:, : len(task.tags)]
        of_words = decoding.of_words(read, chances, layout)
        said = [Told.of(layout.offsets[own], of_words[own]) for own in map(layout.own, range(layout.rows))]
        return predictions.table(task, rows, decoding.spans(task, read, chances, texts, strategy), said)

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
