"""Texts of other datasets (a benchmark's test, the last release) that rows are compared against.

They are read as `collect` reads a source, and cleaned as the rows were.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated

import pyarrow as pa
from pydantic import Field, model_validator

from winnow.base.errors import UserError
from winnow.readers import Block
from winnow.readers.layout import Layout, local
from winnow.readers.opening import Input, inputs
from winnow.readers.values import joined, strings
from winnow.text.cleaning.saved import Cleaning, Turns

FORMATS = {"txt": "text", "tab": "tsv", "ndjson": "jsonl"}  # by the end of a file's name, where it is not its own


class Reference(Layout):
    """A dataset whose texts must not stand in this one. How its files are written is said as of a source of kind
    `file`: docs/bring-your-own-data.md."""

    name: Annotated[str, Field(min_length=1)]
    """The dataset's name, in the ledger's reasons."""

    path: str = Field(min_length=1)
    """Its file below data/sources, or a glob: `*` within a folder, `**` through folders."""

    text: str | Annotated[list[str], Field(min_length=1)]
    """The column that is compared, and the only one that is read; several are joined by a blank line."""

    profile: str | None = None
    """The profile by which its texts are cleaned before they are compared: one that a task source follows
    (`clean.profile_of`). Null: that of most rows."""

    @model_validator(mode="before")
    @classmethod
    def _format_of_its_name(cls, values: object) -> object:
        if not isinstance(values, dict) or "format" in values or not isinstance(values.get("path"), str):
            return values
        suffix = PurePosixPath(re.sub(r"(?i)\.(gz|zst|bz2|xz)$", "", values["path"])).suffix[1:].lower()
        return values | {"format": FORMATS.get(suffix, suffix)} if suffix else values

    def texts(self) -> list[str]:
        """Return the columns that make the text."""
        return [self.text] if isinstance(self.text, str) else self.text


def texts(reference: Reference, folder: Path, cleaning: Cleaning, turns: Turns | None = None) -> Iterator[pa.Table]:
    """Yield the texts of a dataset in its order, cleaned, as tables of one column `text` (string).

    A null becomes an empty text, so that a text's number says where in the dataset it stands.

    Args:
        turns: takes dialogues apart, of kinds of task whose texts are some.

    Raises:
        UserError: the path leaves the folder, or a file is missing, damaged, without the column or with a row that
            cannot be read: what is not compared might be a copy.
    """
    where = f"params.yaml: deduplicate.against: '{reference.name}'"
    if reference.profile not in (None, *cleaning.profiles):
        raise UserError(f"{where}: profile '{reference.profile}' is none of the task's: {', '.join(cleaning.profiles)}")
    files = local(f"{where}: path '{reference.path}'", reference.path, folder, pinned=False)
    parts = [part for name, path in files.items() for part in inputs(name, path, reference.member)]
    if not (parts := [part for part in parts if not part.is_litter]):
        raise UserError(f"{where}: path '{reference.path}' holds hidden files alone; name one by member if it is meant")
    is_plain = reference.is_plain(reference.texts())
    for block in _blocks(reference, parts, where):
        for place, problem in block.problems:
            raise UserError(f"{where}: {place}: {problem}; mend the row, or take it out")
        texts = _texts(block, reference, where)
        plain = pa.array([is_plain] * len(texts), pa.bool_())
        yield pa.table({"text": cleaning.clean(texts, reference.profile, plain, turns)})


def _blocks(reference: Reference, parts: Sequence[Input], where: str) -> Iterator[Block]:
    """Yield the dataset's rows; what is wrong with a file as a whole is told of its entry of params.yaml."""
    try:
        yield from reference.blocks(parts, reference.texts())
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _texts(block: Block, reference: Reference, where: str) -> pa.Array:
    def refuse(index: int, rule: str, reason: str) -> None:
        raise UserError(f"{where}: {block.places[index]}: {reason}; mend the row, or name another column")

    return joined([strings(block.columns[name], name, refuse) for name in reference.texts()])
