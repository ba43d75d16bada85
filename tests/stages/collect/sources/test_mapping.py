"""Columns to the data contract: any value becomes text or is refused, however it comes."""

import datetime
import decimal
import uuid

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.collect.readers import Block
from stages.collect.sources import Columns, Source, mapping
from winnow.kinds.classification.labels import Task

TASK = Task(kind="classification", labels=["OWL", "MOSS"])


def mapped(values, **columns) -> tuple[list[dict], list]:
    columns = Columns(text="a", **columns)
    source = Source(name="s", licence="x", purpose="task", columns=columns)
    found = {name: values if name == "a" else ["1"] * len(values) for name in columns.used()}
    rows, refused = mapping.rows(Block([f"line {n}" for n in range(len(values))], found, []), source, TASK)
    return rows.to_pylist(), refused


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (None, ""),
        (5, "5"),
        (True, "true"),
        (1.5, "1.5"),
        (1e16, "1e+16"),
        (float("nan"), ""),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        (datetime.datetime(2020, 1, 2, 3, 4, 5, 678), "2020-01-02T03:04:05.000678"),
        (datetime.time(3, 4), "03:04:00"),
        (decimal.Decimal("1.50"), "1.50"),
        ("naïve".encode(), "naïve"),
    ],
)
def test_a_value_is_the_same_text_from_python_and_from_arrow(value, text):
    assert mapped([value, "y"])[0][0]["text"] == text
    assert mapped(pa.array([value]))[0][0]["text"] == text


def test_other_values():
    name = uuid.UUID(int=5)
    assert mapped([name])[0][0]["text"] == str(name)
    assert mapped(pa.array(["x", "y", "x"]).dictionary_encode())[0][2]["text"] == "x"
    assert mapped(pa.array([datetime.datetime(2020, 1, 2)], pa.timestamp("ns")))[0][0]["text"] == "2020-01-02T00:00:00"
    assert mapped([b"\xff", [], "x"])[1] == [
        ("line 0", "bad_value", "column 'a' holds bytes that are not UTF-8"),
        ("line 1", "bad_value", "column 'a' holds a list, not text"),
    ]


VALUE = st.none() | st.text(max_size=5) | st.integers() | st.floats() | st.booleans() | st.binary(max_size=3)


@given(values=st.lists(VALUE, max_size=12), cut=st.integers(0, 12))
def test_a_rows_text_does_not_depend_on_its_block(values, cut):
    whole, refused = mapped(values)
    parts = [mapped(part)[0] for part in (values[:cut], values[cut:])]
    assert [row["text"] for row in whole] == [row["text"] for part in parts for row in part]
    assert len(whole) + len(refused) == len(values)


DATE = (
    st.dates().map(str) | st.datetimes().map(str) | st.sampled_from(["0000-01-01", "20200102", "2020-W01-1", "", "x"])
)


@given(dates=st.lists(DATE, min_size=1, max_size=5))
def test_dates_as_python_reads_them(dates):
    rows, refused = mapped(dates, published="a")
    expected, wrong = [], 0
    for date in dates:
        try:
            expected.append(datetime.datetime.fromisoformat(date).date() if date else None)
        except ValueError:
            wrong += 1
    assert [row["published"] for row in rows] == expected
    assert [rule for _, rule, _ in refused] == ["bad_date"] * wrong


@given(cells=st.lists(st.tuples(*[st.none() | st.text(max_size=3)] * 3), max_size=6))
def test_meta_holds_what_is_there_in_the_order_of_the_columns(cells):
    source = Source(name="s", licence="x", purpose="text", columns=Columns(text="a", meta=["c", "a", "b"]))
    columns = (
        dict(zip("abc", map(list, zip(*cells, strict=True)), strict=True)) if cells else {name: [] for name in "abc"}
    )
    rows, _ = mapping.rows(Block(["x"] * len(cells), columns, []), source, TASK)
    expected = [[(n, v) for n, v in (("c", c), ("a", a), ("b", b)) if v] for a, b, c in cells]
    assert rows["meta"].to_pylist() == expected
