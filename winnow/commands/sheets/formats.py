"""Which format a file has, by its name or by what people say of it; where it stands while it is read or written."""

import errno
import gzip
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from winnow.base.errors import UserError
from winnow.base.files import replacing
from winnow.readers import opening

STANDARD = "-"  # standard input or output
SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
NAMES = tuple(dict.fromkeys(SUFFIXES.values()))
MAIL_SUFFIXES = {".eml": "eml", ".emlx": "eml", ".mbox": "mbox"}  # read, never written
MAILS = tuple(dict.fromkeys(MAIL_SUFFIXES.values()))
READ = (*NAMES, *MAILS)
PACKED = ".gz"
BUFFER = 2**20  # bytes that are read from the disk at once


@dataclass(frozen=True)
class Sheet:
    """A file of rows, or standard input or output.

    Attributes:
        name: as people gave it.
        path: where the bytes are read or written; mails may be a folder.
        format: csv, tsv, jsonl or parquet; of what is read also eml and mbox.
        packed: whether it is compressed.
        takes_all: of a folder: whether all its files are mails, or those that are named so.
    """

    name: str
    path: Path
    format: str
    packed: bool
    takes_all: bool = True

    @contextmanager
    def read(self) -> Iterator[IO[bytes]]:
        """Yield its bytes; compression is undone."""
        with self.path.open("rb", buffering=BUFFER) as stored, opening.unpacked(stored, self.name) as stream:
            yield stream

    @contextmanager
    def write(self) -> Iterator[IO[bytes]]:
        """Yield what takes its bytes."""
        if self.packed:
            # No time in the header: equal rows are equal bytes.
            with self.path.open("wb") as stored, gzip.GzipFile("", "wb", fileobj=stored, mtime=0) as file:
                yield file
        else:
            with self.path.open("wb") as file:
                yield file


def is_mail(name: str) -> bool:
    """Return whether a file is named as a mail is; compressed or not."""
    return MAIL_SUFFIXES.get(_suffix(name)) == "eml"


def _suffix(name: str) -> str:
    return Path(name.lower().removesuffix(_packing(name))).suffix


def _packing(name: str) -> str:
    return next((end for end in opening.UNPACKED if name.lower().endswith(end)), "")


def parsed(name: str, told: str | None, known: Mapping[str, str] = SUFFIXES) -> tuple[str, bool]:
    """Return the format of a file and whether it is packed, by its name or as it was told.

    Args:
        known: formats by the ends of names.

    Raises:
        UserError: neither says it, or the two cannot be together.
    """
    packed = bool(_packing(name))
    found = told or known.get(_suffix(name))
    if found is None:
        where = "standard input and output" if name == STANDARD else name
        names = "|".join(dict.fromkeys(known.values()))
        raise UserError(f"{where}: which format? give --format {names}, or a name that ends in one of "
                        f"{', '.join(known)} (and {PACKED})")  # fmt: skip
    if packed and found == "parquet":
        raise UserError(f"{name}: Parquet is compressed inside and read from its end; unpack the file")
    return found, packed


def written(name: str, told: str | None) -> tuple[str, bool]:
    """Return the format of a file to write and whether it is packed; raises `UserError` as `parsed`."""
    format_, packed = parsed(name, None if told in MAILS else told)
    if packed and not name.lower().endswith(PACKED):
        raise UserError(f"{name}: written are plain files and {PACKED}; give another name")
    return format_, packed


@contextmanager
def reading(name: str, told: str | None) -> Iterator[Sheet]:
    """Yield a file to read; standard input and a pipe are kept in a scratch file, for they are read twice.

    Raises:
        UserError: there is no such file, or its format is not known.
    """
    if name != STANDARD and Path(name).is_dir() and (told is None or told in MAILS):
        yield Sheet(name, Path(name), told or "eml", False, told is not None)
        return
    format_, packed = parsed(name, told, SUFFIXES | MAIL_SUFFIXES)
    is_standard = name == STANDARD
    if not is_standard:
        path = Path(name)
        if not path.exists():
            raise UserError(f"{name}: not found")
        if path.is_dir():
            raise UserError(f"{name}: a folder, not a file")
        if path.is_file():
            yield Sheet(name, path, format_, packed)
            return
    with TemporaryDirectory(prefix="winnow-") as folder:
        path = Path(folder) / "input"
        with path.open("wb") as file, nullcontext(sys.stdin.buffer) if is_standard else open(name, "rb") as stream:
            shutil.copyfileobj(stream, file, BUFFER)
        yield Sheet("standard input" if is_standard else name, path, format_, packed and not is_standard)


def check_place(name: str) -> None:
    """Raise `UserError` where no file can be put, or where one would come in the place of a device or a pipe."""
    try:
        path = place(name)
        is_there = path.exists()
        near = next(parent for parent in path.parents if parent.exists())
    except OSError as error:
        raise UserError(f"{name}: {error.strerror}; name another file to write") from None
    if path.is_dir():
        raise UserError(f"{name}: a folder; name a file to write")
    if is_there and not path.is_file():
        raise UserError(f"{name}: a device or a pipe, which a file would replace; give - for standard output")
    if is_there and not os.access(path, os.W_OK):
        raise UserError(f"{name}: a file that you may not write; name another one")
    if not near.is_dir() or not os.access(near, os.W_OK | os.X_OK):
        raise UserError(f"{name}: {near} is no folder that you may write into; name another file to write")


def place(name: str) -> Path:
    """Return where a file that is written stands: of a link, where it leads to, so that the link stays.

    Raises:
        OSError: links lead in a circle, or a name is too long.
    """
    path = Path(os.path.realpath(name))
    if path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    return path


@contextmanager
def writing(name: str, told: str | None) -> Iterator[Sheet]:
    """Yield a file to write, which appears when the block ends, whole or not at all; so does standard output.

    Raises:
        UserError: its format is not known, or the disk is full.
    """
    format_, packed = written(name, told)
    if name != STANDARD:
        check_place(name)
        with replacing(place(name)) as new:
            yield Sheet(name, new, format_, packed)
        return
    with TemporaryDirectory(prefix="winnow-") as folder:
        path = Path(folder) / "output"
        yield Sheet("standard output", path, format_, False)
        with path.open("rb") as file, suppress(BrokenPipeError):  # who reads may have read enough
            shutil.copyfileobj(file, sys.stdout.buffer, BUFFER)
            sys.stdout.buffer.flush()
