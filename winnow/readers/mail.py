"""E-mails (RFC 5322, MIME): one message in a file, or many in an mbox; and the threads that they belong to.

What headers and parts say is read by `winnow.readers.mime`, in charsets as browsers and mailers read them.
"""

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_tz
from itertools import chain
from pathlib import PurePosixPath
from typing import IO

import regex

from winnow.base import hashing
from winnow.readers import MAX_DOCUMENT, Record, charsets, check_columns, mbox
from winnow.readers.mbox import Found
from winnow.readers.mime import headers
from winnow.readers.mime.bodies import Body
from winnow.readers.mime.headers import Header
from winnow.readers.mime.parts import HTML, PLAIN, Part, TooDeepError, parsed, split_headers

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
TOLD = ("date", "from", "message-id", "subject", "to")  # headers
MARKUP = ("html",)  # the fields whose text is HTML; the others are plain text

DAY = 24 * 60 * 60  # seconds
DOUBTS = 5  # that a row's entry names
_IDS = ("message-id", "references", "in-reply-to")
_ID = re.compile(r"<[^<>\s]+>")
# A mark of a reply, a forward or a mailing list at the start of a subject.
_MARK = re.compile(
    r"\s*(?:\[[^\[\]]{1,80}\]|(?:re|fwd?|aw|wg|sv|vs|vb|tr|rv|res|antw|odp)\s{0,9}(?:[\[(]\d{1,4}[\])])?\s{0,9}:)",
    re.IGNORECASE,
)
# What may stand before the headers in a file: blank lines, and a line of an mbox that a mailer put away as text.
_BEFORE = regex.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t]*\r?\n)*+(?:>+From [^\r\n]*(?:\r?\n|\r))?")
_EMLX = re.compile(rb"(\d{1,10})[ \t]*\r?\n(?=[!-9;-~]{1,100}:|From )")  # Apple Mail: the length, the message, a list

split_mbox = mbox.split_mbox


def split_file(stream: IO[bytes], where: str) -> Iterator[Found]:
    """Yield the one message of a file."""
    data = stream.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        yield where, None, f"longer than {MAX_DOCUMENT} bytes"
        return
    if match := _EMLX.match(data):
        data = data[match.end() : match.end() + int(match[1])]
    yield where, data, None


def read(
    stream: IO[bytes],
    where: str,
    columns: Sequence[str],
    split: Callable[[IO[bytes], str], Iterator[Found]],
    threads: "Threads | None" = None,
) -> Iterator[Record]:
    """Yield one record a message, with those of `FIELDS` that `columns` names (str or None).

    `body` is what the message says, as plain text (`winnow.readers.mime.bodies`); `plain` and `html` are the parts of
    that type as they came, attachments left out. `headers` are the lines as they came. `thread` needs `threads`; `date`
    is ISO 8601, or what the sender wrote where that is no date.

    Raises:
        UserError: a column is not one of `FIELDS`.
    """
    check_columns(where, columns, FIELDS)
    for place, data, problem in split(stream, where):
        if problem is not None:
            yield Record(place, (), problem)
            continue
        try:
            message = parsed(_sound(data))
            if message.headers:
                values, doubts = _fields(message, where, columns, threads)
                yield Record(place, [values[name] for name in columns], doubt=_told(doubts))
            else:
                yield Record(place, (), "no e-mail: it has no header lines")
        except TooDeepError:
            yield Record(place, (), "its parts are nested too deeply")


def _sound(data: bytes) -> bytes:
    return data[_BEFORE.match(data).end() :]


def _told(doubts: list[str]) -> str | None:
    doubts = list(dict.fromkeys(doubts))
    more = [f"and {len(doubts) - DOUBTS} more"] if len(doubts) > DOUBTS else []
    return "; ".join(doubts[:DOUBTS] + more) or None


def _fields(
    message: Part, where: str, columns: Sequence[str], threads: "Threads | None"
) -> tuple[dict[str, str | None], list[str]]:
    """Return the fields of a message, of bodies those that are wanted, and what is doubtful in them."""
    likely = _charsets(message)
    first = _first(message.headers)
    found = {name: headers.text(first[name], likely) for name in TOLD if name in first}
    told = {name: one.text for name, one in found.items()}
    doubts = [f"header {name}: {found[name].doubt}" for name in columns if name in found and found[name].doubt]
    ids = _ID.findall(told.get("message-id", ""))
    body = Body(message, likely)
    values = {
        "file": where,
        "folder": PurePosixPath(where).parent.name,
        "message_id": ids[0] if ids else None,
        "thread": threads.of(_links(message.headers)) if threads else None,
        "date": _date(told.get("date")),
        "from": told.get("from"),
        "to": told.get("to"),
        "subject": told.get("subject"),
        "body": body.text() if "body" in columns else None,
        "plain": body.of_type(PLAIN) if "plain" in columns else None,
        "html": body.of_type(HTML) if "html" in columns else None,
        "headers": _lines(message, likely) if "headers" in columns else None,
    }
    return values, doubts + body.doubts


def _charsets(message: Part) -> list[str]:
    """Return the charsets that the parts of a message name: what it does not name is likely in one of them."""
    named = [part.type.parameters.get("charset") for part in (message, *(message.parts or ()))]
    # Without UTF-8, which is known by itself.
    return [name for name in dict.fromkeys(filter(None, named)) if not name.lower().startswith("utf")]


def _first(lines: Iterable[Header]) -> dict[str, bytes]:
    """Return the first header of each name, in lower case."""
    found: dict[str, bytes] = {}
    for name, value in lines:
        found.setdefault(name.lower(), value)
    return found


def _lines(message: Part, likely: Sequence[str]) -> str:
    lines = (b"%b: %b\n" % (name.encode(), value) for name, value in message.headers)
    return "".join(charsets.decode(line, None, likely).text for line in lines).replace("\r\n", "\n")


def _date(value: str | None) -> str | None:
    """Return a header's date in ISO 8601, without a zone that cannot be; the header where it holds no date."""
    try:
        year, *others = parsedate_tz(value)
        zone = others.pop()
        year += 1900 if 100 <= year <= 999 else 0  # "Mon, 4 Nov 102": RFC 5322, section 4.3
        sound = zone is not None and abs(zone) < DAY
        tz = timezone(timedelta(seconds=zone)) if sound else None
        return datetime(year, *others[:5], tzinfo=tz).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return value or None


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
            nodes = _nodes(_links(split_headers(_sound(data))[0]))
            for node in nodes:
                links.extend((nodes[0], node))
        self._nodes, ends = np.unique(np.frombuffer(links, np.uint64), return_inverse=True)
        count = len(self._nodes)
        graph = coo_array((np.ones(len(ends) // 2, bool), (ends[::2], ends[1::2])), shape=(count, count))
        _, component = connected_components(graph, directed=False)
        # Named by the lowest node: nodes are sorted, so it is the first of its component.
        _, first = np.unique(component, return_index=True)
        self._names = self._nodes[first][component]

    def of(self, links: dict[str, str]) -> str | None:
        """Return the thread of one of the messages, 16 hex digits; None if it has neither id nor subject."""
        nodes = _nodes(links)
        return f"{self._names[self._nodes.searchsorted(nodes[0])]:016x}" if nodes else None


def _links(lines: Iterable[Header]) -> dict[str, str]:
    """Return the headers that tell a thread, by these headers alone: `Threads` reads no more of a message."""
    first = _first(lines)
    return {name: headers.text(first.get(name, b"")).text for name in (*_IDS, "subject")}


def _nodes(links: dict[str, str]) -> list[int]:
    ids = (_ID.findall(links.get(name, "")) for name in _IDS)
    names = [f"id:{id_}" for id_ in chain.from_iterable(ids)]
    subject = base_subject(links.get("subject", ""))
    names += [f"subject:{subject}"] if subject else []
    return [int(hashing.digest(name)[:16], 16) for name in names]
