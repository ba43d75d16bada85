"""Columns to the data contract: any value becomes text or is refused, however it comes."""

import datetime
import decimal
import uuid

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.collect.sources import Columns, Source, mapping
from stages.collect.sources.labels import Labels
from winnow.base import params
from winnow.base.errors import UserError
from winnow.kinds.classification.labels import Task
from winnow.readers import Block, dates

TASK = Task(kind="classification", labels=["OWL", "MOSS"])


EVER = (1, 9999)


def mapped(values, years=EVER, **columns) -> tuple[list[dict], list]:
    columns = Columns(text="a", **columns)
    source = Source(name="s", licence="x", purpose="task", columns=columns)
    found = {name: values if name == "a" else ["1"] * len(values) for name in columns.used()}
    rows, refused = mapping.rows(
        Block([f"line {n}" for n in range(len(values))], found, []), source, Labels(TASK), years
    )
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


WRONG = [
    "0000-01-01",
    "2020-13-01",
    "x",
    "Mon, 4 Nov 102",
    "99999-01-01",
    "1e9",
    "-5",
    "\u0662\u0660\u0662\u0660",
    "2020-01-01\n" * 99,
]
DATE = st.dates().map(str) | st.datetimes().map(str) | st.sampled_from(["20200102", "2020-W01-1", "", *WRONG])
YEARS = st.lists(st.integers(1, 9999), min_size=2, max_size=2).map(sorted)


@given(values=st.lists(DATE | st.text(max_size=8), min_size=1, max_size=5), years=YEARS, cut=st.integers(0, 5))
def test_a_date_is_a_day_within_the_years_or_null_with_a_reason_and_no_row_is_lost(values, years, cut):
    rows, refused = mapped(values, years, published="a")
    assert refused == []
    for row, date in zip(rows, values, strict=True):
        expected = dates.read(date, dates.PLAIN)
        if expected and not years[0] <= expected.year <= years[1]:
            expected = None
        assert row["published"] == expected
        assert (row["date_problem"] is not None) == (date != "" and expected is None)
        assert len(row["date_problem"] or "") < 150
        assert "\n" not in (row["date_problem"] or "")
    parts = [mapped(part, years, published="a")[0] for part in (values[:cut], values[cut:])]
    found = [(row["published"], row["date_problem"]) for part in parts for row in part]
    assert found == [(row["published"], row["date_problem"]) for row in rows]


@given(cells=st.lists(st.tuples(*[st.none() | st.text(max_size=3)] * 3), max_size=6))
def test_meta_holds_what_is_there_in_the_order_of_the_columns(cells):
    source = Source(name="s", licence="x", purpose="text", columns=Columns(text="a", meta=["c", "a", "b"]))
    columns = (
        dict(zip("abc", map(list, zip(*cells, strict=True)), strict=True)) if cells else {name: [] for name in "abc"}
    )
    rows, _ = mapping.rows(Block(["x"] * len(cells), columns, []), source, Labels(TASK), EVER)
    expected = [[(n, v) for n, v in (("c", c), ("a", a), ("b", b)) if v] for a, b, c in cells]
    assert rows["meta"].to_pylist() == expected


def test_a_date_of_a_form_that_the_source_names():
    rows, _ = mapped(["31.01.2026", "", "soon"], published="a", published_format="%d.%m.%Y")
    assert [row["published"] for row in rows] == [datetime.date(2026, 1, 31), None, None]
    assert rows[2]["date_problem"] == "column 'a': 'soon' is no date of published_format %d.%m.%Y"
    forms = ["%d.%m.%Y", "iso"]
    rows, _ = mapped(["31.01.2026", "2026-01-31T23:00:00-05:00"], published="a", published_format=forms)
    assert [row["published"] for row in rows] == [datetime.date(2026, 1, 31)] * 2


def test_a_date_that_may_be_two_is_null_and_the_reason_says_what_to_write():
    rows, _ = mapped(["03/04/2021", "1614902400"], published="a")
    assert [row["published"] for row in rows] == [None, None]
    assert [row["date_problem"] for row in rows] == [
        "column 'a': '03/04/2021' is no date (YYYY-MM-DD); perhaps published_format: '%d/%m/%Y' or '%m/%d/%Y'",
        "column 'a': '1614902400' is no date (YYYY-MM-DD); perhaps published_format: unix",
    ]


@pytest.mark.parametrize("form", ["YYYY-MM-DD", "%d.%m.", ["%d.%m.%Y", "x"], [], 5])
def test_a_form_that_is_none_is_refused_before_anything_is_read(form):
    with pytest.raises(UserError, match="published_format"):
        params.parse({"text": "a", "published": "a", "published_format": form}, Columns, "columns")
