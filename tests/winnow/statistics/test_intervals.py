"""Intervals, against statsmodels' published values, and the bootstrap, against cases with a known answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.statistics import intervals


def accuracy(confusions):
    return np.trace(confusions, axis1=-2, axis2=-1) / confusions.sum(axis=(-2, -1))


def values_of(confusions):
    return {"accuracy": accuracy(confusions)}


@given(st.integers(0, 200).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_holds_the_share_and_stays_in_0_1(case):
    successes, total = case
    low, high = intervals.wilson(successes, total)
    assert 0 <= low <= high <= 1
    if total:
        assert low - 1e-12 <= successes / total <= high + 1e-12


def test_wilson_equals_the_formula():
    z, p, n = 1.959963984540054, 0.8, 50
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert intervals.wilson(40, 50) == pytest.approx((middle - half, middle + half))
    assert intervals.wilson(40, 50, 0.5)[0] > intervals.wilson(40, 50, 0.99)[0]


def test_nothing_observed_is_known_to_be_nothing():
    assert intervals.wilson(0, 0) == (0.0, 1.0)


def test_resamples_draw_as_many_as_there_are():
    draws = intervals.resample(7, 50, np.random.default_rng(1))
    assert draws.shape == (50, 7)
    assert (draws.sum(axis=1) == 7).all()
    assert (intervals.resample(7, 50, np.random.default_rng(1)) == draws).all()


def test_a_draw_of_each_group_once_is_the_metric_itself():
    confusions = np.random.default_rng(0).integers(0, 9, size=(2, 5, 3, 3))
    values = intervals.bootstrap(confusions, values_of, np.ones((1, 5), int), np.ones((1, 2), int))["accuracy"]
    assert values == pytest.approx(accuracy(confusions.sum(axis=1)).mean())


def test_the_bootstrap_equals_drawing_the_rows():
    rng = np.random.default_rng(3)
    confusions = rng.integers(1, 9, size=(2, 6, 2, 2))
    groups, seeds = intervals.resample(6, 20, rng), intervals.resample(2, 20, rng)
    by_hand = [
        np.mean([accuracy(sum(confusions[seed][np.repeat(range(6), g)])) for seed in np.repeat(range(2), s)])
        for g, s in zip(groups, seeds, strict=True)
    ]
    values = intervals.bootstrap(confusions, values_of, groups, seeds)["accuracy"]
    assert values == pytest.approx(np.array(by_hand))


def test_interval_covers_a_mean_about_as_often_as_it_says():
    """Accuracy of groups with a random effect: the interval over groups covers, one over rows would not."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        right = rng.binomial(10, rng.beta(3, 1, size=80))
        confusions = np.zeros((1, 80, 2, 2), int)
        confusions[0, :, 0, 0], confusions[0, :, 0, 1] = right, 10 - right
        draws = intervals.resample(80, 400, rng)
        values = intervals.bootstrap(confusions, values_of, draws, np.ones((400, 1), int))["accuracy"]
        low, high = intervals.interval(values, 0.9)
        hits += low <= 0.75 <= high
    assert 0.83 <= hits / 200 <= 0.96
