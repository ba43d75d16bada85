"""A source's columns to the data contract, a block at a time."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.collect.sources import Columns, Source
from stages.collect.sources.labels import Labels
from winnow.base import hashing
from winnow.readers import Block, dates
from winnow.readers.values import joined, strings
from winnow.rows import tables
from winnow.text.cleaning import media_type

DATE_PROBLEM, DOUBT, PLACE = "date_problem", "doubt", "place"
# Columns beside the contract, until a source is written: why a date is null that the source gives, what of a row could
# not be read for certain, and where a row was.
BESIDE = (DATE_PROBLEM, DOUBT, PLACE)
LONGEST_DATE = 60  # characters of a wrong date that a reason repeats

# place, rule and reason
Refusal = tuple[str, str, str]


def schema(source: Source) -> pa.Schema:
    """Return the data contract of the source's rows, and `BESIDE` at the end."""
    fields = pa.field(DATE_PROBLEM, pa.string()), pa.field(DOUBT, pa.string())
    fields += (pa.field(PLACE, pa.string(), nullable=False),)
    return pa.schema([*tables.row_schema(source.columns.aux), *fields])


def rows(block: Block, source: Source, labels: Labels, years: Sequence[int]) -> tuple[pa.Table, list[Refusal]]:
    """Return the rows of a block that fit the data contract, and why the others do not.

    Without a key column, the key is the hash of the text, even where a text comes again. A date that is none, or of
    another year, is null, and `date_problem` says so. A label that is none of the task's is null, and `labels` tells of
    it once the source was read.

    Args:
        years: the first and last year that a date may have.
    """
    mapping = source.columns
    refused: dict[int, tuple[str, str]] = {}

    def refuse(index: int, rule: str, reason: str) -> None:
        refused.setdefault(index, (rule, reason))

    said, notes = labels.cells(block.columns, source, refuse)
    found = {name: strings(said[name], name, refuse) for name in mapping.used()}
    given = labels.gathered({name: found[name] for name in mapping.labels()}, refuse) if mapping.label else None
    if mapping.key is not None:
        for index in np.flatnonzero(found[mapping.key].is_null()):
            refuse(int(index), "no_key", f"column '{mapping.key}' is empty")
    places = pa.array(block.places, pa.string())
    doubts = pa.array([block.doubts.get(index) or notes.get(index) for index in range(len(places))], pa.string())
    if refused:
        kept = np.setdiff1d(np.arange(len(places)), list(refused))
        found = {name: column.take(kept) for name, column in found.items()}
        given = given.take(kept) if given is not None else None
        places, doubts = places.take(kept), doubts.take(kept)

    count = len(places)
    days, problems = pa.nulls(count, pa.date32()), pa.nulls(count, pa.string())
    if mapping.published:
        days, problems = _days(found[mapping.published], mapping, years)
    texts = labels.texts(joined([found[name] for name in mapping.texts()]))
    key = found[mapping.key] if mapping.key else pa.array(map(hashing.text_sha, texts.to_pylist()), pa.string())
    ids = pa.array(hashing.row_ids(source.name, key.to_pylist()), pa.string())
    label = pa.nulls(count, pa.string())
    if given is not None:
        label, left_out = labels.read(given, source, places, key)
        labels.check_texts(label, texts, places)
        doubts = _both(doubts, left_out)
    constant = {"source": source.name, "licence": source.licence, "purpose": source.purpose}
    columns = {name: pa.repeat(pa.scalar(value, pa.string()), count) for name, value in constant.items()}
    columns |= {
        "id": ids,
        "source_key": key,
        "published": days,
        "group": pc.coalesce(found[mapping.group], ids) if mapping.group else ids,
        "text": texts,
        "label": label,
        "label_origin": pc.if_else(label.is_valid(), "given", pa.scalar(None, pa.string())),
        "label_confidence": pa.nulls(count, pa.float64()),
        "meta": _maps(_meta(source, found, count), count),
        DATE_PROBLEM: problems,
        DOUBT: doubts,
        PLACE: places,
    }
    columns |= {f"aux_{name}": labels.read_aux(found[column], name, source) for name, column in mapping.aux.items()}
    order = schema(source)
    refusals = [(block.places[index], *refused[index]) for index in sorted(refused)]
    return pa.table([columns[name] for name in order.names], schema=order), refusals


def _both(doubts: pa.Array, more: pa.Array | None) -> pa.Array:
    if more is None:
        return doubts
    pairs = zip(doubts.to_pylist(), more.to_pylist(), strict=True)
    return pa.array(["; ".join(filter(None, pair)) or None for pair in pairs], pa.string())


def _meta(source: Source, found: dict[str, pa.Array], count: int) -> list[tuple[str, pa.Array]]:
    """Return the columns of `meta`; the reader's own media type stands there where the source names no column so."""
    columns = [(name, found[name]) for name in source.columns.meta]
    told = source.media_type()
    if told is None or media_type.KEY in source.columns.meta:
        return columns
    return [*columns, (media_type.KEY, pa.repeat(pa.scalar(told, pa.string()), count))]


def _days(column: pa.Array, mapping: Columns, years: Sequence[int]) -> tuple[pa.Array, pa.Array]:
    """Return the dates, and for each that is none or of another year what is wrong; it is null then."""
    first, last = years
    forms = mapping.forms()
    try:
        days = column.cast(pa.date32()) if forms is dates.PLAIN else None
    except pa.ArrowInvalid:  # a time follows, another form, or no date
        days = None
    if days is None:
        values = (None if value is None else dates.read(value, forms) for value in column.to_pylist())
        days = pa.array(values, pa.date32())
    year = pc.year(days)
    sound = pc.and_(pc.greater_equal(year, first), pc.less_equal(year, last)).fill_null(False)
    problems: list[str | None] = [None] * len(column)
    for index in np.flatnonzero(pc.and_not(column.is_valid(), sound)).tolist():
        value = column[index].as_py()
        shown = value if len(value) <= LONGEST_DATE else f"{value[:LONGEST_DATE]}…"
        is_date = (year[index].as_py() or 0) >= 1  # Arrow has a year 0
        what = f"outside of {first} to {last} (collect.years)" if is_date else _no_date(value, mapping)
        problems[index] = f"column '{mapping.published}': '{' '.join(shown.split())}' is {what}"
    return pc.if_else(sound, days, pa.scalar(None, pa.date32())), pa.array(problems, pa.string())


def _no_date(value: str, mapping: Columns) -> str:
    if mapping.published_format is not None:
        return f"no date of published_format {', '.join(mapping.forms())}"
    hint = dates.hint(value)
    return f"no date (YYYY-MM-DD){f'; perhaps published_format: {hint}' if hint else ''}"


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
