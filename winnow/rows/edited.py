"""Texts that people gave rows: written into the table, and told apart from what the texts were before.

`data/edited.parquet` is the deduplicated table with these texts. In the labelled table column `given_text` holds the
text before decisions, null where it stayed, as `given_label` does of labels; kinds whose texts nobody edits
(`Task.edits_text`) have no such column.
"""

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from winnow.base import storage
from winnow.base.files import replacing
from winnow.rows import tables

GIVEN_TEXT = "given_text"


def write(source: Path, path: Path, texts: Mapping[str, str]) -> None:
    """Write a table again with other texts of some rows, by id; where there are none, a copy of the file."""
    if texts:
        tables.write_stream(_with(tables.batches(source), texts), tables.schema(source), path)
        return
    with storage.opened(source) as file, replacing(path) as new:
        if isinstance(file, Path):
            shutil.copyfile(file, new)
        else:
            with new.open("wb") as out:
                shutil.copyfileobj(file, out)


def _with(parts: Iterator[pa.Table], texts: Mapping[str, str]) -> Iterator[pa.Table]:
    wanted = pa.array(sorted(texts), pa.string())
    for part in parts:
        if pc.any(pc.is_in(part["id"], wanted)).as_py():
            pairs = zip(part["id"].to_pylist(), part["text"].to_pylist(), strict=True)
            new = [texts.get(id, text) for id, text in pairs]
            part = tables.set_column(part, "text", new, part.schema.field("text").type)
        yield part


def before(labelled: Path, columns: Sequence[str], ids: Collection[str]) -> list[dict]:
    """Return rows of the labelled table, whose text is what it was before decisions.

    Args:
        columns: which to return, `id` and `text` among them.
    """
    own = [GIVEN_TEXT] if GIVEN_TEXT in tables.schema(labelled).names else []
    table = tables.read(labelled, [*columns, *own])
    rows = table.filter(pc.is_in(table["id"], pa.array(sorted(ids), pa.string()))).to_pylist()
    for row in rows:
        given = row.pop(GIVEN_TEXT, None)
        row["text"] = row["text"] if given is None else given
    return rows
