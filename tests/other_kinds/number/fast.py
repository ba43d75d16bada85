"""Ridge regressions on embeddings and on words, fitted in a moment."""

from collections.abc import Mapping, Sequence

import numpy as np

from winnow.text import tfidf


class Learner:
    """The mean of one ridge regression an arm; see `winnow.kinds.learner.Learner`."""

    def __init__(
        self, task, texts: Sequence[str], vectors: np.ndarray, fit_on: np.ndarray, arms: Mapping[str, float]
    ) -> None:
        self._task = task
        features = {"probe": vectors, "tfidf": tfidf.features(texts, 1, 5000)[1].toarray()}
        self._arms = [(features[arm], regularization) for arm, regularization in arms.items()]

    def predict(self, rows: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return the number of each wanted row."""
        from sklearn.linear_model import Ridge

        truth = self._task.numbers(labels)
        found = [
            Ridge(alpha=1 / regularization).fit(features[rows], truth).predict(features[wanted])
            for features, regularization in self._arms
        ]
        return np.array([self._task.text(number) for number in np.mean(found, axis=0)], dtype=object)
