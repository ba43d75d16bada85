"""The one table that flows through the pipeline: its schema, its reader and the only writer of Parquet.

Equal tables are equal bytes: rows sorted by id, an explicit schema, no library versions in the metadata.
"""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from winnow.errors import UserError
from winnow.files import replacing

META = pa.map_(pa.string(), pa.string())

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


def read(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Return a Parquet file as a table.

    Raises:
        UserError: the file is missing, is no Parquet file or lacks one of `columns`.
    """
    try:
        table = pq.read_table(path, partitioning=None)
    except FileNotFoundError:
        raise UserError(f"{path}: not found; `dvc repro` or `dvc pull` makes it") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: not a readable Parquet file: {error}") from None
    for column in columns or []:
        if column not in table.column_names:
            raise UserError(f"{path}: column '{column}' is missing; it has {', '.join(table.column_names)}")
    return table.select(columns) if columns else table


def write(table: pa.Table, path: Path) -> None:
    """Write a table that has a unique `id` column: sorted by id, plain metadata, zstd, whole or not at all.

    Raises:
        UserError: two rows have one id.
    """
    table = table.sort_by("id").combine_chunks()
    ids = table["id"].to_pylist()
    for first, second in pairwise(ids):
        if first == second:
            raise UserError(f"{path}: id {first} stands twice; ids must be unique")
    write_sorted(table, path)


def write_sorted(table: pa.Table, path: Path) -> None:
    """Write a table in the order it has; for tables whose rows are not one a document."""
    plain = table.replace_schema_metadata(None)
    with replacing(path) as new:
        pq.write_table(plain, new, compression="zstd", store_schema=False, row_group_size=64 * 1024)


def set_column(table: pa.Table, name: str, values: Iterable, type_: pa.DataType) -> pa.Table:
    """Return the table with a column replaced, which stays nullable or not, or added at the end."""
    column = values if isinstance(values, pa.ChunkedArray | pa.Array) else pa.array(list(values), type_)
    index = table.schema.get_field_index(name)
    field = pa.field(name, type_, nullable=index < 0 or table.schema.field(index).nullable)
    return table.append_column(field, column) if index < 0 else table.set_column(index, field, column)
