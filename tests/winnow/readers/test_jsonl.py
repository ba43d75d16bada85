"""JSON Lines: which lines are rows, and why others are not."""

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.readers import jsonl


def read(data: bytes | str, *columns: str) -> list:
    stream = io.BytesIO(data.encode() if isinstance(data, str) else data)
    return [record.problem or record.values for record in jsonl.read_jsonl(stream, "f", columns)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"a": "x", "b": 1, "b": 2}', 'not valid JSON: key "b" stands twice in an object'),
        ('{"a": {"b": 1, "b": 1}}', 'not valid JSON: key "b" stands twice in an object'),
        ('{"a": "x", "A": "y"}', ("x",)),
        ('{"a": "x"} {"a": "y"}', "not valid JSON: more than one value: character 11"),
        ('{"a": NaN}', (None,)),  # as Python writes it
        ('{"a": "x", "b": NaN, "c": [-Infinity]}', ("x",)),
        ('{"a": 1' + "0" * 5000 + "}", "not valid JSON: Exceeds the limit"),
        ('"a"', "not a JSON object"),
    ],
)
def test_a_line(line, expected):
    (found,) = read(line, "a")
    assert found == expected or (isinstance(found, str) and found.startswith(expected))


@pytest.mark.parametrize(
    "data",
    [
        '{"a": "ö"}\r{"a": "y"}\r',
        '{"a": "ö"}\r\n\r\n{"a": "y"}',
        '\ufeff{"a": "ö"}\n{"a": "y"}\n',
        '{"a": "ö"}\n{"a": "y"}\n'.encode("utf-16"),
        '{"a": "ö"}\n{"a": "y"}\n'.encode("utf-32"),
    ],
)
def test_line_ends_and_marks(data):
    assert read(data, "a") == [("ö",), ("y",)]


@pytest.mark.parametrize("data", ["", "\n\n", "\ufeff"])
def test_no_line_is_no_row(data):
    assert read(data, "a") == []


@given(st.binary() | st.text(st.sampled_from('{}[]":,ab1\\ \n\r')).map(str.encode) | st.recursive(
    st.none() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_any_bytes_are_rows_or_a_line(data):
    message = ""
    try:
        read(data, "a", "a.b")
    except UserError as error:
        message = str(error)
    assert "\n" not in message


@pytest.mark.parametrize(
    ("data", "made"),
    [
        ('[{"a": "x"},\n{"a": "y"}]\n', ".[]"),
        ('\n[\n  {\n    "a": "x"\n  }\n]\n', ".[]"),
        ('{\n  "a": "x"\n}\n', "."),
        ('\ufeff[ {"a": "x"}]', ".[]"),
    ],
)
def test_a_file_that_is_one_json_value_is_told_and_no_list_of_broken_lines(data, made):
    with pytest.raises(
        UserError, match=rf"^f: one JSON value, not one a line; `jq -c '{re.escape(made)}'` makes lines"
    ):
        read(data, "a")


def test_lines_that_are_arrays_are_refused_one_by_one():
    assert read('["x", 1]\n{"a": "y"}\n[\n', "a")[:2] == ["not a JSON object", ("y",)]
