"""Files of any kind of source: archives opened, compression undone, the reader of their format called.

Where bytes come from (`kind`) and how they are read (`format`) are independent.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from stages.collect import medline
from stages.collect.sources import Files, Reading, Source, chats
from winnow.base.errors import UserError
from winnow.readers import Block, formats
from winnow.readers.chat import Targets
from winnow.readers.layout import Layout
from winnow.readers.opening import Input, Tell, each
from winnow.readers.values import with_point
from winnow.text.cleaning.media_type import PLAIN

# What a source of these formats maps where it names no columns.
OF_SPANS = {
    "conll": {"text": "text", "label": "spans", "group": "document"},
    "brat": {"key": "file", "text": "text", "label": "spans"},
}


class FileSource(Layout, Source):
    """What sources that are files have."""

    format: Literal["medline", "csv", "tsv", "jsonl", "parquet", "text", "eml", "mbox", "conll", "brat", "chat"]
    """How the files are read; gz, zst, bz2 and xz are undone, a zip archive is opened, by name or first bytes."""

    decimal: Literal[".", ","] = "."
    """Of formats `csv` and `tsv`: the sign before a number's decimals. With a comma, `1.234,5` in a column of labels,
    `aux` or `meta` is read as `1234.5`."""

    rows: Literal["sections", "abstracts"] | None = Field(default=None, validate_default=True)
    """Of format `medline`, which has a default for `columns`: the sections of structured abstracts, or the abstracts
    without sections."""

    @model_validator(mode="before")
    @classmethod
    def _usual_columns(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("format") == "chat":
            return chats.with_columns(values)
        if not isinstance(values, dict) or "columns" in values:
            return values
        format_ = values.get("format")
        columns = medline.COLUMNS.get(values.get("rows")) if format_ == "medline" else OF_SPANS.get(format_)
        return values | {"columns": columns} if columns else values

    @field_validator("rows")
    @classmethod
    def _medline_only(cls, rows: str | None, info: ValidationInfo) -> str | None:
        if (rows is None) == (info.data.get("format") == "medline"):
            raise ValueError("format medline needs rows: sections or abstracts; no other format has it")
        return rows

    def of_turns(self, targets: Targets) -> Self:
        """Return the source as it is read where rows are the last, or all, of the assistant's turns."""
        return chats.of_turns(self, targets) if self.format == "chat" else self

    def media_type(self) -> str | None:
        """Return `text/plain` for mail, whose HTML is read as text, unless the text is the HTML itself."""
        return PLAIN if self.is_plain(self.columns.texts()) else None


def reading(source: FileSource, files: Sequence[Input], pin: dict, left_out: int = 0) -> Reading:
    """Return the rows of files, but for those that are no person's documents.

    Args:
        left_out: how many files were left out already.

    Raises:
        UserError: there is no file but such, or one cannot be read as a whole.
    """
    kept = [file for file in files if not file.is_litter]
    if not kept:
        raise UserError(
            f"source '{source.name}': {files[0].name}: holds no document but {len(files)} hidden files, or those of "
            f"systems and editors; name one by member if it is meant"
        )
    counted = Files(len(kept), left_out + len(files) - len(kept))
    found = Reading(iter(()), pin, sum(file.bytes for file in kept), counted)
    found.blocks = _blocks(source, kept, counted.empty.append)
    return found


def _blocks(source: FileSource, files: Sequence[Input], tell: Tell) -> Iterator[Block]:
    if source.format == "medline":
        return _of_medline(source, sorted(files, key=lambda file: medline.in_order(file.name)), tell)
    blocks = source.blocks(files, source.columns.used(), tell)
    if source.decimal == ".":
        return blocks
    numbers = {*source.columns.labels(), *source.columns.aux.values(), *source.columns.meta}
    return _with_points(blocks, numbers)


def _of_medline(source: FileSource, files: Sequence[Input], tell: Tell) -> Iterator[Block]:
    # Read twice: only the last file says what of the first one still holds.
    updates = _updates(tuple(files), tuple(file.path.stat().st_mtime_ns for file in files))
    reader = partial(medline.read, rows=source.rows, updates=updates)
    yield from formats.read_by(reader, files, source.columns.used(), tell)


@lru_cache(maxsize=1)  # sections and abstracts are sources of their own, often of the same files
def _updates(files: tuple[Input, ...], changed: tuple[int, ...]) -> medline.Updates:
    """Return what of files holds; `changed` is when each was written last."""
    return medline.Updates(each(files, medline.mentions))


def _with_points(blocks: Iterator[Block], columns: set[str]) -> Iterator[Block]:
    """Yield blocks, with a point for the comma of the numbers in some columns."""
    for block in blocks:
        changed = {name: [with_point(cell) for cell in block.columns[name]] for name in columns}
        yield block._replace(columns=block.columns | changed)
