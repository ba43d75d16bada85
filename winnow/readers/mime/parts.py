"""A message as its parts: header lines and bodies, as bytes, whatever is wrong with them.

Python's `email.parser` tries each line on each multipart that is open, decodes bodies by codecs of its own choice, and
ends in a RecursionError where parts are nested: a megabyte made to that end takes it minutes.
"""

import re
from dataclasses import dataclass

import regex

from winnow.readers.mime import headers, transfer
from winnow.readers.mime.headers import Header, Value

PLAIN, HTML, MESSAGE = "text/plain", "text/html", "message/rfc822"
MESSAGES = (MESSAGE, "message/global", "message/news")
DEEPEST = 100  # parts within each other

_END = rb"(?:\r\n|\n|\r|\Z)"
# A header with its folded lines, or the line of an mbox, wherever it got.
_HEADER = regex.compile(
    rb"([!-9;-~]++)[ \t]*+:[ \t]*+([^\r\n]*+(?:(?:\r\n|\n|\r)[ \t][^\r\n]*+)*+)%b|>*+From [^\r\n]*+%b" % (_END, _END)
)
_BLANK = re.compile(rb"\r\n|\n|\r")
_BOUNDARY_END = re.compile(rb"(--)?[ \t]*+(?=[\r\n]|\Z)")


class TooDeepError(Exception):
    """Parts stand within each other as in no mail."""


@dataclass(frozen=True)
class Part:
    """A message or a part of one.

    Attributes:
        body: all that stands below the headers, as it came.
        type: its Content-Type; its value is the default's where there is none.
        parts: of a multipart or a message within; None where the body has none.
        epilogue: what stands below the last part.
    """

    headers: list[Header]
    body: bytes
    type: Value
    parts: "list[Part] | None" = None
    epilogue: bytes = b""

    @property
    def kind(self) -> str:
        """Return the media type, in lower case."""
        return self.type.value

    @property
    def attached(self) -> bool:
        """Return whether it is an attachment; of an unknown disposition counts as one (RFC 2183, section 2.8)."""
        disposition = headers.field(self.headers, "content-disposition")
        return disposition.value == "attachment" or (
            disposition.value not in ("", "inline") and "filename" in disposition.parameters
        )

    def bytes(self) -> bytes:
        """Return the body without its transfer encoding."""
        return transfer.undone(self.body, headers.field(self.headers, "content-transfer-encoding").value)


def parsed(data: bytes, default: str = PLAIN, depth: int = 0) -> Part:
    """Return a message.

    Args:
        default: its media type where it names none.
        depth: of the parts around it.

    Raises:
        TooDeepError: its parts are nested more than `DEEPEST` deep.
    """
    if depth > DEEPEST:
        raise TooDeepError
    lines, start = split_headers(data)
    return _whole(lines, data[start:], default, depth)


def with_boundary(part: Part, body: bytes, boundary: bytes, depth: int) -> Part:
    """Return a multipart whose parts begin at other lines than it says.

    Args:
        depth: of its parts.

    Raises:
        TooDeepError: its parts are nested more than `DEEPEST` deep.
    """
    within, epilogue = _split(body, boundary)
    return Part(part.headers, body, part.type, [parsed(data, PLAIN, depth) for data in within], epilogue)


def _whole(lines: list[Header], body: bytes, default: str, depth: int) -> Part:
    told = headers.field(lines, "content-type")
    type_ = Value(told.value or default, told.parameters)
    boundary = type_.parameters.get("boundary", "").rstrip().encode()
    if type_.value.startswith("multipart/") and boundary:
        within, epilogue = _split(body, boundary)
        kind = MESSAGE if type_.value == "multipart/digest" else PLAIN
        if within:
            parts = [parsed(data, kind, depth + 1) for data in within]
            return Part(lines, body, type_, parts, epilogue)
        if within is not None:  # the end of the parts and no part: what stands around it is all that was written
            body = body.replace(b"--%b--" % boundary, b"", 1)
    if type_.value in MESSAGES:
        # Encoded against the rules (RFC 2046, section 5.2.1), too.
        content = transfer.undone(body, headers.field(lines, "content-transfer-encoding").value)
        return Part(lines, body, type_, [parsed(content, PLAIN, depth + 1)])
    return Part(lines, body, type_)


def split_headers(data: bytes) -> tuple[list[Header], int]:
    """Return the headers of a message, each with its folded lines, and where its body starts."""
    found: list[Header] = []
    position = 0
    while position < len(data) and (match := _HEADER.match(data, position)):
        if match[1]:
            found.append(Header(match[1].decode("ascii"), match[2]))
        position = match.end()
    blank = _BLANK.match(data, position)
    return found, blank.end() if blank else position


def _split(body: bytes, boundary: bytes) -> tuple[list[bytes] | None, bytes]:
    """Return the parts of a multipart, None where no boundary is found, and what stands below them."""
    parts: list[bytes] = []
    start, line = None, b"--" + boundary
    position = body.find(line)
    while position >= 0:
        end = _BOUNDARY_END.match(body, position + len(line))
        if end and (position == 0 or body[position - 1] in b"\r\n"):
            if start is not None:
                parts.append(_part(body, start, position))
            start = end.end()
            if end[1]:
                return parts, body[start:]
        position = body.find(line, position + len(line))
    if start is None:
        return None, b""
    return [*parts, _below(body[start:])], b""


def _part(body: bytes, start: int, end: int) -> bytes:
    """Return what stands between two boundaries, whose line break above is theirs."""
    return _below(body[start : max(start, end - (2 if body[end - 2 : end] == b"\r\n" else 1))])


def _below(data: bytes) -> bytes:
    """Return a part without the end of its boundary's line."""
    return data[2 if data.startswith(b"\r\n") else 1 :]
