"""Out-of-fold class probabilities and the suspects among labels that they show (confident learning)."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from winnow.base.errors import UserError
from winnow.text import tfidf

MAX_FEATURES = 20_000  # the most frequent; rarer words say nothing of another row

# How cleanlab.filter.find_label_issues chooses suspects.
Filter = Literal[
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "low_normalized_margin",
    "low_self_confidence",
]


@dataclass(frozen=True)
class Suspects:
    """What confident learning says of a labelled table.

    Attributes:
        quality: (rows,) float in 0..1, low where another class is much likelier than the label (normalized margin).
        is_issue: (rows,) bool.
        noise: estimated number of wrong labels, or None where nothing can be estimated.
    """

    quality: np.ndarray
    is_issue: np.ndarray
    noise: int | None


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
        fitted = tfidf.fit(scaler.transform(self.features[train]), truth, self.regularization)
        return tfidf.probabilities(fitted, scaler.transform(self.features[inside]), classes)


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
        fitted = tfidf.fit(matrix, truth, self.regularization)
        held_out = vectorizer.transform([self.texts[row] for row in np.flatnonzero(inside)])
        return tfidf.probabilities(fitted, held_out, classes)


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


def suspects(truth: np.ndarray, probabilities: np.ndarray, filter_by: Filter) -> Suspects:
    """Return label quality and suspected label errors (Northcutt et al. 2021, by cleanlab).

    Args:
        truth: (rows,) int, the given labels.
        probabilities: (rows, labels) float, out of fold.
    """
    from cleanlab.count import num_label_issues
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    if not len(truth):
        return Suspects(np.zeros(0), np.zeros(0, dtype=bool), None)
    probabilities = probabilities.astype(np.float64)
    quality = get_label_quality_scores(truth, probabilities, method="normalized_margin")
    if len(np.unique(truth)) < 2:
        # Confident learning estimates which class is taken for which; with one class left there is no such pair.
        return Suspects(quality, probabilities.argmax(axis=1) != truth, None)
    is_issue = find_label_issues(truth, probabilities, filter_by=filter_by, n_jobs=1)
    return Suspects(quality, is_issue, int(num_label_issues(truth, probabilities)))


def _check_classes(train: np.ndarray, fold: int, labels: list[str]) -> None:
    for index in np.setdiff1d(np.arange(len(labels)), train):
        raise UserError(
            f"fold {fold}: every labelled row of '{labels[index]}' is in this fold, none is left to train on; add rows "
            f"of other groups with this label, or change params.yaml: score.folds"
        )
