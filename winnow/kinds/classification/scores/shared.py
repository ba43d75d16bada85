"""A conditional logit (McFadden 1974): what speaks for a class has one weight, whatever the class.

A softmax regression on probabilities of all classes has a weight for each pair of classes: of a thousand classes
millions, from a few rows each. Here there are as many weights as there are models. Cost grows with rows times classes.
"""

from collections.abc import Iterator, Sequence

import numpy as np

RIDGE = 1e-3  # keeps the weights finite where the classes can be told without an error
STEPS = 50  # at most; Newton's method takes five to ten
TOLERANCE = 1e-8  # share of the loss that a step still promises
NUMBERS = 2**20  # of rows times classes that are worked on at once


def fit(features: Sequence[np.ndarray], truth: np.ndarray) -> np.ndarray:
    """Return the weight of each feature, (features,) float64, of least cross-entropy with a small ridge penalty.

    Args:
        features: (rows, classes) float each: how much of the feature speaks for each class.
        truth: (rows,) int.
    """
    weights = np.zeros(len(features))
    loss, gradient, hessian = _derivatives(features, truth, weights)
    for _ in range(STEPS):
        step = np.linalg.solve(hessian, -gradient)
        if -gradient @ step <= TOLERANCE * loss:
            break
        tried = _derivatives(features, truth, weights + step)
        while tried[0] > loss and np.abs(step).max() > TOLERANCE:  # Newton's step may be too long
            step /= 2
            tried = _derivatives(features, truth, weights + step)
        weights += step
        loss, gradient, hessian = tried
    return weights


def probabilities(features: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Return class probabilities, (rows, classes) float64."""
    found = np.empty(features[0].shape)
    for block in _blocks(found):
        found[block] = _softmax(_scores(features, weights, block))
    return found


def _derivatives(
    features: Sequence[np.ndarray], truth: np.ndarray, weights: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the penalized loss, its gradient and its Hessian, (features,) and (features, features)."""
    count = len(weights)
    loss, gradient, hessian = RIDGE * weights @ weights / 2, RIDGE * weights, RIDGE * np.eye(count)
    for block in _blocks(features[0]):
        own, places = [feature[block] for feature in features], (np.arange(len(truth[block])), truth[block])
        chances = _softmax(_scores(features, weights, block))
        loss -= np.log(np.maximum(chances[places], np.finfo(float).tiny)).sum()
        means = np.stack([(chances * feature).sum(axis=1) for feature in own])
        gradient += (means - np.stack([feature[places] for feature in own])).sum(axis=1)
        hessian -= (means[:, None] * means[None]).sum(axis=2)
        for place, feature in enumerate(own):
            weighted = chances * feature
            hessian[place] += [(weighted * other).sum() for other in own]
    return float(loss), gradient, hessian


def _scores(features: Sequence[np.ndarray], weights: np.ndarray, block: slice) -> np.ndarray:
    return sum(weight * feature[block] for weight, feature in zip(weights, features, strict=True))


def _softmax(scores: np.ndarray) -> np.ndarray:
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    return chances / chances.sum(axis=1, keepdims=True)


def _blocks(values: np.ndarray) -> Iterator[slice]:
    rows = max(NUMBERS // values.shape[1], 1)
    return (slice(start, start + rows) for start in range(0, len(values), rows))
