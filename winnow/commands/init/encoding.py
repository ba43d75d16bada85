"""The encoding of text of which nothing says it: by its byte-order mark, its zero bytes, or what makes sense of it.

UTF-8 is certain, for no other encoding's text is valid UTF-8 by chance. Of the others, the one counts in which the
model of languages (`winnow.text.language`) is surest of what it reads, and in which no letters of two scripts or cases
stand within a word. That is a guess: the table of what was found shows it, and `--encoding` overrules it.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import pairwise

from winnow.base.errors import UserError
from winnow.readers import UTF_8, lines
from winnow.text import language

# Of two that make as much sense, the first.
CANDIDATES = "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 koi8-r cp932 euc_jp gb18030 big5 cp949".split()
SAMPLE = 1500  # characters outside of ASCII and around it, from which an encoding is told
PIECE = 200  # characters whose language is told at once
CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
BINARY = "binary, neither text nor Parquet; export it as CSV, JSON Lines or Parquet"
HEAD = 4096  # bytes whose zeros tell UTF-16 without a mark
PREFERENCE = 0.1  # for the first, which most exports of that age are in
MIXTURE = 5  # times that a character out of place counts, as a share of all
JAPANESE = ("HIRAGANA", "KATAKANA")
ICELANDIC = re.compile("[ðþ]", re.IGNORECASE)  # what Turkish is in cp1252


def of_bytes(blocks: Iterable[bytes], where: str) -> str:
    """Return the encoding of a file's bytes, by Python's name.

    Raises:
        UserError: they are no text, or of no encoding of `CANDIDATES`.
    """
    decoder = codecs.getincrementaldecoder(UTF_8)()
    first, beyond = True, bytearray()
    for block in blocks:
        if first and (known := _by_its_head(block, where)):
            return known
        first = False
        if not beyond:
            try:
                decoder.decode(block)
                continue
            except UnicodeDecodeError:
                pass
        beyond += b"\n".join(line for line in block.split(b"\n") if not line.isascii())
        if len(beyond) >= 2 * SAMPLE:
            break
    if not beyond:
        return UTF_8
    scores = {name: _sense(bytes(beyond), name) for name in CANDIDATES}
    best = max(scores, key=scores.get)
    if scores[best] < -1:
        raise UserError(f"{where}: neither UTF-8 nor any encoding that reads as text; name it by --encoding")
    return best


def _by_its_head(block: bytes, where: str) -> str | None:
    if known := lines.marked(block):
        return known
    head = block[:HEAD]
    zeros = [head[start::2].count(0) for start in (0, 1)]
    if sum(zeros) == 0:
        if len(CONTROL.findall(head)) <= len(head) / 100:
            return None
        raise UserError(f"{where}: {BINARY}")
    for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if zeros[start] > len(head) / 8 and zeros[1 - start] < zeros[start] / 8:
            return name
    raise UserError(f"{where}: {BINARY}")


def _sense(data: bytes, encoding: str) -> float:
    """Return how much sense bytes make in an encoding: 1 and more is text, below -1 is none."""
    # The last character may be cut.
    text = codecs.getincrementaldecoder(encoding)("replace").decode(data)[:SAMPLE]
    pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
    told = language.detect(pieces)
    sure = sum(probability for _, probability in told) / max(len(told), 1)  # none of half a character
    pairs = [(one, two) for one, two in pairwise(text) if one.isalpha() and two.isalpha()]
    wrong = sum(_script(one) != _script(two) or (one.islower() and two.isupper()) for one, two in pairs)
    wrong += sum(char == "\ufffd" or _is_odd(char) for char in text)
    if not {code for code, _ in told} & {"is", "fo"}:
        wrong += len(ICELANDIC.findall(text))
    preference = PREFERENCE if encoding == CANDIDATES[0] else 0
    return sure + preference - MIXTURE * wrong / max(len(text), 1)


@cache
def _is_odd(char: str) -> bool:
    """Return whether a character is neither ASCII nor one that stands in running text."""
    return ord(char) > 127 and not char.isalpha() and unicodedata.category(char)[0] not in "MPZ" and char not in "€£°§©"


@cache
def _script(char: str) -> str:
    script = unicodedata.name(char, "?").split()[0]
    return "CJK" if script in JAPANESE else script
