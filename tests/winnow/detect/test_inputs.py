"""inputs: evidence in the order of the rows asked for, rows of a group in theirs; what does not fit is named."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import make_rows
from winnow.base.errors import UserError
from winnow.detect import inputs
from winnow.kinds.classification.labels import Task
from winnow.rows import tables

TASK = Task(kind="classification", labels=["FRUIT", "STONE"])


@pytest.fixture
def scored(tmp_path) -> tuple[Path, list[str]]:
    """The scores of three rows, and the rows' ids: the model doubts FRUIT more and more."""
    ids = make_rows([{"label": "FRUIT"}] * 3)["id"].to_pylist()
    chances = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    columns = {f"{prefix}_{label}": chances[:, at] for prefix in ("p", "m_p") for at, label in enumerate(TASK.labels)}
    tables.write(pa.table({"id": ids, "fold": [0, 1, 2]} | columns), tmp_path / "scores")
    return tmp_path / "scores", ids


def test_evidence_has_the_order_of_the_ids(scored):
    path, ids = scored
    assert inputs.evidence(path, ids[:0:-1], TASK).likeliest().tolist() == ["STONE", "FRUIT"]
    found, folds = inputs.evidence_of_all(path, ids[::-1], TASK)
    assert found.likeliest().tolist() == ["STONE", "FRUIT", "FRUIT"]
    assert folds.tolist() == [2, 1, 0]


def test_scores_of_other_rows_are_refused(scored):
    path, ids = scored
    with pytest.raises(UserError, match="scores: its rows are not those of the labelled table; run `dvc repro score`"):
        inputs.evidence_of_all(path, ids[:2], TASK)
    with pytest.raises(UserError, match=r"scores: 1 row\(s\) are not in it, first other; run `dvc repro score`"):
        inputs.evidence(path, [*ids, "other"], TASK)


def test_labels_are_strings_or_none():
    rows = make_rows([{"label": "STONE"}, {}])
    assert inputs.labels(rows["label"]).tolist() == ["STONE", None]
    assert inputs.labels(rows["label"].slice(0, 0)).shape == (0,)


def test_rows_of_a_group_are_in_the_order_of_their_keys():
    keys = ["p:10", "p:2", "q:1", "p:1"]
    rows = make_rows([{"source_key": key, "group": key[0], "label": "FRUIT"} for key in keys])
    vectors, silent = np.eye(4, dtype=np.float32), np.full(4, None, dtype=object)
    found = inputs.surroundings(rows, np.zeros(4, int), silent, vectors)
    assert [keys[row] for row in np.argsort(found.places)] == ["p:1", "p:2", "p:10", "q:1"]
    assert found.groups[0] == found.groups[1] == found.groups[3] != found.groups[2]
    assert found.near.index[0, :2].tolist() == [2, -1]


def test_rows_whose_label_nobody_stands_for_are_no_neighbours():
    rows = make_rows([{"label": "FRUIT", "label_origin": origin} for origin in ("given", "human", "rule", "given")])
    vectors, silent = np.ones((4, 2), dtype=np.float32), np.full(4, None, dtype=object)
    assert inputs.surroundings(rows, np.zeros(4, int), silent, vectors).near.index[0, :3].tolist() == [1, 3, -1]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30, unique=True))
def test_keys_are_in_the_order_of_their_numbers(numbers):
    places = inputs.order([f"paper 7:{number}" for number in numbers])
    assert places.tolist() == np.argsort(np.argsort(numbers)).tolist()


@given(st.lists(st.text(max_size=8), max_size=8))
def test_any_keys_can_be_put_in_order(keys):
    assert sorted(inputs.order(keys).tolist()) == list(range(len(keys)))
