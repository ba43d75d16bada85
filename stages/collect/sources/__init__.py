"""Sources: one small file for each kind of place that rows come from, and what all kinds have in common.

`Source.open` of each kind returns a `Reading`: blocks of rows, and the pin that says which bytes they were.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import Field

from stages.collect.readers import Block
from winnow.base.errors import UserError
from winnow.base.params import Section


class Columns(Section):
    """The source's column names for the fields of the data contract."""

    text: str | Annotated[list[str], Field(min_length=1)]
    """The text; several columns are joined by a blank line."""

    key: str | None = None
    """What names a row for ever. Without one, the hash of its text does."""

    label: str | None = None
    """The label, under the source's own name; `label_map` translates it."""

    group: str | None = None
    """What rows have in common that must stay in one split: a paper, a thread, an author. Without one, each row is a
    group of its own."""

    published: str | None = None
    """The date, YYYY-MM-DD; a time may follow."""

    aux: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], str] = Field(default_factory=dict)
    """Labels of further tasks by their names, for the approach `multitask`."""

    meta: list[str] = Field(default_factory=list)
    """Columns that are kept as text beside the row, under the source's names."""

    def texts(self) -> list[str]:
        """Return the columns that make the text."""
        return [self.text] if isinstance(self.text, str) else self.text

    def used(self) -> list[str]:
        """Return every column that the mapping names, once."""
        single = [*self.texts(), self.key, self.label, self.group, self.published]
        return list(dict.fromkeys(name for name in [*single, *self.aux.values(), *self.meta] if name is not None))


@dataclass
class Reading:
    """What a source gives."""

    blocks: Iterator[Block]
    pin: dict  # complete once `blocks` are exhausted
    bytes: int = 0  # of the files as they are stored, or of the rows that a pin's hash covers


class Source(Section):
    """What sources of every kind have."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    """The source's name, in ids and in every report."""

    licence: str = Field(min_length=1)
    """Under what licence the rows may be used; it stands beside each row."""

    purpose: Literal["task", "text"]
    """`task`: rows that have, or want, a label; `text`: rows that adapt the encoder only."""

    max_groups: int | None = Field(default=None, gt=0)
    """Keep so many groups, those with the lowest hash. Null keeps all."""

    max_rows: int | None = Field(default=None, gt=0)
    """Keep so many rows, by the hash of their group. Null keeps all."""

    share: float | None = Field(default=None, gt=0, le=1)
    """Keep at most this share of the rows that all sources of this purpose give together. Null keeps all."""

    columns: Columns
    """The source's columns for the fields of the data contract; a format may have a default."""

    label_map: dict[str, str | None] = Field(default_factory=dict)
    """The source's names of labels to the task's; null: such rows have no label."""

    def open(self, files: Path, downloads: Path) -> Reading:
        """Return the source's rows.

        Args:
            files: the folder of local sources.
            downloads: a folder where fetched files stay, so that another mapping does not fetch them again.

        Raises:
            UserError: it is not there, cannot be read, or is not what its pin says.
        """
        raise NotImplementedError


def fingerprinted(blocks: Iterable[Block], pin: dict, expected: str | None, where: str) -> Reading:
    """Return a reading whose pin gets the `sha256` of the rows: of each row's mapped columns, a JSON list a line.

    For what has no immutable pin of its own. After the last block `UserError` is raised unless the hash is `expected`.
    """
    reading = Reading(iter(()), pin)

    def passing() -> Iterator[Block]:
        digest = hashlib.sha256()
        for block in blocks:
            columns = [
                column.to_pylist() if isinstance(column, pa.Array) else column for column in block.columns.values()
            ]
            for row in zip(*columns, strict=True):
                line = json.dumps(row, default=str).encode() + b"\n"
                digest.update(line)
                reading.bytes += len(line)
            yield block
        pin["sha256"] = digest.hexdigest()
        if expected not in (None, pin["sha256"]):
            raise UserError(
                f"{where}: the rows changed: expected sha256 {expected}, got {pin['sha256']}; if that is right, mend "
                f"the pin in params.yaml"
            )

    reading.blocks = passing()
    return reading
