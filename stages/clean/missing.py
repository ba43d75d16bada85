"""Rows that lack something: found, filled from named fallbacks, dropped or noted; always in the ledger.

`fill` looks at a batch before any cleaning, where a cut-off text still has the length at which its source cuts. A
fallback is another field of the same row, or a field of another source's row with the same key. The rows of other
sources that are needed, and no others, are read once before the first batch (`lookups`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from winnow.base import hashing, params
from winnow.base.errors import UserError
from winnow.rows import tables
from winnow.rows.ledger import NO_DETAILS, Details, Ledger
from winnow.text import sentences

FieldName = Annotated[str, Field(pattern=r"^(text|label|group|source_key|meta\..+)$")]
# What other sources' rows may take in memory, and on the way to each process.
MAX_LOOKUP_BYTES = 256 * 2**20
# A source that cuts between words stops this many characters before its limit, or fewer.
LAST_WORD = 20
TAIL = 80  # characters in which a text shows how it ends


class Fallback(params.Section):
    """Where a missing value may be: a field of the row, or of `source`'s row whose `key` is the same."""

    field: FieldName
    """A field of the row: `text`, `label`, `group`, `source_key` or `meta.<name>`."""

    source: str | None = None
    """Another source, whose row is asked in place of the row itself."""

    key: FieldName | None = None
    """The field in which the two rows are the same."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.source is None) != (self.key is None):
            raise ValueError("source and key need each other: give both for another source's row, neither for the same")
        return self

    def __str__(self) -> str:
        return self.field if self.source is None else f"{self.field} of source '{self.source}' with the same {self.key}"


class Problem(params.Section):
    """What to do with rows that lack something."""

    action: Literal["off", "keep", "drop", "fill", "fill_or_drop"]
    """`off`: nobody looks; `keep`: the row stays and the ledger notes it; `drop`; `fill` from a fallback, or else keep;
    `fill_or_drop`."""

    fallbacks: list[Fallback] = Field(default_factory=list)
    """Where a value may come from, in order: the first that has one fills."""

    @model_validator(mode="after")
    def _fallbacks_if_filled(self) -> Self:
        if self.action.startswith("fill") != bool(self.fallbacks):
            raise ValueError("fallbacks belong to action fill and fill_or_drop, and these need at least one")
        return self


class Missing(params.Section):
    """Section `clean.missing` of params.yaml: what happens to rows that lack something."""

    title: FieldName | None = None
    """The field where a row's title stands, such as `meta.title`. Null: nowhere."""

    title_without_body: Problem = Problem(action="off")
    """Rows whose text is their title. Needs `title`."""

    no_text: Problem = Problem(action="drop")
    """Rows without any text."""

    cut_off: Problem = Problem(action="keep")
    """Rows whose text ends where the source cuts its texts off."""

    no_group: Problem = Problem(action="off")
    """Rows that have no group but themselves."""

    no_label: Problem = Problem(action="off")
    """Rows that want a label and have none. `annotate` gives labels; here another source's labels can."""

    max_length: dict[str, Annotated[int, Field(gt=LAST_WORD)]] = Field(default_factory=dict)
    """By source, the number of characters at which it cuts its texts, where that is not found by itself."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.title is None and self.title_without_body.action != "off":
            raise ValueError("title_without_body needs `title`, the field where a row's title stands; or action: off")
        for fallback in self.no_label.fallbacks:
            if fallback.source is None or fallback.field != "label":
                raise ValueError("no_label is filled from another source's `label` only; annotate.rules label by rule")
        return self

    def problems(self) -> Iterator[tuple[str, Problem]]:
        """Yield name and treatment of each problem to look for, in the order in which rows are looked at."""
        for name in REASONS:
            problem = getattr(self, name)
            if problem.action != "off":
                yield name, problem


REASONS = {
    "title_without_body": "its text is its title",
    "no_text": "has no text",  # later, since it may be filled from the title
    "cut_off": "its text ends where the source cuts it off",
    "no_group": "has no group but itself",
    "no_label": "wants a label and has none",
}
TARGETS = {"no_group": "group", "no_label": "label"}  # the others are about the text
Lookups = Mapping[tuple[str, str, str], pa.Table]  # (source, key, field) -> columns key and value


@dataclass(frozen=True)
class Lack:
    """What some rows of a batch lack.

    Attributes:
        name: of the problem, a key of `REASONS`.
        problem: what to do with these rows.
        rows: which they are, (rows,) bool without nulls.
    """

    name: str
    problem: Problem
    rows: pa.ChunkedArray

    @property
    def column(self) -> str:
        """Return the column that lacks something."""
        return TARGETS.get(self.name, "text")


def fill(batch: pa.Table, settings: Missing, ledger: Ledger, lookups: Lookups | None = None) -> pa.Table:
    """Return the rows, filled or dropped as `settings` say; every row that lacks something is in the ledger.

    Args:
        batch: rows of the data contract, as `collect` wrote them.
        lookups: what the function `lookups` returned; needed if a fallback names a source.
    """
    for name, problem in settings.problems():
        lack = Lack(name, problem, _lacking(batch, name, settings))
        if pc.any(lack.rows).as_py():
            batch = _treat(batch, lack, ledger, lookups or {})
    return batch


def lookups(folder: Path, settings: Missing) -> Lookups:
    """Return the values that rows of `folder` may need from other sources' rows.

    Two passes, a batch in memory: which keys are needed, then their values. Of rows with one key the first by id
    gives the value.

    Raises:
        UserError: a fallback's source has no file in `folder`, or the values take more than `MAX_LOOKUP_BYTES`.
    """
    wanted = [
        (name, fallback)
        for name, problem in settings.problems()
        for fallback in problem.fallbacks
        if fallback.source is not None
    ]
    files = {file.stem: file for file in sorted(folder.glob("*.parquet"))}
    found = {}
    for name, fallback in wanted:
        where = f"params.yaml: clean.missing.{name}.fallbacks: source '{fallback.source}'"
        if fallback.source not in files:
            raise UserError(f"{where} is not in collect.sources; it has {', '.join(files) or 'none'}")
        keys = _needed(files.values(), name, fallback, settings)
        found[fallback.source, fallback.key, fallback.field] = _values(files[fallback.source], fallback, keys, where)
    return found


def _lacking(rows: pa.Table, name: str, settings: Missing) -> pa.ChunkedArray:
    """Return which rows have the problem, (rows,) bool without nulls."""
    text = rows["text"]
    if name == "no_text":
        return _blank(text)
    if name == "title_without_body":
        title = _folded(_column(rows, settings.title))
        return pc.and_(pc.fill_null(pc.equal(_folded(text), title), False), pc.invert(_blank(text)))
    if name == "cut_off":
        tail = pc.utf8_slice_codeunits(pc.utf8_rtrim_whitespace(text), -TAIL)
        limits = pa.array([settings.max_length.get(source) for source in rows["source"].to_pylist()], pa.int32())
        long = pc.greater_equal(pc.utf8_length(text), pc.subtract(limits, LAST_WORD))
        ended = pc.match_substring_regex(tail, sentences.ENDED)
        cut = pc.and_(pc.fill_null(long, False), pc.invert(ended))
        return pc.and_(pc.or_(cut, pc.match_substring_regex(tail, _TRUNCATED)), pc.invert(_blank(text)))
    if name == "no_group":
        return pc.or_(_blank(rows["group"]), pc.equal(rows["group"], rows["id"]))
    return pc.and_(pc.equal(rows["purpose"], "task"), pc.is_null(rows["label"]))


# RE2 pattern.
_TRUNCATED = r"(?i)(…|\.\.\.|[\[(](…|\.\.\.|(abstract |text )?truncated( at [0-9]+ words)?)[\])])$"


def _blank(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.equal(pc.utf8_trim_whitespace(column), ""), True)


def _folded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts without case, and without the brackets and full stop that databases put around titles."""
    return pc.utf8_trim(pc.utf8_lower(column), " \t\r\n.[]")


def _column(rows: pa.Table, field: str) -> pa.ChunkedArray:
    """Return a field's values, (rows,) string; null where a row has no such `meta` key."""
    if field.startswith("meta."):
        return pc.map_lookup(rows["meta"], pa.scalar(field.removeprefix("meta.")), "first")
    return rows[field]


def _treat(rows: pa.Table, lack: Lack, ledger: Ledger, lookups: Lookups) -> pa.Table:
    name, problem, target = lack.name, lack.problem, lack.column
    few = rows.filter(lack.rows)
    values, origins = _fallbacks(few, lack, lookups)
    old = few[target].to_pylist()
    dropping = problem.action in ("drop", "fill_or_drop")
    for id_, before, value, origin in zip(few["id"].to_pylist(), old, values, origins, strict=True):
        reason = REASONS[name]
        shas = [hashing.text_sha(text) for text in (before, value) if text is not None]
        details = Details(*shas) if target == "text" else NO_DETAILS
        if value is not None:
            ledger.add(id_, "change", name, f"{reason}; taken from {origin}", details)
        elif dropping:
            ledger.add(id_, "drop", name, reason, details)
        else:
            ledger.add(id_, "note", name, f"{reason}; no fallback has one" if problem.fallbacks else reason)
    if any(value is not None for value in values):
        filled = pa.array([value if value is not None else was for value, was in zip(values, old, strict=True)])
        rows = _replaced(rows, target, lack.rows, filled.cast(pa.string()))
        if target == "label":
            given = pa.array([None if value is None else "given" for value in values], pa.string())
            rows = _replaced(rows, "label_origin", lack.rows, given)
    if dropping:
        dropped = _scattered(lack.rows, pa.array([value is None for value in values]))
        rows = rows.filter(pc.invert(dropped))
    return rows


def _fallbacks(few: pa.Table, lack: Lack, lookups: Lookups) -> tuple[list[str | None], list[Fallback | None]]:
    """Return for each row the first fallback's value that mends it, and that fallback; None where none does."""
    values: list[str | None] = [None] * few.num_rows
    origins: list[Fallback | None] = [None] * few.num_rows
    old = few[lack.column].to_pylist()
    for fallback in lack.problem.fallbacks:
        for row, value in enumerate(_offered(few, fallback, lookups).to_pylist()):
            longer = lack.name != "cut_off" or len(value or "") > len(old[row])
            if values[row] is None and value and value.strip() and value != old[row] and longer:
                values[row], origins[row] = value, fallback
    return values, origins


def _offered(few: pa.Table, fallback: Fallback, lookups: Lookups) -> pa.ChunkedArray:
    if fallback.source is None:
        return _column(few, fallback.field)
    lookup = lookups[fallback.source, fallback.key, fallback.field]
    return lookup["value"].take(pc.index_in(_column(few, fallback.key), lookup["key"], skip_nulls=True))


def _replaced(rows: pa.Table, name: str, mask: pa.ChunkedArray, values: pa.Array) -> pa.Table:
    column = pc.replace_with_mask(rows[name].combine_chunks(), mask.combine_chunks(), values)
    return tables.set_column(rows, name, column, pa.string())


def _scattered(mask: pa.ChunkedArray, values: pa.Array) -> pa.Array:
    mask = mask.combine_chunks()
    return pc.replace_with_mask(mask, mask, values)


def _needed(files: Iterable[Path], name: str, fallback: Fallback, settings: Missing) -> pa.Array:
    """Return the keys, unique, of the rows that have a problem."""
    keys = pa.array([], pa.string())
    for file in files:
        for batch in tables.batches(file):
            few = batch.filter(_lacking(batch, name, settings))
            keys = pc.unique(pa.concat_arrays([keys, *_column(few, fallback.key).chunks])).drop_null()
    return keys


def _values(file: Path, fallback: Fallback, keys: pa.Array, where: str) -> pa.Table:
    """Return the first value of each key that has one: columns key and value."""
    parts = [pa.table({"key": pa.array([], pa.string()), "value": pa.array([], pa.string())})]
    for batch in tables.batches(file):
        pairs = pa.table({"key": _column(batch, fallback.key), "value": _column(batch, fallback.field)})
        pairs = pairs.filter(pc.and_(pc.is_in(pairs["key"], keys), pc.invert(_blank(pairs["value"]))))
        firsts = pairs.group_by("key", use_threads=False).aggregate([("value", "first")])
        parts.append(firsts.rename_columns(["key", "value"]))
        keys = keys.filter(pc.invert(pc.is_in(keys, firsts["key"])))
        if sum(part.nbytes for part in parts) > MAX_LOOKUP_BYTES:
            raise UserError(
                f"{where} would take more than {MAX_LOOKUP_BYTES // 2**20} MiB of memory; fill from a field of the "
                "same row, or join the two before collecting them"
            )
        if not len(keys):
            break
    return pa.concat_tables(parts)
