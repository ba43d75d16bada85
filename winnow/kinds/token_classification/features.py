"""Features of words and of their neighbours, hashed: what a linear model of tags reads.

Of each word its form, its form in lower case, its shape, its prefixes and suffixes; of each neighbour up to two words
away, its form in lower case, its shape and a suffix; and the word joined with the one before and the one behind. These
are the usual features of a tagger (Ratnaparkhi 1996). They are hashed (Weinberger et al. 2009) once for each different
word, so that a word costs a few additions.
"""

import re
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from winnow.kinds.token_classification.layout import Layout

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BITS = 18  # of a feature's number; features fall together by chance
COLUMNS = 2**BITS
AFFIXES = (1, 2, 3, 4)  # characters
REACH = 2  # words before and behind
EDGE = 0  # the form that stands beyond the first and the last word of a row
_RUN = re.compile(r"(.)\1+")
_MIX = np.uint64(0x9E3779B97F4A7C15)  # of Fibonacci hashing: spreads sums over all bits


class Forms:
    """The forms of words, each a number, and their features."""

    def __init__(self, texts: Sequence[str], layout: Layout) -> None:
        """Number the forms of all words of texts, which are read in their order."""
        self._layout = layout
        numbers: dict[str, int] = {"": EDGE}
        self.of_words = np.empty(len(layout.offsets), np.int32)
        at = 0
        for row, text in enumerate(texts):
            for start, end in layout.offsets[layout.own(row)].tolist():
                self.of_words[at] = numbers.setdefault(text[start:end], len(numbers))
                at += 1
        self._own = np.array([_own(form) for form in numbers], np.uint64)
        self._far = np.array([_far(form) for form in numbers], np.uint64)

    def matrix(self, places: np.ndarray) -> "csr_matrix":
        """Return the features of some words, (some, `COLUMNS`) float32, ones and zeros; `places` is (some,) int."""
        from scipy.sparse import csr_matrix

        near = {}
        for step in range(-REACH, REACH + 1):
            beside, is_there = self._layout.beside(places, step)
            near[step] = np.where(is_there, self.of_words[beside], EDGE)
        parts = [self._own[near[0]]]
        parts += [self._far[forms] + np.uint64(_hash(f"at {step}")) for step, forms in near.items() if step]
        lower = self._far[:, 0]
        for one, other in ((-1, 0), (0, 1), (-1, 1)):
            pair = lower[near[one]] * np.uint64(31) + lower[near[other]] + np.uint64(_hash(f"pair {one} {other}"))
            parts.append(pair[:, None])
        hashed = np.hstack(parts) * _MIX >> np.uint64(64 - BITS)
        width = hashed.shape[1]
        pointers = np.arange(0, len(places) * width + 1, width)
        ones = np.ones(hashed.size, np.float32)
        return csr_matrix((ones, hashed.ravel().astype(np.int32), pointers), (len(places), COLUMNS))


def shape(form: str) -> str:
    """Return a word's shape: X, x and 0 for capital letters, others and digits; of runs one."""
    signs = "".join(
        "0" if sign.isdigit() else "X" if sign.isupper() else "x" if sign.isalpha() else sign for sign in form
    )
    return _RUN.sub(r"\1", signs)


def _own(form: str) -> list[int]:
    lower = form.lower()
    told = [f"form {form}", f"lower {lower}", f"shape {shape(form)}", f"length {min(len(form), 12)}"]
    told += [f"starts {size} {lower[:size]}" for size in AFFIXES]
    told += [f"ends {size} {lower[-size:]}" for size in AFFIXES]
    return [_hash(each) for each in told]


def _far(form: str) -> list[int]:
    lower = form.lower()
    return [_hash(f"far {lower}"), _hash(f"far shape {shape(form)}"), _hash(f"far ends {lower[-3:]}")]


def _hash(told: str) -> int:
    data = told.encode("utf-8", "surrogatepass")
    return zlib.crc32(data) << 32 | zlib.adler32(data)
