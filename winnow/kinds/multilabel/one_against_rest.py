"""One logistic regression a label, each against all other rows."""

from collections.abc import Sequence

import numpy as np

from winnow.kinds.classification import logistic


def fit(matrix, truth: np.ndarray, regularization: float, weights: np.ndarray | None = None) -> list:
    """Return what `probabilities` asks, a model a label.

    Args:
        matrix: (rows, features) float, sparse or dense.
        truth: (rows, labels) bool.
        regularization: C, the inverse of the penalty's strength.
        weights: (rows,) float, or None for equal weights.
    """
    # A label that all rows have, or none, leaves nothing to learn: its share, kept off 0 and 1, is all that is known.
    shares = (truth.sum(axis=0) + 0.5) / (len(truth) + 1)
    return [
        logistic.fit(matrix, own.astype(int), regularization, weights) if 0 < own.sum() < len(own) else float(share)
        for own, share in zip(truth.T, shares, strict=True)
    ]


def probabilities(fitted: Sequence, matrix) -> np.ndarray:
    """Return the probability of each label, (rows, labels) float64."""
    found = np.empty((matrix.shape[0], len(fitted)))
    for place, model in enumerate(fitted):
        found[:, place] = model if isinstance(model, float) else logistic.probabilities(model, matrix, 2)[:, 1]
    return found
