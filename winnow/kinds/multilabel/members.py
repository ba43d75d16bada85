"""The models by which the stage score finds label errors: the probability of each label, out of fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from winnow.base import progress
from winnow.base.errors import UserError
from winnow.kinds.classification.scored import CALIBRATION_BINS, MAX_FEATURES, Chances, blocks, joined
from winnow.kinds.members import Inputs
from winnow.kinds.multilabel import metrics, one_against_rest
from winnow.kinds.multilabel.finetuned import FineTuned
from winnow.kinds.multilabel.labels import Task, known
from winnow.rows.text_column import take
from winnow.text import tfidf

__all__ = ["FineTuned", "Member", "Probe", "Scored", "Words", "predict", "score"]


class Member(Protocol):
    """A kind of model that learns sets from some rows and predicts others; it holds what it needs of all rows."""

    def predict(self, train: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Fit a new model and return its probabilities, (rows inside, labels) float64.

        Args:
            train: (rows,) bool, the rows to fit on.
            truth: (rows to fit on, labels) bool.
            inside: (rows,) bool, the rows to predict.
        """
        ...


@dataclass(frozen=True)
class Probe:
    """Regressions on embeddings, (rows, dimensions) float32; C is the inverse strength of their penalty."""

    features: np.ndarray
    regularization: float

    @classmethod
    def of(cls, inputs: Inputs, regularization: float) -> "Probe":
        """Return a probe on the rows' embeddings."""
        return cls(inputs.vectors(), regularization)

    def predict(self, train: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Return the probabilities of the rows `inside`; see `Member.predict`."""
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler().fit(self.features[train])
        fitted = one_against_rest.fit(scaler.transform(self.features[train]), truth, self.regularization)
        parts = (scaler.transform(self.features[rows]) for rows in blocks(inside))
        return joined([one_against_rest.probabilities(fitted, part) for part in parts], truth.shape[1])


@dataclass(frozen=True)
class Words:
    """Regressions on TF-IDF of words and pairs of words, of (rows,) texts, which are read in their order."""

    texts: Sequence[str]
    regularization: float

    def predict(self, train: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Return the probabilities of the rows `inside`; see `Member.predict`."""
        try:
            vectorizer, matrix = tfidf.features(take(self.texts, np.flatnonzero(train)), 2, MAX_FEATURES)
        except ValueError as error:
            raise UserError(f"score: the labelled texts hold no words ({error})") from None
        fitted = one_against_rest.fit(matrix, truth, self.regularization)
        parts = (vectorizer.transform(take(self.texts, rows)) for rows in blocks(inside))
        return joined([one_against_rest.probabilities(fitted, part) for part in parts], truth.shape[1])


@dataclass(frozen=True)
class Scored(Chances):
    """Probabilities of the labels of rows; `truth` is (rows, labels) bool.

    Attributes:
        known: (rows,) bool, which rows have a set.
    """

    known: np.ndarray

    def measure(self, judged: np.ndarray) -> dict:
        """Return the metrics of the ensemble, and of each member, on the rows whose set is known, cut at a half.

        Args:
            judged: (rows,) bool, which rows count.
        """
        ensemble = self._measured(self.mean, judged & self.known)
        shown = ("micro_f1", "macro_f1", "ranking_precision", "log_loss")
        each = {name: self._measured(own, judged & self.known) for name, own in self.members.items()}
        return {name: ensemble[name] for name in ("rows", *shown, "f1")} | {
            "members": {name: {metric: measured[metric] for metric in shown} for name, measured in each.items()}
        }

    def _measured(self, found: np.ndarray, rows: np.ndarray) -> dict:
        chances = found[rows].astype(np.float64)
        return metrics.of_sets(self.truth[rows], chances >= 0.5, chances, self.task.labels, CALIBRATION_BINS)


def score(task: Task, members: Mapping[str, Member], labels: np.ndarray, folds: np.ndarray) -> Scored:
    """Return what models say of rows in whose fold they saw no label.

    Args:
        labels: (rows,) sets to learn from, None where a row is predicted only.
        folds: (rows,) int.

    Raises:
        UserError: outside of a fold all rows have the same set.
    """
    truth, is_known, names = task.matrix(labels), known(labels), np.unique(folds)
    for fold in names:  # all of them before the first is fitted, which may take minutes
        if len(set(labels[(folds != fold) & is_known])) < 2:
            raise UserError(
                f"fold {fold}: outside of it labelled rows have fewer than two different sets to learn; add rows of "
                f"other groups, or change params.yaml: score.folds"
            )
    found = {name: np.zeros(truth.shape, dtype=np.float32) for name in members}
    for name, member in members.items():
        for fold in progress.over(names, "folds"):
            inside, train = folds == fold, (folds != fold) & is_known
            found[name][inside] = member.predict(train, truth[train], inside)
    return Scored(task, found, truth, is_known)


def predict(task: Task, members: Mapping[str, Member], labels: np.ndarray, wanted: np.ndarray) -> Scored:
    """Return what models that learnt from all labels say of some rows that have none.

    Args:
        labels: (rows,) sets to learn from, one or more; None where a row has none.
        wanted: (rows,) bool, the rows to predict; may be none.
    """
    truth, is_known = task.matrix(labels), known(labels)
    found = {name: np.zeros((int(wanted.sum()), truth.shape[1]), dtype=np.float32) for name in members}
    if wanted.any():
        for name, member in members.items():
            found[name][:] = member.predict(is_known, truth[is_known], wanted)
    return Scored(task, found, truth[wanted], is_known[wanted])
