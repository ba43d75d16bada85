"""neighbours: the same rows as by comparing all, none of a row's own group, however the rows are cut into blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.encoder import neighbours


def brute(vectors: np.ndarray, groups: np.ndarray, among: np.ndarray, k: int) -> list[list[int]]:
    found = []
    norm = np.maximum(np.linalg.norm(vectors.astype(float), axis=1), 1e-300)
    cosine = np.round((vectors.astype(float) / norm[:, None]) @ (vectors.astype(float) / norm[:, None]).T, 6)
    for row in range(len(vectors)):
        allowed = [other for other in range(len(vectors)) if among[other] and groups[other] != groups[row]]
        found.append(sorted(allowed, key=lambda other, row=row: (-cosine[row, other], other))[:k])
    return found


@given(
    values=st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 4), st.booleans()), max_size=25),
    k=st.integers(1, 6),
)
def test_they_are_those_of_comparing_every_pair(values, k):
    vectors = np.array([value[:2] for value in values], dtype=np.float32).reshape(-1, 2)
    groups = np.array([value[2] for value in values], dtype=int)
    among = np.array([value[3] for value in values], dtype=bool)
    near = neighbours.nearest(vectors, groups, among, k)
    assert near.index.shape == near.similarity.shape == (len(values), k)
    expected = brute(vectors, groups, among, k)
    assert [[int(other) for other in row if other >= 0] for row in near.index] == expected
    assert (near.similarity[near.index < 0] == 0).all()


@pytest.mark.parametrize("vector", [(0, 0), (1, 2)])
def test_of_many_that_are_as_near_the_first_come_first(vector):
    vectors = np.tile(np.array(vector, dtype=np.float32), (40, 1))
    near = neighbours.nearest(vectors, np.arange(40), np.ones(40, dtype=bool), 3)
    assert near.index[[0, 1, 39]].tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 2]]


@pytest.mark.parametrize(("block", "widest"), [(1, 1), (50, 512), (10**6, 7)])
def test_blocks_change_nothing(monkeypatch, block, widest):
    random = np.random.default_rng(1)
    vectors, groups = random.normal(size=(60, 5)).astype(np.float32), random.integers(0, 20, 60)
    whole = neighbours.nearest(vectors, groups, np.ones(60, dtype=bool), 4)
    monkeypatch.setattr(neighbours, "BLOCK", block)
    monkeypatch.setattr(neighbours, "WIDEST", widest)
    parts = neighbours.nearest(vectors, groups, np.ones(60, dtype=bool), 4)
    np.testing.assert_array_equal(parts.index, whole.index)
    np.testing.assert_array_equal(parts.similarity, whole.similarity)


def test_similarity_is_the_cosine_whatever_the_length():
    vectors = np.array([[1, 0], [5, 5], [0, 0.1]], dtype=np.float32)
    near = neighbours.nearest(vectors, np.arange(3), np.ones(3, dtype=bool), 2)
    assert near.index[0].tolist() == [1, 2]
    np.testing.assert_allclose(near.similarity[0], [0.707107, 0.0])


def test_no_rows_have_no_neighbours():
    near = neighbours.nearest(np.zeros((0, 4), np.float32), np.zeros(0, int), np.zeros(0, bool), 3)
    assert near.index.shape == (0, 3)


def near_texts(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors about as near each other as texts of some topics, and groups: of three rows, one of a hundred."""
    random = np.random.default_rng(3)
    topics = random.normal(size=(60, 48))
    vectors = topics[random.integers(0, 60, rows)] + 0.8 * random.normal(size=(rows, 48))
    return vectors.astype(np.float32), np.where(np.arange(rows) < 100, 0, np.arange(rows) // 3)


def test_beyond_the_bound_nearly_all_are_found_and_none_of_the_own_group(monkeypatch):
    vectors, groups = near_texts(3000)
    among = np.arange(3000) % 5 > 0
    exact = neighbours.nearest(vectors, groups, among, 15)
    monkeypatch.setattr(neighbours, "EXACT", 0)
    near = neighbours.nearest(vectors, groups, among, 15)
    assert (near.index >= 0).all()
    assert among[near.index].all()
    assert (groups[near.index] != groups[:, None]).all()
    same = [len(set(one) & set(other)) / 15 for one, other in zip(near.index, exact.index, strict=True)]
    assert np.mean(same) > 0.97
    assert np.mean(same[:100]) > 0.97, "rows of a large group"
    agree = near.index == exact.index
    np.testing.assert_array_equal(near.similarity[agree], exact.similarity[agree])


def test_beyond_the_bound_any_number_of_threads_gives_the_same(monkeypatch):
    import faiss

    monkeypatch.setattr(neighbours, "EXACT", 0)
    vectors, groups = near_texts(1500)
    found = []
    for threads in (1, 2, 2):
        faiss.omp_set_num_threads(threads)
        found.append(neighbours.nearest(vectors, groups, np.ones(1500, dtype=bool), 5))
        assert faiss.omp_get_max_threads() == threads
    for other in found[1:]:
        assert found[0].index.tobytes() == other.index.tobytes()
        assert found[0].similarity.tobytes() == other.similarity.tobytes()


def test_beyond_the_bound_few_candidates_are_all_found(monkeypatch):
    monkeypatch.setattr(neighbours, "EXACT", 0)
    vectors, _ = near_texts(40)
    near = neighbours.nearest(vectors, np.arange(40), np.arange(40) < 3, 5)
    assert (near.index[3:] >= 0).sum(axis=1).tolist() == [3] * 37
    assert sorted(near.index[0].tolist()) == [-1, -1, -1, 1, 2]
