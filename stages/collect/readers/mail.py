"""E-mails (RFC 5322, MIME): one message in a file, or many in an mbox; and the threads that they belong to.

Python's `compat32` policy parses: it takes any message as it is, where the newer policies raise on malformed headers.
"""

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from itertools import chain
from pathlib import PurePosixPath
from typing import IO

from stages.collect.readers import MAX_DOCUMENT, Record, check_columns
from winnow.base import hashing
from winnow.base.errors import UserError

FIELDS = (
    "file",
    "folder",
    "message_id",
    "thread",
    "date",
    "from",
    "to",
    "subject",
    "body",
    "plain",
    "html",
    "headers",
)
# (place, message, why it could not be read); the message is None then
Found = tuple[str, bytes | None, str | None]

_ID = re.compile(r"<[^<>\s]+>")
# A mark of a reply, a forward or a mailing list at the start of a subject.
_MARK = re.compile(
    r"\s*(?:\[[^\[\]]{1,80}\]|(?:re|fwd?|aw|wg|sv|vs|vb|tr|rv|res|antw|odp)\s{0,9}(?:[\[(]\d{1,4}[\])])?\s{0,9}:)",
    re.IGNORECASE,
)


def split_file(stream: IO[bytes], where: str) -> Iterator[Found]:
    """Yield the one message of a file."""
    data = stream.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        yield where, None, f"longer than {MAX_DOCUMENT} bytes"
    else:
        yield where, data, None


def split_mbox(stream: IO[bytes], where: str) -> Iterator[Found]:
    """Yield the messages of an mbox (RFC 4155): each begins with a line `From …` at the start or after a blank line.

    Raises:
        UserError: the file does not begin so.
    """
    lines: list[bytes] = []
    number = length = 0
    blank = True

    def message() -> Found:
        place = f"{where}, message {number}"
        too_long = length > MAX_DOCUMENT
        return (place, None, f"longer than {MAX_DOCUMENT} bytes") if too_long else (place, b"".join(lines), None)

    while line := stream.readline(MAX_DOCUMENT):
        if blank and line.startswith(b"From "):
            if number:
                yield message()
            lines, length, number = [], 0, number + 1
        elif number:
            length += len(line)
            if length <= MAX_DOCUMENT:
                # A line of the text that begins with "From " was written as ">From ".
                lines.append(line[1:] if re.match(rb">+From ", line) else line)
        elif line.strip():
            raise UserError(f"{where}: no mbox: it must begin with a line 'From …'; is it one message (format: eml)?")
        blank = not line.strip()
    if number:
        yield message()


def read(
    stream: IO[bytes],
    where: str,
    columns: Sequence[str],
    split: Callable[[IO[bytes], str], Iterator[Found]],
    threads: "Threads | None" = None,
) -> Iterator[Record]:
    """Yield one record a message, with those of `FIELDS` that `columns` names (str or None).

    `plain` and `html` are the parts of that type, attachments left out; `body` is `plain`, or `html` where there is no
    plain part. `headers` are the lines as they came. `thread` needs `threads`; `date` is ISO 8601.

    Raises:
        UserError: a column is not one of `FIELDS`.
    """
    check_columns(where, columns, FIELDS)
    for place, data, problem in split(stream, where):
        if problem is None:
            try:
                message = BytesParser().parsebytes(data)
                values = _fields(message, where, threads) if message.keys() else None
                problem = None if values else "no e-mail: it has no header lines"
            except RecursionError:
                problem = "its parts are nested too deeply"
        yield Record(place, () if problem else [values[name] for name in columns], problem)


def _fields(message: Message, where: str, threads: "Threads | None") -> dict[str, str | None]:
    headers = _headers(message)
    plain, html = ("\n".join(_texts(message, kind)) for kind in ("text/plain", "text/html"))
    ids = _ID.findall(headers.get("message-id", ""))
    return {
        "file": where,
        "folder": PurePosixPath(where).parent.name,
        "message_id": ids[0] if ids else None,
        "thread": threads.of(headers) if threads else None,
        "date": _date(headers.get("date")),
        "from": headers.get("from"),
        "to": headers.get("to"),
        "subject": headers.get("subject"),
        "body": plain if plain.strip() else html,
        "plain": plain,
        "html": html,
        "headers": "".join(f"{name}: {_header(value)}\n" for name, value in message.raw_items()),
    }


def _headers(message: Message) -> dict[str, str]:
    """Return the first header of each name, in lower case; unfolded, encoded words (RFC 2047) decoded."""
    found: dict[str, str] = {}
    for name, value in message.raw_items():
        if name.lower() not in found:
            found[name.lower()] = _decoded(re.sub(r"[\r\n]+[ \t]*", " ", _header(value)).strip())
    return found


def _decoded(value: str) -> str:
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):  # no or a wrong encoding: the header as it stands
        return value


def _texts(part: Message, kind: str) -> Iterator[str]:
    if part.get_content_disposition() == "attachment":
        return
    if part.is_multipart():
        for child in part.get_payload():
            yield from _texts(child, kind)
    elif part.get_content_type() == kind:
        data = part.get_payload(decode=True)
        try:
            yield data.decode(part.get_content_charset() or "", "replace").replace("\r\n", "\n")
        except (LookupError, ValueError):  # no charset, or none that Python knows
            yield _guessed(data)


def _header(value: str) -> str:
    """Return a header's text; the parser keeps bytes that are not ASCII as surrogates."""
    return _guessed(value.encode("ascii", "surrogateescape"))


def _guessed(data: bytes) -> str:
    """Decode bytes of an untold charset: UTF-8, or else Windows-1252, as browsers do."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("windows-1252", "replace")
    return text.replace("\r\n", "\n")


def _date(value: str | None) -> str | None:
    try:
        return parsedate_to_datetime(value).isoformat() if value else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def base_subject(subject: str) -> str:
    """Return the subject without marks of replies, forwards and lists, in lower case (RFC 5256, section 2.1)."""
    while (mark := _MARK.match(subject)) and subject[mark.end() :].strip():
        subject = subject[mark.end() :]
    return re.sub(r"( \(fwd\))+$", "", " ".join(subject.split()).casefold())


class Threads:
    """Which messages belong together: by References, In-Reply-To and base subject, as IMAP threads them (RFC 5256).

    All messages of one base subject are one thread: too large a group is no leak between splits, too small a one is.
    Memory: 16 bytes a link.
    """

    def __init__(self, messages: Iterable[bytes]) -> None:
        import numpy as np
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        links = array("Q")
        for data in messages:
            nodes = _nodes(_headers(BytesParser().parsebytes(data, headersonly=True)))
            for node in nodes:
                links.extend((nodes[0], node))
        self._nodes, ends = np.unique(np.frombuffer(links, np.uint64), return_inverse=True)
        count = len(self._nodes)
        graph = coo_array((np.ones(len(ends) // 2, bool), (ends[::2], ends[1::2])), shape=(count, count))
        _, component = connected_components(graph, directed=False)
        # Named by the lowest node: nodes are sorted, so it is the first of its component.
        _, first = np.unique(component, return_index=True)
        self._names = self._nodes[first][component]

    def of(self, headers: dict[str, str]) -> str | None:
        """Return the thread of one of the messages, 16 hex digits; None if it has neither id nor subject."""
        nodes = _nodes(headers)
        return f"{self._names[self._nodes.searchsorted(nodes[0])]:016x}" if nodes else None


def _nodes(headers: dict[str, str]) -> list[int]:
    ids = (_ID.findall(headers.get(name, "")) for name in ("message-id", "references", "in-reply-to"))
    names = [f"id:{id_}" for id_ in chain.from_iterable(ids)]
    subject = base_subject(headers.get("subject", ""))
    names += [f"subject:{subject}"] if subject else []
    return [int(hashing.digest(name)[:16], 16) for name in names]
