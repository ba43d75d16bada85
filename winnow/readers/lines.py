"""Lines of text of any encoding, and with line ends of any system."""

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from winnow.base.errors import UserError
from winnow.readers import MAX_DOCUMENT, MEND_ENCODING, UTF_8

# A mark at the start of a file says its encoding, whatever else was said: no text begins with these bytes by chance.
# UTF-32's begins with UTF-16's.
MARKS = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MARK = "\ufeff"
HEAD = 2**16  # bytes that are looked at for the first line's end
END = re.compile("\r\n|\n|\r")


def marked(head: bytes) -> str | None:
    """Return the encoding that a file's first bytes declare, if they do."""
    return next((name for mark, name in MARKS if head.startswith(mark)), None)


def lines(stream: IO[bytes], where: str, encoding: str, mend: str = MEND_ENCODING) -> Iterator[str]:
    """Yield lines with their ends; only the first line's end tells whether a carriage return alone ends lines.

    Args:
        encoding: where no byte-order mark says it.
        mend: what to do about bytes of another one.

    Raises:
        UserError: a byte is not of the encoding, or a line is longer than any document.
    """
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)
    head = buffered.peek(HEAD)
    encoding = marked(head) or encoding
    end = END.search(head.decode(encoding, "ignore"))
    is_old = end is not None and end[0] == "\r"
    if encoding == UTF_8 and not is_old:
        yield from _utf8(buffered, where, mend)
        return
    number = 0
    text = io.TextIOWrapper(buffered, encoding, newline="" if is_old else "\n")
    try:
        while line := text.readline(MAX_DOCUMENT):
            number += 1
            if len(line) == MAX_DOCUMENT:
                raise _too_long(where, number, "characters")
            yield line.removeprefix(MARK) if number == 1 else line
    except UnicodeError as error:
        raise UserError(f"{where}: after line {number}: not {encoding.upper()}; {mend}") from error
    finally:
        with suppress(ValueError):  # closed already, by whoever opened it: it is not this function's to close
            text.detach()


def _utf8(stream: IO[bytes], where: str, mend: str) -> Iterator[str]:
    offset = number = 0
    while raw := stream.readline(MAX_DOCUMENT):
        number += 1
        if len(raw) == MAX_DOCUMENT:
            raise _too_long(where, number, "bytes")
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"{where}: byte {offset + error.start} is not UTF-8; {mend}") from None
        yield line.removeprefix(MARK) if offset == 0 else line
        offset += len(raw)


def _too_long(where: str, number: int, unit: str) -> UserError:
    return UserError(f"{where}: line {number} is longer than {MAX_DOCUMENT} {unit}; mend the format or the file")
