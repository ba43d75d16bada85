"""Sketches of texts: a hash that equal texts share, the hashes of their word shingles, and MinHash band keys.

Python objects for words and shingles would be nine tenths of the time, so the loops over them are compiled by numba.
The machine code is kept in `__pycache__` beside this file (or in NUMBA_CACHE_DIR), so it is compiled once. Integers
only: every machine computes the same numbers.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

_PRIME = np.uint64(0x100000001B3)  # of FNV-1a
_BASIS = np.uint64(0xCBF29CE484222325)
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))  # of MurmurHash3's finaliser


@dataclass(frozen=True)
class Shingles:
    """The word shingles of n texts, as hashes.

    Attributes:
        exact: (n, 2) uint64; equal for texts with the same words. Two others share it with odds of 2**-128.
        hashes: uint64, the distinct shingles of each text one after another, ascending in each. In a pair of texts
            of 1,000 shingles each, two different ones share a hash with odds of 1e6 / 2**64.
        offsets: (n + 1,) int64, where in `hashes` each text begins.
    """

    exact: np.ndarray
    hashes: np.ndarray
    offsets: np.ndarray


def fold(texts: pa.Array) -> pa.Array:
    """Return texts in compatibility form (NFKC) without case; ASCII ones as they are, since `shingle` lowers them."""
    plain = pc.string_is_ascii(texts)
    others = [unicodedata.normalize("NFKC", text).casefold() for text in texts.filter(pc.invert(plain)).to_pylist()]
    return pc.replace_with_mask(texts, pc.invert(plain), pa.array(others, texts.type)) if others else texts


def shingle(texts: pa.Array, words: int) -> Shingles:
    """Return the shingles of texts: the runs of `words` words; of a shorter text, the whole as one.

    A word is a run of letters, digits and underscores. Case, punctuation, spaces and Unicode form do not count; a text
    without any word is taken as it is.
    """
    folded = fold(texts).cast(pa.large_string())
    _, offsets, data = folded.buffers()
    starts = np.frombuffer(offsets, np.int64)[folded.offset : folded.offset + len(folded) + 1]
    exact, hashes, bounds = _shingle(np.frombuffer(data or b"", np.uint8), starts, _word_characters(), words)
    for start, end in pairwise(bounds.tolist()):
        hashes[start:end].sort()  # numpy's is faster than a compiled loop of our own, and takes no time to compile
    hashes, offsets = _distinct(hashes, bounds)
    return Shingles(exact, hashes[: offsets[-1]], offsets)


def rows_per_band(threshold: float, permutations: int, recall: float) -> int:
    """Return the longest band that still finds a pair at the threshold with probability `recall`.

    A pair of similarity s shares one of b bands of r values with probability 1 - (1 - s^r)^b.
    """
    fitting = [
        rows for rows in range(1, permutations + 1) if 1 - (1 - threshold**rows) ** (permutations // rows) >= recall
    ]
    return max(fitting, default=1)


def band_keys(shingles: Shingles, bands: int, rows: int, seed: int) -> np.ndarray:
    """Return (texts, bands) uint64: texts that share a key in a column may be similar.

    A key is the hash of `rows` MinHash values (Broder 1997): the lowest of the shingles' hashes, of which 32 bits
    serve here, each under a multiply-add of its own; odd factors make them permutations of the 32-bit numbers.
    """
    factors, terms = np.random.default_rng(seed).integers(0, 2**32, (2, bands * rows), np.uint32)
    return _band_keys(shingles.hashes, shingles.offsets, factors | np.uint32(1), terms, bands)


@lru_cache(maxsize=1)
def _word_characters() -> np.ndarray:
    """Return (code points,) bool: is it a letter, digit or underscore, as `\\w` has it?"""
    found = np.fromiter((chr(code).isalnum() for code in range(0x110000)), np.bool_, 0x110000)
    found[ord("_")] = True
    return found


@njit(cache=True)
def _mixed(value):
    value ^= value >> np.uint64(33)
    value *= _MIX[0]
    value ^= value >> np.uint64(33)
    value *= _MIX[1]
    return value ^ (value >> np.uint64(33))


@njit(cache=True)
def _decode(data, at):
    """Return the code point of UTF-8 at a position, and the next position."""
    first = np.int64(data[at])
    if first < 0x80:
        return first, at + 1
    if first < 0xE0:
        return (first & 0x1F) << 6 | (data[at + 1] & 0x3F), at + 2
    if first < 0xF0:
        return (first & 0x0F) << 12 | (np.int64(data[at + 1]) & 0x3F) << 6 | (data[at + 2] & 0x3F), at + 3
    high = (first & 0x07) << 18 | (np.int64(data[at + 1]) & 0x3F) << 12
    return high | (np.int64(data[at + 2]) & 0x3F) << 6 | (data[at + 3] & 0x3F), at + 4


@njit(cache=True)
def _words(data, start, end, is_word, words):
    """Write the hashes of a text's words into `words`; return their number and the two hashes of the sequence."""
    count = 0
    exact, other = _BASIS, _ODD
    word, second = _BASIS, _ODD
    inside = False
    at = start
    while at < end:
        code, after = _decode(data, at)
        if is_word[code]:
            inside = True
            for place in range(at, after):
                byte = np.uint64(data[place])
                if np.uint64(65) <= byte <= np.uint64(90):
                    byte += np.uint64(32)
                word = (word ^ byte) * _PRIME
                second = (second + byte) * _MIX[1]
                second ^= second >> np.uint64(29)
        if inside and (not is_word[code] or after == end):
            words[count] = _mixed(word)
            exact = _mixed(exact + words[count])
            other = (other ^ second) * _ODD
            other ^= other >> np.uint64(31)
            count += 1
            word, second = _BASIS, _ODD
            inside = False
        at = after
    return count, exact, other


@njit(cache=True)
def _shingle(data, offsets, is_word, length):
    rows = len(offsets) - 1
    longest = 0
    for row in range(rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    words = np.empty(longest // 2 + 1, np.uint64)
    exact = np.empty((rows, 2), np.uint64)
    hashes = np.empty((offsets[rows] - offsets[0]) // 2 + 2 * rows, np.uint64)
    bounds = np.zeros(rows + 1, np.int64)
    end = 0
    for row in range(rows):
        first, last = offsets[row], offsets[row + 1]
        count, exact[row, 0], exact[row, 1] = _words(data, first, last, is_word, words)
        if count == 0:
            for place in range(first, last):
                exact[row, 0] = _mixed(exact[row, 0] ^ np.uint64(data[place]))
                exact[row, 1] = (exact[row, 1] + np.uint64(data[place])) * _ODD
        if count < length:
            hashes[end] = _mixed(exact[row, 0] ^ exact[row, 1])
            end += 1
        else:
            for place in range(count - length + 1):
                value = _ODD
                for word in range(place, place + length):
                    value = (value ^ words[word]) * _PRIME
                    value ^= value >> np.uint64(32)
                hashes[end] = _mixed(value)
                end += 1
        bounds[row + 1] = end
    return exact, hashes, bounds


@njit(cache=True)
def _distinct(hashes, bounds):
    """Return sorted rows of hashes without repetitions, and where each row begins."""
    kept = np.empty_like(hashes)
    offsets = np.zeros_like(bounds)
    end = 0
    for row in range(len(bounds) - 1):
        for place in range(bounds[row], bounds[row + 1]):
            if place == bounds[row] or hashes[place] != hashes[place - 1]:
                kept[end] = hashes[place]
                end += 1
        offsets[row + 1] = end
    return kept, offsets


@njit(cache=True)
def _band_keys(hashes, offsets, factors, terms, bands):
    rows = len(offsets) - 1
    length = len(factors) // bands
    keys = np.empty((rows, bands), np.uint64)
    lowest = np.empty(len(factors), np.uint32)
    for row in range(rows):
        for number in range(len(factors)):
            lowest[number] = np.uint32(0xFFFFFFFF)
        for place in range(offsets[row], offsets[row + 1]):
            value = np.uint32(hashes[place] >> np.uint64(32))
            for number in range(len(factors)):
                lowest[number] = min(lowest[number], np.uint32(value * factors[number] + terms[number]))
        for band in range(bands):
            key = np.uint64(band)
            for number in range(band * length, (band + 1) * length):
                key = _mixed(key ^ lowest[number])
            keys[row, band] = key
    return keys
