"""Distances: right against the formula, near nothing between halves of one source, seen where sources differ."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial.distance import jensenshannon

from stages.represent import distances, space
from stages.represent.distances import Bootstrap

RNG = np.random.default_rng
ONE = np.ones((1, 1))


def mmd(vectors: np.ndarray, groups: np.ndarray, cut: int) -> tuple[distances.Distance, tuple[int, int]]:
    kernel = space.rbf(vectors, np.arange(len(vectors)))
    parts = [np.unique(groups[:cut], return_inverse=True)[1], np.unique(groups[cut:], return_inverse=True)[1]]
    numbers = np.arange(cut), np.arange(cut, len(vectors))
    return distances.maximum_mean_discrepancy(kernel, *numbers, tuple(parts)), (parts[0].max() + 1, parts[1].max() + 1)


def test_mmd_is_the_mean_over_pairs_of_different_groups():
    vectors, groups = RNG(1).normal(size=(14, 3)), np.array([0, 0, 1, 2, 2, 2, 3, 4, 4, 5, 6, 6, 7, 8])
    kernel = space.rbf(vectors, np.arange(14))
    first, second = range(8), range(8, 14)  # group 4 is on both sides, as two groups

    def mean(one, other, same) -> float:
        return np.mean([kernel[i, j] for i in one for j in other if not same or groups[i] != groups[j]])

    expected = mean(first, first, True) + mean(second, second, True) - 2 * mean(first, second, False)
    measured, counts = mmd(vectors, groups, 8)
    assert measured(*(np.ones((1, count)) for count in counts))[0] == pytest.approx(expected)
    # A group drawn twice is the same as no other group: only pairs of two groups tell anything.
    doubled = measured(*(np.full((1, count), 2.0) for count in counts))[0]
    assert doubled == pytest.approx(expected)


def test_jensen_shannon_is_scipys_squared():
    first, second = RNG(1).integers(0, 5, (4, 30)), RNG(2).integers(0, 5, (3, 30))
    measured = distances.jensen_shannon(sparse.csr_array(first), sparse.csr_array(second))
    draws = np.array([[1, 1, 1, 1], [2, 0, 1, 1.0]]), np.array([[1, 1, 1], [0, 3, 0.0]])
    expected = [
        jensenshannon(one @ first, other @ second, base=2) ** 2 for one, other in zip(draws[0], draws[1], strict=True)
    ]
    assert measured(*draws) == pytest.approx(expected)


@given(st.integers(0, 50))
def test_no_word_in_common_is_one_bit_and_equal_words_are_none(seed):
    counts = RNG(seed).integers(0, 4, (5, 12)) + 1
    ones = np.ones((1, 5))
    apart = distances.jensen_shannon(
        sparse.csr_array(np.hstack([counts, 0 * counts])), sparse.csr_array(np.hstack([0 * counts, counts]))
    )
    assert apart(ones, ones)[0] == pytest.approx(1)
    same = distances.jensen_shannon(sparse.csr_array(counts), sparse.csr_array(counts))
    assert same(ones, ones)[0] == pytest.approx(0, abs=1e-12)


def of_source(shift: float, seed: int, groups: int = 60) -> np.ndarray:
    """Rows in groups of two that are alike."""
    rng = RNG(seed)
    return np.repeat(rng.normal(size=(groups, 8)) + shift, 2, axis=0) + rng.normal(size=(2 * groups, 8)) / 10


@pytest.mark.parametrize(("shift", "apart"), [(0.0, False), (0.7, True)])
def test_a_shift_of_embeddings_is_seen_and_no_shift_is_not(shift, apart):
    vectors, groups = np.vstack([of_source(0, 1), of_source(shift, 2)]), np.repeat(np.arange(120), 2)
    measured, counts = mmd(vectors, groups, 120)
    found = distances.compared(measured, counts, Bootstrap(200, 0.95, RNG(3)))
    assert found["low"] < found["value"] < found["high"]
    assert (found["low"] > 0) == apart

    def halves(first, second):
        chosen = np.concatenate([np.flatnonzero(np.isin(groups[:120], half)) for half in (first, second)])
        return mmd(vectors[chosen], groups[chosen], 2 * len(first))[0]

    floor = distances.noise_floor(halves, 60, 20, Bootstrap(30, 0.95, RNG(4)))
    assert (found["low"] > floor) == apart


def test_the_correction_takes_away_most_of_what_small_samples_add():
    rng = RNG(5)
    shares = rng.dirichlet(np.ones(200))
    first, second = (sparse.csr_array(rng.multinomial(20, shares, 100)) for _ in range(2))
    measured = distances.jensen_shannon(first, second)
    ones = np.ones((1, 100))
    plain = measured(ones, ones)[0]
    found = distances.compared(measured, (100, 100), Bootstrap(200, 0.95, rng))
    assert plain > 0.01
    assert abs(found["value"]) < plain / 4


def test_own_mass_is_the_share_in_clusters_that_the_others_leave():
    first, second = np.array([[5.0, 0, 5], [5, 0, 5]]), np.array([[9.0, 90, 1]])
    measured = distances.own_mass(first, second, 0.1)
    assert measured(np.ones((1, 2)), ONE)[0] == 0.5  # the third: 1 % against 50 %
    assert measured(np.array([[2.0, 0]]), ONE)[0] == 0.5


@given(st.integers(0, 20))
def test_the_same_random_numbers_give_the_same_interval(seed):
    counts = sparse.csr_array(RNG(seed).integers(0, 4, (12, 9)))
    measured = distances.jensen_shannon(counts, counts)
    first, again = (distances.compared(measured, (12, 12), Bootstrap(60, 0.9, RNG(seed))) for _ in range(2))
    assert first == again
