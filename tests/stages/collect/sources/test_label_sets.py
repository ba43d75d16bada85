"""Sets of labels from sources: lists, delimited cells, a column a label and sequences of classes give the same rows."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.collect.sources import Columns, Source, hf, mapping
from stages.collect.sources.labels import Labels
from winnow.base import params
from winnow.base.errors import UserError
from winnow.kinds.classification.labels import Task as Classes
from winnow.kinds.multilabel import cells
from winnow.kinds.multilabel.labels import Task
from winnow.readers import Block

NAMES = ["Humans", "Rats", "Mice"]
TASK = Task(kind="multilabel", labels=NAMES)
SETS = st.lists(st.none() | st.lists(st.sampled_from(NAMES), unique=True), min_size=1, max_size=8)


def source(label="mesh", **keys) -> Source:
    columns = Columns(text="text", key="key", label=label)
    return params.parse(
        {"name": "s", "licence": "x", "purpose": "task", "columns": columns} | keys, Source, "sources[0]"
    )


def read(columns: dict, task=TASK, label="mesh", **keys) -> tuple[list, list]:
    """The labels of a block, and the rules and reasons of rows that it refuses."""
    count = len(next(iter(columns.values())))
    of, labels = source(label, **keys), Labels(task, cells if task.kind == "multilabel" else None)
    places = [f"a.csv, line {number}" for number in range(1, count + 1)]
    own = {"text": ["some words"] * count, "key": [str(number) for number in range(count)]}
    rows, refused = mapping.rows(Block(places, own | columns, []), of, labels, [1900, 2030])
    labels.check(of)
    return rows["label"].to_pylist(), [(place, rule, reason) for place, rule, reason in refused]


def canonical(names):
    return None if names is None else json.dumps(sorted(names), separators=(",", ":"))


@given(SETS)
def test_every_form_of_a_source_gives_the_same_sets(sets):
    wanted = [canonical(names) for names in sets]
    delimited = [None if names is None else ";".join(names) or "[]" for names in sets]
    marks = {name: [None if names is None else int(name in names) for names in sets] for name in NAMES}
    decimals = {name: [None if names is None else f"{name in names:.1f}" for names in sets] for name in NAMES}
    assert read({"mesh": sets}) == (wanted, [])
    assert read({"mesh": pa.array(sets, pa.list_(pa.string()))}) == (wanted, [])
    assert read({"mesh": pa.array(sets, pa.large_list(pa.string()))}) == (wanted, [])
    assert read({"mesh": [None if names is None else json.dumps(names) for names in sets]}) == (wanted, [])
    assert read({"mesh": delimited}) == (wanted, [])
    assert read(marks, label=NAMES) == (wanted, [])
    assert read(decimals, label=NAMES) == (wanted, [])


def test_a_sequence_of_classes_of_a_data_set_has_their_names():
    column = pa.chunked_array([pa.array([[0, 2], [], None], pa.list_(pa.int64()))])
    assert hf._named(column, NAMES).to_pylist() == [["Humans", "Mice"], [], None]


def test_names_are_translated_one_by_one_and_null_takes_one_out():
    names = {"Human": "Humans", "Female": None, "none": None}
    said = ["Human;Female;Rats", "Female", "none", "", None]
    assert read({"mesh": said}, label_map=names)[0] == ['["Humans","Rats"]', "[]", "[]", None, None]


def test_unlisted_names_fall_out_where_the_task_says_so():
    task = Task(kind="multilabel", labels=NAMES, unlisted="leave_out")
    assert read({"mesh": [["Cats", "Rats"], ["Cats"]]}, task)[0] == ['["Rats"]', "[]"]


def test_unknown_names_are_told_by_name_with_their_rows_and_the_mend():
    with pytest.raises(UserError) as raised:
        read({"mesh": ["Rats;rats", "Cats;Rats", "Cats"]})
    told = str(raised.value)
    assert "label 'rats' is not one of params.yaml: task.labels" in told
    assert "the first such row is a.csv, line 1, key '0'" in told
    assert '"rats" (1 row, "Rats" but for case, space or Unicode form)' in told
    assert '"Cats" (2 rows)' in told
    assert 'label_map: {"rats": "Rats", "Cats": null}' in told


@pytest.mark.parametrize("cell", ['["Rats"', '{"Rats": 1}', [["Rats"]], [{"name": "Rats"}], [None]])
def test_a_list_that_is_none_is_one_line_with_its_row(cell):
    with pytest.raises(UserError) as raised:
        read({"mesh": ["Rats", cell]})
    assert "\n" not in str(raised.value)
    assert "a.csv, line 2, key '1'" in str(raised.value)


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (["1", "maybe", "0"], "column 'Rats' holds 'maybe': a label's column holds 1 or 0"),
        (
            ["1", None, "0"],
            "column 'Rats' is empty, and other columns of labels are not: a label's column holds 1 or 0",
        ),
        (["2", "0", "0"], "column 'Humans' holds '2': a label's column holds 1 or 0"),
    ],
)
def test_a_label_s_column_that_holds_anything_else_refuses_the_row(second, told):
    columns = {name: ["1", cell, "true"] for name, cell in zip(NAMES, second, strict=True)}
    labels, refused = read(columns, label=NAMES)
    assert labels == ['["Humans","Mice","Rats"]'] * 2
    assert refused == [("a.csv, line 2", "bad_value", told)]


def test_a_task_of_one_label_a_row_takes_one_column():
    task = Classes(kind="classification", labels=NAMES)
    with pytest.raises(
        UserError, match=r"columns\.label names 3 columns: Humans, Rats, Mice; a row of task\.kind class"
    ):
        read({name: ["1"] for name in NAMES}, task, label=NAMES)
    assert read({"mesh": [["Rats"]]}, task)[1] == [
        ("a.csv, line 1", "bad_value", "column 'mesh' holds a list, not text")
    ]
