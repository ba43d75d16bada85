"""Parquet, a few rows at a time."""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winnow.base.download import MAX_MEMBER_BYTES
from winnow.base.errors import UserError
from winnow.readers import BLOCK_ROWS, Block, check_columns, check_once, damaged

UNPACK = 2**20  # bytes at once
BROKEN = (pa.ArrowException, OSError)  # what Arrow raises of a damaged file


def read_parquet(stream: IO[bytes], where: str, columns: Sequence[str]) -> Iterator[Block]:
    """Yield the rows of a Parquet file; memory holds a block, and a page of each column. A file of no byte has no row.

    A column `a.b` that is no column itself is the field `b` of the column `a`.

    Raises:
        UserError: a column is missing or stands twice; or as `batches`.
    """
    number = 0
    with seekable(stream, where) as source:
        if not source.read(1):
            return
        source.seek(0)
        with opened(source, where) as file:
            names = paths(file.schema_arrow)
            check_columns(where, columns, names)
            check_once(where, columns, names, "rename one, and write the file again")
            for batch in batches(file, where, BLOCK_ROWS, columns):
                places = [f"{where}, row {row}" for row in range(number + 1, number + 1 + batch.num_rows)]
                yield Block(places, {name: column(batch, name) for name in columns}, [])
                number += batch.num_rows


def batches(
    file: pq.ParquetFile, where: str, rows: int, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield all rows of a file, at most some at a time.

    Args:
        columns: or fields of them, `a.b`; None: all.

    Raises:
        UserError: the file is truncated, damaged or holds text that is not UTF-8, or has other rows than it says.
    """
    number, found = 0, file.iter_batches(batch_size=rows, columns=None if columns is None else list(columns))
    while True:
        try:
            batch = next(found)
            batch.validate(full=True)
        except StopIteration:
            break
        except BROKEN as error:
            if "UTF8" in str(error):
                raise UserError(f"{where}: after row {number}: a text is not UTF-8; convert it to UTF-8") from None
            raise damaged(f"{where}: after row {number}", error) from None
        yield batch
        number += batch.num_rows
    if number != file.metadata.num_rows:  # without a word from Arrow, where a row group's own count is damaged
        raise damaged(where, f"it says that it has {file.metadata.num_rows} rows, and {number} can be read")


def paths(schema: pa.Schema) -> list[str]:
    """Return the names of columns and, after them, of the fields in them, `a.b` for the field `b` of the column `a`."""
    names = list(schema.names)
    top = set(names)
    for field in schema:
        names += [path for path in _inner(field) if path not in top]
    return names


def _inner(field: pa.Field) -> Iterator[str]:
    if pa.types.is_struct(field.type):
        for inner in field.type:
            yield f"{field.name}.{inner.name}"
            yield from (f"{field.name}.{path}" for path in _inner(inner))


def column(rows: pa.RecordBatch | pa.Table, name: str) -> pa.Array | pa.ChunkedArray:
    """Return a column, or a field of one, of those that `paths` names."""
    return rows[name] if name in rows.schema.names else next(_fields(rows.schema, rows.columns, name))


def _fields(fields: Iterable[pa.Field], values: Iterable[pa.Array], path: str) -> Iterator[pa.Array]:
    """Yield what stands at a path of names, each of which may hold dots itself."""
    for field, array in zip(fields, values, strict=True):
        if path == field.name:
            yield array
        elif path.startswith(f"{field.name}.") and pa.types.is_struct(field.type):
            inner = [pc.struct_field(array, [number]) for number in range(field.type.num_fields)]
            yield from _fields(field.type, inner, path.removeprefix(f"{field.name}."))


def opened(source: IO[bytes] | Path, where: str) -> pq.ParquetFile:
    """Return a file whose columns and time zones have names; raises `UserError` where it is damaged."""
    try:
        # Buffered: a column is read a page at a time, not a row group at a time.
        file = pq.ParquetFile(source, buffer_size=2**20, pre_buffer=False)
        paths(file.schema_arrow)
        [field.type.tz for field in file.schema_arrow if pa.types.is_timestamp(field.type)]
    except BROKEN as error:
        raise damaged(where, error) from None
    except UnicodeDecodeError as error:
        raise damaged(where, f"a name is not UTF-8: {error.object!r}") from None
    return file


@contextmanager
def seekable(stream: IO[bytes], where: str) -> Iterator[IO[bytes]]:
    """Yield what Parquet, which is read from its end, can seek in: archives and gzip cannot, so they are unpacked.

    Raises:
        UserError: what is unpacked would fill a disk.
    """
    if isinstance(stream, io.BufferedReader) and isinstance(stream.raw, io.FileIO):
        yield stream
        return
    with TemporaryFile() as unpacked:
        while data := stream.read(UNPACK):
            unpacked.write(data)
            if unpacked.tell() > MAX_MEMBER_BYTES:
                raise UserError(f"{where}: more than {MAX_MEMBER_BYTES} bytes unpacked are refused")
        unpacked.seek(0)
        yield unpacked
