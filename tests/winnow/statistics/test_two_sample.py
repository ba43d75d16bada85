"""Two samples of one kind are told apart no more often than the level says; others are."""

import numpy as np
import pytest

from winnow.statistics import two_sample
from winnow.statistics.intervals import wilson


def drawn(rng, first: int, second: int, shift: float = 0.0) -> np.ndarray:
    """The kernel of random rows of unit length, those of the second sample moved along one axis."""
    rows = rng.normal(size=(first + second, 12))
    rows[first:, 0] += shift
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T


@pytest.mark.parametrize(("first", "second"), [(40, 40), (60, 15)])
def test_false_alarms_are_as_many_as_the_level(first, second):
    runs, member = 200, np.arange(first + second) >= first
    rng = np.random.default_rng(1)
    p = [two_sample.tell_apart(drawn(rng, first, second), member, 39, seed).p for seed in range(runs)]
    for level in (0.05, 0.25, 0.5):
        low, high = wilson(int((np.array(p) <= level).sum()), runs, 0.999)
        assert low <= level <= high


def test_a_shift_is_seen_and_its_interval_holds_what_another_draw_shows():
    rng, member = np.random.default_rng(2), np.arange(160) >= 80
    found = [two_sample.tell_apart(drawn(rng, 80, 80, 1.5), member, 99, seed) for seed in range(25)]
    assert all(one.p <= 0.02 for one in found)
    mean = np.mean([one.auc for one in found])
    assert 0.75 < mean < 0.95
    assert np.mean([one.low <= mean <= one.high for one in found]) >= 0.85
    assert found[0].scores[80:].mean() > found[0].scores[:80].mean()


def test_the_same_rows_twice_are_no_difference():
    rows = np.random.default_rng(3).normal(size=(50, 12))
    twice = np.concatenate([rows, rows])
    twice /= np.linalg.norm(twice, axis=1, keepdims=True)
    assert two_sample.tell_apart(twice @ twice.T, np.arange(100) >= 50, 99, 1).p > 0.5
    assert two_sample.tell_apart(np.zeros((20, 20)), np.arange(20) >= 10, 99, 1).p == 1.0


@pytest.mark.parametrize("few", [0, 1, 4])
def test_a_few_rows_are_not_told_apart(few):
    found = two_sample.tell_apart(np.eye(few + 30), np.arange(few + 30) >= 30, 99, 1)
    assert (found.p, found.low, found.high) == (1.0, 0.0, 1.0)


def test_shares_of_classes():
    rng, runs = np.random.default_rng(4), 300
    p = []
    for seed in range(runs):
        first, second = (rng.choice(20, size, p=np.arange(1, 21) / 210) for size in (60, 40))
        p.append(two_sample.permuted(first, second, 39, seed)[1])
    low, high = wilson(int((np.array(p) <= 0.05).sum()), runs, 0.999)
    assert low <= 0.05 <= high
    apart, p = two_sample.permuted(np.array([0, 0, 0, 1] * 10), np.array([0, 1, 1, 2] * 10), 199, 1)
    assert apart == pytest.approx(0.5)
    assert p <= 0.01
    assert two_sample.permuted(np.array([0, 1]), np.array([], int), 19, 1) == (0.0, 1.0)
