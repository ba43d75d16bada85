"""multitask: one encoder, a head for each of several tasks; what one task teaches the encoder may help another.

The task's own rows are those of the training table. Each column `aux_<task>` of the data is a further task, whose
labels cost nobody a review: they come with the source, and for many more rows (all of the train split) than the label
budget. The heads are parts of one output layer; when training ends, the task's own is cut out and kept.

A batch is of one task. Over a run, tasks are drawn in proportion to rows^alpha (temperature sampling, as in Raffel et
al. 2020, section 3.5.2), the task's own rows `finetune.epochs` times.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from winnow import batching, encoder, training
from winnow.approaches.job import Job, Trained
from winnow.errors import UserError
from winnow.params import Section
from winnow.tasks import finetuning, head
from winnow.tasks.keeping import Keeper
from winnow.tasks.weights import class_weights

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

OWN = 0  # the place of the task's own rows among the tasks


class Settings(Section):
    """Which further tasks there are and how much they count; what is not here is in the recipe of `finetune`."""

    tasks: list[str] | None
    min_rows: int = Field(gt=0)
    alpha: float = Field(ge=0, le=1)
    weighting: Literal["fixed", "uncertainty"]
    weights: dict[str, Annotated[float, Field(gt=0)]]


@dataclass(frozen=True)
class Task:
    """One of the tasks: its name, its labels, which of the model's outputs they are, and its rows."""

    name: str
    labels: list[str]
    part: slice
    rows: finetuning.Rows


def train(job: Job, settings: Settings) -> Trained:
    """Return the classifier of the task's own labels.

    Raises:
        UserError: a task of the settings is no column of the data, or no further task has two labels.
    """
    tokenizer = encoder.load_tokenizer(job.folder)
    own = Task("own", job.labels, slice(0, len(job.labels)), job.inputs(job.rows, tokenizer))
    tasks = [own, *auxiliary(job, settings, tokenizer)]
    names = [f"{task.name}: {label}" for task in tasks[1:] for label in task.labels]
    model = finetuning.build(job.folder, job.labels + names, job.recipe)
    stop = job.early_stop(tokenizer)
    drawn, ends = schedule([encoder.lengths(task.rows.tokens) for task in tasks], settings.alpha, job)
    # The loop knows one numbering of rows: that of all tasks' rows, one task after the other.
    first = np.cumsum([0, *(len(task.rows.tokens) for task in tasks[:-1])])
    batches = [training.Batch(first[number] + rows) for number, rows in drawn]
    losses = [
        finetuning.losses(task.rows, tokenizer.pad_token_id, job.recipe, job.accelerator, len(task.labels), task.part)
        for task in tasks
    ]
    counts = [1.0] + [settings.weights.get(task.name, 1.0) for task in tasks[1:]]
    is_learnt = settings.weighting == "uncertainty"
    trained = _with_variances(model, len(tasks)) if is_learnt else model

    def loss_of(trained: "torch.nn.Module", batch: training.Batch) -> "tuple[torch.Tensor, torch.Tensor]":
        number = int(np.searchsorted(first, batch.rows[0], side="right")) - 1
        rows = training.Batch(batch.rows - first[number])
        if not is_learnt:
            loss, weight = losses[number](trained, rows)
            return counts[number] * loss, weight
        # Kendall et al. 2018 for cross-entropy, s the logarithm of the task's variance: exp(-s) loss + s / 2.
        variance = trained.log_variances[number]
        loss, weight = losses[number](trained.model, rows)
        return (-variance).exp() * loss + variance / 2, weight

    keeper = Keeper(model, ends, job.recipe.average_decay, stop)
    warmup = int(job.recipe.warmup_share * len(batches))
    groups = finetuning.parameter_groups(model, trained, job.recipe)
    curve = training.fit(
        job.accelerator, trained, groups, batches, loss_of, warmup,
        seed=job.seed, ids=[id for task in tasks for id in task.rows.ids],
        saved=job.saved.series("train"), keeper=keeper,
    )  # fmt: skip
    keep(model, job.labels)
    epochs = 1 + np.searchsorted(ends, np.arange(len(curve)), side="right")
    steps = enumerate(zip(epochs.tolist(), curve, strict=True), start=1)
    return Trained(model, [{"step": step, "epoch": epoch} | point for step, (epoch, point) in steps])


def auxiliary(job: Job, settings: Settings, tokenizer) -> list[Task]:
    """Return the further tasks in the order of their names, each with its labels of at least `min_rows` rows.

    Raises:
        UserError: a task that is asked for does not exist or has fewer than two such labels, or no task has two.
    """
    known = sorted(name.removeprefix("aux_") for name in job.auxiliary.column_names if name.startswith("aux_"))
    for name in settings.tasks or []:
        if name not in known:
            raise UserError(
                f"params.yaml: approaches.multitask.tasks: no column aux_{name}; known: {', '.join(known) or 'none'}"
            )
    tokens = encoder.tokenize(tokenizer, job.auxiliary["text"].to_pylist(), job.recipe.max_length)
    ids = job.auxiliary["id"].to_pylist()
    tasks, start = [], len(job.labels)
    for name in known if settings.tasks is None else sorted(settings.tasks):
        given = job.auxiliary[f"aux_{name}"].to_pylist()
        counts = Counter(label for label in given if label is not None)
        labels = sorted(label for label, count in counts.items() if count >= settings.min_rows)
        if len(labels) > 1:
            number = {label: place for place, label in enumerate(labels)}
            places = [place for place, label in enumerate(given) if label in number]
            kept = [given[place] for place in places]
            weights = class_weights(kept, "sqrt")
            rows = finetuning.Rows(
                [tokens[place] for place in places],
                np.array([number[label] for label in kept]),
                np.array([weights[label] for label in kept]),
                [ids[place] for place in places],
            )
            tasks.append(Task(name, labels, slice(start, start + len(labels)), rows))
            start += len(labels)
        elif settings.tasks is not None:
            raise UserError(
                f"params.yaml: approaches.multitask.tasks: '{name}' has {len(labels)} label(s) of at least min_rows "
                f"{settings.min_rows} rows, and needs two"
            )
    if not tasks:
        raise UserError(
            "params.yaml: arms: multitask needs a further task with two labels: map aux columns in collect.sources, or "
            "lower approaches.multitask.min_rows"
        )
    return tasks


def schedule(lengths: list[np.ndarray], alpha: float, job: Job) -> tuple[list[tuple[int, np.ndarray]], list[int]]:
    """Return the batches of a run, (task, row numbers) each, and the numbers of the steps that end an epoch.

    Args:
        lengths: of each task, (rows,) int, the tokens of its rows.
        alpha: 0: as many batches of each task; 1: in proportion to rows.
    """
    budget, seed = job.recipe.batch_tokens, job.seed
    queues = [_endless(of_task, budget, seed) for of_task in lengths]
    batches, ends = [], []
    for epoch in range(job.recipe.epochs):
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


def _endless(lengths: np.ndarray, budget: int, seed: int) -> Iterator[np.ndarray]:
    """Yield batches of row numbers, epoch after epoch."""
    for epoch in itertools.count():
        yield from batching.shuffled(lengths, budget, seed, epoch)


def _with_variances(model: "PreTrainedModel", tasks: int) -> "torch.nn.Module":
    """Return a module of `model` and the logarithms of the tasks' variances, which begin at 0: all count alike."""
    import torch

    trained = torch.nn.Module()
    trained.model = model
    trained.log_variances = torch.nn.Parameter(torch.zeros(tasks))
    return trained
