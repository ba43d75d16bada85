"""What an approach to fine-tuning gets and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow import kinds
from winnow.base.errors import UserError
from winnow.encoder.reader import Reader
from winnow.kinds.task import Task
from winnow.rows import tables
from winnow.training import checkpoints
from winnow.training.finetuning import Recipe, Run
from winnow.training.keeping import EarlyStop

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from transformers import PreTrainedModel

    # what predicts some rows: a model -> a table of predictions
    Predict = Callable[[torch.nn.Module], pa.Table]


@dataclass(frozen=True)
class Job:
    """One run of fine-tuning.

    Attributes:
        rows: the training table: id, group, text, label, weight; rows of the train split only.
        dev: labelled rows of dev: id, group, text, label; read by early stop alone.
        auxiliary: rows of the train split with labels of further tasks: id, group, text and `aux_<task>`.
        folder: of the encoder.
        max_length: tokens of a text that are read.
        patience: epochs without a better headline on dev after which a run ends; None: it goes to its end.
        saved: its checkpoints, a series for each training.
    """

    task: Task
    rows: pa.Table
    dev: pa.Table
    auxiliary: pa.Table
    folder: Path
    max_length: int
    recipe: Recipe
    patience: int | None
    seed: int
    accelerator: "Accelerator"
    saved: checkpoints.Store = checkpoints.NONE

    @cached_property
    def reader(self) -> Reader:
        """What reads texts for the model."""
        return Reader.of(self.folder, self.max_length, self.recipe.batch_tokens, self.accelerator)

    def run(self, stop: EarlyStop | None) -> Run:
        """Return the run by the recipe that may end early."""
        return Run(self.recipe, self.reader, self.seed, stop, self.saved.series("train"))

    def early_stop(self, predictor: "Callable[[pa.Table], Predict]") -> EarlyStop | None:
        """Return when the run should end by the headline on dev, or None if it should not.

        Args:
            predictor: gives what predicts the rows of a table (id, group, split, text, label).

        Raises:
            UserError: there is no labelled row of dev.
        """
        if self.patience is None:
            return None
        if not self.dev.num_rows:
            raise UserError(
                "params.yaml: finetune.patience needs labelled rows of dev: set balance.dev_rows to true, or patience "
                "to null"
            )
        metrics, everything = kinds.load(self.task, "metrics"), np.zeros(self.dev.num_rows, dtype=int)
        predict = predictor(tables.set_column(self.dev, "split", ["dev"] * self.dev.num_rows, pa.string()))

        def headline(model: "torch.nn.Module") -> float:
            counts = metrics.counts(self.task, predict(model), everything, 1)
            return metrics.HEADLINE.sign * float(metrics.values(counts)[metrics.HEADLINE.name][0])

        return EarlyStop(headline, self.patience)


@dataclass(frozen=True)
class Trained:
    """The result of a run.

    Attributes:
        curve: one dict a step: step, epoch, loss, learning_rate.
        add: writes what stands beside the model into its folder; None: nothing does.
    """

    model: "PreTrainedModel"
    curve: list[dict]
    add: Callable[[Path], None] | None = None
