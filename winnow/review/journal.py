"""Decisions written to decisions.csv one by one, while others write too: every line is there whole, or not at all.

A writer locks the file (flock: the kernel frees it when a process dies), writes the new one beside it and renames. What
is killed in between leaves the old file. One decision is one line of the file, so that Git's union merge keeps it
whole.
"""

import csv
import fcntl
import io
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from winnow.base.errors import UserError
from winnow.base.files import replacing
from winnow.people import decisions
from winnow.people.decisions import Decision

COLUMNS = (*decisions.COLUMNS, decisions.SECONDS)
LONGEST_NOTE = 2000  # characters
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
BOM = b"\xef\xbb\xbf"


class TooLate(UserError):
    """A decision cannot be taken back."""


class Stamp(NamedTuple):
    """What changes whenever a file does."""

    inode: int
    bytes: int
    modified: int  # nanoseconds


class Written(NamedTuple):
    """What an append did."""

    lines: list[str]  # without line ends
    before: Stamp  # of the file that was read
    after: Stamp  # of the file that replaced it


def stamp(path: Path) -> Stamp | None:
    """Return a file's stamp, or None if there is no such file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return Stamp(found.st_ino, found.st_size, found.st_mtime_ns)


def append(path: Path, rows: Iterable[Mapping[str, str]]) -> Written:
    """Write decisions at the end of a file; make it if it is missing.

    A header of eight columns gets its ninth, `seconds`; under a header that is longer yet (a queue was saved as
    decisions.csv) lines have eight cells.

    Args:
        rows: each maps some of `COLUMNS` to text, the others stay empty.

    Raises:
        UserError: the file cannot be written.
    """
    rows, lines = list(rows), []

    def change(content: bytes) -> bytes:
        content = _with_seconds(content)
        columns = COLUMNS if _header(content) == COLUMNS else decisions.COLUMNS
        lines.extend(_line([row.get(column, "") for column in columns]) for row in rows)
        end = "" if content.endswith(b"\n") else "\n"
        return content + (end + "".join(f"{line}\n" for line in lines)).encode()

    before, after = _rewrite(path, change)
    return Written(lines, before, after)


def withdraw(path: Path, line: str) -> Written:
    """Take a line that `append` wrote out of the file, as if it had never been written.

    Raises:
        TooLate: the line is not there any more, or is committed already: another branch may have it.
        UserError: the file cannot be written.
    """
    wanted = line.encode()

    def change(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        places = [number for number, found in enumerate(lines) if found.rstrip(b"\r\n") == wanted]
        if not places:
            raise TooLate(f"{path}: the decision is not there any more; somebody took the line out")
        if len(places) <= _committed(path, wanted):
            raise TooLate(f"{path}: the decision is committed; decide again: a reviewer's latest decision counts")
        del lines[places[-1]]
        return b"".join(lines)

    before, after = _rewrite(path, change)
    return Written([line], before, after)


def cells(decision: Decision) -> dict[str, str]:
    """Return a decision as `append` takes it."""
    seconds = "" if decision.seconds is None else f"{decision.seconds:.1f}"
    text = {name: getattr(decision, name) for name in decisions.COLUMNS}
    return text | {"note": clean(decision.note), decisions.SECONDS: seconds}


def clean(text: str) -> str:
    """Return a note or a name that fits one line of the file: single spaces, at most 2,000 characters."""
    return " ".join(CONTROL.sub(" ", text).split())[:LONGEST_NOTE].rstrip()


def _rewrite(path: Path, change: Callable[[bytes], bytes]) -> tuple[Stamp, Stamp]:
    """Replace a file's content by what `change` makes of it; return the stamps of the old and the new file."""
    path = path.resolve()  # the file that a link names is replaced, not the link
    try:
        with _locked(path):
            before, new = stamp(path), change(path.read_bytes())
            with replacing(path) as scratch:
                with scratch.open("wb") as file:
                    file.write(new)
                    file.flush()
                    os.fsync(file.fileno())
                shutil.copymode(path, scratch)
                after = stamp(scratch)
            _sync_folder(path.parent)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}; nothing was saved") from None
    return before, after


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file against all others that come through here; make it where it is missing."""
    while True:
        _make(path)
        with path.open("rb+") as file:  # for writing: NFS locks nothing else
            fcntl.flock(file, fcntl.LOCK_EX)
            # Whoever held it before us has put another file in its place.
            if stamp(path) is not None and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield
                return


def _make(path: Path) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    scratch.write_bytes(_header_line())
    try:
        os.link(scratch, path)  # a rename would replace what another writer has just made
    except FileExistsError:
        pass
    finally:
        scratch.unlink()


def _with_seconds(content: bytes) -> bytes:
    if _header(content) == COLUMNS:
        return content  # as nearly always: without a copy of a long file
    body = content.removeprefix(BOM)
    if not body.strip():
        return _header_line()
    if _header(content) != decisions.COLUMNS:
        return content
    first, end, rest = body.partition(b"\n")
    crlf = b"\r\n" if first.endswith(b"\r") else b"\n"
    return content[: len(content) - len(body)] + _header_line(crlf) + (rest if end else b"")


def _header(content: bytes) -> tuple[str, ...]:
    end = content.find(b"\n")
    first = content[: end if end >= 0 else None].removeprefix(BOM).decode(errors="replace")
    return tuple(cell.strip() for cell in next(csv.reader([first]), []))


def _header_line(end: bytes = b"\n") -> bytes:
    return ",".join(COLUMNS).encode() + end


def _line(cells: list[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="").writerow(map(decisions.guard, cells))
    return out.getvalue()


def _committed(path: Path, line: bytes) -> int:
    """Return how often a line stands in the last commit's version of the file; 0 outside of a Git repository."""
    command = ["git", "-C", path.parent, "show", f"HEAD:./{path.name}"]
    try:
        done = subprocess.run(command, capture_output=True)
    except FileNotFoundError:
        return 0
    return sum(found.rstrip(b"\r") == line for found in done.stdout.split(b"\n")) if done.returncode == 0 else 0


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
