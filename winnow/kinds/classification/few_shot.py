"""few_shot: learning from a few labels a class, by contrast, by examples in the input, or by both.

`contrast` is SetFit's method (Tunstall et al. 2022): the encoder learns from pairs of texts that those of one class
are alike (cosine 1) and those of two are not (cosine 0), and a logistic regression on what it then makes of the texts
becomes the head. n labels give about n^2 pairs, so few labels go far. `classify` is the loop of `transfer`. With
`examples`, what is read are the texts with their labelled neighbours (winnow.kinds.classification.examples).
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.base.params import Section
from winnow.encoder import batching, models
from winnow.kinds.classification import examples, head, logistic
from winnow.kinds.classification.model import Labelled, build, class_losses, encode, of_texts
from winnow.kinds.job import Job, Trained
from winnow.training import finetuning, loop

if TYPE_CHECKING:
    import pyarrow as pa
    import torch
    from transformers import PreTrainedModel

    from winnow.encoder.reader import Reader


class Settings(Section):
    """How a classifier learns from few labels; what is not here is in the recipe of section `finetune`.

    `freeze_embeddings` and `frozen_layers` take the place of the recipe's where they are not None: pairs are many, and
    move more of an encoder.
    """

    labels_per_class: int | None = Field(None, gt=1)
    """8, 16, 64 … of the training table, by hash. Null: all, as the other approaches."""

    method: Literal["contrast", "classify"] = "contrast"
    """`contrast`: pairs, then a regression as head (SetFit); `classify`: as `transfer`."""

    pairs: int = Field(4000, gt=0)
    """Pairs read in training, however many labels there are. 2000 do for 8 a class, and 16 want more."""

    batch_pairs: int = Field(16, gt=1)
    """Half of them of one class. More steps teach more than more pairs a step."""

    learning_rate: float = Field(1e-4, gt=0)
    """Learning rate of the encoder, in `contrast`."""

    freeze_embeddings: bool | None = None
    """In place of the recipe's. Null: as there."""

    frozen_layers: int | None = Field(0, ge=0)
    """In place of the recipe's. Null: as there."""

    regularization: float = Field(1.0, gt=0)
    """C of the head. Lower it where labels are noisy."""

    examples: int = Field(0, ge=0)
    """Labelled neighbours that stand beside each text."""

    example_tokens: int = Field(32, ge=4)
    """Tokens of each neighbour that are read, its label among them."""


@dataclass(frozen=True)
class PairBatch(loop.Batch):
    """The pairs of one step; `rows` are those that stand in any, each once.

    Attributes:
        pairs: (pairs, 2) int, numbers of rows.
        same: (pairs,) bool, whether both are of one class.
    """

    pairs: np.ndarray = field(kw_only=True)
    same: np.ndarray = field(kw_only=True)

    def __len__(self) -> int:
        return len(self.pairs)

    def parts(self, count: int) -> list["PairBatch"]:
        cut = zip(np.array_split(self.pairs, count), np.array_split(self.same, count), strict=True)
        return [PairBatch(np.unique(pairs), self.epoch, pairs=pairs, same=same) for pairs, same in cut]


def train(job: Job, settings: Settings) -> Trained:
    """Return the classifier, and the store of its examples if it reads any."""
    own = {name: getattr(settings, name) for name in ("freeze_embeddings", "frozen_layers")}
    own = {name: value for name, value in own.items() if value is not None}
    job = replace(job, recipe=job.recipe.model_copy(update=own))
    task, reader = job.task, job.reader
    rows, store = few(job.rows, task.labels, settings.labels_per_class), None
    if settings.examples:
        store = examples.build(rows, settings.examples, settings.example_tokens, reader)

    def read(rows: "pa.Table") -> finetuning.Texts:
        return store.inputs(rows, reader) if store else encode(task, rows, reader)

    learnt, add = Labelled.of(task, rows, read(rows)), store.save if store else None
    model = finetuning.prepare(build(task, job.folder), job.recipe)
    if settings.method == "classify":
        run = job.run(job.early_stop(lambda dev: of_texts(task, dev, read(dev), reader)))
        loss_of = class_losses(learnt, len(task.labels), job.recipe, reader)
        return Trained(model, finetuning.train(model, learnt.texts, loss_of, run), add)
    if job.patience is not None:
        raise UserError(
            "params.yaml: finetune.patience: learning by contrast has no epochs to stop after; set it to null"
        )
    cache = finetuning.frozen(model, learnt.texts, job.run(None))
    with cache.attached(model) if cache else nullcontext():
        curve = contrast(model, learnt, settings, job)
        set_head(model, learnt, settings, reader)
    return Trained(model, curve, add)


def few(rows: "pa.Table", labels: list[str], per_label: int | None) -> "pa.Table":
    """Return `per_label` rows of each label, those of lowest hash, sorted by id; None: all rows.

    A larger number holds the rows of the smaller. A row that `balance` oversamples counts once.

    Raises:
        UserError: a label has fewer rows.
    """
    if per_label is None:
        return rows
    ids, given = rows["id"].to_pylist(), rows["label"].to_pylist()
    first = {id: place for place, id in reversed(list(enumerate(ids)))}
    chosen = []
    for label in labels:
        places = [place for place in first.values() if given[place] == label]
        places.sort(key=lambda place: hashing.digest(ids[place]))
        if len(places) < per_label:
            raise UserError(
                f"params.yaml: labels_per_class is {per_label}, but '{label}' has {len(places)} training rows; lower "
                f"it, or raise balance.max_labels"
            )
        chosen += places[:per_label]
    return rows.take(sorted(chosen))


def pairs(truth: np.ndarray, count: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return random pairs of rows, (count, 2) int, and whether each is of one class, (count,) bool: every other is.

    Memory grows with `count` alone: partners are drawn by their place among rows that are sorted by class. Classes of
    one row have no pair of their own.

    Args:
        truth: (rows,) int, at least two classes, one of them with two rows.
    """
    order = np.argsort(truth, kind="stable")
    counts = np.bincount(truth)
    starts = np.cumsum(counts) - counts
    same = np.arange(count) % 2 == 0
    paired = np.flatnonzero(counts[truth[order]] > 1)
    first = np.where(
        same, paired[generator.integers(len(paired), size=count)], generator.integers(len(truth), size=count)
    )
    start, many = starts[truth[order[first]]], counts[truth[order[first]]]
    inside = start + (first - start + 1 + generator.integers(np.maximum(many - 1, 1))) % many
    outside = generator.integers(len(truth) - many)
    outside = np.where(outside < start, outside, outside + many)
    return order[np.stack([first, np.where(same, inside, outside)], axis=1)], same


def contrast(model: "PreTrainedModel", rows: Labelled, settings: Settings, job: Job) -> list[dict]:
    """Train all of `model` below its output layer on pairs, and return the curve, one dict a step.

    The loss is SetFit's: the squared error of the cosine of two texts' features. A text that stands in several pairs
    of a batch is read once. The pairs are a function of the seed and the step.
    """
    import torch

    if np.bincount(rows.truth).max() < 2:
        raise UserError("few_shot: no class has two training rows, so there are no pairs; raise labels_per_class")
    steps = -(-settings.pairs // settings.batch_pairs)
    generators = (np.random.Generator(np.random.Philox(key=[job.seed, step])) for step in range(steps))
    drawn = (pairs(rows.truth, settings.batch_pairs, generator) for generator in generators)
    batches = [PairBatch(np.unique(chosen), pairs=chosen, same=same) for chosen, same in drawn]
    device = job.accelerator.device

    def loss_of(model, batch: PairBatch) -> tuple[torch.Tensor, torch.Tensor]:
        units = torch.nn.functional.normalize(_features(model, rows.texts, batch.rows, job.reader), dim=1)
        places = np.searchsorted(batch.rows, batch.pairs)
        left, right = units[torch.tensor(places, device=device)].unbind(dim=1)
        target = torch.tensor(batch.same, dtype=torch.float32, device=device)
        loss = torch.nn.functional.mse_loss((left * right).sum(dim=1), target)
        return loss, torch.tensor(float(len(batch)), device=device)

    recipe = job.recipe.model_copy(
        update={"learning_rate": settings.learning_rate, "head_learning_rate": settings.learning_rate}
    )
    training = loop.Training(
        batches=batches,
        loss_of=loss_of,
        warmup_steps=int(recipe.warmup_share * steps),
        seed=job.seed,
        ids=rows.texts.ids,
        longest=max(map(len, rows.texts.tokens)),
        saved=job.saved.series("contrast"),
    )
    with _without_head(model):
        groups = finetuning.parameter_groups(model, model, recipe)
        curve = loop.fit(model, groups, training, job.accelerator)
    return [{"step": step, "epoch": 1} | point for step, point in enumerate(curve, start=1)]


def set_head(model: "PreTrainedModel", rows: Labelled, settings: Settings, reader: "Reader") -> None:
    """Fit a logistic regression on the rows' features, and make it the model's output layer.

    The features are scaled to a mean length of one, so that the penalty means the same for every encoder.
    """
    import torch

    model.to(reader.device).eval()
    parent, name = head.output_layer(model)
    layer = getattr(parent, name)
    features = np.zeros((len(rows.texts.tokens), layer.in_features), dtype=np.float32)
    with _without_head(model), torch.inference_mode(), reader.accelerator.autocast():
        for batch in batching.by_length(models.lengths(rows.texts.tokens), reader.batch_tokens):
            features[batch] = _features(model, rows.texts, batch, reader).cpu().numpy()
    length = float(np.linalg.norm(features, axis=1).mean())
    fitted = logistic.fit(features / length, rows.truth, settings.regularization, rows.weights)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(fitted.weights.T / length))
        layer.bias.copy_(torch.from_numpy(fitted.intercepts))


def _features(
    model: "PreTrainedModel", texts: finetuning.Texts, chosen: np.ndarray, reader: "Reader"
) -> "torch.Tensor":
    """Return the mean of what a model without its head makes of the tokens of `chosen` rows, (rows, dimensions)."""
    import torch

    ids, mask = reader.pad([texts.tokens[row] for row in chosen])
    own = None if texts.own is None else torch.as_tensor(texts.own[chosen], device=reader.device)
    return head.logits(model, ids, mask, own)


@contextmanager
def _without_head(model: "PreTrainedModel") -> Iterator[None]:
    """Let the model give features instead of logits until the block ends."""
    import torch

    parent, name = head.output_layer(model)
    layer = getattr(parent, name)
    setattr(parent, name, torch.nn.Identity())
    try:
        yield
    finally:
        setattr(parent, name, layer)
