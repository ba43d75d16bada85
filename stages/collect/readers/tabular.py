"""CSV, TSV, JSON Lines and Parquet. Text is UTF-8; a byte-order mark is allowed."""

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from tempfile import TemporaryFile
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from stages.collect.readers import BLOCK_ROWS, MAX_DOCUMENT, Block, Record, check_columns, damaged
from winnow.base.errors import UserError

# The csv module's own limit of 128 KiB a field refuses long documents; without one, a stray quote swallows a file.
MAX_FIELD = 16 * 2**20


def read_csv(
    stream: IO[bytes], where: str, columns: Sequence[str], delimiter: str = ",", header: Sequence[str] | None = None
) -> Iterator[Record]:
    """Yield the rows of delimiter-separated values (RFC 4180); quoted fields may span lines.

    Args:
        header: the names of the columns of a file whose first line does not name them.

    Raises:
        UserError: a column is missing or stands twice, a quote is never closed, or a byte is not UTF-8.
    """
    csv.field_size_limit(MAX_FIELD)
    rows = csv.reader(_lines(stream, where), delimiter=delimiter, strict=True)
    try:
        header = header or next(rows, [])
    except csv.Error as error:
        raise UserError(f"{where}: line 1: the header is not valid CSV: {error}") from None
    for name in columns:
        if header.count(name) > 1:
            raise UserError(f"{where}: line 1: column '{name}' stands {header.count(name)} times; rename one")
    check_columns(where, columns, header)
    pick = _picker([header.index(name) for name in columns])
    width = len(header)
    while True:
        start = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            if str(error) == "unexpected end of data":
                # One bad row here would stand for all that follow it.
                raise UserError(f"{where}: line {start}: a quote is opened and never closed; close it") from None
            yield Record(f"{where}, lines {start}-{rows.line_num}", (), f"not valid CSV: {error}")
            continue
        if len(row) == width:
            yield Record(f"{where}, line {start}", pick(row))
        elif row:  # the csv module returns [] for a blank line
            yield Record(f"{where}, line {start}", (), f"{len(row)} fields, the header has {width}")


def read_jsonl(stream: IO[bytes], where: str, columns: Sequence[str]) -> Iterator[Record]:
    """Yield one record a line, each a JSON object; blank lines are no rows, a key that a line lacks is null.

    Raises:
        UserError: a column stands in no line at all, or a byte is not UTF-8.
    """
    decode = json.JSONDecoder(parse_constant=_no_constant).raw_decode
    missing, present = set(columns), {}
    for number, line in enumerate(_lines(stream, where), 1):
        line = line.strip()
        if not line:
            continue
        try:
            values, end = decode(line)
            if end < len(line):
                raise ValueError(f"more than one value: character {end + 1}")
        except (ValueError, RecursionError) as error:
            yield Record(f"{where}, line {number}", (), f"not valid JSON: {error}")
            continue
        if not isinstance(values, dict):
            yield Record(f"{where}, line {number}", (), "not a JSON object")
            continue
        if missing:
            present.update(values)
            missing.difference_update(values)
        yield Record(f"{where}, line {number}", tuple(map(values.get, columns)))
    if present:
        check_columns(where, columns, present if missing else columns)


def read_parquet(stream: IO[bytes], where: str, columns: Sequence[str]) -> Iterator[Block]:
    """Yield the rows of a Parquet file, in blocks.

    Raises:
        UserError: a column is missing, or the file is truncated, damaged or holds text that is not UTF-8.
    """
    number = 0
    # Buffered: a column is read a page at a time, not a row group at a time.
    with _seekable(stream) as source, _parquet(source, where) as file:
        check_columns(where, columns, file.schema_arrow.names)
        batches = file.iter_batches(batch_size=BLOCK_ROWS, columns=list(columns))
        while True:
            try:
                batch = next(batches)
                batch.validate(full=True)
            except StopIteration:
                return
            except (pa.ArrowException, OSError) as error:
                if "UTF8" in str(error):
                    raise UserError(f"{where}: after row {number}: a text is not UTF-8; convert it to UTF-8") from None
                raise damaged(f"{where}: after row {number}", error) from None
            places = [f"{where}, row {row}" for row in range(number + 1, number + 1 + batch.num_rows)]
            yield Block(places, {name: batch[name] for name in columns}, [])
            number += batch.num_rows


def _parquet(source: IO[bytes], where: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(source, buffer_size=2**20, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise damaged(where, error) from None


@contextmanager
def _seekable(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield what Parquet, which is read from its end, can seek in: archives and gzip cannot, so they are unpacked."""
    if isinstance(stream, io.BufferedReader) and isinstance(stream.raw, io.FileIO):
        yield stream
        return
    with TemporaryFile() as unpacked:
        shutil.copyfileobj(stream, unpacked)
        unpacked.seek(0)
        yield unpacked


def _picker(indices: list[int]) -> Callable[[list], tuple]:
    """Return a function that picks a row's fields as a tuple; `itemgetter` gives no tuple for one."""
    return itemgetter(*indices) if len(indices) > 1 else lambda row: (row[indices[0]],)


def _lines(stream: IO[bytes], where: str) -> Iterator[str]:
    offset = number = 0
    while raw := stream.readline(MAX_DOCUMENT):
        number += 1
        if len(raw) == MAX_DOCUMENT:
            raise UserError(f"{where}: line {number} is longer than {MAX_DOCUMENT} bytes; mend the format or the file")
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"{where}: byte {offset + error.start} is not UTF-8; convert the file to UTF-8") from None
        yield line.removeprefix("\ufeff") if offset == 0 else line
        offset += len(raw)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON value")
