"""multitask: one encoder, a head for each of several tasks; what one task teaches the encoder may help another.

The task's own rows are those of the training table. Each column `aux_<task>` of the data is a further task, whose
labels cost nobody a review: they come with the source, and for many more rows (all of the train split) than the label
budget. Their heads are parts of one output layer; when training ends, the task's own is cut out and kept. Hidden words
of the same rows may be one more task (`masked_lm`), with a head of its own.

A batch is of one task. Over a run, tasks are drawn in proportion to rows^alpha (temperature sampling, as in Raffel et
al. 2020, section 3.5.2), the task's own rows as often as `finetune` says.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from winnow.base.errors import UserError
from winnow.base.params import Section
from winnow.encoder import batching, masked_lm, models
from winnow.kinds.classification import head
from winnow.kinds.classification.model import Labelled, class_losses, encode, of_texts
from winnow.kinds.classification.weights import class_weights
from winnow.kinds.job import Job, Trained
from winnow.training import finetuning, loop
from winnow.training.finetuning import Texts
from winnow.training.keeping import Keeper
from winnow.training.masked import MaskedLM

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from winnow.kinds.job import Predict

OWN = 0  # the place of the task's own rows among the tasks
WORDS = "masked_lm"  # the task of hidden words


class Settings(Section):
    """Which further tasks there are and how much they count; what is not here is in the recipe of `finetune`."""

    tasks: list[str] | None = None
    """Names of `aux_<task>` columns. Null: all; an empty list: none, with `masked_lm`."""

    masked_lm: bool = False
    """`true`: words hidden in the same rows are one more task, where the domain's words are new."""

    mask_share: float = Field(0.2, gt=0, lt=1)
    """Of `masked_lm`: the share of the words that are hidden."""

    min_rows: int = Field(20, gt=0)
    """A label of a further task with fewer rows teaches nothing."""

    alpha: float = Field(0.0, ge=0, le=1)
    """Batches of a task go with rows^alpha: 0 as many of each, 1 as many as it has rows. The time grows with it."""

    weighting: Literal["fixed", "uncertainty"] = "fixed"
    """`uncertainty`: how much a task counts is learnt."""

    weights: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """By task, the factor of its loss, with weighting `fixed`; 1 where none is named."""


@dataclass(frozen=True)
class Classes:
    """A task of classes: its name, its labels, which of the model's outputs they are, and its rows."""

    name: str
    labels: list[str]
    part: slice
    rows: Labelled


@dataclass(frozen=True)
class Task:
    """A task as the training sees it.

    Attributes:
        ids: (rows,) their names, for errors.
        lengths: (rows,) int, tokens of each row.
        loss_of: (what `shared` returned, a batch with the task's own numbers of rows) -> as in `loop.fit`.
    """

    name: str
    ids: Sequence[str]
    lengths: np.ndarray
    loss_of: "loop.LossOf"


@dataclass(frozen=True)
class Own:
    """What a run is for.

    Attributes:
        outputs: the names of the model's outputs that are kept, in their order.
        task: the task's own rows; its loss reads these outputs alone.
        predictor: gives what predicts the rows of a table (id, group, split, text, label).
    """

    outputs: list[str]
    task: Task
    predictor: "Callable[[pa.Table], Predict]"


def train(job: Job, settings: Settings) -> Trained:
    """Return the classifier of the task's own labels.

    Raises:
        UserError: a task of the settings is no column of the data, or there is no further task.
    """
    labels, rows = job.task.labels, Labelled.of(job.task, job.rows, encode(job.task, job.rows, job.reader))

    def predictor(dev: pa.Table) -> "Predict":
        return of_texts(job.task, dev, encode(job.task, dev, job.reader), job.reader)

    own = _of_classes(Classes("own", labels, slice(0, len(labels)), rows), job)
    return together(job, settings, Own(labels, own, predictor))


def together(job: Job, settings: Settings, own: Own) -> Trained:
    """Return a model of the outputs of `own`, which learnt the further tasks too.

    Raises:
        UserError: a task of the settings is no column of the data, or there is no further task.
    """
    further = auxiliary(job, settings, len(own.outputs))
    names = [f"{task.name}: {label}" for task in further for label in task.labels]
    model = finetuning.prepare(head.build(job.folder, own.outputs + names), job.recipe)
    tasks = [own.task, *(_of_classes(task, job) for task in further)]
    if settings.masked_lm:
        tasks.append(_of_words(settings, job))
    factors = [1.0, *_factors(settings, [task.name for task in tasks[1:]])]
    is_learnt = settings.weighting == "uncertainty"
    trained = shared(model, job.folder if settings.masked_lm else None, len(tasks) if is_learnt else 0)
    drawn, ends = schedule([task.lengths for task in tasks], settings.alpha, job)
    # The loop knows one numbering of rows: that of all tasks' rows, one task after the other.
    first = np.cumsum([0, *(len(task.ids) for task in tasks[:-1])])
    batches = [loop.Batch(first[number] + batch.rows, batch.epoch) for number, batch in drawn]

    def loss_of(trained: "torch.nn.Module", batch: loop.Batch) -> "tuple[torch.Tensor, torch.Tensor]":
        number = int(np.searchsorted(first, batch.rows[0], side="right")) - 1
        loss, weight = tasks[number].loss_of(trained, loop.Batch(batch.rows - first[number], batch.epoch))
        if not is_learnt:
            return factors[number] * loss, weight
        # Kendall et al. 2018 for cross-entropy, s the logarithm of the task's variance: exp(-s) loss + s / 2.
        variance = trained.log_variances[number]
        return (-variance).exp() * loss + variance / 2, weight

    training = loop.Training(
        batches=batches,
        loss_of=loss_of,
        warmup_steps=int(job.recipe.warmup_share * len(batches)),
        seed=job.seed,
        ids=[id for task in tasks for id in task.ids],
        longest=job.max_length,
        saved=job.saved.series("train"),
        keeper=Keeper(model, ends, job.recipe.average_decay, job.early_stop(own.predictor)),
    )
    groups = finetuning.parameter_groups(model, trained, job.recipe)
    curve = loop.fit(trained, groups, training, job.accelerator)
    keep(model, own.outputs)
    epochs = 1 + np.searchsorted(ends, np.arange(len(curve)), side="right")
    steps = enumerate(zip(epochs.tolist(), curve, strict=True), start=1)
    return Trained(model, [{"step": step, "epoch": epoch} | point for step, (epoch, point) in steps])


def shared(classifier: "PreTrainedModel", words: Path | None, variances: int) -> "torch.nn.Module":
    """Return what all tasks train: `classifier`, and beside it, on the same encoder, what else they need.

    Args:
        words: folder of the encoder, for a masked-LM head (`body`, as objectives know it); None: without one.
        variances: logarithms of tasks' variances, which begin at 0: all count alike.
    """
    import torch

    whole = torch.nn.Module()
    whole.classifier = classifier
    if words:
        whole.body = masked_lm.load(words)
        setattr(whole.body, whole.body.base_model_prefix, classifier.base_model)
        whole.body.tie_weights()  # its output layer to the embeddings that are now its own
    if variances:
        whole.log_variances = torch.nn.Parameter(torch.zeros(variances))
    return whole


def _of_classes(task: Classes, job: Job) -> Task:
    part_of = class_losses(task.rows, len(task.labels), job.recipe, job.reader, task.part)

    def loss_of(trained: "torch.nn.Module", batch: loop.Batch) -> "tuple[torch.Tensor, torch.Tensor]":
        return part_of(trained.classifier, batch)

    return Task(task.name, task.rows.texts.ids, models.lengths(task.rows.texts.tokens), loss_of)


def _of_words(settings: Settings, job: Job) -> Task:
    """Return the task of hidden words, in the rows of all other tasks."""
    columns = ["id", "text"]
    rows = pa.concat_tables([table.select(columns) for table in (job.auxiliary, job.rows)])
    rows = rows.group_by("id", use_threads=False).aggregate([("text", "first")]).rename_columns(columns)
    tokenizer = job.reader.tokenizer
    passages = masked_lm.passages(rows["id"].to_pylist(), rows["text"].to_pylist(), tokenizer, job.max_length)
    masking = masked_lm.Masking(tokenizer, settings.mask_share, job.seed)
    objective = MaskedLM(passages, masking, job.accelerator.device)

    def loss_of(trained: "torch.nn.Module", batch: loop.Batch) -> "tuple[torch.Tensor, torch.Tensor]":
        return objective.loss(trained, batch.rows, batch.epoch)

    return Task(WORDS, passages.keys, models.lengths(passages.tokens), loss_of)


def _factors(settings: Settings, names: list[str]) -> list[float]:
    """Return what the loss of each further task counts.

    Raises:
        UserError: the settings weigh a task that there is not.
    """
    for name in settings.weights:
        if name not in names:
            raise UserError(
                f"params.yaml: approaches.multitask.weights: no task '{name}'; there are: {', '.join(names)}"
            )
    return [settings.weights.get(name, 1.0) for name in names]


def auxiliary(job: Job, settings: Settings, outputs: int) -> list[Classes]:
    """Return the further tasks in the order of their names, each with its labels of at least `min_rows` rows.

    Args:
        outputs: how many outputs of the model are the task's own; theirs follow.

    Raises:
        UserError: a task that is asked for does not exist or has fewer than two such labels, or there is none at all.
    """
    known = sorted(name.removeprefix("aux_") for name in job.auxiliary.column_names if name.startswith("aux_"))
    for name in settings.tasks or []:
        if name not in known:
            raise UserError(
                f"params.yaml: approaches.multitask.tasks: no column aux_{name}; known: {', '.join(known) or 'none'}"
            )
    tokens = job.reader.tokenize(job.auxiliary["text"].to_pylist())
    ids = job.auxiliary["id"].to_pylist()
    tasks, start = [], outputs
    for name in known if settings.tasks is None else sorted(settings.tasks):
        given = job.auxiliary[f"aux_{name}"].to_pylist()
        counts = Counter(label for label in given if label is not None)
        labels = sorted(label for label, count in counts.items() if count >= settings.min_rows)
        if len(labels) > 1:
            number = {label: place for place, label in enumerate(labels)}
            places = [place for place, label in enumerate(given) if label in number]
            kept = [given[place] for place in places]
            weights = class_weights(kept, "sqrt")
            rows = Labelled(
                Texts([tokens[place] for place in places], [ids[place] for place in places]),
                np.array([number[label] for label in kept]),
                np.array([weights[label] for label in kept]),
            )
            tasks.append(Classes(name, labels, slice(start, start + len(labels)), rows))
            start += len(labels)
        elif settings.tasks is not None:
            raise UserError(
                f"params.yaml: approaches.multitask.tasks: '{name}' has {len(labels)} label(s) of at least min_rows "
                f"{settings.min_rows} rows, and needs two"
            )
    if not tasks and not settings.masked_lm:
        raise UserError(
            "params.yaml: arms: multitask needs a further task with two labels: map aux columns in collect.sources, "
            "lower approaches.multitask.min_rows, or set approaches.multitask.masked_lm"
        )
    return tasks


def schedule(lengths: list[np.ndarray], alpha: float, job: Job) -> tuple[list[tuple[int, loop.Batch]], list[int]]:
    """Return the batches of a run, each with its task's number, and the numbers of the steps that end an epoch.

    Args:
        lengths: of each task, (rows,) int, the tokens of its rows.
        alpha: 0: as many batches of each task; 1: in proportion to rows.
    """
    budget, seed = job.recipe.batch_tokens, job.seed
    queues = [_endless(of_task, budget, seed) for of_task in lengths]
    batches, ends = [], []
    for epoch in range(job.recipe.passes(len(lengths[OWN]))):
        own = len(batching.shuffled(lengths[OWN], budget, seed, epoch))
        shares = [(len(of_task) / len(lengths[OWN])) ** alpha for of_task in lengths]
        order = np.repeat(np.arange(len(lengths)), [max(1, round(own * share)) for share in shares])
        # Other draws than those of `batching.shuffled`, whose keys end in the epoch too.
        np.random.Generator(np.random.Philox(key=[seed, 1 << 32 | epoch])).shuffle(order)
        batches += [(int(task), next(queues[task])) for task in order]
        ends.append(len(batches))
    return batches, ends


def keep(model: "PreTrainedModel", labels: list[str]) -> None:
    """Cut the model's output layer down to its first outputs, those of `labels`."""
    import torch

    parent, name = head.output_layer(model)
    layer = getattr(parent, name)
    cut = torch.nn.Linear(layer.in_features, len(labels), device=layer.weight.device)
    with torch.no_grad():
        cut.weight.copy_(layer.weight[: len(labels)])
        cut.bias.copy_(layer.bias[: len(labels)])
    setattr(parent, name, cut)
    model.num_labels = model.config.num_labels = len(labels)
    model.config.id2label = dict(enumerate(labels))
    model.config.label2id = {label: number for number, label in enumerate(labels)}


def _endless(lengths: np.ndarray, budget: int, seed: int) -> Iterator[loop.Batch]:
    """Yield batches, epoch after epoch."""
    for epoch in itertools.count():
        for rows in batching.shuffled(lengths, budget, seed, epoch):
            yield loop.Batch(rows, epoch)
