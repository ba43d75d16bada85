"""Parquet with types and names that need care; any bytes are rows or a line."""

import base64
import datetime
import decimal
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.readers import parquet
from winnow.readers.values import as_list, as_text


def written(table: pa.Table, **how) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **how)
    return buffer.getvalue()


def read(data: bytes, *columns: str) -> dict[str, list]:
    found: dict[str, list] = {name: [] for name in columns}
    for block in parquet.read_parquet(io.BytesIO(data), "a.parquet", columns):
        for name in columns:
            found[name] += as_list(block.columns[name])
    return found


def texts(column: pa.Array, **how) -> list[str | None]:
    """The cells of a column as text, or why they are none."""
    out = []
    for cell in read(written(pa.table({"a": column}), **how), "a")["a"]:
        try:
            out.append(as_text(cell))
        except ValueError as error:
            out.append(f"({error})")
    return out


MOMENT = datetime.datetime(2024, 5, 6, 7, 8, 9)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.nulls(2), [None, None]),
        (pa.array(["a", None], pa.large_string()), ["a", None]),
        (pa.array(["a", None]).cast(pa.string_view()), ["a", None]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.array([b"a", None]).dictionary_encode(), ["a", None]),
        (pa.array(["é".encode(), b"\xff"]), ["é", "(bytes that are not UTF-8)"]),
        (pa.array([b"ab"], pa.binary(2)), ["ab"]),
        (pa.array([1.5, None], pa.float16()), ["1.5", None]),
        (pa.array([0.1, float("nan")], pa.float32()), ["0.1", None]),
        (pa.array([2**64 - 1], pa.uint64()), [str(2**64 - 1)]),
        (pa.array([decimal.Decimal("1.50"), None]), ["1.50", None]),
        (pa.array([decimal.Decimal("1.50")], pa.decimal256(40, 2)), ["1.50"]),
        (pa.array([True, None]), ["true", None]),
        (pa.array([MOMENT], pa.timestamp("ns")), ["2024-05-06T07:08:09"]),
        (pa.array([MOMENT], pa.timestamp("s", "+05:30")), ["2024-05-06T12:38:09+05:30"]),
        (pa.array([MOMENT], pa.timestamp("us", "Europe/Berlin")), ["2024-05-06T09:08:09+02:00"]),
        (pa.array([MOMENT, None], pa.timestamp("ms", "Mars/Olympus")), ["2024-05-06T07:08:09+00:00", None]),
        (pa.array([2**62, None], pa.timestamp("us")), [str(2**62), None]),
        (pa.array([2**30], pa.date32()), [str(2**30)]),
        (pa.array([MOMENT.date()]), ["2024-05-06"]),
        (pa.array([1], pa.time32("s")), ["00:00:01"]),
        (pa.array([1], pa.duration("s")), ["(a timedelta, not text)"]),
        (pa.array([["a"], None]), ["(a list, not text)", None]),
        (pa.array([["a"]], pa.large_list(pa.string())), ["(a list, not text)"]),
        (pa.array([{"x": 1}, None]), ["(a dict, not text)", None]),
    ],
)
def test_types(column, expected):
    assert texts(column) == expected


def test_old_timestamps():
    column = pa.array([MOMENT], pa.timestamp("ns"))
    assert texts(column, use_deprecated_int96_timestamps=True) == ["2024-05-06T07:08:09"]


INNER = pa.array([{"body": "owls", "by": {"name": "Ann"}}, None, {"body": "moss", "by": None}])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["post.body"], {"post.body": ["owls", None, "moss"]}),
        (["post.by.name", "no"], {"post.by.name": ["Ann", None, None], "no": [1, 2, 3]}),
        (["post.body", "post.by"], {"post.body": ["owls", None, "moss"], "post.by": [{"name": "Ann"}, None, None]}),
        (["a.b"], {"a.b": ["itself"] * 3}),  # a column of this name, before the field of another
        (["a.b.c"], {"a.b.c": [None, "inner", None]}),
    ],
)
def test_fields_of_structs_have_names_with_dots(names, expected):
    table = pa.table({"post": INNER, "no": [1, 2, 3], "a": [{"b": "x"}] * 3, "a.b": ["itself"] * 3})
    if "a.b.c" in names:
        table = pa.table({"a": [{"x": "x"}] * 3, "a.b": [None, {"c": "inner"}, {"c": None}]})
    assert read(written(table), *names) == expected


TWICE = written(pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"]), pa.array(["z"])], ["text", "text", "label"]))


def test_a_column_that_stands_twice_is_named_if_it_is_wanted():
    assert read(TWICE, "label") == {"label": ["z"]}
    with pytest.raises(UserError, match=r"^a\.parquet: column 'text' stands 2 times; rename one, and write"):
        read(TWICE, "label", "text")


def test_a_field_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(UserError, match=r"column 'post\.text' is missing; it has post, post\.body, post\.by, post\.by"):
        read(written(pa.table({"post": INNER})), "post.text")


NONE = [pa.table({"a": pa.array([], pa.string())}), pa.table({"a": pa.nulls(0)})]


@pytest.mark.parametrize("data", [b"", *map(written, NONE)])
def test_a_file_without_a_row(data):
    assert read(data, "a") == {"a": []}


SOUND = written(pa.table({"a": ["one", "two", None] * 50, "b": list(range(150))}), row_group_size=40)


def test_no_bit_that_is_flipped_loses_a_row_without_a_word():
    """A row group's own number of rows is one that Arrow believes; the name of a column need not be UTF-8 any more."""
    sound = written(pa.table({"a": ["one", "two", None]}))
    told = set()
    for place in range(len(sound)):
        for bit in range(8):
            data = sound[:place] + bytes([sound[place] ^ 1 << bit]) + sound[place + 1 :]
            try:
                assert len(read(data, "a")["a"]) == 3
            except UserError as error:
                told.add(str(error).partition("(")[2].partition(");")[0])
    assert {"it says that it has 3 rows, and 0 can be read"} <= told
    assert any(reason.startswith("a name is not UTF-8: ") for reason in told)


def test_a_time_zone_whose_name_is_no_text_is_damage():
    sound = written(pa.table({"a": ["x"], "when": pa.array([1], pa.timestamp("ns", "Europe/Berlin"))}))
    schema = pq.ParquetFile(io.BytesIO(sound)).metadata.metadata[b"ARROW:schema"]
    odd = base64.b64encode(base64.b64decode(schema).replace(b"Europe", b"\xffurope"))
    with pytest.raises(
        UserError, match=r"a\.parquet: truncated or damaged \(a name is not UTF-8: b'\\xffurope/Berlin'"
    ):
        read(sound.replace(schema, odd), "when")


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300)
    | st.binary(max_size=100).map(lambda data: b"PAR1" + data + b"PAR1")
    | st.integers(0, len(SOUND)).map(lambda end: SOUND[:end])
    | st.tuples(st.integers(0, len(SOUND) - 1), st.integers(1, 255)).map(
        lambda at: SOUND[: at[0]] + bytes([SOUND[at[0]] ^ at[1]]) + SOUND[at[0] + 1 :]
    )
)
def test_any_bytes_are_rows_or_a_line(data):
    message = ""
    try:
        assert len(read(data, "a")["a"]) <= 150
    except UserError as error:
        message = str(error)
    assert "\n" not in message
