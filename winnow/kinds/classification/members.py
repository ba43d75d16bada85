"""The models by which the stage score finds label errors: class probabilities of rows, out of fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from winnow.base import progress
from winnow.base.errors import UserError
from winnow.kinds.classification import logistic, metrics
from winnow.kinds.classification.finetuned import FineTuned
from winnow.kinds.classification.scored import CALIBRATION_BINS, MAX_FEATURES, Chances, blocks, joined
from winnow.kinds.members import Inputs
from winnow.rows.text_column import take
from winnow.text import tfidf

if TYPE_CHECKING:
    from winnow.kinds.classification.labels import Task

__all__ = ["FineTuned", "Member", "Probe", "Scored", "Words", "out_of_fold", "predict", "score"]


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

    @classmethod
    def of(cls, inputs: Inputs, regularization: float) -> "Probe":
        """Return a probe on the rows' embeddings."""
        return cls(inputs.vectors(), regularization)

    def predict(self, train: np.ndarray, truth: np.ndarray, inside: np.ndarray, classes: int) -> np.ndarray:
        """Fit on the rows `train`, whose classes are `truth`; return the probabilities of the rows `inside`."""
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler().fit(self.features[train])
        fitted = logistic.fit(scaler.transform(self.features[train]), truth, self.regularization)
        parts = blocks(inside)
        return joined(
            [logistic.probabilities(fitted, scaler.transform(self.features[rows]), classes) for rows in parts], classes
        )


@dataclass(frozen=True)
class Words:
    """A logistic regression on TF-IDF of words and pairs of words, of (rows,) texts, which are read in their order."""

    texts: Sequence[str]
    regularization: float

    def predict(self, train: np.ndarray, truth: np.ndarray, inside: np.ndarray, classes: int) -> np.ndarray:
        """Fit on the rows `train`, whose classes are `truth`; return the probabilities of the rows `inside`."""
        try:
            vectorizer, matrix = tfidf.features(take(self.texts, np.flatnonzero(train)), 2, MAX_FEATURES)
        except ValueError as error:
            raise UserError(f"score: the labelled texts hold no words ({error})") from None
        fitted = logistic.fit(matrix, truth, self.regularization)
        parts = (vectorizer.transform(take(self.texts, rows)) for rows in blocks(inside))
        return joined([logistic.probabilities(fitted, part, classes) for part in parts], classes)


class Scored(Chances):
    """Class probabilities of rows; `truth` is (rows,) int, -1 where a row is predicted only."""

    def measure(self, judged: np.ndarray) -> dict:
        """Return the metrics of the ensemble, and of each member, on the rows whose class is known.

        Args:
            judged: (rows,) bool, which rows count.
        """
        known = judged & (self.truth >= 0)
        ensemble = self._measured(self.mean, known)
        each = {name: self._measured(own, known) for name, own in self.members.items()}
        shown = ("accuracy", "macro_f1", "log_loss")
        return {metric: ensemble[metric] for metric in ("rows", *shown, "f1")} | {
            "members": {name: {metric: measured[metric] for metric in shown} for name, measured in each.items()}
        }

    def _measured(self, found: np.ndarray, known: np.ndarray) -> dict:
        return metrics.of_chances(self.truth[known], found[known], self.task.labels, CALIBRATION_BINS)


def score(task: "Task", members: Mapping[str, Member], labels: np.ndarray, folds: np.ndarray) -> Scored:
    """Return what models say of rows in whose fold they saw no label.

    Args:
        labels: (rows,) labels to learn from, None where a row is predicted only.
        folds: (rows,) int.

    Raises:
        UserError: outside of a fold there are fewer than two classes.
    """
    truth = task.indices(labels)
    return Scored(
        task, {name: out_of_fold(member, truth, folds, task.labels) for name, member in members.items()}, truth
    )


def predict(task: "Task", members: Mapping[str, Member], labels: np.ndarray, wanted: np.ndarray) -> Scored:
    """Return what models that learnt from all labels say of some rows that have none.

    Args:
        labels: (rows,) labels to learn from, of each class one or more; None where a row has none.
        wanted: (rows,) bool, the rows to predict; may be none.
    """
    truth, count = task.indices(labels), len(task.labels)
    known, found = truth >= 0, {name: np.zeros((int(wanted.sum()), count), dtype=np.float32) for name in members}
    if wanted.any():
        for name, member in members.items():
            found[name][:] = member.predict(known, truth[known], wanted, count)
    return Scored(task, found, truth[wanted])


def out_of_fold(member: Member, truth: np.ndarray, folds: np.ndarray, labels: list[str]) -> np.ndarray:
    """Return each row's class probabilities by a model that saw no row of its fold: none of a class that it never saw.

    Args:
        truth: (rows,) int, index into `labels`; -1 where a row is predicted only.
        folds: (rows,) int.
        labels: names of the classes.

    Returns:
        (rows, labels) float32.

    Raises:
        UserError: outside of a fold there are fewer than two classes.
    """
    known, names = truth >= 0, np.unique(folds)
    for fold in names:  # all of them before the first is fitted, which may take minutes
        _check_classes(truth[(folds != fold) & known], fold)
    probabilities = np.zeros((len(truth), len(labels)), dtype=np.float32)
    for fold in progress.over(names, "folds"):
        inside, train = folds == fold, (folds != fold) & known
        probabilities[inside] = member.predict(train, truth[train], inside, len(labels))
    return probabilities


def _check_classes(train: np.ndarray, fold: int) -> None:
    if len(np.unique(train)) < 2:
        raise UserError(
            f"fold {fold}: outside of it labelled rows have fewer than two classes to learn; add rows of other groups, "
            f"or change params.yaml: score.folds"
        )
