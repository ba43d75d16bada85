"""The models by which the stage score finds label errors: class probabilities of rows, out of fold."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.classification import columns, logistic, metrics
from winnow.kinds.classification.finetuned import FineTuned
from winnow.text import tfidf

if TYPE_CHECKING:
    from winnow.kinds.classification.labels import Task

__all__ = ["FineTuned", "Member", "Probe", "Scored", "Words", "out_of_fold", "score"]

MAX_FEATURES = 20_000  # the most frequent; rarer words say nothing of another row
CALIBRATION_BINS = 10  # coarse enough for a few hundred rows


class Member(Protocol):
    """A kind of model that learns classes from some rows and predicts others; it holds what it needs of all rows."""

    def predict(self, train: np.ndarray, truth: np.ndarray, inside: np.ndarray, classes: int) -> np.ndarray:
        """Fit a new model and return its class probabilities, (rows inside, classes) float64.

        Args:
            train: (rows,) bool, the rows to fit on.
            truth: (rows to fit on,) int, their classes.
            inside: (rows,) bool, the rows to predict.
            classes: how many there are.
        """
        ...


@dataclass(frozen=True)
class Probe:
    """A logistic regression on embeddings, (rows, dimensions) float32; C is the inverse strength of its penalty."""

    features: np.ndarray
    regularization: float

    def predict(self, train: np.ndarray, truth: np.ndarray, inside: np.ndarray, classes: int) -> np.ndarray:
        """Fit on the rows `train`, whose classes are `truth`; return the probabilities of the rows `inside`."""
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler().fit(self.features[train])
        fitted = logistic.fit(scaler.transform(self.features[train]), truth, self.regularization)
        return logistic.probabilities(fitted, scaler.transform(self.features[inside]), classes)


@dataclass(frozen=True)
class Words:
    """A logistic regression on TF-IDF of words and pairs of words."""

    texts: list[str]
    regularization: float

    def predict(self, train: np.ndarray, truth: np.ndarray, inside: np.ndarray, classes: int) -> np.ndarray:
        """Fit on the rows `train`, whose classes are `truth`; return the probabilities of the rows `inside`."""
        try:
            vectorizer, matrix = tfidf.features([self.texts[row] for row in np.flatnonzero(train)], 2, MAX_FEATURES)
        except ValueError as error:
            raise UserError(f"score: the labelled texts hold no words ({error})") from None
        fitted = logistic.fit(matrix, truth, self.regularization)
        held_out = vectorizer.transform([self.texts[row] for row in np.flatnonzero(inside)])
        return logistic.probabilities(fitted, held_out, classes)


@dataclass(frozen=True)
class Scored:
    """Out-of-fold class probabilities of rows.

    Attributes:
        task: whose labels the classes are.
        members: (rows, labels) float32 of each model, by name.
        truth: (rows,) int, the labels that they learnt from; -1 where a row is predicted only.
    """

    task: "Task"
    members: dict[str, np.ndarray]
    truth: np.ndarray

    @cached_property
    def mean(self) -> np.ndarray:
        """What the models say together, (rows, labels) float32."""
        return np.mean(list(self.members.values()), axis=0)

    def columns(self) -> dict[str, pa.Array]:
        """Return p_<label>, of the mean, and <member>_p_<label>, float32."""
        found = columns.of(self.task, self.mean)
        for name, own in self.members.items():
            found |= columns.of(self.task, own, name)
        return found

    def measure(self) -> dict:
        """Return the metrics of the ensemble, and of each member, on the rows whose class is known."""
        ensemble = self._measured(self.mean)
        each = {name: self._measured(own) for name, own in self.members.items()}
        shown = ("accuracy", "macro_f1", "log_loss")
        return {metric: ensemble[metric] for metric in ("rows", *shown, "f1")} | {
            "members": {name: {metric: measured[metric] for metric in shown} for name, measured in each.items()}
        }

    def _measured(self, found: np.ndarray) -> dict:
        known = self.truth >= 0
        return metrics.of_chances(self.truth[known], found[known], self.task.labels, CALIBRATION_BINS)


def score(task: "Task", members: Mapping[str, Member], labels: np.ndarray, folds: np.ndarray) -> Scored:
    """Return what models say of rows in whose fold they saw no label.

    Args:
        labels: (rows,) labels to learn from, None where a row is predicted only.
        folds: (rows,) int.

    Raises:
        UserError: a label has all its rows in one fold.
    """
    truth = task.indices(labels)
    return Scored(
        task, {name: out_of_fold(member, truth, folds, task.labels) for name, member in members.items()}, truth
    )


def out_of_fold(member: Member, truth: np.ndarray, folds: np.ndarray, labels: list[str]) -> np.ndarray:
    """Return each row's class probabilities by a model that saw no row of its fold.

    Args:
        truth: (rows,) int, index into `labels`; -1 where a row is predicted only.
        folds: (rows,) int.
        labels: names of the classes.

    Returns:
        (rows, labels) float32.

    Raises:
        UserError: a label has all its rows in one fold.
    """
    known, names = truth >= 0, np.unique(folds)
    for fold in names:  # all of them before the first is fitted, which may take minutes
        _check_classes(truth[(folds != fold) & known], fold, labels)
    probabilities = np.zeros((len(truth), len(labels)), dtype=np.float32)
    for fold in names:
        inside, train = folds == fold, (folds != fold) & known
        probabilities[inside] = member.predict(train, truth[train], inside, len(labels))
    return probabilities


def _check_classes(train: np.ndarray, fold: int, labels: list[str]) -> None:
    for index in np.setdiff1d(np.arange(len(labels)), train):
        raise UserError(
            f"fold {fold}: every labelled row of '{labels[index]}' is in this fold, none is left to train on; add rows "
            f"of other groups with this label, or change params.yaml: score.folds"
        )
