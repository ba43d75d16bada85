"""Logistic regression of classes, on words or on embeddings: what a transformer must beat."""

import numpy as np


def fit(matrix, truth: np.ndarray, regularization: float, weights: np.ndarray | None = None):
    """Return a fitted `LogisticRegression`.

    Args:
        matrix: (rows, features), sparse or dense.
        truth: (rows,) int, with at least two classes.
        regularization: C, the inverse of the penalty's strength.
        weights: (rows,) float, or None for equal weights.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    # One thread: the same bytes on any machine, and several times faster on one that is busy.
    with threadpool_limits(1):
        return LogisticRegression(C=regularization, max_iter=2000).fit(matrix, truth, sample_weight=weights)


def probabilities(fitted, matrix, classes: int) -> np.ndarray:
    """Return class probabilities, (rows, classes) float64, with zeros for classes that training did not show."""
    aligned = np.zeros((matrix.shape[0], classes))
    aligned[:, fitted.classes_] = fitted.predict_proba(matrix)
    return aligned
