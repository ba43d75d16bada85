"""Decisions written to decisions.csv one by one, while others write too: every line is there whole, or not at all.

A writer locks the file (flock: the kernel frees it when a process dies), writes the new one elsewhere and renames. What
is killed in between leaves the old file. One decision is one line of the file, so that Git's union merge keeps it
whole.
"""

import csv
import io
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from winnow.base.errors import UserError
from winnow.base.files import replacing
from winnow.base.locks import locked
from winnow.people import decisions
from winnow.people.decisions import Decision

COLUMNS, EDITED = decisions.ALL_COLUMNS, decisions.EDITED_COLUMNS
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

    A header of eight columns gets `seconds` and `drawn_for`, and where a row has a new text, `new_text`; under a header
    that is longer yet (a queue was saved as decisions.csv) lines have eight cells, or a queue's with a new text.

    Args:
        rows: each maps some of `EDITED_COLUMNS` to text, the others stay empty.

    Raises:
        UserError: the file cannot be written, or a line of it could not be read back; nothing was written.
    """
    rows, lines = list(rows), []
    for row in rows:
        if problem := _unreadable(row):
            raise UserError(
                f"{path}: the decision on '{row.get('id', '')}' cannot be written: {problem}; nothing was saved"
            )

    def change(content: bytes) -> bytes:
        content = _with_all_columns(content, EDITED if any(row.get(decisions.NEW_TEXT) for row in rows) else COLUMNS)
        header = _header(content)
        lines.extend(_line([row.get(column, "") for column in _columns_of(row, header)]) for row in rows)
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
    seconds = "" if decision.seconds is None else f"{decision.seconds + 0.0:.1f}"  # no "-0.0"
    text = {name: getattr(decision, name) for name in decisions.COLUMNS}
    own = {"note": clean(decision.note), decisions.SECONDS: seconds, decisions.DRAWN_FOR: decision.drawn_for}
    return text | own | ({decisions.NEW_TEXT: decision.new_text} if decision.new_text else {})


def unreadable(decision: Decision) -> str:
    """Return why a decision cannot be written so that it is read back, in words; empty: it can."""
    return _unreadable(cells(decision))


def _unreadable(row: Mapping[str, str]) -> str:
    whole = {name: row.get(name, "") for name in EDITED}
    return decisions.unreadable(_line(list(whole.values())), whole)


def clean(text: str) -> str:
    """Return a note or a name that fits one line of the file: single spaces, at most 2,000 characters."""
    return " ".join(CONTROL.sub(" ", text).split())[:LONGEST_NOTE].rstrip()


def _rewrite(path: Path, change: Callable[[bytes], bytes]) -> tuple[Stamp, Stamp]:
    """Replace a file's content by what `change` makes of it; return the stamps of the old and the new file."""
    path = path.resolve()  # the file that a link names is replaced, not the link
    try:
        with locked(path, _header_line()):
            before, content = stamp(path), change(path.read_bytes())
            with replacing(path) as new:
                new.write_bytes(content)
                shutil.copymode(path, new)
                after = stamp(new)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}; nothing was saved") from None
    return before, after


def _columns_of(row: Mapping[str, str], header: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns of a row's line under a header."""
    if header in (COLUMNS, EDITED):
        return header
    return decisions.EDITED_QUEUE_COLUMNS if row.get(decisions.NEW_TEXT) else decisions.COLUMNS


def _with_all_columns(content: bytes, columns: tuple[str, ...]) -> bytes:
    header = _header(content)
    if header == columns:
        return content  # as nearly always: without a copy of a long file
    body = content.removeprefix(BOM)
    if not body.strip():
        return _header_line(columns)
    if len(header) < len(decisions.COLUMNS) or header != columns[: len(header)]:
        return content
    first, end, rest = body.partition(b"\n")
    crlf = b"\r\n" if first.endswith(b"\r") else b"\n"
    return content[: len(content) - len(body)] + _header_line(columns, crlf) + (rest if end else b"")


def _header(content: bytes) -> tuple[str, ...]:
    end = content.find(b"\n")
    first = content[: end if end >= 0 else None].removeprefix(BOM).decode(errors="replace")
    return tuple(cell.strip() for cell in next(csv.reader([first]), []))


def _header_line(columns: tuple[str, ...] = COLUMNS, end: bytes = b"\n") -> bytes:
    return ",".join(columns).encode() + end


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
