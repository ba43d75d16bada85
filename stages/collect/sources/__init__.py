"""Sources: one small file for each kind of place that rows come from, and what all kinds have in common.

`Source.open` of each kind returns a `Reading`: blocks of rows, and the pin that says which bytes they were.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator

from winnow.base.errors import UserError
from winnow.base.params import Section
from winnow.readers import Block, dates
from winnow.readers.chat import Targets
from winnow.readers.values import as_list, as_text


class Columns(Section):
    """The source's column names for the fields of the data contract."""

    text: str | Annotated[list[str], Field(min_length=1)]
    """The text; several columns are joined by a blank line."""

    key: str | None = None
    """What names a row for ever. Without one, the hash of its text does."""

    label: str | Annotated[list[str], Field(min_length=1)] | None = None
    """The label, under the source's own name; `label_map` translates it. Of kind `multilabel` also a list of columns:
    each is a label's, with 1 where a row has it and 0 where it has not."""

    group: str | None = None
    """What rows have in common that must stay in one split: a paper, a thread, an author. Without one, each row is a
    group of its own."""

    published: str | None = None
    """The date: YYYY-MM-DD, YYYYMMDD or a week date (ISO 8601), or as in a mail (5 Mar 2021); a time may follow. The
    day counts as it stands, in its own zone. What is none, or outside of `collect.years`, becomes null."""

    published_format: str | Annotated[list[str], Field(min_length=1)] | None = None
    """How dates are written where not so: as Python's strptime has it, `%d.%m.%Y`; `unix`, seconds since 1970, or
    thousandths and so on where the number is too large for seconds (`unix_ms`, `unix_us`, `unix_ns` say so); `excel` or
    `excel_1904`, a spreadsheet's serial number; `quarter`, 2021-Q1; `iso` and `mail`, what is read without a form. Of
    several, the first that fits counts, and no other form. What a form leaves open (a day, a month) is the first."""

    aux: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], str] = Field(default_factory=dict)
    """Labels of further tasks by their names, for the approach `multitask`."""

    meta: list[str] = Field(default_factory=list)
    """Columns that are kept as text beside the row, under the source's names."""

    @field_validator("published_format")
    @classmethod
    def _forms(cls, value: str | list[str] | None) -> str | list[str] | None:
        for form in [value] if isinstance(value, str) else value or []:
            dates.check(form)
        return value

    def forms(self) -> Sequence[str]:
        """Return the forms that a date may have."""
        if self.published_format is None:
            return dates.PLAIN
        return [self.published_format] if isinstance(self.published_format, str) else self.published_format

    def texts(self) -> list[str]:
        """Return the columns that make the text."""
        return [self.text] if isinstance(self.text, str) else self.text

    def labels(self) -> list[str]:
        """Return the columns that make the label; none if there is no label."""
        return [self.label] if isinstance(self.label, str) else self.label or []

    def used(self) -> list[str]:
        """Return every column that the mapping names, once."""
        single = [*self.texts(), self.key, *self.labels(), self.group, self.published]
        return list(dict.fromkeys(name for name in [*single, *self.aux.values(), *self.meta] if name is not None))


@dataclass
class Files:
    """Files of a source, counted.

    Attributes:
        left_out: those that are no documents: hidden ones, and those of systems and editors.
        empty: names of files without a row.
    """

    read: int
    left_out: int
    empty: list[str] = field(default_factory=list)


@dataclass
class Reading:
    """What a source gives."""

    blocks: Iterator[Block]
    pin: dict  # complete once `blocks` are exhausted
    bytes: int = 0  # of the files as they are stored, or of the rows that a pin's hash covers
    files: Files | None = None  # complete once `blocks` are exhausted; None where rows come from no files


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
    """The source's names of labels to the task's; null: such rows have no label, or where rows have several, this one
    falls out of theirs."""

    offsets: Literal["characters", "utf16", "bytes"] = "characters"
    """Where labels are spans of the text: what their offsets count. `utf16`: as JavaScript does, in Label Studio's page
    too; `bytes`: those of UTF-8."""

    aux_map: dict[str, dict[str, str | None]] = Field(default_factory=dict)
    """The same of further tasks, by their names in `columns.aux`."""

    @field_validator("label_map", mode="before")
    @classmethod
    def _named(cls, names: object) -> object:
        return _with_text(names)

    @field_validator("aux_map", mode="before")
    @classmethod
    def _each_named(cls, maps: object) -> object:
        return {task: _with_text(names) for task, names in maps.items()} if isinstance(maps, dict) else maps

    @field_validator("aux_map")
    @classmethod
    def _of_aux(cls, aux_map: dict, info: ValidationInfo) -> dict:
        columns = info.data.get("columns")
        if unknown := [name for name in aux_map if columns is not None and name not in columns.aux]:
            raise ValueError(f"'{unknown[0]}' is no task of columns.aux")
        return aux_map

    def of_turns(self, targets: Targets) -> Self:
        """Return the source as it is read where rows are the last, or all, of the assistant's turns; of chats alone."""
        return self

    def media_type(self) -> str | None:
        """Return the media type that all texts of the source have by the way they are read; None: it tells none."""
        return None

    def open(self, files: Path, downloads: Path) -> Reading:
        """Return the source's rows.

        Args:
            files: the folder of local sources.
            downloads: a folder where fetched files stay, so that another mapping does not fetch them again.

        Raises:
            UserError: it is not there, cannot be read, or is not what its pin says.
        """
        raise NotImplementedError


def _with_text(names: object) -> object:
    """Return a map of labels by the text that a cell has: YAML takes `0`, `1.0` and `true` for no text."""
    if not isinstance(names, dict):
        return names
    return {as_text(name) if isinstance(name, bool | int | float) else name: label for name, label in names.items()}


def fingerprinted(blocks: Iterable[Block], pin: dict, expected: str | None, where: str) -> Reading:
    """Return a reading whose pin gets the `sha256` of the rows: of each row's mapped columns, a JSON list a line.

    For what has no immutable pin of its own. After the last block `UserError` is raised unless the hash is `expected`.
    """
    reading = Reading(iter(()), pin)

    def passing() -> Iterator[Block]:
        digest = hashlib.sha256()
        for block in blocks:
            for row in zip(*map(as_list, block.columns.values()), strict=True):
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
