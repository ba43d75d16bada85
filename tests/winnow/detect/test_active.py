"""Strategies against plain definitions: orders, coverage of clusters, no row twice, no label needed where none is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.detect import active
from winnow.detect.active import Pool

COLD = ("random", "k_center", "typical")
ALL = (*COLD, "entropy", "margin", "mixed")
NONE = np.zeros((0, 8), np.float32)


def points(count: int, seed: int = 0, dimensions: int = 8) -> np.ndarray:
    return active.unit_length(np.random.default_rng(seed).normal(size=(count, dimensions)))


def doubt(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(count)


def clusters(sizes: list[int], spread: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """Rows around the axes of a space, and to which axis each belongs."""
    belongs = np.repeat(np.arange(len(sizes)), sizes)
    noise = np.random.default_rng(1).normal(scale=spread, size=(len(belongs), 8))
    return active.unit_length(np.eye(8)[belongs] + noise), belongs


@pytest.mark.parametrize("strategy", ALL)
@settings(max_examples=20)  # each may cluster twice
@given(st.integers(0, 30), st.integers(1, 40), st.integers(0, 10), st.integers(0, 3), st.booleans())
def test_no_row_twice_as_many_as_asked_and_the_same_each_time(strategy, count, wanted, labelled, seed, alike):
    vectors = np.repeat(points(1), count, axis=0) if alike else points(count, seed)
    made = [
        active.choose(strategy, wanted, Pool(vectors, points(labelled, 9), doubt(count, seed)), seed) for _ in range(2)
    ]
    assert len(set(made[0].tolist())) == len(made[0]) == min(wanted, count)
    assert ((made[0] >= 0) & (made[0] < max(count, 1))).all()
    assert (made[0] == made[1]).all()


@pytest.mark.parametrize("strategy", COLD)
def test_a_cold_start_needs_neither_labels_nor_a_model(strategy):
    assert len(set(active.choose(strategy, 10, Pool(points(50), NONE), 1).tolist())) == 10


@pytest.mark.parametrize("strategy", ["entropy", "margin"])
@given(st.integers(1, 30), st.integers(0, 3))
def test_entropy_and_margin_take_the_most_doubtful_first(strategy, count, seed):
    found = doubt(count, seed)
    made = active.choose(strategy, count, Pool(points(count), NONE, found), 1)
    assert found[made].tolist() == sorted(found, reverse=True)


@given(st.integers(2, 25), st.integers(1, 6), st.integers(0, 4), st.integers(0, 5))
def test_k_center_is_the_greedy_choice_of_a_plain_loop(count, wanted, labelled, seed):
    vectors, known = points(count, seed), points(labelled, seed + 100)
    made = active.choose("k_center", wanted, Pool(vectors, known), 1).tolist()
    centres = list(known) + ([] if labelled else [vectors[made[0]]])
    for row in made if labelled else made[1:]:
        away = [min(np.linalg.norm(vector - centre) for centre in centres) for vector in vectors]
        assert away[row] == pytest.approx(max(away), abs=1e-3)
        centres.append(vectors[row])


def test_k_center_covers_all_clusters_within_twice_the_best_radius():
    vectors, belongs = clusters([40, 3, 20, 1])
    made = active.choose("k_center", 4, Pool(vectors, NONE), 1)
    assert set(belongs[made]) == {0, 1, 2, 3}
    left = active.choose("k_center", 2, Pool(vectors, vectors[belongs < 2]), 1)
    assert set(belongs[left]) == {2, 3}


def test_k_center_begins_in_the_middle():
    vectors, belongs = clusters([40, 2])
    assert belongs[active.choose("k_center", 1, Pool(vectors, NONE), 1)[0]] == 0


def test_typical_takes_one_row_of_each_large_cluster_without_a_label_first():
    vectors, belongs = clusters([30, 8, 20, 2])
    made = active.choose("typical", 4, Pool(vectors, NONE), 1)
    assert set(belongs[made[:3]]) == {0, 1, 2}
    assert belongs[made[0]] == 0
    more = active.choose("typical", 1, Pool(vectors, vectors[belongs == 0][:3]), 1)
    assert belongs[more[0]] == 2


def test_typical_rows_are_dense_ones():
    vectors, _ = clusters([60], spread=0.2)
    made = active.choose("typical", 1, Pool(vectors, NONE), 1)
    away = np.linalg.norm(vectors - vectors.mean(axis=0), axis=1)
    assert away[made[0]] < np.median(away)


def test_mixed_takes_doubtful_rows_of_several_clusters():
    vectors, belongs = clusters([30, 30, 30])
    doubtful = np.arange(90) % 10 == 0
    made = active.choose("mixed", 3, Pool(vectors, NONE, np.where(doubtful, -0.05, -0.97)), 1)
    assert doubtful[made].all()
    assert set(belongs[made]) == {0, 1, 2}


def test_nearest_and_squared_distance_are_those_of_a_plain_loop(monkeypatch):
    monkeypatch.setattr(active, "BLOCK", 4)
    vectors, others = points(11), points(5, 7)
    cosines = vectors @ others.T
    both, rows, at = np.concatenate([vectors, others]), np.arange(11), np.arange(11, 16)
    places, found = active.nearest(both, rows, at, 3)
    assert found == pytest.approx(np.sort(cosines, axis=1)[:, ::-1][:, :3], abs=1e-6)
    assert np.take_along_axis(cosines, places - 11, axis=1) == pytest.approx(found, abs=1e-6)
    assert active.nearest(both, rows, at[:2], 3)[0].shape == (11, 2)
    assert active.nearest(both, rows, at[:0], 3)[0].shape == (11, 0)
    assert active.squared_distance(vectors, others) == pytest.approx(2 - 2 * cosines.max(axis=1), abs=1e-5)
    assert np.isinf(active.squared_distance(vectors, others[:0])).all()
