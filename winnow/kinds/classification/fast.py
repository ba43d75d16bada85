"""Fast models of a text's class: logistic regressions on embeddings and on words."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from winnow.kinds.classification import logistic
from winnow.text import tfidf

if TYPE_CHECKING:
    from winnow.kinds.classification.labels import Task

NGRAMS = 2
MAX_FEATURES = 10_000  # more take longer and are no better on dev


class Learner:
    """The mean of one logistic regression an arm; see `winnow.kinds.learner.Learner`."""

    def __init__(
        self, task: "Task", texts: Sequence[str], vectors: np.ndarray, fit_on: np.ndarray, arms: Mapping[str, float]
    ) -> None:
        self._task = task
        makers = {
            "probe": lambda: _scaled(vectors, fit_on),
            "tfidf": lambda: tfidf.of_all(texts, fit_on, NGRAMS, MAX_FEATURES),
        }
        self._arms = [(makers[arm](), regularization) for arm, regularization in arms.items()]

    def predict(self, rows: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return the likeliest class of each wanted row; of one class to learn from, that one, of none, the first."""
        names = np.array(self._task.labels, dtype=object)
        truth = self._task.indices(labels)
        if len(np.unique(truth)) < 2:
            return np.full(len(wanted), names[truth[0] if len(truth) else 0], dtype=object)
        chances = [
            logistic.probabilities(logistic.fit(matrix[rows], truth, regularization), matrix[wanted], len(names))
            for matrix, regularization in self._arms
        ]
        return names[np.mean(chances, axis=0).argmax(axis=1)]


def _scaled(vectors: np.ndarray, fit_on: np.ndarray) -> np.ndarray:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler().fit(vectors[fit_on]).transform(vectors)
