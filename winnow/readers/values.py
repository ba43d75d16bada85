"""What a cell holds, as text."""

import datetime
import json
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import reduce
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import regex

WITH_COMMA = regex.compile(r"\s*+[+-]?(?:\d{1,3}(?:\.\d{3})++|\d++),\d++(?:[eE][+-]?\d++)?\s*+", regex.ASCII)
Refuse = Callable[[int, str, str], None]


def with_point(cell: str) -> str:
    """Return a number that is written 1.234,5 as 1234.5; any other text as it is."""
    return cell.replace(".", "").replace(",", ".") if WITH_COMMA.fullmatch(cell) else cell


def as_list(column: Sequence[object] | pa.Array) -> Sequence[object]:
    """Return a column as Python's values; a moment that Python has no date for is the number that stands for it.

    A list or a struct with such a moment in it stays Arrow's scalar.
    """
    if not isinstance(column, pa.Array):
        return column
    type_ = column.type
    if pa.types.is_timestamp(type_) and type_.unit == "ns":  # Python knows no nanoseconds
        column = column.cast(pa.timestamp("us", type_.tz), safe=False)
    elif pa.types.is_float32(type_):  # 0.1, not what doubles make of it
        column = column.cast(pa.string()).cast(pa.float64())
    try:
        return column.to_pylist()
    except (ValueError, OverflowError):
        return list(map(_value, column))


def _value(scalar: pa.Scalar) -> object:
    try:
        return scalar.as_py()
    except OverflowError:  # beyond the years 1 to 9999
        return getattr(scalar, "value", scalar)  # a list of such moments is no text either
    except ValueError:  # a zone that nobody knows
        if not pa.types.is_timestamp(scalar.type):
            return scalar
        return _value(scalar.cast(pa.timestamp(scalar.type.unit, "UTC")))


def as_text(value: object) -> str | None:
    """Return a cell as text, None if it is empty; raises `ValueError` that says what it holds instead."""
    if value is None or (isinstance(value, float) and math.isnan(value)):  # NaN: how pandas writes null
        return None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Decimal | UUID):
        return str(value)
    try:
        if isinstance(value, bytes):
            return value.decode()
        if isinstance(value, str):
            value.encode()
            return value
    except UnicodeDecodeError:
        raise ValueError("bytes that are not UTF-8") from None
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair, which is no character") from None
    raise ValueError(f"a {type(value).__name__}, not text")


def strings(values: Sequence[object] | pa.Array, name: str, refuse: Refuse) -> pa.Array:
    """Return a column as strings; an empty string is null, since CSV cannot tell them apart.

    Args:
        refuse: is called with a value's place, a rule's name and the reason where a value is no text; it is null then.
    """
    if isinstance(values, pa.Array):
        type_ = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
        if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_integer(type_):
            column = values.cast(pa.string())
        else:
            column = _texts(as_list(values), name, refuse)
    else:
        try:
            column = pa.array(values, pa.string())
        except (pa.ArrowException, UnicodeError):
            column = _texts(values, name, refuse)
    empty = pc.equal(column, "")
    return pc.if_else(empty, pa.scalar(None, pa.string()), column) if pc.any(empty).as_py() else column


def _texts(values: Sequence[object], name: str, refuse: Refuse) -> pa.Array:
    out: list[str | None] = []
    for index, value in enumerate(values):
        try:
            out.append(as_text(value))
        except ValueError as error:
            refuse(index, "bad_value", f"column '{name}' holds {error}")
            out.append(None)
    return pa.array(out, pa.string())


def joined(columns: Sequence[pa.Array]) -> pa.Array:
    """Return the columns' texts joined by a blank line; "" where there is none."""
    if len(columns) == 1:
        return columns[0].fill_null("")
    # Of a row whose texts are all null, Arrow's join that skips nulls returns no value, and the column gets too short.
    has_none = reduce(pc.and_, map(pc.is_null, columns))
    first = pc.if_else(has_none, "", columns[0])
    return pc.binary_join_element_wise(first, *columns[1:], "\n\n", null_handling="skip")
