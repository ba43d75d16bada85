"""What an approach gets and what it returns."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.encoder import models
from winnow.kinds.classification import finetuning, head
from winnow.kinds.classification.examples import Store
from winnow.training import checkpoints
from winnow.training.keeping import EarlyStop

if TYPE_CHECKING:
    from accelerate import Accelerator
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Job:
    """One run of fine-tuning.

    Attributes:
        rows: the training table: id, group, text, label, weight; rows of the train split only.
        dev: labelled rows of dev: id, group, text, label; read by early stop alone.
        auxiliary: rows of the train split with labels of further tasks: id, group, text and `aux_<task>`.
        folder: of the encoder.
        patience: epochs without a better macro-F1 on dev after which a run ends; None: it goes to its end.
        saved: its checkpoints, a series for each training.
    """

    rows: pa.Table
    dev: pa.Table
    auxiliary: pa.Table
    folder: Path
    labels: list[str]
    recipe: finetuning.Recipe
    patience: int | None
    seed: int
    accelerator: "Accelerator"
    saved: checkpoints.Store = checkpoints.NONE

    def truth(self, rows: pa.Table) -> np.ndarray:
        """Return the classes of labelled rows, (rows,) int."""
        return np.array([self.labels.index(label) for label in rows["label"].to_pylist()], dtype=int)

    def inputs(self, rows: pa.Table, tokenizer, store: Store | None = None) -> finetuning.Rows:
        """Return what a model reads of labelled rows, with the neighbours that `store` finds if there is one."""
        if store is None:
            tokens, own = models.tokenize(tokenizer, rows["text"].to_pylist(), self.recipe.max_length), None
        else:
            tokens, own = store.inputs(rows, tokenizer, self.recipe.max_length, self.accelerator)
        weights = rows["weight"].to_numpy() if "weight" in rows.column_names else np.ones(rows.num_rows)
        return finetuning.Rows(tokens, self.truth(rows), weights, rows["id"].to_pylist(), own)

    def early_stop(self, tokenizer, store: Store | None = None) -> EarlyStop | None:
        """Return when the run should end by its macro-F1 on dev, or None if it should not.

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
        from sklearn.metrics import f1_score

        dev, places = self.inputs(self.dev, tokenizer, store), np.arange(len(self.labels))

        def macro_f1(model) -> float:
            arguments = (dev.tokens, tokenizer.pad_token_id, self.recipe.batch_tokens, self.accelerator, dev.own)
            predicted = head.probabilities(model, *arguments)[:, : len(places)].argmax(axis=1)
            return float(f1_score(dev.truth, predicted, labels=places, average="macro", zero_division=0))

        return EarlyStop(macro_f1, self.patience)


@dataclass(frozen=True)
class Trained:
    """The result of a run.

    Attributes:
        model: the classifier, its outputs the task's labels in their order.
        curve: one dict a step: step, epoch, loss, learning_rate.
        store: what makes the model's inputs; None: it reads the text alone.
    """

    model: "PreTrainedModel"
    curve: list[dict]
    store: Store | None = None


def few(rows: pa.Table, labels: list[str], per_label: int | None) -> pa.Table:
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
