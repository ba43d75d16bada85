"""Bytes changed at random, as text, as JSON and as what an archive holds; equal seeds give equal changes."""

import json
from collections.abc import Callable, Sequence
from random import Random

# What readers of many formats stumble over: odd characters, numbers at the edge of a type, line ends, marks.
TOKENS = (
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\x0b",
    b"\x0c",
    b"\x1c",
    b"\x85",
    b'"',
    b"'",
    b",",
    b";",
    b"\t",
    b"|",
    b"\\",
    b"=",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xff\xfe\0\0",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\\u0000",
    b"\xc3",
    b"\x80",
    "\u2028".encode(),
    "\u202e".encode(),
    "\u00ad".encode(),
    "\u200b".encode(),
    "e\u0301".encode(),
    "\U0001f469\u200d".encode(),
    b"NaN",
    b"Infinity",
    b"-0",
    b"1e999",
    b"9" * 400,
    b"9223372036854775808",
    b"-1",
    b"null",
    b"[]",
    b"{}",
    b"true",
    b"0000-00-00",
    b"9999-12-31",
    b"2021-02-30",
    b"<!--",
    b"]]>",
    b"&#0;",
    b"&amp;",
    b"<",
    b">",
    b"%",
    b"{",
    b"}",
    b"[" * 2000,
)
VALUES = (
    None,
    True,
    False,
    0,
    -1,
    2**63,
    10**400,
    0.5,
    float("nan"),
    float("inf"),
    "",
    "\ud800",
    "\0",
    " ",
    "9" * 5000,
)
LONGEST = 100_000  # bytes: what takes ten seconds of so few is a hang
MOST_REPEATS = 4000


def mutated(data: bytes, others: Sequence[bytes], tokens: Sequence[bytes], random: Random) -> bytes:
    """Return bytes changed in one place to a few.

    Args:
        others: whole inputs, of which parts are taken over.
        tokens: what the format in question knows, beside `TOKENS`.
    """
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        data = random.choice(CHANGES)(data, others, (*TOKENS, *tokens, *tokens), random)
    return data[:LONGEST]


def _at(data: bytes, random: Random) -> int:
    return random.randrange(len(data) + 1)


def _part(data: bytes, random: Random) -> tuple[int, int]:
    start = _at(data, random)
    return start, min(len(data), start + random.choice((1, 2, 4, 16, 64, 256)))


def _flip(data: bytes, others: Sequence[bytes], tokens: Sequence[bytes], random: Random) -> bytes:
    if not data:
        return data
    place = random.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << random.randrange(8))]) + data[place + 1 :]


def _insert(data: bytes, others: Sequence[bytes], tokens: Sequence[bytes], random: Random) -> bytes:
    place = _at(data, random)
    return data[:place] + random.choice(tokens) + data[place:]


def _replace(data: bytes, others: Sequence[bytes], tokens: Sequence[bytes], random: Random) -> bytes:
    start, end = _part(data, random)
    return data[:start] + random.choice(tokens) + data[end:]


def _remove(data: bytes, others: Sequence[bytes], tokens: Sequence[bytes], random: Random) -> bytes:
    start, end = _part(data, random)
    return data[:start] + data[end:]


def _cut(data: bytes, others: Sequence[bytes], tokens: Sequence[bytes], random: Random) -> bytes:
    return data[: _at(data, random)]


def _repeat(data: bytes, others: Sequence[bytes], tokens: Sequence[bytes], random: Random) -> bytes:
    start, end = _part(data, random)
    return data[:start] + data[start:end] * random.choice((2, 3, 50, MOST_REPEATS)) + data[end:]


def _splice(data: bytes, others: Sequence[bytes], tokens: Sequence[bytes], random: Random) -> bytes:
    other = random.choice(others)
    return data[: _at(data, random)] + other[_at(other, random) :]


def _swap_lines(data: bytes, others: Sequence[bytes], tokens: Sequence[bytes], random: Random) -> bytes:
    lines = data.splitlines(keepends=True)
    random.shuffle(lines)
    return b"".join(lines)


def _other_json(data: bytes, others: Sequence[bytes], tokens: Sequence[bytes], random: Random) -> bytes:
    """Put another value in some place of a JSON text, or of one of its lines."""
    lines = data.split(b"\n")
    number = random.randrange(len(lines))
    try:
        value = json.loads(data)
        return json.dumps(_other_value(value, random)).encode()
    except (ValueError, RecursionError):
        pass
    try:
        lines[number] = json.dumps(_other_value(json.loads(lines[number]), random)).encode()
    except (ValueError, RecursionError):
        return data
    return b"\n".join(lines)


def _other_value(value: object, random: Random) -> object:
    if isinstance(value, dict) and value and random.random() < 0.8:
        key = random.choice(sorted(value))
        if random.random() < 0.1:
            return {name: inner for name, inner in value.items() if name != key}
        return {**value, key: _other_value(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.8:
        place = random.randrange(len(value))
        return [*value[:place], _other_value(value[place], random), *value[place + 1 :]]
    return random.choice((*VALUES, [value], {"a": value}, [], {}, str(value)[:50]))


CHANGES: tuple[Callable[..., bytes], ...] = (
    _flip,
    _insert,
    _insert,
    _replace,
    _replace,
    _remove,
    _cut,
    _repeat,
    _splice,
    _swap_lines,
    _other_json,
    _other_json,
)
