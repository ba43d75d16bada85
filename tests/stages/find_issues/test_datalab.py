"""datalab: what Datalab finds is there, nothing is missed in silence, and equal rows give equal findings."""

import numpy as np
import pytest

from stages.find_issues import datalab
from winnow.encoder import neighbours
from winnow.encoder.neighbours import Neighbours

LABELS = ["A", "B", "C"]


def rows(count: int = 120, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities that confirm them, and vectors around an axis for each label."""
    random = np.random.default_rng(seed)
    given = np.arange(count) % 3
    chances = np.full((count, 3), 0.1)
    chances[np.arange(count), given] = 0.8
    vectors = np.eye(6)[given] + random.normal(scale=0.15, size=(count, 6))
    return given, chances, vectors.astype(np.float32)


def near(vectors: np.ndarray, groups: np.ndarray | None = None) -> Neighbours:
    groups = np.arange(len(vectors)) if groups is None else groups
    return neighbours.nearest(vectors, groups, np.ones(len(vectors), dtype=bool), datalab.NEAREST)


def found(given, chances, vectors, groups=None, poor: float = 0.5) -> datalab.Kinds:
    support = chances[np.arange(len(given)), given]
    return datalab.find(np.array(LABELS, dtype=object)[given], support, vectors, near(vectors, groups), poor)


def test_a_row_far_from_all_others_is_an_outlier():
    given, chances, vectors = rows()
    vectors[7] = [-1, -1, -1, 0, 0, 0]
    result = found(given, chances, vectors)
    assert result.outlier[7]
    assert result.dataset["outlier"]["rows"] == result.outlier.sum() <= 5


def test_near_duplicates_count_where_their_labels_differ():
    given, chances, vectors = rows()
    vectors[4], vectors[9] = vectors[3] * 1.0001, vectors[6]  # labels 1 and 0; 0 and 0
    assert given[[3, 4, 6, 9]].tolist() == [0, 1, 0, 0]
    result = found(given, chances, vectors)
    assert result.duplicates == {3: [4], 4: [3]}
    assert result.dataset["near_duplicate"] == {"rows": 2}


def test_near_duplicates_of_one_group_do_not():
    given, chances, vectors = rows()
    vectors[4] = vectors[3]
    groups = np.arange(120)
    groups[4] = 3
    assert found(given, chances, vectors, groups).duplicates == {}


def test_a_slice_on_which_the_models_do_poorly_is_found():
    given, chances, vectors = rows(600)
    apart = np.arange(600) % 10 == 0
    vectors[apart] = np.array([0, 0, 0, 3, 0, 0]) + np.random.default_rng(2).normal(scale=0.05, size=(60, 6))
    chances[apart] = np.roll(chances[apart], 1, axis=1)
    result = found(given, chances, vectors)
    figures = result.dataset["underperforming_group"]
    assert apart[result.slice].all()
    assert result.slice.sum() == figures["rows"] >= datalab.SLICE_ROWS
    assert figures["issue"]
    assert figures["score"] < 0.3
    assert len(figures["examples"]) == 3
    assert apart[figures["examples"]].all()
    calm = found(given, chances, vectors, poor=0.01)
    assert not calm.slice.any()
    assert not calm.dataset["underperforming_group"]["issue"]


def test_a_rare_class_is_told():
    names = ["A", "B", "A"] * 99 + ["A", "B", "C"]
    rare = {"rarest": "C", "share": pytest.approx(1 / 300), "issue": True}
    assert datalab.imbalance(names, LABELS) == rare
    even = datalab.imbalance(LABELS * 100, LABELS)
    assert (even["rarest"], even["issue"]) == ("A", False)
    assert datalab.imbalance(["C", "A"], LABELS)["rarest"] == "A"  # B has no rows


def test_one_class_is_no_rarer_than_others():
    assert datalab.imbalance(["A", "A"], LABELS) == datalab.imbalance([], LABELS) == {}


def test_models_that_do_not_tell_how_probable_labels_are_have_no_slices():
    given, _, vectors = rows()
    result = datalab.find(given, None, vectors, near(vectors), 0.5)
    assert set(result.dataset) == {"outlier", "near_duplicate"}
    assert not result.slice.any()


@pytest.mark.parametrize("count", [0, 1, 5, 11])
def test_few_rows_are_no_reason_to_stop(count):
    result = found(*rows(count))
    assert len(result.outlier) == len(result.slice) == count
    assert ("outlier" in result.dataset) is (count > datalab.NEAREST)


def test_rows_of_one_group_have_no_neighbours_and_no_kinds():
    given, chances, vectors = rows()
    result = found(given, chances, vectors, np.zeros(120, dtype=int))
    assert result.dataset == {}


def test_rows_of_one_class_have_no_kinds():
    given, chances, vectors = rows()
    assert found(given * 0, chances, vectors).dataset == {}


def test_null_values_are_counted_by_column_and_for_rows_without_any():
    columns = {"published": [None, "2020", None, "2021"], "aux_kind": [None, None, "x", "y"]}
    assert datalab.nulls(columns) == {"rows": 1, "columns": {"published": 0.5, "aux_kind": 0.5}}
    assert datalab.nulls({"published": ["2020"] * 3}) == {"rows": 0, "columns": {"published": 0.0}}
    assert datalab.nulls({}) == datalab.nulls({"published": []}) == {}


def test_an_order_by_what_rows_say_is_told_from_none():
    _, _, vectors = rows(300)
    assert datalab.order(vectors[np.argsort(np.arange(300) % 3, kind="stable")])["p_value"] < 0.01
    mixed = np.random.default_rng(3).permutation(300)
    assert datalab.order(vectors[mixed])["p_value"] > 0.05
    assert datalab.order(vectors[:5]) == {}
    assert datalab.order(vectors[:0]) == {}


def test_of_many_rows_the_order_is_tested_on_some(monkeypatch):
    monkeypatch.setattr(datalab, "ORDERED_ROWS", 100)
    assert datalab.order(rows(300)[2])["rows"] == 100
    assert datalab.order(rows(301)[2])["rows"] == 76


def test_equal_rows_give_equal_findings():
    given, chances, vectors = rows(300)
    first, second = found(given, chances, vectors), found(given, chances, vectors)
    np.testing.assert_array_equal(first.outlier, second.outlier)
    assert first.dataset == second.dataset
    assert datalab.order(vectors) == datalab.order(vectors)


def test_what_datalab_could_not_look_for_is_no_finding(capsys):
    """Datalab prints that a check failed, and goes on."""
    with pytest.raises(RuntimeError, match="cleanlab found no outlier: Error in outlier"):
        datalab._datalab(np.zeros(3, dtype=int), {"outlier": {"k": 50}}, features=np.full((3, 2), np.nan))
    assert capsys.readouterr().out == ""


def test_clusters_come_from_the_first_rows_and_hold_all(monkeypatch):
    given, _, vectors = rows(600)
    whole, _ = datalab._clusters(vectors)
    monkeypatch.setattr(datalab, "FITTED", 250)
    some, centres = datalab._clusters(datalab.Taken(vectors, np.arange(600)))
    assert len(some) == len(whole) == 600
    assert (some == np.linalg.norm(vectors[:, None] - centres, axis=2).argmin(axis=1)).mean() > 0.99
    assert len(set(zip(given.tolist(), some.tolist(), strict=True))) == len(set(some.tolist())), "one class a cluster"
