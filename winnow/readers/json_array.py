"""A file that is one JSON array of objects, an object at a time."""

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

import regex

from winnow.base.errors import UserError
from winnow.readers import MAX_DOCUMENT, MEND_ENCODING
from winnow.readers.jsonl import CONSTANTS, Line, sole
from winnow.readers.lines import MARK, marked

CHUNK = 2**20  # characters
_SPACE = regex.compile(r"[ \t\r\n]*+")


def begins(head: bytes, encoding: str) -> bool:
    """Return whether a file begins as an array; `head` is its first bytes."""
    text = head.decode(marked(head) or encoding, "ignore").removeprefix(MARK)
    return text.lstrip().startswith("[")


def objects(stream: io.BufferedReader, where: str, encoding: str) -> Iterator[Line]:
    """Yield each item's place, and its object or why it is none.

    Raises:
        UserError: the array is broken, so that nobody can tell where its next item begins; a byte is not of the
            encoding; or an item is longer than any document.
    """
    text = io.TextIOWrapper(stream, marked(stream.peek(4)) or encoding, newline="")
    try:
        yield from _Array(text, where).items()
    except UnicodeError:
        raise UserError(f"{where}: not {encoding.upper()}; {MEND_ENCODING}") from None
    finally:
        with suppress(ValueError):  # closed already, by whoever opened it
            text.detach()


class _Array:
    """An array that is read on as far as its next item needs."""

    def __init__(self, stream: IO[str], where: str) -> None:
        self._stream, self._where = stream, where
        self._text, self._at, self._number = stream.read(CHUNK).removeprefix(MARK), 0, 0
        self._strict = json.JSONDecoder(object_pairs_hook=sole, parse_constant=CONSTANTS.get)
        self._plain = json.JSONDecoder(parse_constant=CONSTANTS.get)

    def items(self) -> Iterator[Line]:
        self._sign()
        self._at += 1
        is_last = self._sign() == "]"
        self._at += is_last
        while not is_last:
            self._number += 1
            yield self._item()
            sign = self._sign()
            if sign not in (",", "]"):
                raise self._broken("a comma or the array's end is missing behind it")
            self._at += 1
            is_last = sign == "]"
            self._sign()
        if self._sign():
            raise UserError(f"{self._where}: more stands behind the JSON array; make it one, or JSON Lines")

    def _item(self) -> Line:
        place = f"{self._where}, item {self._number}"
        while True:
            try:
                values, self._at = self._strict.raw_decode(self._text, self._at)
                break
            except json.JSONDecodeError as error:
                if not self._more():
                    raise self._broken(f"not valid JSON: {error.msg}") from None
            except RecursionError as error:
                raise self._broken(str(error)) from None
            except ValueError as error:  # a key stands twice: where the item ends is known all the same
                self._at = self._plain.raw_decode(self._text, self._at)[1]
                return Line(place, None, f"not valid JSON: {error}")
        return Line(place, values, None) if isinstance(values, dict) else Line(place, None, "not a JSON object")

    def _sign(self) -> str:
        """Return the next sign that is no white space, "" at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def _more(self) -> bool:
        rest = self._text[self._at :]
        if len(rest) > MAX_DOCUMENT:
            raise self._broken(f"longer than {MAX_DOCUMENT} characters, or not valid JSON")
        # As much again, so that a long item is tried few times.
        read = self._stream.read(max(CHUNK, len(rest)))
        self._text, self._at = rest + read, 0
        return bool(read)

    def _broken(self, reason: str) -> UserError:
        return UserError(f"{self._where}: item {self._number}: {reason}; nothing behind it can be read; mend the file")
