"""Rows of people's tables, a block at a time.

A file is looked through before its rows are given out: an error in its last line shows in seconds, not after an hour of
predictions, and the number of rows is known.
"""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import pyarrow as pa

from winnow.base import params
from winnow.base.errors import UserError
from winnow.commands.sheets.cells import unguard
from winnow.commands.sheets.formats import MAILS, Sheet
from winnow.commands.sheets.mails import Mails
from winnow.commands.sheets.rows import BLOCK_CHARACTERS, BLOCK_ROWS, Block, Source, gathered, joined_texts
from winnow.readers import chat, check_once, jsonl, listed, opening, parquet
from winnow.readers.layout import Layout
from winnow.readers.lines import lines
from winnow.readers.tabular import Table, Words
from winnow.readers.values import as_list
from winnow.text.cleaning import media_type

DELIMITERS = ",;\t|"
TEXTS = (
    pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null, pa.types.is_binary,
    pa.types.is_large_binary,
)  # fmt: skip
UNPARTED = re.compile(r"[^\w\s.'\"-]")  # what may stand between names
OPTIONS = Words(
    lambda key, value: f"--{key} {shlex.quote('none' if value is None else value)}", "",
    "convert the file to UTF-8, or give --encoding, such as cp1252",
)  # fmt: skip


def look(sheet: Sheet, told: Mapping[str, object] = MappingProxyType({}), texts: Sequence[str] | None = None) -> Source:
    """Return what a file holds, after a look through all of it.

    Args:
        told: how it is written, as far as people said it: `options.told`.
        texts: the columns of texts, if they were named: a hint at what stands between cells.

    Raises:
        UserError: the file is damaged, is not of its format, or has rows that are no rows.
    """
    layout = params.parse({**told, "format": sheet.format}, Layout, f"{sheet.name}: how it is written")
    try:
        if sheet.format in MAILS:
            return Mails(sheet, layout)
        if sheet.format == "parquet":
            return Parquet(sheet)
        return JsonLines(sheet, layout.encoding) if sheet.format == "jsonl" else Separated(sheet, layout, texts)
    except (*opening.BROKEN, pa.ArrowException) as error:
        raise UserError(f"{sheet.name}: cannot be read: {error}") from None


def columns_of_texts(
    rows: Source, told: Sequence[str] | None, mapped: Iterable[Sequence[str]], where: str
) -> Sequence[str]:
    """Return the columns that hold the texts: those told, `text`, those mapped, the format's, or the only one.

    Args:
        mapped: of each of the project's own sources the column of its texts, or those that it joins.

    Raises:
        UserError: there is no such column, or it is not plain which it is.
    """
    wanted = [told] if told else [["text"], *mapped]
    _refuse_unparted(rows, [name for names in wanted for name in names], where)
    for names in wanted:
        if not all(name in rows.columns or name in rows.inner for name in names):
            continue
        check_once(where, names, rows.columns, "rename one")
        return names
    if told:
        raise _missing(rows.columns, next(name for name in told if name not in (*rows.columns, *rows.inner)), where)
    if rows.texts:
        return rows.texts
    if len(rows.columns) == 1:
        return rows.columns
    raise UserError(f"{where}: which column holds the texts? give --text COLUMN; there are: {listed(rows.columns)}")


def _refuse_unparted(rows: Source, wanted: Sequence[str], where: str) -> None:
    """Raise `UserError` if the only column's name is a line of names, a wanted one among them: `Nr~Nachricht`."""
    if not isinstance(rows, Separated) or len(rows.columns) > 1 or rows.columns[0] in wanted:
        return
    parts = [part.strip(" '\"") for part in UNPARTED.split(rows.columns[0])]
    if name := next((name for name in wanted if name in parts), None):
        raise UserError(
            f"{where}: is read as one column, '{rows.columns[0]}', and '{name}' stands in its name; give --delimiter "
            f"SIGN, that between the columns, or --text {shlex.quote(rows.columns[0])}"
        )


def check_column(columns: Sequence[str], name: str, where: str) -> None:
    """Raise `UserError` if there is no such column, or two."""
    if name not in columns:
        raise _missing(columns, name, where)
    check_once(where, [name], columns, "rename one")


def are_plain(block: Block, rows: Source, told: str | None) -> pa.Array | None:
    """Return which texts of a block are declared to be plain text, (rows,) bool; None: nothing declares it.

    Args:
        told: the media type of all texts; None: the format or a column `media_type` says it, if one does.

    Raises:
        UserError: there are two such columns.
    """
    if told is None and block.is_plain:
        told = media_type.PLAIN
    if told is not None:
        return media_type.are_plain(pa.array([told] * len(block.texts), pa.string()))
    if media_type.KEY not in rows.columns:
        return None
    check_once("the file", [media_type.KEY], rows.columns, "rename one, or give --media-type")
    place = rows.columns.index(media_type.KEY)
    cells = (row[place] for row in block.cells())
    return media_type.are_plain(pa.array([cell if isinstance(cell, str) else None for cell in cells], pa.string()))


def _missing(columns: Sequence[str], name: str, where: str) -> UserError:
    return UserError(f"{where}: there is no column '{name}'; there are: {listed(columns)}")


def prompts(rows: Source, where: str) -> Iterator[Block]:
    """Yield the rows of a file of conversations, each with its prompt as its text.

    Raises:
        UserError: a conversation cannot be read.
    """
    first = 1
    for block in rows.blocks():
        records = [dict(zip(rows.columns, cells, strict=True)) for cells in block.cells()]
        texts = [chat.prompt(record, f"{where}: row {number}") for number, record in enumerate(records, first)]
        first += len(records)
        yield replace(block, texts=texts)


class Separated(Source):
    """CSV and TSV, as `collect` reads them; cells are taken as what a spreadsheet's guard stands for."""

    def __init__(self, sheet: Sheet, layout: Layout, texts: Sequence[str] | None) -> None:
        """Look through the file."""
        self._sheet, self.dialect = sheet, layout.dialect()
        if sheet.format == "csv" and layout.delimiter is None:
            self.dialect = replace(self.dialect, delimiter=self._delimiter(texts or ()))
        with self._table() as table:
            self.dialect, self.columns = table.dialect, list(map(unguard, table.header))
        if not any(self.columns):
            raise UserError(f"{sheet.name}: line 1: there is no header; the first line must name the columns")
        self.rows = sum(1 for _ in self._records())
        self.schema = pa.schema([(name, pa.string()) for name in self.columns])

    def blocks(self, *texts: str) -> Iterator[Block]:
        """Yield the rows."""
        places = list(map(self.columns.index, texts))
        for cells in gathered(self._records(), lambda row: sum(map(len, row))):
            found = [[row[place] or None for row in cells] for place in places]
            yield Block(joined_texts(found), lambda cells=cells: cells)

    def _records(self) -> Iterator[list[str]]:
        with self._table() as table:
            # In a table of one column, a blank line is an empty text.
            for row in table.rows(blanks=True):
                if row.problem:
                    raise UserError(f"{self._sheet.name}: line {row.first}: {row.problem}")
                yield list(map(unguard, row.cells))

    def _delimiter(self, texts: Sequence[str]) -> str:
        """Return what cuts the header into the most columns, the named ones among them where that is possible."""
        headers = {}
        for sign in DELIMITERS:
            try:
                with self._table(sign) as table:
                    headers[sign] = table.header
            except UserError:
                headers[sign] = []
        return max(
            headers, key=lambda sign: (set(texts) <= set(headers[sign]), len(headers[sign]), -DELIMITERS.index(sign))
        )

    @contextmanager
    def _table(self, delimiter: str | None = None) -> Iterator[Table]:
        dialect = replace(self.dialect, delimiter=delimiter) if delimiter else self.dialect
        with self._sheet.read() as stream:
            yield Table(stream, self._sheet.name, dialect, OPTIONS)


class JsonLines(Source):
    """JSON Lines: one object a line; a key that a line lacks is a value that it lacks."""

    def __init__(self, sheet: Sheet, encoding: str) -> None:
        """Look through the file."""
        self._sheet, self._encoding = sheet, encoding
        kinds: dict[str, set[type]] = {}
        inner: dict[str, None] = {}
        self.rows = 0
        for _, record in self._records():
            self.rows += 1
            for key, value in record.items():
                kinds.setdefault(key, set()).add(_kind(value))
                if isinstance(value, dict):
                    inner.update(dict.fromkeys(jsonl.paths(value, f"{key}.")))
        self.columns = list(kinds)
        self.inner = [path for path in inner if path not in kinds]
        for name in self.columns:
            if jsonl.SURROGATE.search(name):
                raise UserError(f"{sheet.name}: key {json.dumps(name)} holds half a surrogate pair; rename it")
        self.schema = pa.schema([(name, _arrow_type(found - {type(None)})) for name, found in kinds.items()])

    def blocks(self, *texts: str) -> Iterator[Block]:
        """Yield the rows."""

        def told(record: dict, number: int, text: str) -> str | None:
            if text in self.inner:
                jsonl.lift(record, text, text.split("."))
            value = record.get(text)
            if value is not None and not isinstance(value, str):
                raise UserError(
                    f"{self._sheet.name}: row {number}: '{text}' is no text but {json.dumps(value)[:40]}; "
                    f"name another column by --text"
                )
            return value or None

        done = 0
        for pairs in gathered(self._records(), lambda pair: len(pair[0])):
            found = [
                [told(record, done + number, text) for number, (_, record) in enumerate(pairs, 1)] for text in texts
            ]
            done += len(pairs)
            whole = joined_texts(found) if texts else [None] * len(pairs)
            yield Block(whole, lambda pairs=pairs: map(self._cells, pairs), [line for line, _ in pairs])

    def _cells(self, pair: tuple[str, dict]) -> list[object]:
        return [pair[1].get(name) for name in self.columns]

    def _records(self) -> Iterator[tuple[str, dict]]:
        name = self._sheet.name
        with self._sheet.read() as stream:
            for number, line in enumerate(lines(stream, name, self._encoding, OPTIONS.encoding), 1):
                line = line.strip()
                try:
                    record = json.loads(line, object_pairs_hook=jsonl.sole) if line else {}
                except (ValueError, RecursionError) as error:
                    raise UserError(f"{name}: line {number}: not valid JSON: {error}; mend the line") from None
                if not isinstance(record, dict):
                    raise UserError(f"{name}: line {number}: not a JSON object; each line must be one")
                if line:
                    yield line, record


def _kind(value: object) -> type:
    is_long = isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63
    return list if is_long or isinstance(value, dict) else type(value)


def _arrow_type(kinds: set[type]) -> pa.DataType:
    """Return a column's type in Parquet; what has no type of its own is its JSON as text."""
    if kinds and kinds <= {bool}:
        return pa.bool_()
    if kinds and kinds <= {int}:
        return pa.int64()
    return pa.float64() if kinds and kinds <= {int, float} else pa.string()


class Parquet(Source):
    """Parquet; memory holds a block, and a page of each column."""

    def __init__(self, sheet: Sheet) -> None:
        """Read the file's footer."""
        self._sheet = sheet
        with parquet.opened(self._sheet.path, self._sheet.name) as file:
            self.schema = file.schema_arrow.remove_metadata()
            self.rows = file.metadata.num_rows
            held = sum(file.metadata.row_group(number).total_byte_size for number in range(file.num_row_groups))
        # Rows that hold much come few at a time.
        self._at_once = max(1, min(BLOCK_ROWS, BLOCK_CHARACTERS * self.rows // max(held, 1)))
        self.columns = self.schema.names
        self.inner = parquet.paths(self.schema)[len(self.columns) :]

    def blocks(self, *texts: str) -> Iterator[Block]:
        """Yield the rows."""
        for text in texts:
            type_ = parquet.column(self.schema.empty_table(), text).type
            own = type_.value_type if pa.types.is_dictionary(type_) else type_
            if not any(is_text(own) for is_text in TEXTS):
                raise UserError(f"{self._sheet.name}: column '{text}' holds {own}, no text; name another by --text")
        with parquet.opened(self._sheet.path, self._sheet.name) as file:
            for batch in parquet.batches(file, self._sheet.name, self._at_once):
                yield from _cut(pa.Table.from_batches([batch]), texts)


def _cut(table: pa.Table, names: Sequence[str]) -> Iterator[Block]:
    """Yield the rows of a table in blocks of not too many characters."""
    columns = []
    for name in names:
        column = parquet.column(table, name).cast(pa.large_string())
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            raise UserError(f"column '{name}' holds text that is not UTF-8; write the file again") from None
        columns.append([value or None for value in column.to_pylist()])
    texts = joined_texts(columns)
    start = total = 0
    for end, text in enumerate(texts, 1):
        total += len(text or "")
        if total >= BLOCK_CHARACTERS or end == len(texts):
            part = table.slice(start, end - start)
            yield Block(texts[start:end], partial(_rows, part), table=part)
            start, total = end, 0


def _rows(table: pa.Table) -> Iterator[tuple]:
    return zip(*(_values(column.combine_chunks()) for column in table.columns), strict=True)


def _values(column: pa.Array) -> Sequence[object]:
    try:
        return column.to_pylist()
    except (ValueError, OverflowError):  # a moment that Python has no date for
        return as_list(column)
