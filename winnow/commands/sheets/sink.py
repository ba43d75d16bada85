"""People's tables, written a block of rows at a time with columns behind those that were read."""

import base64
import csv
import datetime
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq

from winnow.base.errors import UserError
from winnow.commands.sheets.cells import guard
from winnow.commands.sheets.formats import Sheet
from winnow.commands.sheets.rows import Block, Source
from winnow.readers.tabular import QUOTE, Dialect

ODD = re.compile("^\ufeff|[,;\t|]")  # what of a column's name a reader may take for something else
GROUP_ROWS, GROUP_BYTES = 16 * 1024, 32 * 2**20  # of a row group of Parquet, whichever comes first


class Sink:
    """A file that is being written."""

    def add(self, block: Block, columns: Mapping[str, list]) -> None:
        """Write the rows of a block with further columns, (rows,) each."""
        raise NotImplementedError


@contextmanager
def opened(sheet: Sheet, source: Source, further: pa.Schema, guarded: bool = True) -> Iterator[Sink]:
    """Yield what writes the rows of a source.

    Args:
        further: the columns that are added.
        guarded: put an apostrophe before cells of CSV and TSV that a spreadsheet would run or round.

    Raises:
        UserError: the format cannot hold two columns of one name.
    """
    twice = [name for name in source.columns if source.columns.count(name) > 1]
    if twice and sheet.format in ("jsonl", "parquet"):
        raise UserError(f"{sheet.name}: column '{twice[0]}' stands twice, which {sheet.format} cannot hold; rename one")
    if sheet.format == "parquet":
        with Parquet(sheet, source.schema, further) as sink:
            yield sink
        return
    with sheet.write() as file:
        wrapped = io.TextIOWrapper(file, "utf-8", errors="replace", newline="")
        if sheet.format == "jsonl":
            yield JsonLines(wrapped, source.columns)
        else:
            yield Separated(wrapped, _dialect(sheet, source), guarded, [*source.columns, *further.names])
        wrapped.flush()
        wrapped.detach()


class Separated(Sink):
    """CSV and TSV."""

    def __init__(self, file: io.TextIOWrapper, dialect: Dialect, guarded: bool, header: Sequence[str]) -> None:
        """Write the header; raises `UserError` where it has a name that a table without quotes cannot hold."""
        self._file, self._sign = file, dialect.delimiter
        self._cell = (lambda value: guard(text(value))) if guarded else text
        names = list(map(self._cell, header))
        if dialect.quote:
            # By a header in quotes our reader knows a TSV that has them: for the most part they have none. And it finds
            # neither a mark of the encoding there, nor another delimiter.
            is_odd = self._sign == "\t" or any(ODD.search(name) for name in names)
            self._row_writer(csv.QUOTE_ALL if is_odd else csv.QUOTE_MINIMAL)(names)
            self._write = self._row_writer(csv.QUOTE_MINIMAL)
        else:
            self._write_plain(names, "\r\n")  # a carriage return in the first line would end all lines
            self._write = self._write_plain

    def add(self, block: Block, columns: Mapping[str, list]) -> None:
        """Write rows."""
        for cells, added in zip(block.cells(), zip(*columns.values(), strict=True), strict=True):
            # A float that is ours is a number, whatever its sign.
            own = [text(value) if isinstance(value, float) else self._cell(value) for value in added]
            self._write([*map(self._cell, cells), *own])

    def _row_writer(self, quoting: int) -> Callable[[Iterable[str]], object]:
        """Return what writes a row."""
        # The csv module puts quotes around a cell with a character of the line's end, and around no other.
        line = SimpleNamespace(write=lambda row: self._file.write(f"{row[:-2]}\n"))
        return csv.writer(line, delimiter=self._sign, lineterminator="\r\n", quoting=quoting).writerow

    def _write_plain(self, cells: Iterable[str], ends: str = "\n") -> None:
        """Write a row in which nothing is quoted.

        Args:
            ends: characters that end a line.
        """
        cells = list(cells)
        if wrong := [cell for cell in cells if any(sign in cell for sign in (self._sign, *ends))]:
            raise UserError(
                f"the cell {json.dumps(wrong[0])[:60]} holds a delimiter or a line's end, which a table without quotes "
                f"cannot hold; write another format"
            )
        self._file.write(f"{self._sign.join(cells)}\n")


def _dialect(sheet: Sheet, source: Source) -> Dialect:
    """Return how to write a table: with the delimiter of what was read, and without quotes where that TSV had none."""
    read = source.dialect
    if sheet.format == "tsv":
        plain = read is not None and read.delimiter == "\t" and read.quote is read.escape is None
        return Dialect("\t", None if plain else QUOTE)
    return Dialect(read.delimiter if read is not None and read.delimiter != "\t" else ",")


class JsonLines(Sink):
    """JSON Lines; a line that was read stands as it was, with keys at its end."""

    def __init__(self, file: io.TextIOWrapper, names: Sequence[str]) -> None:
        """Write nothing yet."""
        self._file, self._names = file, names

    def add(self, block: Block, columns: Mapping[str, list]) -> None:
        """Write rows."""
        begun = block.lines or [_json(dict(zip(self._names, cells, strict=True))) for cells in block.cells()]
        for line, added in zip(begun, zip(*columns.values(), strict=True), strict=True):
            own = _json(dict(zip(columns, added, strict=True)))
            before = line.rstrip()[:-1].rstrip()
            self._file.write(f"{before}{'' if before.endswith('{') else ', '}{own[1:]}\n")


class Parquet(Sink):
    """Parquet; columns that were read keep their types."""

    def __init__(self, sheet: Sheet, read: pa.Schema, further: pa.Schema) -> None:
        """Write nothing yet."""
        self._read = read
        self._schema = pa.schema([*read, *further])
        self._writer = pq.ParquetWriter(sheet.path, self._schema, compression="zstd")
        self._waiting: list[pa.Table] = []

    def __enter__(self) -> "Parquet":
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self._flush()
        self._writer.close()

    def add(self, block: Block, columns: Mapping[str, list]) -> None:
        """Write rows."""
        if block.table is None:
            cells = zip(*block.cells(), strict=True)
            arrays = [_array(values, field.type) for values, field in zip(cells, self._read, strict=True)]
        else:
            arrays = block.table.columns
        own = [pa.array(values, self._schema.field(name).type) for name, values in columns.items()]
        self._waiting.append(pa.Table.from_arrays([*arrays, *own], schema=self._schema))
        if sum(table.num_rows for table in self._waiting) >= GROUP_ROWS or (
            sum(table.nbytes for table in self._waiting) >= GROUP_BYTES
        ):
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=GROUP_ROWS)
        self._waiting = []


def _array(values: Sequence[object], type_: pa.DataType) -> pa.Array:
    if pa.types.is_string(type_):
        values = [None if value is None else sound(text(value)) for value in values]
    return pa.array(values, type_)


def sound(value: str) -> str:
    """Return a text without halves of surrogate pairs, which JSON may hold and UTF-8 cannot."""
    return value.encode("utf-8", "replace").decode("utf-8")


def text(value: object) -> str:
    """Return a value as a cell of text; what is neither text, number nor date is its JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | dict | list | tuple):
        return _json(value)
    return _plain(value) if isinstance(value, bytes | datetime.date | datetime.time) else str(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)
