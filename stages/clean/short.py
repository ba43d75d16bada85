"""Texts that are too short. Only those that may be become Python objects."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.text.cleaning.unicode import SPACE
from winnow.text.words import words

# What surely begins a word of its own wherever it stands: letters of scripts without spaces, no marks among them.
_ALONE = (
    r"\x{3041}-\x{3096}\x{3400}-\x{4dbf}\x{4e00}-\x{9fff}"  # Hiragana, Han
    r"\x{e01}-\x{e2e}\x{e94}-\x{e97}\x{e99}-\x{e9f}\x{1780}-\x{17a2}\x{1000}-\x{1020}"  # Thai, Lao, Khmer, Burmese
)
# Between white space stands a word, at least one, if a letter does. Not so what Unicode calls letters too: an
# apostrophe, fillers of Hangul, the tatweel, and the voiced marks of halfwidth Katakana, which become marks.
_NO_LETTER = r"\PL\x{2bb}\x{2bc}\x{640}\x{115f}\x{1160}\x{3164}\x{ffa0}\x{ff9e}\x{ff9f}"


def empty(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return which texts are white space alone."""
    return pc.equal(pc.utf8_trim_whitespace(texts), "")


def fewer_words(texts: pa.ChunkedArray, least: int) -> tuple[pa.Array, list[int]]:
    """Return which texts have fewer words than `least`, and how many each of these has."""
    sure = pc.match_substring_regex(texts, surely(least)).to_numpy(zero_copy_only=False)
    unsure = np.flatnonzero(~sure)
    counts = np.array([len(words(text)) for text in texts.take(unsure).to_pylist()], int)
    short = np.zeros(len(texts), bool)
    short[unsure] = counts < least
    return pa.array(short), counts[counts < least].tolist()


def surely(least: int) -> str:
    """Return an RE2 pattern that matches nearly all texts of so many words, and no other; it ends at the word that
    suffices."""
    letter = f"[^{_NO_LETTER}]"
    next_word = f"[^{SPACE[1:-1]}{_ALONE}]*(?:[{_ALONE}]|{SPACE}[{_NO_LETTER}]*{letter})"
    return f"(?s){letter}(?:{next_word}){{{least - 1}}}"
