"""Planted errors: exactly as many as asked, of the kind asked, and the same ones each time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.kinds.classification.scores import noise
from winnow.kinds.evidence import NOISES, Errors

ROWS, CLASSES = 6000, 4
TRUTH = np.arange(ROWS) % CLASSES


def weak(hard: np.ndarray) -> np.ndarray:
    """A weak model that is sure of all rows but `hard` ones, which it takes for the class after theirs."""
    chances = np.full((ROWS, CLASSES), 0.002)
    rows = np.arange(ROWS)
    chances[rows, TRUTH] = np.where(hard, 0.2, 0.99)
    chances[rows, (TRUTH + 1) % CLASSES] = np.where(hard, 0.79, 0.004)
    return chances / chances.sum(axis=1, keepdims=True)


HARD = np.random.default_rng(0).random(ROWS) < 0.3


def confusion(noisy: np.ndarray) -> np.ndarray:
    """How often each class became which, (classes, classes)."""
    return np.bincount(TRUTH * CLASSES + noisy, minlength=CLASSES**2).reshape(CLASSES, CLASSES)


@given(
    st.lists(st.integers(0, 2), max_size=40),
    st.sampled_from(NOISES),
    st.floats(0, 1),
    st.integers(0, 3),
    st.booleans(),
)
def test_exactly_so_many_rows_get_another_label_and_a_lower_rate_s_are_among_them(labels, kind, rate, seed, certain):
    truth = np.array(labels, dtype=int)
    chances = np.eye(3)[truth] if certain else np.full((len(truth), 3), 1 / 3)  # a weak model may be quite certain
    noisy = noise.plant(truth, 3, Errors(kind, rate, seed), chances)
    assert (noisy != truth).sum() == round(rate * len(truth))
    assert noisy.dtype == truth.dtype
    assert set(noisy.tolist()) <= {0, 1, 2}
    fewer = noise.plant(truth, 3, Errors(kind, rate / 2, seed), chances)
    changed = fewer != truth
    assert (noisy[changed] == fewer[changed]).all()


@pytest.mark.parametrize("kind", NOISES)
def test_the_seed_decides_and_the_labels_given_stay_as_they_are(kind):
    before = TRUTH.copy()
    first, again, other = (noise.plant(TRUTH, CLASSES, Errors(kind, 0.2, seed), weak(HARD)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert (before == TRUTH).all()


def test_uniform_errors_are_even_over_rows_and_labels():
    noisy = noise.plant(TRUTH, CLASSES, Errors("uniform", 0.4, 1))
    expected = 0.4 * ROWS / CLASSES / (CLASSES - 1)
    assert np.allclose(confusion(noisy)[~np.eye(CLASSES, dtype=bool)], expected, rtol=0.2)
    assert (noisy != TRUTH)[HARD].mean() == pytest.approx(0.4, abs=0.05)


def test_class_errors_prefer_classes_and_pairs_of_them_by_the_seed():
    counts = confusion(noise.plant(TRUTH, CLASSES, Errors("class", 0.2, 1)))
    wrong = counts - np.diag(np.diagonal(counts))
    assert wrong.sum(axis=1).max() > 1.5 * wrong.sum(axis=1).min()
    assert wrong.max(axis=1).sum() > 1.5 * wrong.sum() / (CLASSES - 1)
    assert (confusion(noise.plant(TRUTH, CLASSES, Errors("class", 0.2, 2))) != counts).any()


def test_class_errors_follow_a_model_s_mean_confusion_and_not_its_rows():
    noisy = noise.plant(TRUTH, CLASSES, Errors("class", 0.2, 1), weak(HARD))
    counts = confusion(noisy)
    following = sum(counts[label, (label + 1) % CLASSES] for label in range(CLASSES))
    assert following > 0.9 * 0.2 * ROWS
    assert (noisy != TRUTH)[HARD].mean() == pytest.approx(0.2, abs=0.05)


def test_instance_errors_hit_the_rows_that_the_weak_model_finds_hard():
    noisy = noise.plant(TRUTH, CLASSES, Errors("instance", 0.2, 1), weak(HARD))
    wrong = noisy != TRUTH
    assert wrong[HARD].mean() > 0.5 > 20 * wrong[~HARD].mean()
    assert (noisy[wrong & HARD] == (TRUTH[wrong & HARD] + 1) % CLASSES).mean() > 0.95


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((TRUTH, 4, Errors("magic", 0.1, 1)), "kind 'magic'"),
        ((TRUTH, 4, Errors("uniform", 1.1, 1)), "a rate in 0..1"),
        ((TRUTH, 1, Errors("uniform", 0.1, 1)), "two classes"),
        ((TRUTH - 1, 4, Errors("uniform", 0.1, 1)), r"labels must be in 0\.\.3"),
        ((TRUTH, 4, Errors("instance", 0.1, 1)), "needs the probabilities of a weak model"),
        ((TRUTH, 4, Errors("class", 0.1, 1), np.ones((3, 4))), r"needs \(6000, 4\)"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        noise.plant(*arguments)
