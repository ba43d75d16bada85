"""Texts of other datasets (a benchmark's test, the last release) that rows are compared against."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from winnow.base import storage
from winnow.base.errors import UserError
from winnow.base.params import Section
from winnow.rows import tables


class Reference(Section):
    """A dataset whose texts must not stand in this one."""

    name: Annotated[str, Field(min_length=1)]
    """The dataset's name, in the ledger's reasons."""

    path: str
    """Its file below data/sources: .parquet, .jsonl or .csv."""

    text: str
    """The column that is compared."""


def texts(reference: Reference, folder: Path, rows: int) -> Iterator[pa.Table]:
    """Yield the texts of a file in its order, as tables of one column `text` (string), at most about `rows` each.

    A null becomes an empty text, so that a text's number says where in the file it stands.

    Raises:
        UserError: the path leaves the folder, or the file is missing, of another kind, damaged or without the column.
    """
    where = f"params.yaml: deduplicate.against: '{reference.name}': path '{reference.path}'"
    # By name, not by target: DVC may link a file of the folder to its cache.
    if os.path.isabs(reference.path) or Path(os.path.normpath(reference.path)).parts[:1] == ("..",):
        raise UserError(f"{where} leaves {folder}: put the file there")
    file = folder / reference.path
    read = {".parquet": _parquet, ".jsonl": _jsonl, ".csv": _csv}.get(file.suffix)
    if read is None:
        raise UserError(f"{where} ends in none of .parquet, .jsonl, .csv")
    if not file.is_file():
        raise UserError(f"{where}: no such file in {folder}; mend the path or add the file")
    try:
        for part in read(file, reference.text, rows):
            if reference.text not in part.column_names:
                raise UserError(f"{file}: column '{reference.text}' is missing; it has {', '.join(part.column_names)}")
            for batch in part.select([reference.text]).to_batches(max_chunksize=rows):
                column = batch.column(0).cast(pa.string())
                yield pa.table({"text": pc.fill_null(column, "")})
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError) as error:
        raise UserError(f"{file}: not readable as {file.suffix[1:]}: {error}") from None


def _parquet(file: Path, column: str, rows: int) -> Iterator[pa.Table]:
    yield from tables.batches(file, [column], rows)


def _jsonl(file: Path, column: str, rows: int) -> Iterator[pa.Table]:
    from pyarrow import json

    with storage.opened(file) as source, json.open_json(source) as reader:
        yield from (pa.Table.from_batches([batch]) for batch in reader)


def _csv(file: Path, column: str, rows: int) -> Iterator[pa.Table]:
    from pyarrow import csv

    # Text, whatever it looks like; an empty cell is an empty text.
    convert = csv.ConvertOptions(column_types={column: pa.string()}, strings_can_be_null=False)
    parse = csv.ParseOptions(newlines_in_values=True)
    with storage.opened(file) as source, csv.open_csv(source, None, parse, convert) as reader:
        yield from (pa.Table.from_batches([batch]) for batch in reader)
