"""Logistic regression of classes, on words or on embeddings: what a transformer must beat."""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from winnow.kinds.classification import softmax

THREADS = 1  # the same bytes on any machine, and several times faster on one that is busy


@dataclass(frozen=True)
class Fitted:
    """A regression that has learnt.

    Attributes:
        classes: (known,) int, those that it has seen, ascending.
        weights: (features, known) float32; a row's probabilities are the softmax of its scores.
        intercepts: (known,) float32.
    """

    classes: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray


def fit(
    matrix, truth: np.ndarray, regularization: float, weights: np.ndarray | None = None, near: Fitted | None = None
) -> Fitted:
    """Return the regression that `LogisticRegression(C=regularization)` of scikit-learn converges to.

    Args:
        matrix: (rows, features) float, sparse or dense.
        truth: (rows,) int, with at least two classes.
        regularization: C, the inverse of the penalty's strength.
        weights: (rows,) float, or None for equal weights.
        near: what was learnt from the same rows with another C: where weights are many, the search begins there.
    """
    classes, truth = np.unique(truth, return_inverse=True)
    equal = np.ones(len(truth), np.float32)
    rows = softmax.Rows(
        matrix.astype(np.float32), truth, equal if weights is None else weights.astype(np.float32), len(classes)
    )
    # Of two classes, scikit-learn penalizes the difference of their weights, which are each other's opposite.
    penalty = (2 if len(classes) == 2 else 1) / regularization
    begin = None if near is None else np.vstack([near.weights, near.intercepts])
    with threadpool_limits(THREADS):
        found = softmax.minimum(rows, penalty, begin)
    return Fitted(classes, found[:-1], found[-1])


def probabilities(fitted: Fitted, matrix, classes: int) -> np.ndarray:
    """Return class probabilities, (rows, classes) float64, with zeros for classes that training did not show."""
    with threadpool_limits(THREADS):
        scores = (matrix.astype(np.float32) @ fitted.weights + fitted.intercepts).astype(np.float64)
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    aligned = np.zeros((matrix.shape[0], classes))
    aligned[:, fitted.classes] = chances / chances.sum(axis=1, keepdims=True)
    return aligned
