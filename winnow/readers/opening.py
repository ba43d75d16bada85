"""Files on disk and in zip archives: which there are, and how they are opened; compression is undone on the way.

An archive and compression are known by their first bytes, where the name says nothing, and by the name in any case.
"""

import bz2
import glob
import gzip
import io
import lzma
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby, takewhile
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import ZipFile

import pyarrow as pa

from winnow import readers
from winnow.base import download
from winnow.base.errors import UserError

BUFFER = 2**20
ARCHIVES = (".zip", ".whl")
ZIPS = (b"PK\x03\x04", b"PK\x05\x06")  # of an archive with files, and of an empty one
# The first bytes of each compression; no text begins with them.
MAGIC = {
    ".gz": re.compile(rb"\x1f\x8b\x08"),
    ".zst": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
    ".bz2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)"),
    ".xz": re.compile(rb"\xfd7zXZ\0"),
}
UNPACKED: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".gz": lambda stored: gzip.GzipFile(fileobj=stored),
    ".zst": lambda stored: pa.CompressedInputStream(stored, "zstd"),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
TAR = (257, b"ustar")  # where a tar archive says that it is one
# What systems and editors put beside documents: hidden files, Windows' own, locks of Office, backups.
LITTER = re.compile(r"\.|__MACOSX$|(?:thumbs|ehthumbs)\.db$|desktop\.ini$|~\$|.*~$|#.*#$|Icon\r$", re.IGNORECASE)
BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError)  # what unpacking a damaged file raises


@dataclass(frozen=True)
class Input:
    """One file to read."""

    name: str  # in messages, the manifest and the field `file`; holds no path of this machine
    path: Path
    bytes: int
    member: str | None = None  # as it is stored; set where `path` is an archive
    is_litter: bool = False  # no document of a person's, and not asked for by its name


Tell = Callable[[str], object]


def inputs(name: str, path: Path, member: str | None) -> list[Input]:
    """Return the file itself or, of a zip archive, the files in it that `member` names, by name.

    Raises:
        UserError: the archive is damaged, has no such file or one whose path leaves it, or the file is no archive.
    """
    if not is_archive(name, path):
        if member is not None:
            raise UserError(f"{name}: member '{member}': the file is no zip archive; take member out")
        return [Input(told(name), path, path.stat().st_size)]
    files = [(_entry(stored), stored, size) for stored, size in download.members(path).items()]
    files = [file for file in files if not file[0].endswith("/")]
    there = {entry: (stored, size) for entry, stored, size in sorted(files)}
    if len(there) < len(files):
        twice = next(entry for entry, count in Counter(entry for entry, *_ in files).items() if count > 1)
        raise UserError(f"{name}: two files are named '{twice}'; rename one, and pack the archive again")
    if escaping := [entry for entry in there if re.match(r"/|[A-Za-z]:", entry) or ".." in PurePosixPath(entry).parts]:
        raise UserError(f"{name}: the path '{escaping[0]}' leaves the archive; do not trust it")
    wanted = None if member is None else _entry(member)
    named = [entry for entry in there if wanted in (None, entry)]
    if wanted is not None and not named:
        pattern = with_folders(wanted, lambda above: any(entry.startswith(f"{above}/") for entry in there))
        named = [entry for entry in there if fnmatchcase(entry, pattern)]
    if not named:
        raise UserError(f"{name}: {member or 'any file'}: not in the archive; mend member in params.yaml")
    return [
        Input(f"{told(name)}/{entry}", path, size, stored, entry != wanted and is_litter(entry, member or ""))
        for entry, (stored, size) in ((entry, there[entry]) for entry in named)
    ]


def with_folders(pattern: str, is_folder: Callable[[str], bool]) -> str:
    """Return a glob in which the names of folders that are there stand for themselves: `mail[1]/*.eml`."""
    parts = pattern.split("/")
    known = takewhile(lambda number: is_folder("/".join(parts[:number])), range(1, len(parts)))
    count = sum(1 for _ in known)
    return "/".join([*map(glob.escape, parts[:count]), *parts[count:]])


def is_archive(name: str, path: Path) -> bool:
    """Return whether a file is a zip archive, by its name or its first bytes."""
    if name.lower().endswith(ARCHIVES):
        return True
    with path.open("rb") as stream:
        return stream.read(4) in ZIPS


def told(name: str) -> str:
    """Return a file's name as it stands in rows: macOS takes letters with marks apart, other systems do not."""
    return unicodedata.normalize("NFC", name)


def is_litter(name: str, pattern: str = "") -> bool:
    """Return whether a file is none of a person's: hidden, a system's or an editor's own.

    Args:
        pattern: what was asked for; one that names hidden files wants them.
    """
    hidden = any(part.startswith(".") for part in PurePosixPath(pattern).parts)
    parts = PurePosixPath(name).parts
    return any(LITTER.match(part) and not (hidden and part.startswith(".")) for part in parts)


def _entry(stored: str) -> str:
    """Return the path of a file in a zip archive: parts between slashes, in composed letters.

    Windows' own tools have written backslashes; macOS's write UTF-8, and do not say so.
    """
    with suppress(UnicodeError):  # else as it is said, or of a code page that nothing tells
        stored = stored.encode("cp437").decode("utf-8")
    return told(stored.replace("\\", "/"))


def each(files: Sequence[Input], read: Callable[[IO[bytes], str], Iterator], tell: Tell = str) -> Iterator:
    """Yield what a reader makes of each file, called with the open file and its name.

    Args:
        tell: is called with the name of each file of which the reader made nothing.

    Raises:
        UserError: a file ends early or cannot be unpacked.
    """
    for path, of_path in groupby(files, key=lambda file: file.path):
        of_path = list(of_path)
        with ZipFile(path) if of_path[0].member else nullcontext() as archive:
            for file in of_path:
                is_empty = True
                try:
                    with _opened(file, archive) as stream:
                        for item in read(stream, file.name):
                            is_empty = False
                            yield item
                except BROKEN as error:
                    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
                    raise readers.damaged(file.name, reason) from None
                if is_empty:
                    tell(file.name)


@contextmanager
def _opened(file: Input, archive: ZipFile | None) -> Iterator[IO[bytes]]:
    """Open a file for reading."""
    with (
        download.open_member(archive, file.member) if archive else file.path.open("rb", buffering=BUFFER) as stored,
        unpacked(stored, file.name) as stream,
    ):
        yield stream


@contextmanager
def unpacked(stored: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    """Yield the bytes of a file; compression is undone as they are read."""
    # A member of an archive is slow at reading line by line.
    stream = stored if isinstance(stored, io.BufferedReader) else io.BufferedReader(stored, BUFFER)
    packing = _packing(name, stream.peek(16))
    if packing is None:
        yield _plain(stream, name)
        return
    with io.BufferedReader(UNPACKED[packing](stream), BUFFER) as plain:
        yield _plain(plain, name)


def _packing(name: str, head: bytes) -> str | None:
    """Return how a file is compressed, by its first bytes or else by its name; an empty one is not."""
    by_bytes = next((end for end, magic in MAGIC.items() if magic.match(head)), None)
    return by_bytes or next((end for end in UNPACKED if head and name.lower().endswith(end)), None)


def _plain(stream: io.BufferedReader, name: str) -> io.BufferedReader:
    """Return a stream, unless it is of a tar archive."""
    start, mark = TAR
    if stream.peek(start + len(mark))[start : start + len(mark)] == mark:
        raise UserError(f"{name}: a tar archive, which is not read; unpack it, or pack the files as zip")
    return stream
