"""Files of any kind of source: archives opened, compression undone, the reader of their format called.

Where bytes come from (`kind`) and how they are read (`format`) are independent.
"""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import IO, Literal
from zipfile import ZipFile

import pyarrow as pa
from pydantic import Field, ValidationInfo, field_validator, model_validator

from stages.collect import readers
from stages.collect.readers import Block, Record, documents, mail, medline, tabular
from stages.collect.sources import Reading, Source
from winnow.base import download
from winnow.base.errors import UserError

BUFFER = 2**20


class FileSource(Source):
    """What sources that are files have."""

    format: Literal["medline", "csv", "tsv", "jsonl", "parquet", "text", "eml", "mbox"]
    """How the files are read; `.gz` and `.zst` are undone, a zip archive is opened."""

    rows: Literal["sections", "abstracts"] | None = Field(default=None, validate_default=True)
    """Of format `medline`, which has a default for `columns`: the sections of structured abstracts, or the abstracts
    without sections."""

    header: list[str] | None = Field(default=None, min_length=1)
    """Of formats `csv` and `tsv`: the names of the columns, if line 1 does not hold them."""

    member: str | None = None
    """Of a zip archive: a file or a glob. Null reads all files."""

    @model_validator(mode="before")
    @classmethod
    def _columns_of_medline(cls, values: object) -> object:
        if not isinstance(values, dict) or values.get("format") != "medline" or "columns" in values:
            return values
        columns = medline.COLUMNS.get(values.get("rows"))
        return values | {"columns": columns} if columns else values

    @field_validator("rows")
    @classmethod
    def _medline_only(cls, rows: str | None, info: ValidationInfo) -> str | None:
        if (rows is None) == (info.data.get("format") == "medline"):
            raise ValueError("format medline needs rows: sections or abstracts; no other format has it")
        return rows

    @field_validator("header")
    @classmethod
    def _tables_only(cls, header: list[str] | None, info: ValidationInfo) -> list[str] | None:
        if header is not None and info.data.get("format") not in ("csv", "tsv"):
            raise ValueError("only formats csv and tsv have a header")
        return header


@dataclass(frozen=True)
class Input:
    """One file to read."""

    name: str  # in messages, the manifest and the field `file`; holds no path of this machine
    path: Path
    bytes: int
    member: str | None = None  # set where `path` is an archive


def inputs(name: str, path: Path, member: str | None) -> list[Input]:
    """Return the file itself or, of a zip archive, the files in it that `member` names, by name.

    Raises:
        UserError: the archive is damaged, has no such file or one whose path leaves it, or the file is no archive.
    """
    if not name.endswith((".zip", ".whl")):
        if member is not None:
            raise UserError(f"{name}: member '{member}': the file is no zip archive; take member out")
        return [Input(name, path, path.stat().st_size)]
    there = {entry: size for entry, size in sorted(download.members(path).items()) if not entry.endswith("/")}
    if escaping := [
        entry for entry in there if PurePosixPath(entry).is_absolute() or ".." in PurePosixPath(entry).parts
    ]:
        raise UserError(f"{name}: the path '{escaping[0]}' leaves the archive; do not trust it")
    found = [entry for entry in there if member is None or entry == member or fnmatchcase(entry, member)]
    if not found:
        raise UserError(f"{name}: {member or 'any file'}: not in the archive; mend member in params.yaml")
    return [Input(f"{name}/{entry}", path, there[entry], entry) for entry in found]


def reading(source: FileSource, files: Sequence[Input], pin: dict) -> Reading:
    """Return the rows of files; raises `UserError` where a file cannot be read as a whole."""
    return Reading(_blocks(source, files), pin, sum(file.bytes for file in files))


def _blocks(source: FileSource, files: Sequence[Input]) -> Iterator[Block]:
    columns = source.columns.used()
    if source.format == "parquet":
        return _each(files, lambda stream, name: tabular.read_parquet(stream, name, columns))
    reader = _reader(source, files)
    return readers.blocks(_each(files, lambda stream, name: reader(stream, name, columns)), columns)


def _reader(source: FileSource, files: Sequence[Input]) -> Callable[..., Iterator[Record]]:
    if source.format in ("eml", "mbox"):
        split = mail.split_file if source.format == "eml" else mail.split_mbox
        threads = None
        if "thread" in source.columns.used():
            threads = mail.Threads(message for _, message, problem in _each(files, split) if not problem)
        return partial(mail.read, split=split, threads=threads)
    return {
        "medline": partial(medline.read, rows=source.rows),
        "csv": partial(tabular.read_csv, header=source.header),
        "tsv": partial(tabular.read_csv, header=source.header, delimiter="\t"),
        "jsonl": tabular.read_jsonl,
        "text": documents.read_text,
    }[source.format]


def _each(files: Sequence[Input], read: Callable[[IO[bytes], str], Iterator]) -> Iterator:
    for path, of_path in groupby(files, key=lambda file: file.path):
        of_path = list(of_path)
        with ZipFile(path) if of_path[0].member else nullcontext() as archive:
            for file in of_path:
                try:
                    with _opened(file, archive) as stream:
                        yield from read(stream, file.name)
                except (EOFError, OSError, zlib.error) as error:
                    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
                    raise readers.damaged(file.name, reason) from None


@contextmanager
def _opened(file: Input, archive: ZipFile | None) -> Iterator[IO[bytes]]:
    """Open a file for reading; `.gz` and `.zst` are decompressed as they are read."""
    with download.open_member(archive, file.member) if archive else file.path.open("rb", buffering=BUFFER) as stored:
        stream = stored
        if file.name.endswith(".gz"):
            stream = gzip.GzipFile(fileobj=stored)
        elif file.name.endswith(".zst"):
            stream = pa.CompressedInputStream(stored, "zstd")
        if isinstance(stream, io.BufferedReader):
            yield stream
        else:  # slow at reading line by line
            with io.BufferedReader(stream, BUFFER) as buffered:
                yield buffered
