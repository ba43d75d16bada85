"""CSV, JSON Lines and Parquet. Text is UTF-8; a byte-order mark is allowed."""

import csv
import io
import json
from collections.abc import Iterator
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from winnow.errors import UserError
from winnow.readers import Record, check_columns, damaged

# The csv module's own limit of 128 KiB a field refuses long documents; without one, a stray quote swallows a file.
MAX_FIELD = 16 * 2**20


def read_csv(stream: IO[bytes], where: str, columns: list[str]) -> Iterator[Record]:
    """Yield the rows of comma-separated values with a header (RFC 4180); quoted fields may span lines.

    Raises:
        UserError: a column is missing or stands twice, a quote is never closed, or a byte is not UTF-8.
    """
    csv.field_size_limit(MAX_FIELD)
    rows = csv.reader(_lines(stream, where), strict=True)
    try:
        header = next(rows, [])
    except csv.Error as error:
        raise UserError(f"{where}: line 1: the header is not valid CSV: {error}") from None
    for name in columns:
        if header.count(name) > 1:
            raise UserError(f"{where}: line 1: column '{name}' stands {header.count(name)} times; rename one")
    check_columns(where, columns, header)
    while True:
        start = rows.line_num + 1
        place = f"line {start}"
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            if str(error) == "unexpected end of data":
                # One bad row here would stand for all that follow it.
                raise UserError(f"{where}: {place}: a quote is opened and never closed; close it") from None
            yield Record(f"lines {start}-{rows.line_num}", {}, f"not valid CSV: {error}")
            continue
        if len(row) == len(header):
            yield Record(place, dict(zip(header, row, strict=True)))
        elif row:  # the csv module returns [] for a blank line
            yield Record(place, {}, f"{len(row)} fields, the header has {len(header)}")


def read_jsonl(stream: IO[bytes], where: str, columns: list[str]) -> Iterator[Record]:
    """Yield one record a line, each a JSON object; blank lines are no rows, a key that a line lacks is null.

    Raises:
        UserError: a column stands in no line at all, or a byte is not UTF-8.
    """
    present: dict[str, None] = {}
    for number, line in enumerate(_lines(stream, where), 1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            values = json.loads(line, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            yield Record(place, {}, f"not valid JSON: {error}")
            continue
        if isinstance(values, dict):
            present.update(dict.fromkeys(values))
            yield Record(place, values)
        else:
            yield Record(place, {}, "not a JSON object")
    if present:
        check_columns(where, columns, present)


def read_parquet(stream: IO[bytes], where: str, columns: list[str]) -> Iterator[Record]:
    """Yield the rows of a Parquet file.

    Raises:
        UserError: a column is missing, or the file is truncated, damaged or holds text that is not UTF-8.
    """
    # Parquet is read from its end; archives and gzip cannot seek cheaply.
    source = stream if isinstance(stream, io.BufferedReader) else io.BytesIO(stream.read())
    try:
        with pq.ParquetFile(source) as file:
            check_columns(where, columns, file.schema_arrow.names)
            number = 0
            for batch in file.iter_batches(batch_size=1024, columns=columns):
                for values in batch.to_pylist():
                    number += 1
                    yield Record(f"row {number}", values)
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: after row {number}: byte {error.start} of a text is not UTF-8") from None
    except (pa.ArrowException, OSError) as error:
        raise damaged(where, error) from None


def _lines(stream: IO[bytes], where: str) -> Iterator[str]:
    offset = 0
    for raw in stream:
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"{where}: byte {offset + error.start} is not UTF-8; convert the file to UTF-8") from None
        yield line.removeprefix("\ufeff") if offset == 0 else line
        offset += len(raw)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON value")
