"""schemas: each constraint finds its rows, counts them over all batches and names the first ones."""

import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import make_rows
from tests.other_tasks import NUMBERS
from winnow.base.errors import UserError
from winnow.kinds.classification.labels import Task
from winnow.kinds.token_classification import labels as spans
from winnow.rows import tables
from winnow.validation import schemas

TASK = Task(kind="classification", labels=["A", "B"])
ID = "{:016x}".format


def check(tmp_path, table: pa.Table, schema, mend: str = "mend it") -> np.ndarray:
    tables.write_sorted(table, tmp_path / "table.parquet")
    return schemas.check_table(tmp_path / "table.parquet", schema, mend)


def sound(count: int) -> pa.Table:
    return make_rows([{"label": "AB"[n % 2]} for n in range(count)]).sort_by("id")


def spoilt(column: str, values: dict[int, object], count: int = 20) -> pa.Table:
    table = sound(count)
    field = pa.field(column, table.schema.field(column).type)
    new = [values.get(row, value) for row, value in enumerate(table[column].to_pylist())]
    return table.set_column(table.schema.get_field_index(column), field, pa.array(new, field.type))


@settings(max_examples=15)
@given(st.sets(st.integers(0, 49), min_size=1), st.sampled_from([7, 25, 50]))
def test_failing_rows_are_counted_over_all_batches(tmp_path_factory, rows, batch):
    folder = tmp_path_factory.mktemp("table")
    table = spoilt("group", dict.fromkeys(rows, " "), 50)
    first = ", ".join(table["id"].take(sorted(rows)[:3]).to_pylist())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "ROW_GROUP", batch)
        with pytest.raises(UserError) as error:
            check(folder, table, schemas.rows(TASK))
    assert str(error.value).endswith(
        f"table.parquet: column 'group' is blank: {len(rows)} row(s), first {first}; mend it"
    )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("id", "0123456789ABCDEF", "column 'id' is not 16 hex digits"),
        ("id", None, "column 'id' has no value: 1 row"),
        ("source", "", "column 'source' is blank"),
        ("purpose", "test", "column 'purpose' is not one of task, text"),
        ("text", "\u2003\t", "column 'text' is blank"),
        ("text", None, "column 'text' has no value"),
        ("label", "C", r"column 'label' is no label of params\.yaml: task"),
        ("label", None, "a label without label_origin, or an origin without label"),
        ("label_origin", None, "a label without label_origin, or an origin without label"),
        ("label_origin", "guess", "column 'label_origin' is not one of given, rule, model, human"),
        ("label_origin", "model", "label_confidence belongs to the label_origins rule and model"),
        ("label_confidence", 0.5, "label_confidence belongs to the label_origins rule and model"),
        (
            "label_confidence",
            -0.1,
            r"column 'label_confidence' is outside of 0 to 1: 1 row\(s\), first \w+ \(and 1 more\)",
        ),
    ],
)
def test_rows_that_break_the_contract_are_named(tmp_path, column, value, message):
    with pytest.raises(UserError, match=rf"table\.parquet: {message}"):
        check(tmp_path, spoilt(column, {7: value}), schemas.rows(TASK))


def test_what_the_contract_allows_passes(tmp_path):
    rows = [
        {"label": "A", "published": None},
        {"label": "B", "label_origin": "rule", "label_confidence": 1.0},
        {"label": "B", "label_origin": "human", "published": datetime.date(1990, 1, 1)},
        {"purpose": "text", "text": "。", "published": datetime.date(2025, 12, 31)},
    ]
    table = make_rows(rows, aux=("kind",)).sort_by("id")
    assert [ID(number) for number in check(tmp_path, table, schemas.rows(TASK))] == table["id"].to_pylist()
    assert len(check(tmp_path, table.slice(0, 0), schemas.rows(TASK))) == 0


def test_a_column_that_is_missing_or_of_another_type_is_named(tmp_path):
    with pytest.raises(UserError, match="column 'licence' is missing"):
        check(tmp_path, sound(3).drop_columns("licence"), schemas.rows(TASK))
    table = sound(3)
    number = table.set_column(table.schema.get_field_index("text"), "text", pa.array([1, 2, 3]))
    with pytest.raises(UserError, match=r"column 'text' has type int64, not string: 3 row\(s\)"):
        check(tmp_path, number, schemas.rows(TASK))


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_an_id_that_stands_twice_or_out_of_order_is_named(tmp_path, monkeypatch, batch):
    monkeypatch.setattr(tables, "ROW_GROUP", batch)
    table = sound(6)
    twice = table.take([0, 1, 2, 2, 3, 4, 5])
    with pytest.raises(UserError, match=f"column 'id' stands twice: 1 row.s., first {table['id'][2]}"):
        check(tmp_path, twice, schemas.rows(TASK))
    with pytest.raises(UserError, match=f"column 'id' is not in ascending order: 1 row.s., first {table['id'][0]}"):
        check(tmp_path, table.take([1, 0, 2]), schemas.rows(TASK))


def predictions(**changes) -> pa.Table:
    columns = {"id": [ID(1), ID(2)], "group": ["a", "b"], "split": ["dev", "test"], "label": ["A", "B"]}
    return pa.table(columns | {"predicted": ["A", "B"]} | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"predicted": ["A", None]}, "column 'predicted' has no value: 1 row"),
        ({"split": ["train", "test"]}, "column 'split' is not one of dev, test"),
        ({"label": ["A", "C"]}, "column 'label' is no label"),
    ],
)
def test_predictions(tmp_path, changes, message):
    assert len(check(tmp_path, predictions(), schemas.predictions(TASK))) == 2
    with pytest.raises(UserError, match=message):
        check(tmp_path, predictions(**changes), schemas.predictions(TASK))


def test_training_and_issues(tmp_path):
    columns = {"id": [ID(1)], "group": ["g"], "text": ["t"], "label": ["A"]}
    assert len(check(tmp_path, pa.table(columns | {"weight": [1.0]}), schemas.training(TASK))) == 1
    with pytest.raises(UserError, match="column 'weight' is not above 0"):
        check(tmp_path, pa.table(columns | {"weight": [0.0]}), schemas.training(TASK))
    issue = {"id": [ID(1)], "split": ["dev"], "given_label": pa.array([None], pa.string()), "suggested_label": ["B"]}
    issue |= {"score": pa.array([None], pa.float64()), "is_issue": [True], "reasons": ["why"]}
    assert len(check(tmp_path, pa.table(issue), schemas.issues(TASK))) == 1
    with pytest.raises(UserError, match="column 'suggested_label' is no label"):
        check(tmp_path, pa.table(issue | {"suggested_label": ["C"]}), schemas.issues(TASK))
    none = pa.table(issue | {"suggested_label": pa.array([None], pa.string())})
    assert len(check(tmp_path, none, schemas.issues(TASK))) == 1, "reviewers together hold that it has no label"


def test_a_label_is_what_the_task_calls_one(tmp_path):
    table = sound(3)
    for label, fits in (("2.5", True), ("-1", True), ("2.50", False), ("A", False)):
        labelled = tables.set_column(table, "label", [label, None, "3"], pa.string())
        labelled = tables.set_column(labelled, "label_origin", ["given", None, "given"], pa.string())
        if fits:
            assert len(check(tmp_path, labelled, schemas.rows(NUMBERS))) == 3
        else:
            with pytest.raises(UserError, match=r"column 'label' is no label of params\.yaml: task: 1 row"):
                check(tmp_path, labelled, schemas.rows(NUMBERS))


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_conservation_holds_just_if_each_row_is_in_one_place(before, after, dropped):
    arrays = [np.array(sorted(ids), np.uint64) for ids in (before, after, dropped)]
    if after | dropped == before and not after & dropped:
        schemas.conserved(*arrays, "clean")
    else:
        with pytest.raises(UserError, match=r"stage clean: \d+ row\(s\) (went|are)"):
            schemas.conserved(*arrays, "clean")


def test_a_label_that_cannot_be_one_of_its_text_is_named(tmp_path):
    task = spans.Task(kind="token_classification", labels=["A"])
    table = tables.set_column(sound(3), "label_origin", ["given", None, "given"], pa.string())
    for label, fits in (('[[0,4,"A"]]', True), ("[]", True), ('[[0,99,"A"]]', False), ('[[4,6,"A"]]', False)):
        labelled = tables.set_column(table, "text", ["some words"] * 3, pa.string())
        labelled = tables.set_column(labelled, "label", [label, None, "[]"], pa.string())
        if fits:
            assert len(check(tmp_path, labelled, schemas.rows(task))) == 3
        else:
            with pytest.raises(UserError, match=r"the label cannot be one of the row's text: 1 row"):
                check(tmp_path, labelled, schemas.rows(task))
