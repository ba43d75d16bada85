"""How files are written, as params.yaml says it: the keys that a source and a dataset to compare with share."""

import codecs
import glob
import json
import os
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from winnow.base.errors import UserError
from winnow.base.params import Section
from winnow.readers import UTF_8, Block, brat, formats, mail
from winnow.readers.chat import Chat
from winnow.readers.conll import Conll, Written
from winnow.readers.opening import Input, Tell, is_litter, with_folders
from winnow.readers.tabular import QUOTE, Dialect

TABLES = {"csv": ",", "tsv": "\t"}  # formats that are tables as text, and their delimiters
Mark = Annotated[str, Field(pattern=r"^[^\r\n]$")]


class Layout(Section):
    """What there is to say of files, whatever their rows are for."""

    format: Literal["csv", "tsv", "jsonl", "parquet", "text", "eml", "mbox", "conll", "brat", "chat"]
    """How the files are read; gz, zst, bz2 and xz are undone, a zip archive is opened, by name or first bytes."""

    header: list[str] | None = Field(default=None, min_length=1)
    """Of formats `csv` and `tsv`: the names of the columns, if line 1 does not hold them."""

    delimiter: Mark | None = None
    """Of formats `csv`, `tsv` and `conll`: what stands between two fields, such as `";"`. Null: a comma or a tab, of
    `conll` a tab or else white space. A first line `sep=;`, as Excel has it, counts for its file."""

    quote: Mark | None = QUOTE
    """Of formats `csv` and `tsv`: what stands around a field that holds a delimiter or a line's end. Null: nothing
    does, and a quote is a character like any other; that is the default of `tsv` whose header is not all in quotes."""

    escape: Mark | None = None
    """Of formats `csv` and `tsv`: what stands before a quote in a quoted field, for the most part a backslash. Null:
    such a quote is doubled."""

    encoding: str = UTF_8
    """Of formats `csv`, `tsv`, `jsonl`, `text`, `conll` and `chat`, by Python's name: `cp1252` of old Windows exports,
    `utf-16`, … A byte-order mark counts for its file."""

    member: str | None = None
    """Of a zip archive: a file or a glob. Null reads all files. Hidden files, those of systems and the backups of
    editors are left out, unless they are named."""

    conll: Conll = Conll()
    """Of format `conll`: which column holds what, `{word: 1, tag: -1}`, and whether a row is a sentence or a document
    (`rows`)."""

    fragments: brat.Fragments = "refuse"
    """Of format `brat`: what becomes of a span in several pieces. `refuse`: its row is refused; `whole`: it goes from
    the first piece to the last; `parts`: each piece is a span."""

    chat: Chat = Chat()
    """Of format `chat`: how conversations are kept."""

    @field_validator("header", "delimiter", "quote", "escape", "decimal", check_fields=False)
    @classmethod
    def _tables_only(cls, value: object, info: ValidationInfo) -> object:
        usual = cls.model_fields[info.field_name].default
        is_delimiter = info.field_name == "delimiter"
        if value != usual and info.data.get("format") not in (*TABLES, *(["conll"] if is_delimiter else [])):
            formats_ = "csv, tsv and conll" if is_delimiter else "csv and tsv"
            raise ValueError(f"only formats {formats_} have a {info.field_name}")
        return value

    @model_validator(mode="after")
    def _of_one_format(self) -> "Layout":
        for name, format_ in (("conll", "conll"), ("fragments", "brat"), ("chat", "chat")):
            if name in self.model_fields_set and self.format != format_:
                raise ValueError(f"only format {format_} has {name}")
        return self

    @model_validator(mode="after")
    def _distinct_marks(self) -> "Layout":
        marks = [mark for mark in (self.dialect().delimiter, self.quote, self.escape) if mark is not None]
        if twice := [mark for mark in marks if marks.count(mark) > 1]:
            raise ValueError(f"{json.dumps(twice[0])} stands for two of delimiter, quote and escape; give two signs")
        return self

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str, info: ValidationInfo) -> str:
        try:
            "".encode(encoding)  # what is no encoding of text refuses text
            name = codecs.lookup(encoding).name
        except LookupError:
            raise ValueError("no text encoding that Python knows; utf-8, cp1252 and utf-16 are some") from None
        if name != UTF_8 and info.data.get("format") not in (*TABLES, "jsonl", "text", "conll", "chat"):
            raise ValueError(
                "only formats csv, tsv, jsonl, text, conll and chat have an encoding; the others say it themselves"
            )
        return name

    def dialect(self) -> Dialect:
        """Return how the files are written, where they are text."""
        delimiter = self.delimiter or TABLES.get(self.format, ",")
        is_told = self.format != "tsv" or "quote" in self.model_fields_set
        # TSV of language data has no quotes (IANA's text/tab-separated-values knows none).
        quote = self.quote if is_told else None
        return Dialect(delimiter, quote, self.encoding, self.header, self.escape, is_told)

    def is_plain(self, columns: Sequence[str]) -> bool:
        """Return whether no text of these columns holds markup: mail's HTML is read as text, unless it is asked for."""
        return self.format in ("eml", "mbox") and not set(columns) & set(mail.MARKUP)

    def blocks(self, files: Sequence[Input], columns: Sequence[str], tell: Tell = str) -> Iterator[Block]:
        """Return some columns of the rows of files, in blocks; litter of systems and editors is left out.

        Args:
            tell: is called with the name of each file without a row.

        Raises:
            UserError: a file cannot be read as a whole, or lacks a column.
        """
        files = [file for file in files if not file.is_litter]
        if self.format == "conll":
            return formats.read_conll(files, columns, Written(self.conll, self.delimiter, self.encoding), tell)
        if self.format == "brat":
            return formats.read_brat(files, columns, self.fragments, tell)
        if self.format == "chat":
            return formats.read_chat(files, columns, self.chat, self.encoding, tell)
        return formats.read(self.format, files, columns, self.dialect(), tell)


def local(where: str, pattern: str, folder: Path, pinned: bool) -> dict[str, Path]:
    """Return the file of a name, or those that a glob matches below `folder`, by name.

    Raises:
        UserError: there is none, or it lies outside `folder` and is not `pinned`.
    """
    # By name, not by target: DVC may link a file of the folder to its cache.
    inside = not os.path.isabs(pattern) and Path(os.path.normpath(pattern)).parts[:1] != ("..",)
    if not inside and not pinned:
        raise UserError(f"{where} leaves {folder}: put the file under {folder}/ or give its sha256")
    found = {}
    for name in _matching(pattern, folder):
        if is_wanted(name, pattern):
            found[name if inside else Path(name).name] = folder / name
    if not found:
        is_folder = (folder / pattern).is_dir()
        mend = f"it is a folder: give {pattern.rstrip('/')}/**/*" if is_folder else "mend the path or add the file"
        raise UserError(f"{where}: no such file in {folder}; {mend}")
    return found


def left_out(pattern: str, folder: Path, found: Collection[str]) -> int:
    """Return how many files a glob would match that are no documents: hidden ones, and those of systems and editors."""
    names = _matching(pattern, folder, include_hidden=True)
    return sum(name not in found and not is_wanted(name, pattern) for name in names)


def is_wanted(name: str, pattern: str) -> bool:
    return name == pattern or not is_litter(name, pattern)


def _matching(pattern: str, folder: Path, include_hidden: bool = False) -> list[str]:
    """Return the names of files that a pattern matches, sorted; a file that bears the pattern as its name is the one.

    Letters with marks may stand composed on one side and taken apart on the other, as macOS does.
    """
    forms = dict.fromkeys([pattern, *(unicodedata.normalize(form, pattern) for form in ("NFC", "NFD"))])
    for form in forms:
        if _is(Path.is_file, folder / form):
            return [form]
    for form in forms:
        names = _glob(form, folder, include_hidden)
        if files := sorted({name for name in names if _is(Path.is_file, folder / name)}):
            return files
    return []


def _glob(pattern: str, folder: Path, include_hidden: bool) -> list[str]:
    if isinstance(folder, Path):
        pattern = with_folders(pattern, lambda above: _is(Path.is_dir, folder / above))
        return glob.glob(pattern, root_dir=folder, recursive=True, include_hidden=include_hidden)
    return [path.relative_to(folder).as_posix() for path in folder.glob(pattern)]


def _is(kind: Callable[[Path], bool], path: Path) -> bool:
    try:
        return kind(path)
    except (OSError, ValueError):  # a glob may be longer than a name, or hold NUL
        return False
