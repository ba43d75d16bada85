"""Fast models of responses: that of the nearest prompt, by embeddings and by words."""

from collections.abc import Mapping, Sequence

import numpy as np

from winnow.kinds.generation.labels import Task
from winnow.kinds.generation.nearest import nearest
from winnow.text import tfidf

NGRAMS, MAX_FEATURES = 1, 10_000


class Learner:
    """The response of the prompt with the highest sum of similarities; see `winnow.kinds.learner.Learner`."""

    def __init__(
        self, task: Task, texts: Sequence[str], vectors: np.ndarray, fit_on: np.ndarray, arms: Mapping[str, float]
    ) -> None:
        makers = {"probe": lambda: _unit(vectors), "tfidf": lambda: tfidf.of_all(texts, fit_on, NGRAMS, MAX_FEATURES)}
        self._features = [makers[arm]() for arm in arms]

    def predict(self, rows: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return the response of the nearest of `rows` for each wanted row; nothing where there are none."""
        if not len(rows):
            return np.full(len(wanted), "", dtype=object)
        places = nearest([each[wanted] for each in self._features], [each[rows] for each in self._features])[:, 0]
        return np.asarray(labels, dtype=object)[places]


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
