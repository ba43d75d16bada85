"""The conditional logit: its optimum, and what is stacked by it where classes are many."""

import numpy as np
import pytest
from scipy.optimize import minimize

from winnow.kinds.classification.scores import shared


def drawn(rows: int, classes: int, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    """Return three features, of which the first tells the most of the class and the last nothing, and the classes."""
    random = np.random.default_rng(seed)
    features = [random.normal(size=(rows, classes)) for _ in range(3)]
    chances = np.exp(2 * features[0] + 0.5 * features[1])
    steps = np.cumsum(chances / chances.sum(axis=1, keepdims=True), axis=1)
    return features, (steps > random.random((rows, 1))).argmax(axis=1)


def loss(weights: np.ndarray, features: list[np.ndarray], truth: np.ndarray) -> float:
    scores = np.tensordot(weights, np.stack(features), axes=1)
    own = scores[np.arange(len(truth)), truth]
    return float((np.log(np.exp(scores).sum(axis=1)) - own).sum() + shared.RIDGE * weights @ weights / 2)


@pytest.mark.parametrize(("rows", "classes"), [(400, 2), (500, 30), (300, 1000)])
def test_the_optimum_is_found(rows, classes, monkeypatch):
    monkeypatch.setattr(shared, "NUMBERS", 7 * classes)  # several blocks, the last one short
    features, truth = drawn(rows, classes)
    expected = minimize(loss, np.zeros(3), args=(features, truth), method="BFGS", tol=1e-8).x
    np.testing.assert_allclose(shared.fit(features, truth), expected, atol=1e-4)


def test_classes_that_are_told_without_an_error_give_finite_weights():
    truth = np.arange(50) % 5
    weights = shared.fit([np.eye(5)[truth], np.zeros((50, 5))], truth)
    assert np.isfinite(weights).all()
    found = shared.probabilities([np.eye(5)[truth], np.zeros((50, 5))], weights)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found[np.arange(50), truth] > 0.99).all()


def test_no_rows_to_learn_from_leave_even_chances():
    weights = shared.fit([np.zeros((0, 4))], np.zeros(0, int))
    np.testing.assert_allclose(shared.probabilities([np.ones((3, 4))], weights), 0.25)
