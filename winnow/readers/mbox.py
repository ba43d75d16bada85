"""The messages of an mbox (RFC 4155 and its relatives): where each begins, and how its lines were kept.

A message begins with a line `From <address> <date>`, as `ctime` writes dates or as mailers do, that a header line
follows; a blank line before it is usual and may lack. So a sentence that begins with "From" is text, quoted as `>From`
or not. One `>` is taken from `>From`, `>>From` … (mboxrd). Where a message says its Content-Length, and another message
or the end follows it, that counts (mboxcl, mboxcl2).
"""

import re
from collections.abc import Iterator
from typing import IO

from winnow.base.errors import UserError
from winnow.readers import MAX_DOCUMENT

# (place, message, why it could not be read); the message is None then
Found = tuple[str, bytes | None, str | None]

MOST_WRONG = 100  # lengths; then no further one of the file is believed
_LONGEST = 1000  # bytes of a "From " line that are looked at
_DAYS, _MONTHS = rb"(?:mon|tue|wed|thu|fri|sat|sun)", rb"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DATED = re.compile(
    rb"From .*?\b(?:%b,? +(?:%b +\d{1,2}|\d{1,2} +%b(?: +\d{4})?)|\d{1,2} +%b +\d{4}|\d{4}-\d\d-\d\d)"
    rb"[ T,]+\d{1,2}[:.]\d\d" % (_DAYS, _MONTHS, _MONTHS, _MONTHS),
    re.I | re.S,
)
# Without a date it needs a blank line before it too.
_UNDATED = re.compile(rb"From \S{1,200}[ \t]*\r?\n")
_HEADER = re.compile(rb"[!-9;-~]{1,200}[ \t]*:|>?From ")
_QUOTED = re.compile(rb">++From ")
_LENGTH = re.compile(rb"content-length:[ \t]*(\d{1,12})[ \t]*\r?\n", re.I)
_BOM = b"\xef\xbb\xbf"


def split_mbox(stream: IO[bytes], where: str) -> Iterator[Found]:
    """Yield the messages of an mbox.

    Raises:
        UserError: the file does not begin as one.
    """
    lines = _Lines(stream)
    first = lines.next().removeprefix(_BOM)
    while first and not first.strip():
        first = lines.next()
    if first and not first.startswith(b"From "):
        raise UserError(f"{where}: no mbox: it must begin with a line 'From …'; is it one message (format: eml)?")
    number = 0
    while first:
        number += 1
        place = f"{where}, message {number}"
        data, first = _message(lines)
        yield (place, None, f"longer than {MAX_DOCUMENT} bytes") if data is None else (place, data, None)


class _Lines:
    """The lines of a stream, of which some can be put back."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._back: list[bytes] = []  # the next one last
        self.wrong = 0  # lengths that were told and are none

    def next(self) -> bytes:
        """Return the next line; empty at the end."""
        return self._back.pop() if self._back else self._stream.readline(MAX_DOCUMENT)

    def put_back(self, lines: list[bytes]) -> None:
        """Make lines the next ones."""
        self._back.extend(reversed(lines))

    def bytes(self, count: int) -> list[bytes]:
        """Return lines that hold so many bytes together; none, and nothing taken, where a line does not end there."""
        taken: list[bytes] = []
        left = count
        while left > 0 and (line := self.next()):
            taken.append(line)
            left -= len(line)
        if left == 0:
            return taken
        self.put_back(taken)
        return []


def _message(lines: _Lines) -> tuple[bytes | None, bytes]:
    """Return a message, None if it is too long, and the line that begins the next; empty at the end."""
    kept: list[bytes] = []
    length, blank, in_headers, told = 0, False, True, 0
    while line := lines.next():
        if line.startswith(b"From ") and _begins(line, blank, lines):
            return _whole(kept, length), line
        if in_headers and (match := _LENGTH.match(line)):
            told = int(match[1])
        length += len(line)
        if length <= MAX_DOCUMENT:
            kept.append(line[1:] if _QUOTED.match(line) else line)
        blank = not line.strip()
        if blank and in_headers:
            in_headers = False
            if 0 < told <= MAX_DOCUMENT - length and lines.wrong < MOST_WRONG and (body := _counted(lines, told)):
                kept += body
                length += told
                blank = not body[-1].strip()
    return _whole(kept, length), b""


def _whole(kept: list[bytes], length: int) -> bytes | None:
    return b"".join(kept) if length <= MAX_DOCUMENT else None


def _begins(line: bytes, blank: bool, lines: _Lines) -> bool:
    following = lines.next()
    lines.put_back([following] if following else [])
    if not _HEADER.match(following):
        return False
    return bool(_DATED.match(line[:_LONGEST]) or (blank and _UNDATED.match(line)))


def _counted(lines: _Lines, count: int) -> list[bytes]:
    """Return the body that Content-Length tells, if a message or the end follows; else nothing, and take nothing."""
    body = lines.bytes(count)
    after: list[bytes] = []
    while body and len(after) < 2 and (line := lines.next()):
        after.append(line)
        if line.strip():
            break
    last = after[-1] if after else b""
    right = not last.strip() or (last.startswith(b"From ") and _begins(last, True, lines))
    if not body or not right:
        lines.put_back([*body, *after])
        lines.wrong += 1
        return []
    lines.put_back(after)
    quoting = not any(line.startswith(b"From ") for line in body)
    return [line[1:] if quoting and _QUOTED.match(line) else line for line in body]
