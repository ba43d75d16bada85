"""Intervals, against statsmodels' published values, and the bootstrap, against cases with a known answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from winnow.statistics import intervals
from winnow.statistics.intervals import Estimate


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
    confusions = np.random.default_rng(0).integers(0, 9, size=(5, 3, 3))
    values = intervals.resampled(confusions, values_of, np.ones((1, 5), int))["accuracy"]
    assert values == pytest.approx(accuracy(confusions.sum(axis=0)))


def test_the_bootstrap_equals_drawing_the_rows():
    rng = np.random.default_rng(3)
    confusions = rng.integers(1, 9, size=(6, 2, 2))
    draws = intervals.resample(6, 20, rng)
    by_hand = [accuracy(sum(confusions[np.repeat(range(6), drawn)])) for drawn in draws]
    assert intervals.resampled(confusions, values_of, draws)["accuracy"] == pytest.approx(np.array(by_hand))


@pytest.mark.parametrize("groups", [12, 80])
def test_interval_covers_a_mean_about_as_often_as_it_says(groups):
    """Accuracy of groups with a random effect: the interval over groups covers, one over rows would not."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(400):
        right = rng.binomial(10, rng.beta(3, 1, size=groups))
        confusions = np.zeros((groups, 2, 2), int)
        confusions[:, 0, 0], confusions[:, 0, 1] = right, 10 - right
        values = intervals.resampled(confusions, values_of, intervals.resample(groups, 400, rng))["accuracy"]
        low, high = intervals.interval(values, 0.9, groups)
        hits += low <= 0.75 <= high
    assert 0.86 <= hits / 400 <= 0.96


def test_few_groups_are_groups_themselves_and_many_are_bundled_evenly():
    assert intervals.Draws.of(5, 10, 1).bundle.tolist() == list(range(5))
    draws = intervals.Draws.of(10 * intervals.BUNDLES + 3, 10, 1)
    sizes = np.bincount(draws.bundle)
    assert (len(sizes), sizes.min(), sizes.max()) == (intervals.BUNDLES, 10, 11)
    assert draws.times.shape == (10, intervals.BUNDLES)


def test_bundles_of_groups_vary_as_the_groups_do(monkeypatch):
    rng = np.random.default_rng(2)
    right = rng.binomial(4, rng.beta(3, 1, size=4000))
    exact = np.sqrt(np.var(right / 4) / len(right))
    monkeypatch.setattr(intervals, "BUNDLES", 500)
    draws = intervals.Draws.of(len(right), 2000, 1)
    confusions = np.zeros((500, 2, 2), int)
    np.add.at(confusions, (draws.bundle, 0, 0), right)
    np.add.at(confusions, (draws.bundle, 0, 1), 4 - right)
    assert intervals.resampled(confusions, values_of, draws.times)["accuracy"].std() == pytest.approx(exact, rel=0.1)


def test_the_mean_over_runs_is_that_of_each_run_and_resample():
    rng = np.random.default_rng(4)
    confusions, draws = rng.integers(1, 9, size=(3, 6, 2, 2)), intervals.Draws.of(6, 20, 1)
    found = intervals.over_runs(confusions, values_of, draws, (1, 2, 3))["accuracy"]
    assert found.by_seed[0] == pytest.approx(accuracy(confusions.sum(axis=1)))
    assert found.value == pytest.approx(found.by_seed[0].mean())
    each = [intervals.resampled(run, values_of, draws.times)["accuracy"] for run in confusions]
    assert found.resampled == pytest.approx(np.mean(each, axis=0))
    assert (found.groups, found.seeds) == (6, (1, 2, 3))


def estimate(values, seeds, resampled=0.0, groups=100):
    """An arm whose groups add no spread unless they are told to."""
    values = np.array(values, float)
    return Estimate(values.mean(), values.mean() + np.full(200, resampled), groups, seeds, (values,))


def test_seeds_alone_have_student_s_interval():
    values = [0.5, 0.7, 0.65, 0.9]
    expected = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert estimate(values, (1, 2, 3, 4)).interval(0.95) == pytest.approx(expected)


def test_groups_alone_have_the_widened_percentiles():
    resampled = np.random.default_rng(0).normal(0, 0.01, 200)
    found = estimate([0.8], (1,), resampled)
    assert found.interval(0.95) == pytest.approx(intervals.interval(found.resampled, 0.95, 100))


def test_widths_of_groups_and_seeds_add_as_squares():
    resampled = np.random.default_rng(0).normal(0, 0.01, 200)
    seeds, groups = estimate([0.7, 0.8, 0.75], (1, 2, 3)), estimate([0.75], (1,), resampled)
    both = estimate([0.7, 0.8, 0.75], (1, 2, 3), resampled).interval(0.95)
    sides = [(of.interval(0.95)[0] - 0.75, of.interval(0.95)[1] - 0.75) for of in (seeds, groups)]
    assert both == pytest.approx((0.75 - np.hypot(*[low for low, _ in sides]), 0.75 + np.hypot(*[h for _, h in sides])))


def test_equal_seeds_pair_and_others_do_not():
    ours, theirs = [0.7, 0.8, 0.9], [0.6, 0.71, 0.8]
    paired = estimate(ours, (1, 2, 3)).minus(estimate(theirs, (1, 2, 3)))
    apart = estimate(ours, (1, 2, 3)).minus(estimate(theirs, (4, 5, 6)))
    gaps = np.array(ours) - theirs
    assert paired.interval(0.95) == pytest.approx(stats.t.interval(0.95, 2, gaps.mean(), stats.sem(gaps)))
    half = stats.t.ppf(0.975, 2) * np.hypot(stats.sem(ours), stats.sem(theirs))
    assert apart.interval(0.95) == pytest.approx((gaps.mean() - half, gaps.mean() + half))


def test_an_arm_of_one_run_brings_no_spread_of_seeds_into_a_difference():
    arm, once = estimate([0.7, 0.8, 0.9], (1, 2, 3)), estimate([0.6], (0,))
    low, high = arm.interval(0.95)
    assert arm.minus(once).interval(0.95) == pytest.approx((low - 0.6, high - 0.6))


def test_draws_of_seeds_have_the_spread_of_the_means_and_move_together():
    rng = np.random.default_rng(1)
    runs = np.array([[0.5, 0.6], [0.7, 0.82], [0.6, 0.69], [0.65, 0.78], [0.58, 0.66], [0.61, 0.7]])
    draws = intervals.seed_draws(runs, 40_000, rng)
    for weights in ([1, 0], [0, 1], [1, -1]):
        of_runs = runs @ weights
        expected = stats.t.interval(0.95, 5, 0, stats.sem(of_runs))
        assert np.quantile(draws @ weights, [0.025, 0.975]) == pytest.approx(expected, rel=0.05)
    assert not intervals.seed_draws(runs[:1], 10, rng).any()
