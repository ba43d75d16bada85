"""inputs: every model's columns, the rules' majority, rows in the table's order; what does not fit is named."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.conftest import make_rows
from winnow.base.errors import UserError
from winnow.detect import inputs
from winnow.kinds.classification.labels import Task

TASK = Task(kind="classification", labels=["FRUIT", "STONE"])


def scored(ids: list[str], **members: float) -> pa.Table:
    """The first label's probability is the number given, plus a hundredth of the row's place."""
    columns = {"id": ids, "fold": list(range(len(ids)))}
    for name, chance in ({"p": 0.5} | members).items():
        prefix = name if name == "p" else f"{name}_p"
        first = [chance + place / 100 for place in range(len(ids))]
        columns |= {f"{prefix}_FRUIT": first, f"{prefix}_STONE": [1 - value for value in first]}
    return pa.table(columns)


def test_members_are_found_by_their_columns_in_the_order_of_the_rows():
    rows = make_rows([{"label": "FRUIT"}] * 3)
    ids = rows["id"].to_pylist()
    found, folds = inputs.members(rows, scored(ids[::-1], probe=0.2, fine_p_tuned=0.3), TASK, Path("s"))
    assert list(found) == ["probe", "fine_p_tuned"]
    np.testing.assert_allclose(found["probe"], [[0.22, 0.78], [0.21, 0.79], [0.2, 0.8]])
    assert folds.tolist() == [2, 1, 0]


def test_a_label_that_looks_like_a_column_is_no_member():
    task = Task(kind="classification", labels=["a", "x_p_a"])
    rows = make_rows([{"label": "a"}])
    table = pa.table(
        {"id": rows["id"], "fold": [0], "p_a": [0.5], "p_x_p_a": [0.5], "m_p_a": [0.1], "m_p_x_p_a": [0.9]}
    )
    assert list(inputs.members(rows, table, task, Path("s"))[0]) == ["m"]


def test_scores_of_other_rows_or_of_no_model_are_refused():
    rows = make_rows([{"label": "FRUIT"}] * 3)
    ids = rows["id"].to_pylist()
    with pytest.raises(UserError, match="scores: its rows are not those of the labelled table; run `dvc repro score`"):
        inputs.members(rows, scored(ids[:2], probe=0.2), TASK, Path("scores"))
    with pytest.raises(UserError, match="scores: no columns <member>_p_<label>"):
        inputs.members(rows, scored(ids), TASK, Path("scores"))


def test_labels_are_indices_and_people_stand_for_some():
    origins = ["given", "human", "rule", None]
    rows = make_rows([{"label": "STONE" if origin else None, "label_origin": origin} for origin in origins])
    assert inputs.label_index(rows["label"].to_pylist(), TASK).tolist() == [1, 1, 1, -1]
    assert inputs.known_labels(rows).tolist() == [True, True, False, False]


def test_the_rules_majority_is_none_where_they_are_even():
    votes = [
        ("a", "r1", "STONE"),
        ("b", "r1", "STONE"),
        ("b", "r2", "FRUIT"),
        ("c", "r1", "FRUIT"),
        ("c", "r2", "FRUIT"),
    ]
    votes += [("c", "r3", "STONE")]
    table = pa.table(dict(zip(("id", "rule", "label"), map(list, zip(*votes, strict=True)), strict=True)))
    said, majority = inputs.votes_of(["a", "b", "c", "d"], table, TASK)
    assert majority.tolist() == [1, -1, 0, -1]
    assert said["b"] == [{"rule": "r1", "label": "STONE"}, {"rule": "r2", "label": "FRUIT"}]


def test_rows_of_a_group_are_in_the_order_of_their_keys():
    keys = ["p:10", "p:2", "q:1", "p:1"]
    rows = make_rows([{"source_key": key, "group": key[0]} for key in keys])
    vectors = np.eye(4, dtype=np.float32)
    found = inputs.describe(rows, np.zeros(4, int), vectors, np.full(4, -1), np.ones(4, bool), 2)
    assert [keys[row] for row in np.argsort(found.places)] == ["p:1", "p:2", "p:10", "q:1"]
    assert found.groups[0] == found.groups[1] == found.groups[3] != found.groups[2]
    assert found.near.index[0].tolist() == [2, -1]
