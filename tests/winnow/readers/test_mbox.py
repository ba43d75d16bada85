"""Where the messages of an mbox begin, and how their lines were kept."""

import io
import itertools
import mailbox
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.readers import mbox

LINE = b"From ann@example.org Mon Jan  5 09:12:01 2026\n"


def messages(data: bytes) -> list[bytes | str]:
    return [message if problem is None else problem for _, message, problem in mbox.split_mbox(io.BytesIO(data), "m")]


def a(number: int, text: bytes = b"text\n", headers: bytes = b"") -> bytes:
    return b"Subject: %d\n%s\n%s" % (number, headers, text)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (LINE + a(1) + b"\n" + LINE + a(2), [a(1) + b"\n", a(2)]),
        (LINE + a(1) + LINE + a(2) + LINE + a(3), [a(1), a(2), a(3)]),  # no blank line between them
        (LINE + a(1) + LINE + LINE + a(2), [a(1), b"", a(2)]),
        (b"\xef\xbb\xbf" + LINE + a(1), [a(1)]),
        (b"\n\r\n \n" + LINE + a(1), [a(1)]),
        ((LINE + a(1) + LINE + a(2)).replace(b"\n", b"\r\n"), [a(n).replace(b"\n", b"\r\n") for n in (1, 2)]),
        (LINE + a(1, b"cut off"), [a(1, b"cut off")]),
        (LINE + b"Subject: 1", [b"Subject: 1"]),
        (LINE, [b""]),
        (b"", []),
        (b"\n \n", []),
        # what only looks like a beginning
        (LINE + a(1, b"\nFrom here on: text\n\nmore\n"), [a(1, b"\nFrom here on: text\n\nmore\n")]),
        (LINE + a(1, b"\nFrom Monday on\nNote: text\n"), [a(1, b"\nFrom Monday on\nNote: text\n")]),
        (LINE + a(1, LINE + b"is what an mbox has\n"), [a(1, LINE + b"is what an mbox has\n")]),
        (LINE + a(1, b"\n" + LINE + b"\nx\n"), [a(1, b"\n" + LINE + b"\nx\n")]),
        (LINE + a(1, b"From: Ann\n"), [a(1, b"From: Ann\n")]),
        # quoted lines
        (LINE + a(1, b">From me\n>>From you\n> From\n>From\n"), [a(1, b"From me\n>From you\n> From\n>From\n")]),
        # Content-Length
        (
            LINE + a(1, LINE + a(9), b"Content-Length: %d\n" % len(LINE + a(9))) + b"\n" + LINE + a(2),
            [a(1, LINE + a(9), b"Content-Length: %d\n" % len(LINE + a(9))) + b"\n", a(2)],
        ),
        (
            LINE + a(1, LINE + b">From x\n" + a(9), b"Content-Length: %d\n" % len(LINE + b">From x\n" + a(9))),
            [a(1, LINE + b">From x\n" + a(9), b"Content-Length: %d\n" % len(LINE + b">From x\n" + a(9)))],
        ),
        (
            LINE + a(1, b">From x\n", b"content-length: 8\n") + LINE + a(2),
            [a(1, b"From x\n", b"content-length: 8\n"), a(2)],
        ),
        (LINE + a(1, b"x\n", b"Content-Length: 3\n") + LINE + a(2), [a(1, b"x\n", b"Content-Length: 3\n"), a(2)]),
        (LINE + a(1, b"x\n", b"Content-Length: 999\n") + LINE + a(2), [a(1, b"x\n", b"Content-Length: 999\n"), a(2)]),
        (LINE + a(1, b"x\n", b"Content-Length: 0\n") + LINE + a(2), [a(1, b"x\n", b"Content-Length: 0\n"), a(2)]),
        (LINE + a(1, b"Content-Length: 1\n\nab\n") + LINE + a(2), [a(1, b"Content-Length: 1\n\nab\n"), a(2)]),
    ],
)
def test_messages(data, expected):
    assert messages(data) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"From ann@example.org Mon Jan  5 09:12:01 2026",
        b"From - Mon Jan 05 09:12:01 2026",
        b"From MAILER-DAEMON Mon Jan  5 09:12:01 2026",
        b"From ann@example.org  Mon Jan  5 09:12 2026",
        b"From ann@example.org Mon Jan  5 09:12:01 MET 2026",
        b"From 1582@xxx Mon Jan 05 09:12:01 +0000 2026",
        b"From ann@example.org Mon Jan  5 09:12:01 2026 remote from host",
        b"From ann@example.org Mon, 5 Jan 2026 09:12:01 +0100",
        b"From ann@example.org 5 Jan 2026 09:12:01",
        b"From ann at example.org  Mon Jan  5 09:12:01 2026",
        b'From "ann smith"@example.org mon jan  5 09:12:01 2026',
        b"From ann@example.org 2026-01-05 09:12:01",
        b"From ann@example.org 2026-01-05T09:12:01Z",
    ],
)
def test_lines_that_begin_a_message(line):
    assert messages(LINE + a(1) + line + b"\n" + a(2)) == [a(1), a(2)]


@pytest.mark.parametrize("line", [b"From x", b"From ann@example.org", b"From -"])
def test_a_line_without_a_date_begins_one_after_a_blank_line(line):
    assert messages(LINE + a(1) + b"\n" + line + b"\n" + a(2)) == [a(1) + b"\n", a(2)]
    assert len(messages(LINE + a(1) + line + b"\n" + a(2))) == 1


def test_a_file_that_is_none():
    with pytest.raises(UserError, match=r"^m: no mbox: it must begin with a line 'From …'"):
        messages(b"Subject: x\n\n" + LINE)


def test_a_message_that_is_too_long(monkeypatch):
    monkeypatch.setattr(mbox, "MAX_DOCUMENT", 100)
    box = LINE + a(1, b"x\n" * 60) + LINE + a(2) + LINE + a(3, b"y" * 300)
    assert messages(box) == ["longer than 100 bytes", a(2), "longer than 100 bytes"]


TEXT = st.text(st.characters(codec="ascii", exclude_categories=["Cc"], include_characters="\n>"), max_size=60)


@given(st.lists(st.one_of(TEXT, st.sampled_from(["From me to you\n", ">From x\n", "\n", "From:\n"])), max_size=5))
def test_what_pythons_own_mailbox_writes_is_read(texts):
    folder = io.BytesIO()
    for number, text in enumerate(texts):
        message = mailbox.mboxMessage(f"Subject: {number}\n\n{text}\n")
        body = message.as_bytes(unixfrom=False)
        folder.write(LINE + body.replace(b"\nFrom ", b"\n>From ") + b"\n")
    found = messages(folder.getvalue())
    assert [message.split(b"\n")[0] for message in found] == [b"Subject: %d" % number for number in range(len(texts))]
    assert [message.split(b"\n\n", 1)[1].replace(b">From", b"From").strip() for message in found] == [
        text.replace(">From", "From").strip().encode() for text in texts
    ]


@given(
    st.binary(max_size=300),
    st.lists(st.sampled_from([LINE, b"A: b\n", b"\n", b"Content-Length: 9\n", b"x\n"]), max_size=9),
)
def test_no_bytes_raise_and_none_is_lost(data, lines):
    box = LINE + b"".join(lines) + data

    def texts(lines: bytes) -> Counter:
        return Counter(line.lstrip(b">") for line in lines.split(b"\n") if not line.startswith(b"From "))

    assert not texts(box) - texts(b"\n".join(messages(box)))


def test_messages_are_read_as_they_come():
    class Endless(io.RawIOBase):
        def __init__(self):
            self.lines = itertools.cycle((LINE + a(1)).splitlines(keepends=True))

        def readline(self, size=-1):
            return next(self.lines)

    found = mbox.split_mbox(Endless(), "m")
    assert [next(found)[1] for _ in range(1000)] == [a(1)] * 1000
