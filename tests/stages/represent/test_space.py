"""Embedding space: unit vectors, clusters, the Vendi score's bounds."""

import numpy as np
import pytest

from stages.represent import space
from stages.represent.rows import Sample


def blobs(rows: int = 40) -> np.ndarray:
    """Four directions, `rows` of each, a little apart."""
    rng = np.random.default_rng(1)
    return np.vstack([np.eye(6)[kind] + rng.normal(size=(rows, 6)) / 50 for kind in range(4)])


def test_vectors_of_any_length_become_one_long_and_zeros_stay():
    vectors = space.unit_length(np.array([[3, 4], [0, 0]], dtype=np.float32))
    assert vectors.tolist() == [pytest.approx([0.6, 0.8]), [0, 0]]


def test_the_vendi_score_counts_different_rows():
    assert space.vendi(np.eye(7)) == pytest.approx(7)
    assert space.vendi(np.tile(np.eye(7)[0], (9, 1))) == pytest.approx(1)
    assert space.vendi(np.repeat(np.eye(4), 5, axis=0)) == pytest.approx(4)
    assert space.vendi(np.empty((0, 3))) == 0


def test_clusters_are_found_and_rows_outside_the_fit_join_the_nearest():
    vectors = space.unit_length(blobs())
    fit_on = np.flatnonzero(np.arange(160) % 4 != 0)
    kinds, apart = space.cluster(vectors, fit_on, 4, seed=1)
    assert [len(set(kinds[start : start + 40])) for start in (0, 40, 80, 120)] == [1] * 4
    assert len(set(kinds)) == 4
    assert apart.max() < 0.3


def test_more_clusters_than_rows_are_as_many_as_rows():
    kinds, _ = space.cluster(np.eye(3), np.arange(3), 50, seed=1)
    assert sorted(kinds.tolist()) == [0, 1, 2]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_kernel_of_equal_rows_is_one(rows):
    assert space.rbf(np.ones((rows, 2)), np.arange(rows)).tolist() == [[1.0] * rows] * rows


def test_rows_in_the_middle_of_a_source_s_own_clusters_are_told():
    sample = Sample(80)
    for number in range(160):  # the second source has only the first two directions, the first all but the first
        source = "first" if number >= 80 or (number % 40 < 20 and number >= 40) else "second"
        sample.takes(f"{number:03d}", source, f"group-{number}", False)
    vectors = np.vstack([blobs()])
    found = space.Space(sample, vectors.astype(np.float32), clusters=4, nearly_empty=0.1, seed=1)
    own = found.most_own(sample.of("first"), sample.of("second"), 5)
    assert [share for _, _, share in own][:2] == [1, 1]
    assert {int(id) // 40 for id, _, _ in own[:2]} == {2, 3}
    assert {id for id, _, _ in own} <= {sample.ids[row] for row in sample.of("first")}
    profile = found.profile(sample.of("second"))
    assert profile["coverage"] == 0.5
    assert found.profile(np.empty(0, int)) == {"rows": 0}
