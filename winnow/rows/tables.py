"""The one table that flows through the pipeline: its schema, its reader and the only writer of Parquet.

Equal tables are equal bytes, by one version of Arrow: rows sorted by id, an explicit schema, no metadata of ours and no
copy of Arrow's schema. The footer names the Arrow that wrote it (`created_by`): Arrow lets nobody change that, readers
know a writer's defects by it, and another version may encode the same rows in other bytes anyway. Tables that
memory cannot hold are read by `batches` and written by `writer`, which sorts on disk. A stage that keeps all rows of
the task in memory reads them without their texts: `winnow.rows.text_column` reads these where they are needed, and
`write_with` puts them back.

`read` gives `text` and `meta` 64-bit offsets: a whole column of `string` cannot be sorted or taken beyond 2 GiB. In a
file both are the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winnow.base import storage
from winnow.base.errors import UserError
from winnow.base.files import replacing
from winnow.base.sorting import Sorter

# Part of the format: another number gives other bytes. Small enough that a row group of long documents fits in memory.
ROW_GROUP = 16 * 1024
META = pa.map_(pa.string(), pa.string())
# Columns that pass 2 GiB first, with the types that they have in memory.
LONG = {"text": pa.large_string(), "meta": pa.map_(pa.large_string(), pa.large_string())}

# The data contract. Stages add columns at the end; aux_<task> columns (string) stand before `meta`.
ROW = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_key", pa.string(), nullable=False),
        pa.field("licence", pa.string(), nullable=False),
        pa.field("published", pa.date32()),
        pa.field("purpose", pa.string(), nullable=False),  # "task": wants a label; "text": adapts the encoder only
        pa.field("group", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("label_origin", pa.string()),  # given, rule, model or human; null where label is
        pa.field("label_confidence", pa.float64()),
        pa.field("meta", META, nullable=False),
    ]
)


def row_schema(aux: Iterable[str] = ()) -> pa.Schema:
    """Return the contract's schema with one `aux_<task>` string column for each further task."""
    schema = ROW
    for task in sorted(aux):
        schema = schema.insert(schema.get_field_index("meta"), pa.field(f"aux_{task}", pa.string()))
    return schema


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Return a Parquet file, or some of its columns, as a table; no other column is read.

    Raises:
        UserError: the file is missing, is no Parquet file or lacks one of `columns`.
    """
    with opened(path, columns or ()) as file:
        table = file.read(columns=list(columns) if columns else None)
    for name, type_ in LONG.items():
        if name in table.column_names:
            table = set_column(table, name, table[name].cast(type_), type_)
    return table.select(columns) if columns else table


def without_texts(path: Path) -> list[str]:
    """Return the names of a Parquet file's columns but those that take the most memory, `text` and `meta`."""
    return [name for name in schema(path).names if name not in LONG]


def batches(path: Path, columns: Sequence[str] | None = None, rows: int = 4096) -> Iterator[pa.Table]:
    """Yield a Parquet file's rows in its order, at most `rows` at a time; memory holds one row group.

    Raises:
        UserError: as `read`.
    """
    with opened(path, columns or ()) as file:
        wanted = list(columns) if columns else None
        for batch in file.iter_batches(batch_size=rows, columns=wanted):
            table = pa.Table.from_batches([batch])
            yield table.select(wanted) if wanted else table


@contextmanager
def opened(path: Path, columns: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
    """Yield a Parquet file that has `columns`; raises `UserError` as `read`."""
    # Buffers read ahead are kept until the file is closed: in the end, all of the file.
    with _source(path) as source, pq.ParquetFile(source, pre_buffer=False) as file:
        for name in columns:
            if name not in file.schema_arrow.names:
                raise UserError(f"{path}: column '{name}' is missing; it has {', '.join(file.schema_arrow.names)}")
        yield file


def count(path: Path) -> int:
    """Return how many rows a file has.

    Raises:
        UserError: as `read`.
    """
    with opened(path) as file:
        return file.metadata.num_rows


def schema(path: Path) -> pa.Schema:
    """Return a Parquet file's schema, without reading its rows; raises `UserError` as `read`."""
    with _source(path) as source:
        return pq.read_schema(source)


@contextmanager
def _source(path: Path) -> Iterator[Path | IO[bytes]]:
    """Yield what pyarrow reads `path` from; say in one line why it cannot."""
    try:
        with storage.opened(path) as source:
            yield source
    except FileNotFoundError:
        raise UserError(f"{path}: not found; `dvc repro` or `dvc pull` makes it") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: not a readable Parquet file: {error}") from None


@contextmanager
def writer(path: Path, schema: pa.Schema, key: Sequence[str] = ("id",), unique: bool = True) -> Iterator[Sorter]:
    """Yield a `Sorter`; the rows that it is given are written when the block ends, whole or not at all.

    Args:
        key: columns to sort by.
        unique: refuse two rows with one `key[0]`.

    Raises:
        UserError: two rows have one id.
    """
    with replacing(path) as new:
        runs = new.parent / "runs"
        runs.mkdir()
        sorter = Sorter(schema, key, runs)
        yield sorter
        _write_parquet(new, schema, _checked(sorter.sorted(), key[0], path) if unique else sorter.sorted())


def write(table: pa.Table, path: Path) -> None:
    """Write a table that has a unique `id` column: sorted by id, plain metadata, zstd, whole or not at all.

    Raises:
        UserError: two rows have one id.
    """
    write_stream(_checked([table.sort_by("id")], "id", path), table.schema, path)


def write_with(rows: pa.Table, schema: pa.Schema, source: Path, path: Path) -> None:
    """Write rows of another table, with columns that they lack read from there: these are never in memory as a whole.

    Args:
        rows: sorted by id, as the rows of `source` are.
        schema: of what is written; a column that `rows` lacks is one of `source`.

    Raises:
        UserError: two rows have one id, or a row is not in `source`.
    """
    write_stream(_checked(_completed(rows, schema, source), "id", path), schema, path)


def _completed(rows: pa.Table, schema: pa.Schema, source: Path) -> Iterator[pa.Table]:
    """Yield `rows` with their further columns, some at a time."""
    lacking, done = [name for name in schema.names if name not in rows.column_names], 0
    for batch in batches(source, ["id", *lacking]):
        waiting = rows.slice(done, batch.num_rows)
        inside = batch.filter(pc.is_in(batch["id"], waiting["id"].combine_chunks()))
        part = waiting.slice(0, inside.num_rows)
        if not part["id"].equals(inside["id"]):
            break
        done += part.num_rows
        for name in lacking:
            part = part.append_column(inside.schema.field(name), inside[name])
        yield part.select(schema.names).cast(schema)
    if done < rows.num_rows:
        raise UserError(f"{source}: row {rows['id'][done]} is not in it, or its rows are not sorted by id; `dvc repro`")


def write_sorted(table: pa.Table, path: Path) -> None:
    """Write a table in the order it has; for tables whose rows are not one a document."""
    write_stream([table], table.schema, path)


def write_stream(parts: Iterable[pa.Table], schema: pa.Schema, path: Path) -> None:
    """Write tables one after another, in the order they have; the same bytes however the rows are cut into tables."""
    with replacing(path) as new:
        _write_parquet(new, schema, parts)


def _write_parquet(path: Path, schema: pa.Schema, parts: Iterable[pa.Table]) -> None:
    schema = schema.remove_metadata()
    waiting = schema.empty_table()
    with pq.ParquetWriter(path, schema, compression="zstd", store_schema=False) as file:

        def group(rows: pa.Table) -> None:
            file.write_table(rows.combine_chunks(), row_group_size=ROW_GROUP)

        for part in parts:
            waiting = pa.concat_tables([waiting, part.replace_schema_metadata(None)])
            while waiting.num_rows >= ROW_GROUP:
                group(waiting.slice(0, ROW_GROUP))
                waiting = waiting.slice(ROW_GROUP)
        if waiting.num_rows:
            group(waiting)


def _checked(parts: Iterable[pa.Table], name: str, path: Path) -> Iterator[pa.Table]:
    """Pass sorted tables on; raise `UserError` at the first value of column `name` that stands twice."""
    last = None
    for part in parts:
        values = part[name].combine_chunks()
        same = pc.equal(values[1:], values[:-1])
        twice = values[0].as_py() if len(values) and values[0].as_py() == last else None
        if twice is None and pc.any(same).as_py():
            twice = values[pc.index(same, True).as_py()].as_py()
        if twice is not None:
            raise UserError(f"{path}: {name} {twice} stands twice; ids must be unique")
        last = values[-1].as_py() if len(values) else last
        yield part


def set_column(table: pa.Table, name: str, values: Iterable, type_: pa.DataType) -> pa.Table:
    """Return the table with a column replaced, which stays nullable or not, or added at the end."""
    column = values if isinstance(values, pa.ChunkedArray | pa.Array) else pa.array(list(values), type_)
    index = table.schema.get_field_index(name)
    field = pa.field(name, type_, nullable=index < 0 or table.schema.field(index).nullable)
    return table.append_column(field, column) if index < 0 else table.set_column(index, field, column)
