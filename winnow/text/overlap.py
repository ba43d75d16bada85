"""Overlap: how much of some texts (a benchmark, the rows of dev) stands in others, which train, by runs of words.

A word of a text is *covered* if it stands in a run of `words` words that also stands in a row which trains. Runs of 13
words are those of GPT-3 (Brown et al. 2020, appendix C), as is the shorter run for a text that has fewer words, down to
`SHORTEST`; that a run which stands in many texts is common property and no evidence is theirs too. The share of a
text's words that are covered is the measure of Llama 2 and 3, and so are its bounds of 20 % and 80 % (Touvron et al.
2023, appendix A.6; Dubey et al. 2024, section 5.1.4). Words are those of `winnow.text.words`: case, punctuation and
Unicode form do not count. Of a text in a script without spaces, where each character is a word, a run has twice as
many.

A run is known by 64 bits of its hash. Memory holds 16 MiB, some 30 bytes for each word of the texts that are looked
for, and 100 for each text that holds a run of them; rows are read twice, in batches.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numba import njit
from pydantic import Field

from winnow.base import params
from winnow.text import sketch

SHORTEST = 8  # words of a run of a text that has no more; a shorter text is not looked for
CHARACTERS = 2  # of a script without spaces, for each word of a run
SOME, MOST = 0.2, 0.8  # up to the first Touvron et al. call a text clean, from the second on dirty
_PRIME, _SEED = np.uint64(0x100000001B3), np.uint64(0x9E3779B97F4A7C15)  # of FNV-1a; 2**64 by the golden ratio
_BITS = 24  # of a hash, by which most of the runs that nobody looks for are told at once


class Runs(params.Section):
    """Runs of words by which two texts are found to overlap."""

    words: int = Field(13, ge=4)
    """Words of a run; in scripts without spaces twice as many characters. Of a text with fewer words the whole is one
    run, down to eight words; shorter ones say nothing. Fewer find more that is alike by chance."""

    share: float = Field(0.8, gt=0, le=1)
    """From this share of its words in such runs on, a text stands in a row."""

    common: int = Field(10, ge=1)
    """A run that stands in more different texts than this is a phrase of many, and no evidence. Rows of one text, as of
    a prompt with many responses, count once."""


class Watched:
    """The texts that are looked for.

    Attributes:
        counts: (texts,) int64, their words.
        lengths: (texts,) int64, words of their runs; 0: the text is too short to be looked for.
    """

    def __init__(self, batches: Iterable[pa.Array], runs: Runs) -> None:
        """Read them.

        Args:
            batches: (rows,) string without nulls each.
        """
        counts, lengths, starts, hashes, first = [], [], [], [], 0
        for texts in batches:
            read = sketch.words(texts)
            counts.append(np.diff(read.offsets))
            lengths.append(_lengths(counts[-1], read.unspaced, runs.words))
            for length, rows, places, found in _windows(read, _distinct(lengths[-1])):
                of_it = lengths[-1][rows] == length
                starts.append(places[of_it] + first)
                hashes.append(found[of_it])
            first += len(read.hashes)
        self.counts, self.lengths = (np.concatenate([np.empty(0, np.int64), *each]) for each in (counts, lengths))
        self._wanted = _distinct(self.lengths)
        self._offsets = np.concatenate([[0], np.cumsum(self.counts)])
        found = np.concatenate([np.empty(0, np.uint64), *hashes])
        order = np.argsort(found, kind="stable")
        self._starts = np.concatenate([np.empty(0, np.int64), *starts])[order]
        self._known, firsts = np.unique(found[order], return_index=True)
        self._firsts = np.append(firsts, len(found))
        self._likely = np.zeros(1 << _BITS, bool)
        self._likely[_low(self._known)] = True

    def __len__(self) -> int:
        return len(self.counts)

    def find(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """Return which rows hold which runs, each pair once: (pairs,) int64 each; texts: (rows,) string."""
        read, count = sketch.words(texts), max(len(self._known), 1)
        pairs = [np.empty(0, np.int64)]
        for _, rows, _, found in _windows(read, self._wanted):
            maybe = np.flatnonzero(self._likely[_low(found)])
            place = np.searchsorted(self._known, found[maybe])
            place[place == len(self._known)] = 0
            is_known = self._known[place] == found[maybe]
            pairs.append(rows[maybe[is_known]] * count + place[is_known])
        return np.divmod(np.unique(np.concatenate(pairs)), count)

    def places(self, rows: np.ndarray, runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where in all words of the watched texts the runs begin that rows hold, sorted by row and place.

        Args:
            rows, runs: (pairs,) int64, as `find` returns them.
        """
        times = self._firsts[runs + 1] - self._firsts[runs]
        ends = np.cumsum(times)
        inner = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - times, times)
        starts = self._starts[np.repeat(self._firsts[runs], times) + inner]
        rows = np.repeat(rows, times)
        order = np.lexsort((starts, rows))
        return rows[order], starts[order]

    def covered(self, rows: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return how many words of which text each row covers: (pairs,) row, text and words, int64.

        Args:
            rows, starts: of runs, as `places` returns them.
        """
        texts = np.searchsorted(self._offsets, starts, side="right") - 1
        words = self.lengths[texts]
        same = (rows[1:] == rows[:-1]) & (texts[1:] == texts[:-1])
        words[:-1] = np.where(same, np.minimum(words[:-1], np.diff(starts)), words[:-1])
        first = np.flatnonzero(np.append(True, ~same)) if len(rows) else np.empty(0, np.int64)
        return rows[first], texts[first], np.add.reduceat(words, first) if len(first) else first

    def share(self, starts: np.ndarray) -> np.ndarray:
        """Return the share of each text's words that some runs cover, (texts,) float; `starts`: ascending."""
        _, texts, words = self.covered(np.zeros(len(starts), np.int64), starts)
        shares = np.zeros(len(self))
        shares[texts] = words / self.counts[texts]
        return shares

    @property
    def words(self) -> int:
        """How many words the texts have in all."""
        return int(self._offsets[-1])

    @property
    def known(self) -> int:
        """How many different runs they have."""
        return len(self._known)


@dataclass(frozen=True)
class Overlaps:
    """What of the watched texts stands in rows.

    Attributes:
        shares: (texts,) float, of the words that all rows together cover.
        rows, texts: (found,) int64, rows that hold a text and the text, in the order of rows, of one row the text first
            that is covered most.
        held: (found,) float, the share of its words.
    """

    shares: np.ndarray
    rows: np.ndarray
    texts: np.ndarray
    held: np.ndarray


def between(watched: Watched, read: Callable[[], Iterator[pa.Array]], runs: Runs) -> Overlaps:
    """Return what of the watched texts stands in rows.

    Args:
        read: yields the rows' texts, (rows,) string each, and the same once more when it is called again.
    """
    counts, seen_texts = np.zeros(watched.known, np.int64), set()
    for texts in read():
        rows, places = watched.find(texts)
        counts += np.bincount(places[_of_new(rows, texts, seen_texts)], minlength=watched.known)
    telling = counts <= runs.common
    seen, found, first = np.zeros(watched.words, bool), [np.empty((3, 0))], 0
    for texts in read():
        rows, places = watched.find(texts)
        rows, starts = watched.places(rows[telling[places]], places[telling[places]])
        seen[starts] = True
        found.append(_held(*watched.covered(rows, starts), watched, runs.share) + np.array([[first], [0], [0]]))
        first += len(texts)
    rows, texts, held = np.concatenate(found, axis=1)
    shares = watched.share(np.flatnonzero(seen))
    return Overlaps(shares, rows.astype(np.int64), texts.astype(np.int64), held)


def measure(watched: Watched, found: Overlaps, runs: Runs, of: slice = slice(None)) -> dict:
    """Return how much of some texts is covered, for a stage's metrics.

    Args:
        of: the texts that are told of.

    Returns:
        texts; too_short, those not looked for; covered, the share of the words of the others; how many of them are
        covered in part, from 20 % and from 80 % on, and from `runs.share` on; and how many rows hold one of them.
    """
    counts, told, shares = watched.counts[of], watched.lengths[of] > 0, found.shares[of]
    total = int(counts[told].sum())
    first, last, _ = of.indices(len(watched))
    return {
        "texts": len(told),
        "too_short": int((~told).sum()),
        "covered": float((shares * counts)[told].sum() / total) if total else 0.0,
        "any": int((shares > 0).sum()),
        "from_20_percent": int((shares >= SOME).sum()),
        "from_80_percent": int((shares >= MOST).sum()),
        "found": int((shares >= runs.share).sum()),
        "rows": len(np.unique(found.rows[(found.texts >= first) & (found.texts < last)])),
    }


def _held(rows: np.ndarray, texts: np.ndarray, words: np.ndarray, watched: Watched, share: float) -> np.ndarray:
    """Return which rows hold which texts and the share of these, as `Overlaps` has them: (3, found) float."""
    shares = words / watched.counts[texts]
    held = np.flatnonzero(shares >= share)
    order = held[np.lexsort((texts[held], -shares[held], rows[held]))]
    return np.stack([rows[order], texts[order], shares[order]]).astype(float)


def _of_new(rows: np.ndarray, texts: pa.Array, seen: set[bytes]) -> np.ndarray:
    """Return which of some numbers, sorted, are of the first row with its text, (rows,) bool; `seen` grows by these."""
    first = []
    for row in np.unique(rows).tolist():
        text = hashlib.blake2b(texts[row].as_buffer(), digest_size=16).digest()
        if text not in seen:
            seen.add(text)
            first.append(row)
    return np.isin(rows, first)


def _lengths(counts: np.ndarray, unspaced: np.ndarray, words: int) -> np.ndarray:
    """Return how many words a run of each text has, (texts,) int64; 0 where there are too few."""
    each = np.where(unspaced, CHARACTERS, 1)
    return np.where(counts < each * min(SHORTEST, words), 0, np.minimum(counts, each * words))


def _distinct(lengths: np.ndarray) -> list[int]:
    return np.unique(lengths[lengths > 0]).tolist()


def _windows(read: sketch.Words, lengths: Sequence[int]) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the runs of each of some lengths: the row and the place of the first word, int64, and their hashes, uint64.

    Args:
        lengths: in words; runs of two lengths have other hashes.
    """
    for length in lengths:
        yield length, *_runs(read.hashes, read.offsets, length)


@njit(cache=True)
def _runs(words, offsets, length):
    count = 0
    for row in range(len(offsets) - 1):
        count += max(offsets[row + 1] - offsets[row] - length + 1, 0)
    rows, places, hashes = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.uint64)
    end = 0
    for row in range(len(offsets) - 1):
        for place in range(offsets[row], offsets[row + 1] - length + 1):
            value = _SEED
            for word in range(place, place + length):
                value = (value ^ words[word]) * _PRIME
                value ^= value >> np.uint64(32)
            rows[end], places[end], hashes[end] = row, place, value
            end += 1
    return rows, places, hashes


def _low(hashes: np.ndarray) -> np.ndarray:
    return (hashes & np.uint64((1 << _BITS) - 1)).astype(np.int64)
