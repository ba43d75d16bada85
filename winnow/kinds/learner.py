"""Fast models of labels, fitted in seconds: what shows the worth of more labels, or of mended ones.

Each kind of task has its own, `winnow.kinds.<kind>.fast.Learner`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from winnow.kinds.task import Task


class Learner(Protocol):
    """Models of a few features each, `arms`, that learn from some rows and together predict others."""

    def __init__(
        self, task: Task, texts: Sequence[str], vectors: np.ndarray, fit_on: np.ndarray, arms: Mapping[str, float]
    ) -> None:
        """Make the features.

        Args:
            texts: (rows,) str.
            vectors: (rows, dimensions) float, their embeddings.
            fit_on: (rows,) bool, the rows that may be learnt from; they make vocabulary and scale.
            arms: which models, each with the inverse of its penalty's strength: `probe`, on embeddings, and `tfidf`, on
                words.

        Raises:
            UserError: no text of `fit_on` holds a word.
        """
        ...

    def predict(self, rows: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return the labels of rows, (wanted,) object, by models that learnt from others.

        Args:
            rows: (some,) int, positions of those to learn from; there may be none.
            labels: (some,) their labels.
            wanted: (wanted,) int, positions of those to predict.
        """
        ...
