"""A source's columns to the data contract, a block at a time."""

import datetime
import json
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.collect.readers import Block
from stages.collect.sources import Source
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.kinds.task import Task
from winnow.rows import tables

# place, rule and reason
Refusal = tuple[str, str, str]
Refuse = Callable[[int, str, str], None]


def schema(source: Source) -> pa.Schema:
    """Return the data contract of the source's rows, and `place` at the end."""
    return tables.row_schema(source.columns.aux).append(pa.field("place", pa.string(), nullable=False))


def rows(block: Block, source: Source, task: Task) -> tuple[pa.Table, list[Refusal]]:
    """Return the rows of a block that fit the data contract, and why the others do not.

    Without a key column, the key is the hash of the text, even where a text comes again.

    Raises:
        UserError: a label is none of the task's, and `label_map` leads to none.
    """
    mapping = source.columns
    refused: dict[int, tuple[str, str]] = {}

    def refuse(index: int, rule: str, reason: str) -> None:
        refused.setdefault(index, (rule, reason))

    found = {name: _strings(block.columns[name], name, refuse) for name in mapping.used()}
    if mapping.key is not None:
        for index in np.flatnonzero(found[mapping.key].is_null()):
            refuse(int(index), "no_key", f"column '{mapping.key}' is empty")
    dates = _dates(found[mapping.published], mapping.published, refuse) if mapping.published else None
    places = pa.array(block.places, pa.string())
    if refused:
        kept = np.setdiff1d(np.arange(len(places)), list(refused))
        found = {name: column.take(kept) for name, column in found.items()}
        dates, places = dates and dates.take(kept), places.take(kept)

    count = len(places)
    texts = _joined([found[name] for name in mapping.texts()])
    key = found[mapping.key] if mapping.key else pa.array(map(hashing.text_sha, texts.to_pylist()), pa.string())
    ids = pa.array(hashing.row_ids(source.name, key.to_pylist()), pa.string())
    label = _labels(found[mapping.label], source, task, places, key) if mapping.label else pa.nulls(count, pa.string())
    constant = {"source": source.name, "licence": source.licence, "purpose": source.purpose}
    columns = {name: pa.repeat(pa.scalar(value, pa.string()), count) for name, value in constant.items()}
    columns |= {
        "id": ids,
        "source_key": key,
        "published": dates if dates is not None else pa.nulls(count, pa.date32()),
        "group": pc.coalesce(found[mapping.group], ids) if mapping.group else ids,
        "text": texts,
        "label": label,
        "label_origin": pc.if_else(label.is_valid(), "given", pa.scalar(None, pa.string())),
        "label_confidence": pa.nulls(count, pa.float64()),
        "meta": _maps([(name, found[name]) for name in mapping.meta], count),
        "place": places,
    }
    columns |= {f"aux_{name}": found[column] for name, column in mapping.aux.items()}
    order = schema(source)
    refusals = [(block.places[index], *refused[index]) for index in sorted(refused)]
    return pa.table([columns[name] for name in order.names], schema=order), refusals


def _strings(values: Sequence[object] | pa.Array, name: str, refuse: Refuse) -> pa.Array:
    """Return a column as strings; an empty string is null, since CSV cannot tell them apart."""
    if isinstance(values, pa.Array):
        type_ = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
        if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_integer(type_):
            column = values.cast(pa.string())
        else:
            values = values.cast(pa.timestamp("us", type_.tz), safe=False) if pa.types.is_timestamp(type_) else values
            column = _texts(values.to_pylist(), name, refuse)
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
            out.append(_text(value))
        except ValueError as error:
            refuse(index, "bad_value", f"column '{name}' holds {error}")
            out.append(None)
    return pa.array(out, pa.string())


def _text(value: object) -> str | None:
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


def _joined(columns: list[pa.Array]) -> pa.Array:
    """Return the columns' texts joined by a blank line; "" where there is none."""
    if len(columns) == 1:
        return columns[0].fill_null("")
    joined = pc.binary_join_element_wise(*columns, "\n\n", null_handling="skip")
    return joined.fill_null("")


def _dates(column: pa.Array, name: str, refuse: Refuse) -> pa.Array:
    try:
        dates = column.cast(pa.date32())
        if not pc.any(pc.starts_with(column, "0000")).as_py():  # Arrow has a year 0
            return dates
    except pa.ArrowInvalid:
        pass  # a time follows, or another form of ISO 8601
    out: list[datetime.date | None] = []
    for index, value in enumerate(column.to_pylist()):
        try:
            out.append(None if value is None else datetime.datetime.fromisoformat(value).date())
        except ValueError:
            refuse(index, "bad_date", f"column '{name}': '{value}' is not a date (YYYY-MM-DD)")
            out.append(None)
    return pa.array(out, pa.date32())


def _labels(column: pa.Array, source: Source, task: Task, places: pa.Array, keys: pa.Array) -> pa.Array:
    """Return the labels in their canonical form, null for none."""
    coded = column.dictionary_encode()
    labels = []
    for name in coded.dictionary.to_pylist():
        label = source.label_map.get(name, name) if name.strip() else None
        try:
            labels.append(None if label is None else task.check(label, f"source '{source.name}'"))
        except UserError as error:
            row = pc.index(column, name).as_py()
            raise UserError(
                f"{error}; the first such row is {places[row]}, key '{keys[row]}'; add the label there, or to the "
                f"source's label_map ('{name}': null leaves such rows unlabelled)"
            ) from None
    return pa.array(labels, pa.string()).take(coded.indices)


def _maps(columns: list[tuple[str, pa.Array]], count: int) -> pa.Array:
    """Return one map a row from a column's name to its value, without nulls, in the order of the columns."""
    if not columns:
        return pa.MapArray.from_arrays(
            np.zeros(count + 1, np.int32), pa.nulls(0, pa.string()), pa.nulls(0, pa.string())
        )
    names = pa.array([name for name, _ in columns])
    there = np.stack([column.is_valid().to_numpy(zero_copy_only=False) for _, column in columns], axis=1)
    row, column = np.nonzero(there)
    items = pa.concat_arrays([values for _, values in columns]).take(pa.array(column * count + row))
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    return pa.MapArray.from_arrays(offsets, names.take(pa.array(column)), items)
