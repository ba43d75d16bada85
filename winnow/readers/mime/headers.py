"""Headers as people read them: encoded words (RFC 2047), raw bytes (RFC 6532 and older), parameters (RFC 2231).

Python's `email.header` gives up on a word with a wrong charset or odd base64, and reads charset names as its own
codecs.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import regex

from winnow.readers import charsets
from winnow.readers.charsets import Decoded
from winnow.readers.mime import transfer

LONGEST = 10_000  # characters of a header whose parameters are read
_WORD = re.compile(rb"=\?([^?\s]{1,100})\?([bBqQ])\?")
_TYPE = re.compile(r"\s*+([\w.+-]++/[\w.+-]++)")
_PARAMETER = regex.compile(
    r"""[;\s]([^\s=;"*]{1,100})(?:\*(\d{1,3}))?(\*)?\s{0,20}=\s{0,20}(?:"((?:[^"\\]|\\.)*+)"?|([^;\s]*+))""", regex.S
)


class Header(NamedTuple):
    """A header as it came."""

    name: str
    value: bytes


class Word(NamedTuple):
    """A piece of a header: an encoded word, or what stands between two (`charset` is None)."""

    charset: str | None
    data: bytes


class Value(NamedTuple):
    """A header with parameters: `text/plain; charset=utf-8`."""

    value: str  # in lower case; empty where it is none
    parameters: dict[str, str]  # by name in lower case


def text(data: bytes, likely: Sequence[str] = ()) -> Decoded:
    """Return a header's bytes as text: unfolded, encoded words decoded."""
    data = re.sub(rb"[\r\n]++[ \t]*+", b" ", data).strip()
    if b"=?" not in data:
        return charsets.decode(data, None, likely)
    texts, doubts = [], []
    for charset, same in groupby(_words(data), key=lambda word: word.charset and word.charset.lower()):
        decoded = _decoded(charset, [word.data for word in same], likely)
        texts.append(decoded.text)
        doubts += [decoded.doubt] if decoded.doubt else []
    return Decoded("".join(texts), "; ".join(dict.fromkeys(doubts)) or None)


def _words(data: bytes) -> Iterable[Word]:
    """Yield the pieces of a header; white space between two encoded words is none of its text."""
    position, after_word = 0, False
    while match := _WORD.search(data, position):
        end = data.find(b"?=", match.end())
        if end < 0:
            break
        between = data[position : match.start()]
        if between and not (after_word and between.isspace()):
            yield Word(None, between)
        decoded = _undone(match[2], data[match.end() : end])
        name = match[1].decode("ascii", "replace")
        after_word = decoded is not None and not (b"\0" in decoded and not charsets.codecs_of(name))
        yield Word(name, decoded) if after_word else Word(None, data[match.start() : end + 2])
        position = end + 2
    if position < len(data):
        yield Word(None, data[position:])


def _undone(encoding: bytes, data: bytes) -> bytes | None:
    """Return the bytes of an encoded word; None where it holds none."""
    if encoding in b"bB":
        decoded = transfer.base64(data)
        return decoded if decoded or not data.strip() else None
    return re.sub(rb"=([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), data.replace(b"_", b" "))


def _decoded(charset: str | None, data: list[bytes], likely: Sequence[str]) -> Decoded:
    """Decode words of one charset: each by itself or, where a character or a shift was split between two, together."""
    shifts = charset is not None and charsets.codecs_of(charset) == (charsets.ISO_2022_JP,)
    if len(data) > 1 and not shifts:
        apart = [charsets.decode(word, charset, likely) for word in data]
        if not any(one.doubt for one in apart):
            return Decoded("".join(one.text for one in apart))
    return charsets.decode(b"".join(data), charset, likely)


def stored(lines: Sequence[Header], name: str) -> bytes | None:
    """Return the first header of a name, which is in lower case."""
    return next((value for key, value in lines if key.lower() == name), None)


def field(lines: Sequence[Header], name: str) -> Value:
    """Return a header and its parameters; the first of its name counts."""
    return _field(name, (stored(lines, name) or b"")[:LONGEST])


@lru_cache(maxsize=1000)
def _field(name: str, value: bytes) -> Value:
    line = charsets.decode(value, None).text
    kind = _TYPE.match(line) if name == "content-type" else re.match(r"\s*+([\w.+-]++)", line)
    return Value(kind[1].lower() if kind else "", _parameters(line) if "=" in line else {})


def _parameters(line: str) -> dict[str, str]:
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, number, encoded, quoted, bare in _PARAMETER.findall(line):
        value = re.sub(r"\\(.)", r"\1", quoted, flags=re.S) if quoted else bare
        if number or encoded:
            pieces.setdefault(name.lower(), {}).setdefault(int(number or 0), (bool(encoded), value))
        else:
            plain.setdefault(name.lower(), value)
    for name, parts in pieces.items():
        plain[name] = _joined([parts[number] for number in sorted(parts)])
    return plain


def _joined(parts: list[tuple[bool, str]]) -> str:
    """Return a value that was written in parts, each as it stands or as bytes of a charset: `utf-8'de'%C3%A4`."""
    charset = None
    if parts[0][0] and parts[0][1].count("'") >= 2:
        charset, _, first = parts[0][1].split("'", 2)
        parts = [(True, first), *parts[1:]]
    data = [
        re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), value.encode())
        if encoded
        else value.encode()
        for encoded, value in parts
    ]
    return charsets.decode(b"".join(data), charset or None).text


def file_name(lines: Sequence[Header]) -> str | None:
    """Return the name that a part has as a file."""
    told = field(lines, "content-disposition").parameters.get("filename")
    told = told or field(lines, "content-type").parameters.get("name")
    return text(told.encode()).text if told else None
