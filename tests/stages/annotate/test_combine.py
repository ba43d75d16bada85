"""Combining votes: a label model weighs rules by what they are worth, a majority counts them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stages.annotate.combine import Known, LabelModel, Limits, Majority, Precision, countable
from winnow.labelling.votes import NONE
from winnow.statistics import intervals

LIMITS = Limits(min_rows=20, min_confidence=0.0)


def simulate(accuracies: list[float], rows: int, classes: int, coverage: float, seed: int) -> tuple:
    """Return true labels and the votes of independent rules, each right as often as it says, else at random wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=rows)
    wrong = (truth[:, None] + rng.integers(1, classes, size=(rows, len(accuracies)))) % classes
    said = np.where(rng.random((rows, len(accuracies))) < accuracies, truth[:, None], wrong)
    return truth, np.where(rng.random(said.shape) < coverage, said, NONE)


def accuracy(found, truth: np.ndarray) -> float:
    """The share of all rows that have the right label."""
    return float((found.label == truth).mean())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("accuracies", [[0.95, 0.6, 0.6], [0.9, 0.85, 0.5, 0.5, 0.5], [0.97, 0.4, 0.4, 0.4]])
def test_the_label_model_beats_the_majority_where_rules_differ(accuracies, seed):
    truth, said = simulate(accuracies, 4000, 3, 0.9, seed)
    train, test = slice(0, 1000), slice(1000, None)
    by = {
        kind: kind.fit(Known(said[train], truth[train], 3), LIMITS).combine(said[test])
        for kind in (LabelModel, Majority)
    }
    assert accuracy(by[LabelModel], truth[test]) > accuracy(by[Majority], truth[test]) + 0.03


def test_on_rules_that_are_alike_both_say_the_same():
    truth, said = simulate([0.75] * 3, 6000, 2, 1.0, seed=0)
    model, majority = (kind.fit(Known(said, truth, 2), LIMITS).combine(said) for kind in (LabelModel, Majority))
    assert (model.label == majority.label).all()


def test_confidence_is_how_often_the_label_is_right():
    truth, said = simulate([0.9, 0.7, 0.6], 20_000, 3, 0.7, seed=1)
    found = LabelModel.fit(Known(said[:5000], truth[:5000], 3), LIMITS).combine(said[5000:])
    right = found.label == truth[5000:]
    for low, high in ((0.5, 0.7), (0.7, 0.9), (0.9, 1.0)):
        within = (found.confidence >= low) & (found.confidence < high)
        assert within.sum() > 500
        assert right[within].mean() == pytest.approx(found.confidence[within].mean(), abs=0.03)


def test_a_rule_that_repeats_another_does_not_count_twice():
    truth, said = simulate([0.8, 0.85], 8000, 2, 1.0, seed=2)
    said = said[:, [0, 0, 0, 1]]  # three of a kind, and a better one
    train, test = slice(0, 4000), slice(4000, None)
    found = LabelModel.fit(Known(said[train], truth[train], 2), LIMITS).combine(said[test])
    majority = Majority.fit(Known(said[train], truth[train], 2), LIMITS).combine(said[test])
    assert accuracy(found, truth[test]) == pytest.approx(0.85, abs=0.02)
    assert accuracy(majority, truth[test]) == pytest.approx(0.80, abs=0.02)
    disputed = said[test, 0] != said[test, 3]
    # 0.85 x 0.2 against 0.8 x 0.15: naive Bayes with three votes would be sure of the wrong one.
    assert found.confidence[disputed].mean() == pytest.approx(0.17 / 0.29, abs=0.05)


def test_one_rule_alone_is_as_right_as_it_was_measured():
    truth, said = np.array([0] * 39 + [1]), np.zeros((40, 1), int)
    assert Majority.fit(Known(said, truth, 2), LIMITS).combine(said[:1]).confidence == 39 / 40
    assert LabelModel.fit(Known(said, truth, 2), LIMITS).combine(said[:1]).confidence == pytest.approx(
        39 / 40, abs=0.01
    )


def test_below_min_confidence_the_label_model_abstains_and_tells_what_it_held_likely():
    truth, said = np.array([0] * 30 + [1] * 10), np.zeros((40, 1), int)
    sure, unsure = (LabelModel.fit(Known(said, truth, 2), Limits(20, bound)).combine(said[:1]) for bound in (0.7, 0.8))
    assert (sure.label[0], unsure.label[0], unsure.likeliest[0]) == (0, NONE, 0)
    assert unsure.confidence[0] == pytest.approx(0.75, abs=0.02)


def test_a_label_that_no_rule_says_is_none():
    truth, said = np.array([1] * 38 + [0] * 2), np.zeros((40, 1), int)  # says 0 where 1 is right
    found = LabelModel.fit(Known(said, truth, 2), LIMITS).combine(said[:1])
    assert (found.label[0], found.likeliest[0]) == (NONE, 1)


def test_a_majority_of_trusted_votes_wins_and_even_ones_abstain():
    truth = np.array([0, 1] * 30)
    train = np.repeat(truth[:, None], 4, axis=1)
    train[:, 3] = 0  # right half of the time
    majority = Majority.fit(Known(train, truth, 2), Limits(20, 0.8))
    said = np.array([[0, 0, 1, 1], [0, 1, NONE, 0], [NONE] * 4, [1, NONE, NONE, 0], [NONE, NONE, NONE, 0]])
    found = majority.combine(said)
    assert found.label.tolist() == [0, NONE, NONE, 1, NONE]
    assert found.confidence.tolist() == [1, 0, 0, 1, 0]
    assert countable(said, majority.usable)[:, 3].tolist() == [NONE] * 5  # label 1 it never gave, label 0 is unsure


def test_too_few_rows_measure_nothing():
    truth, said = np.zeros(19, int), np.zeros((19, 1), int)
    for kind in (LabelModel, Majority):
        assert kind.fit(Known(said, truth, 2), LIMITS).combine(said).label.tolist() == [NONE] * 19


def test_without_known_rows_or_without_rules_nothing_is_said():
    for kind in (LabelModel, Majority):
        none = kind.fit(Known(np.empty((0, 2), int), np.empty(0, int), 3), LIMITS)
        assert none.combine(np.array([[0, 1], [2, NONE]])).label.tolist() == [NONE, NONE]
        bare = kind.fit(Known(np.empty((5, 0), int), np.zeros(5, int), 3), LIMITS)
        assert bare.combine(np.empty((2, 0), int)).label.tolist() == [NONE, NONE]
        assert bare.combine(np.empty((0, 0), int)).label.tolist() == []


def test_precision_is_counted():
    found = Precision.of(Known(np.array([[0], [0], [0], [NONE], [1]]), np.array([0, 0, 1, 1, 1]), 2))
    assert found.rows.tolist() == [[3, 1]]
    assert found.point.tolist() == [[2 / 3, 1.0]]
    assert found.lower.tolist() == [[intervals.wilson(2, 3)[0], intervals.wilson(1, 1)[0]]]


def test_a_majority_of_many_labels_costs_no_more_than_one_of_few():
    rng = np.random.default_rng(3)
    said = np.concatenate([rng.integers(NONE, 4, (2000, 5)), np.full((20, 5), NONE)])
    few, many = (Majority.fit(Known(said, said.max(axis=1).clip(0), labels), Limits(1, 0)) for labels in (4, 10**5))
    assert (few.combine(said).label == many.combine(said).label).all()
    for row, label in zip(said, few.combine(said).label, strict=True):
        counts = np.bincount(countable(row[None], few.usable)[0] + 1, minlength=5)[1:]
        best = np.flatnonzero(counts == counts.max())
        assert label == (best[0] if counts.max() and len(best) == 1 else NONE)


votes = arrays.arrays(np.int16, st.tuples(st.integers(1, 40), st.integers(1, 4)), elements=st.integers(-1, 2))


@given(votes, st.randoms(use_true_random=False), st.floats(0, 1))
def test_whatever_the_votes_labels_are_votes_and_confidence_is_a_probability(said, random, bound):
    truth = np.array([random.randrange(3) for _ in said])
    for kind in (LabelModel, Majority):
        fit = kind.fit(Known(said, truth, 3), Limits(1, bound))
        found = fit.combine(said)
        counted = countable(said, fit.usable)
        assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
        for label, votes_of in zip(found.label, counted, strict=True):
            assert label == NONE or label in votes_of
        order = np.array([random.random() for _ in said]).argsort()
        assert (fit.combine(said[order]).label == found.label[order]).all()
    chances = LabelModel.fit(Known(said, truth, 3), Limits(1, bound)).probabilities(said)
    np.testing.assert_allclose(chances.sum(axis=1), 1)


@pytest.mark.parametrize(("min_rows", "label"), [(0, [1, 0, NONE]), (1, [NONE] * 3)])
def test_where_no_label_is_known_a_majority_speaks_if_it_needs_none(min_rows, label):
    nothing = Known(np.zeros((0, 2), int), np.zeros(0, int), 2)
    found = Majority.fit(nothing, Limits(min_rows, 0.0)).combine(np.array([[1, NONE], [0, 0], [0, 1]]))
    assert found.label.tolist() == label
    assert found.confidence.tolist() == [0, 0, 0]
