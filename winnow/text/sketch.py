"""Sketches of texts: the hashes of their words and word shingles, one that equal texts share, and MinHash band keys.

Words are those of `winnow.text.words`. Python objects for words and shingles would be nine tenths of the time, so the
loops over them are compiled by numba: `_word_end` here is the pattern there, step by step, on the same classes of
characters. The machine code is kept in `__pycache__` beside this file (or in NUMBA_CACHE_DIR), so it is compiled once.
Integers only: every machine computes the same numbers.

A text is *unspaced* if most of its words are characters of scripts without spaces (Han, Hiragana, Thai, Lao, Khmer,
Burmese). There a shingle is of characters, its place in the text stands beside its hash, and shingles begin before the
text and end after it, so that its ends weigh as much as its middle; `stages.deduplicate.compare` says what for.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from winnow.text import words as rules

_PRIME = np.uint64(0x100000001B3)  # of FNV-1a
_BASIS = np.uint64(0xCBF29CE484222325)
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))  # of MurmurHash3's finaliser
PLACE_BITS = 20  # of an unspaced text's shingle; the rest is its hash
WHOLE = 1 << PLACE_BITS - 1  # the bit of a place whose word is no character of a script without spaces
_LAST_PLACE = WHOLE - 1
UNSPACED_RECALL = 0.95

# Of each class of characters, the sets of `winnow.text.words` that it is in, one bit a set.
_BITS = {name: np.uint32(1 << number) for number, name in enumerate(rules.SETS)}
_MEMBER = np.zeros(256, np.uint32)
for _name, _kinds in rules.SETS.items():
    _MEMBER[list(map(ord, _kinds))] |= _BITS[_name]
_LETTER, _HEBREW, _DIGIT, _KATAKANA, _JOINER = (
    _BITS[name] for name in ("letter", "hebrew", "digit", "katakana", "joiner")
)
_EXTEND, _FLAG, _IN_WORD, _IN_NUMBER, _SYMBOL = (
    _BITS[name] for name in ("extend", "flag", "in_word", "in_number", "symbol")
)
_CURRENCY, _BLANK, _EYES, _NOSE, _TEAR = (_BITS[name] for name in ("currency", "blank", "eyes", "nose", "tear"))
_FLAT_NOSE, _TONGUE, _MOUTH, _ADDRESS, _BRACKET = (
    _BITS[name] for name in ("flat_nose", "tongue", "mouth", "address", "bracket")
)
_SHUT_EYE, _SHUT_MOUTH, _STOP, _OPENING, _CLOSING, _SHOUT, _JOINING, _SIGN, _IN_OR_AT_WORD = (
    _BITS[name] for name in ("shut_eye", "shut_mouth", "stop", "opening", "closing", "shout", "joining", "sign", "word")
)


# What nearly all words begin with, what they are made of, and what any word begins with.
_ALPHANUMERIC = _LETTER | _DIGIT
_PLAIN = _ALPHANUMERIC | _EXTEND
_BEGINS = _ALPHANUMERIC | _KATAKANA | _JOINER | _SIGN | _FLAG | _SYMBOL
# What may stand second in an emoticon.
_SECOND = _NOSE | _TEAR | _FLAT_NOSE | _TONGUE | _MOUTH | _EYES | _SHUT_MOUTH


@dataclass(frozen=True)
class Shingles:
    """The word shingles of n texts, as hashes.

    Attributes:
        exact: (n, 2) uint64; equal for texts with the same words. Two others share it with odds of 2**-128.
        hashes: uint64, the distinct shingles of each text one after another, ascending in each. In a pair of texts
            of 1,000 shingles each, two different ones share a hash with odds of 1e6 / 2**64. Of an unspaced text, all
            shingles: 44 bits of the hash, and the word of the text with which it ends: is it `WHOLE`, and which.
        offsets: (n + 1,) int64, where in `hashes` each text begins.
        unspaced: (n,) bool, is the text in a script without spaces?
    """

    exact: np.ndarray
    hashes: np.ndarray
    offsets: np.ndarray
    unspaced: np.ndarray


@dataclass(frozen=True)
class Bands:
    """How many bands of MinHash values there are, and of how many values; `unspaced_rows` in unspaced texts."""

    count: int
    rows: int
    unspaced_rows: int


def fold(texts: pa.Array) -> pa.Array:
    """Return texts in the form in which words are compared; ASCII ones as they are, since `shingle` lowers them."""
    plain = pc.string_is_ascii(texts)
    others = [rules.fold(text) for text in texts.filter(pc.invert(plain)).to_pylist()]
    return pc.replace_with_mask(texts, pc.invert(plain), pa.array(others, texts.type)) if others else texts


def shingle(texts: pa.Array, words: int) -> Shingles:
    """Return the shingles of texts: the runs of `words` words; of a shorter text, the whole as one.

    Words are as `winnow.text.words` has them: case, punctuation, spaces and Unicode form do not count; a text without
    any word is taken as it is.
    """
    starts, data = _buffers(texts)
    exact, unspaced, hashes, bounds = _shingle(data, starts, rules.classes(), words)
    for start, end in pairwise(bounds.tolist()):
        hashes[start:end].sort()  # numpy's is faster than a compiled loop of our own, and takes no time to compile
    hashes, offsets = _distinct(hashes, bounds)
    return Shingles(exact, hashes[: offsets[-1]], offsets, unspaced)


@dataclass(frozen=True)
class Words:
    """The words of n texts, as hashes.

    Attributes:
        hashes: (words,) uint64, those of one text behind those of the one before.
        offsets: (n + 1,) int64, where in `hashes` each text begins.
        unspaced: (n,) bool, is the text in a script without spaces?
    """

    hashes: np.ndarray
    offsets: np.ndarray
    unspaced: np.ndarray


def words(texts: pa.Array) -> Words:
    """Return the hashes of the words of texts, (n,) string without nulls."""
    starts, data = _buffers(texts)
    return Words(*_all_words(data, starts, rules.classes()))


def _buffers(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return where folded texts begin in their bytes, (texts + 1,) int64, and these, uint8."""
    folded = fold(texts).cast(pa.large_string())
    _, offsets, data = folded.buffers()
    starts = np.frombuffer(offsets, np.int64)[folded.offset : folded.offset + len(folded) + 1]
    return starts, np.frombuffer(data or b"", np.uint8)


def bands(threshold: float, permutations: int, words: int, recall: float) -> Bands:
    """Return bands that find a pair at the threshold with probability `recall`.

    As many unspaced texts as that would need more bands; it has as many, of which fewer values are enough for 0.95.
    """
    rows = rows_per_band(threshold, permutations, recall)
    count = permutations // rows
    least = least_shingles(threshold, words)
    fitting = [short for short in range(1, rows + 1) if 1 - (1 - least**short) ** count >= UNSPACED_RECALL]
    return Bands(count, rows, max(fitting, default=1))


def rows_per_band(threshold: float, permutations: int, recall: float) -> int:
    """Return the longest band that still finds a pair at the threshold with probability `recall`.

    A pair of similarity s shares one of b bands of r values with probability 1 - (1 - s^r)^b.
    """
    fitting = [
        rows for rows in range(1, permutations + 1) if 1 - (1 - threshold**rows) ** (permutations // rows) >= recall
    ]
    return max(fitting, default=1)


def least_shingles(threshold: float, words: int) -> float:
    """Return the Jaccard similarity of the shingles of two texts whose words' similarity is at the threshold.

    Of words that are changed here and there, each changes as many shingles as it has words: of two texts that share a
    part u of their words, (2 t / (1 + t)), a part u^words of the shingles is shared (Ondov et al. 2016, Mash).
    """
    shared = (2 * threshold / (1 + threshold)) ** words
    return shared / (2 - shared)


def band_keys(shingles: Shingles, bands: Bands, seed: int) -> np.ndarray:
    """Return (texts, bands) uint64: texts that share a key in a column may be similar.

    A key is the hash of some MinHash values (Broder 1997): the lowest of the shingles' hashes, of which 32 bits serve
    here, each under a multiply-add of its own; odd factors make them permutations of the 32-bit numbers.
    """
    factors, terms = np.random.default_rng(seed).integers(0, 2**32, (2, bands.count * bands.rows), np.uint32)
    lengths = np.where(shingles.unspaced, bands.unspaced_rows, bands.rows)
    return _band_keys(shingles.hashes, shingles.offsets, factors | np.uint32(1), terms, bands.count, lengths)


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
def _kind(kinds, at, end):
    return kinds[at] if 0 <= at < end else np.uint8(0)


@njit(cache=True)
def _is(kinds, at, end, sets):
    """Is the class of a character in one of some sets? Beyond the text's ends there is none."""
    return _MEMBER[_kind(kinds, at, end)] & sets != 0


@njit(cache=True)
def _skip(kinds, at, end, sets):
    """Return the first place from `at` on whose class is in none of the sets."""
    while at < end and _MEMBER[kinds[at]] & sets:
        at += 1
    return at


@njit(cache=True)
def _follows(kinds, at, end, sets):
    """Return the place after this one and its marks, if its class is in one of the sets; else -1."""
    after = _skip(kinds, at + 1, end, _EXTEND)
    return after if _is(kinds, after, end, sets) else -1


@njit(cache=True)
def _is_pause(kinds, at, end):
    """Is this a comma or a full stop before a space, which ends most words that do not end at a space?"""
    return (kinds[at] == ord(",") or kinds[at] == ord(".")) and _kind(kinds, at + 1, end) == ord(" ")


@njit(cache=True)
def _letters_end(kinds, at, end):
    at = _skip(kinds, at, end, _LETTER | _EXTEND)
    while at < end:
        hebrew = _is(kinds, at - 1, end, _HEBREW)
        after = _follows(kinds, at, end, _LETTER) if _is(kinds, at, end, _IN_WORD) else -1
        if after < 0 and hebrew and kinds[at] == ord('"'):
            after = _follows(kinds, at, end, _HEBREW)
        if after >= 0:
            at = _skip(kinds, after, end, _LETTER | _EXTEND)
        elif hebrew and kinds[at] == ord("'"):
            at = _skip(kinds, at + 1, end, _EXTEND)
        else:
            break
    return at


@njit(cache=True)
def _number_end(kinds, at, end):
    at = _skip(kinds, at, end, _DIGIT | _EXTEND)
    while _is(kinds, at, end, _IN_NUMBER):
        after = _follows(kinds, at, end, _DIGIT)
        if after < 0:
            break
        at = _skip(kinds, after, end, _DIGIT | _EXTEND)
    return at


@njit(cache=True)
def _part_end(kinds, at, end):
    """Return where a run of letters and numbers, or of Katakana, ends."""
    if _is(kinds, at, end, _KATAKANA):
        return _skip(kinds, at, end, _KATAKANA | _EXTEND)
    while True:
        if _is(kinds, at, end, _LETTER):
            at = _letters_end(kinds, at, end)
        elif _is(kinds, at, end, _DIGIT):
            at = _number_end(kinds, at, end)
        else:
            return at


@njit(cache=True)
def _joined_end(kinds, at, end):
    """Return where parts that low lines join end, or `at` where there is none."""
    most = min(at + rules.LEADING, end)
    start = _skip(kinds, at, most, _JOINER | _EXTEND) if _is(kinds, at, end, _JOINER) else at
    after = _part_end(kinds, start, end)
    if after == start:
        return at
    while _is(kinds, after, end, _JOINER):
        start = _skip(kinds, after, end, _JOINER | _EXTEND)
        after = _part_end(kinds, start, end)
        if after == start:
            break
    return after


@njit(cache=True)
def _face_end(kinds, at, end):
    """Return where an emoticon ends, or `at`."""
    alone = at == 0 or _is(kinds, at - 1, end, _BLANK)
    if _is(kinds, at, end, _EYES):
        after = at + 1 + _is(kinds, at + 1, end, _NOSE)
        behind = after + 1 + _is(kinds, after + 1, end, _STOP)
        inside = _is(kinds, at - 1, end, _IN_OR_AT_WORD) or _is(kinds, behind, end, _IN_OR_AT_WORD)
        if _is(kinds, after, end, _TONGUE) and not inside:
            return after + 1
        mouth = at + 1 + _is(kinds, at + 1, end, _TEAR)
        mouth += _is(kinds, mouth, end, _FLAT_NOSE)
        after = _skip(kinds, mouth, end, _MOUTH)
        if after > mouth and not _is(kinds, after, end, _IN_OR_AT_WORD | _ADDRESS):
            return after
    if _is(kinds, at, end, _BRACKET):
        after = at + 1 + _is(kinds, at + 1, end, _FLAT_NOSE)
        if alone and _is(kinds, after, end, _EYES) and (after + 1 >= end or _is(kinds, after + 1, end, _BLANK)):
            return after + 1
    if _is(kinds, at, end, _SHUT_EYE):
        after = _skip(kinds, at + 1, min(at + 5, end), _SHUT_MOUTH)
        whole = at + 1 < after < at + 5 and _is(kinds, after, end, _SHUT_EYE)
        if alone and whole and (after + 1 >= end or _is(kinds, after + 1, end, _BLANK)):
            return after + 1
    if kinds[at] == ord("<") and _kind(kinds, at + 1, end) == ord("/") and _kind(kinds, at + 2, end) == ord("3"):
        return at if _is(kinds, at + 3, end, _DIGIT) else at + 3
    return at


@njit(cache=True)
def _between(kinds, at, end, operand):
    """Does a sign stand between operands (classes of a set, or in brackets), with a space on both sides or on none?"""
    gap = _kind(kinds, at - 1, end) == ord(" ") and _kind(kinds, at + 1, end) == ord(" ")
    return _is(kinds, at - 1 - gap, end, operand | _CLOSING) and _is(kinds, at + 1 + gap, end, operand | _OPENING)


@njit(cache=True)
def _is_operator(kinds, at, end):
    """Is this a sign that is a word between operands only?"""
    sign = kinds[at]
    if sign == ord("-"):
        after = at + 1 + _is(kinds, at + 1, end, _CURRENCY)
        after += _kind(kinds, after, end) == ord(".")
        through = _is(kinds, at - 1, end, _IN_OR_AT_WORD | _CLOSING) or _kind(kinds, at - 1, end) == ord("%")
        return _is(kinds, after, end, _DIGIT) and not through
    if sign == ord("*"):
        return _between(kinds, at, end, _IN_OR_AT_WORD)
    if sign == ord("/"):
        return _between(kinds, at, end, _DIGIT)
    if sign == ord("!"):
        before = _is(kinds, at - 1, end, _IN_OR_AT_WORD | _SHOUT)
        return _kind(kinds, at + 1, end) == ord("=") or (
            not before and _is(kinds, at + 1, end, _IN_OR_AT_WORD | _OPENING)
        )
    return False


@njit(cache=True)
def _word_end(kinds, at, end):
    """Return where the word that begins at a place ends, or the place itself where none begins."""
    sets = _MEMBER[kinds[at]]
    if sets & (_LETTER | _DIGIT | _KATAKANA | _JOINER):
        return _joined_end(kinds, at, end)
    if sets & _SIGN:
        if _is(kinds, at + 1, end, _SECOND):
            after = _face_end(kinds, at, end)
            if after > at:
                return after
        if _is_operator(kinds, at, end):
            return at + 1
    if sets & _FLAG:
        after = _skip(kinds, at + 1, end, _EXTEND)
        return _skip(kinds, after + 1, end, _EXTEND) if _is(kinds, after, end, _FLAG) else after
    return _skip(kinds, at + 1, end, _EXTEND) if sets & _SYMBOL else at


@njit(cache=True)
def _read(data, start, end, classes, codes, kinds):
    """Write a text's code points and their classes, ASCII in lower case; return how many there are."""
    count = 0
    at = start
    while at < end:
        code = np.int64(data[at])
        if code < 0x80:
            if 65 <= code <= 90:
                code += 32
            kinds[count] = code
            at += 1
        else:
            code, at = _decode(data, at)
            kinds[count] = classes[code]
        codes[count] = code
        count += 1
    return count


@njit(cache=True)
def _with(word, second, code):
    """Return the two hashes of a word with one more character."""
    second = (second + np.uint64(code)) * _MIX[1]
    return (word ^ np.uint64(code)) * _PRIME, second ^ (second >> np.uint64(29))


@njit(cache=True)
def _words(codes, kinds, end, words, whole):
    """Write the hashes of a text's words into `words`, and into `whole` which are of scripts with spaces.

    Returns:
        How many there are, how many of them are of scripts without spaces, and two hashes of the sequence.
    """
    count = unspaced = 0
    exact, other = _BASIS, _ODD
    at = 0
    while at < end:
        sets = _MEMBER[kinds[at]]
        if not sets & _BEGINS:
            at += 1
            continue
        word, second, after = _BASIS, _ODD, at
        if sets & _ALPHANUMERIC:  # the end of most words is found while they are hashed
            while after < end and _MEMBER[kinds[after]] & _PLAIN:
                word, second = _with(word, second, codes[after])
                after += 1
        joins = after < end and _MEMBER[kinds[after]] & _JOINING
        if after == at or (joins and not _is_pause(kinds, after, end)):
            hashed, after = after, _word_end(kinds, at, end)
            if after == at:
                at += 1
                continue
            for place in range(hashed, after):
                word, second = _with(word, second, codes[place])
        whole[count] = kinds[at] != rules.UNSPACED
        unspaced += not whole[count]
        words[count] = _mixed(word)
        exact = _mixed(exact + words[count])
        other = (other ^ second) * _ODD
        other ^= other >> np.uint64(31)
        count += 1
        at = after
    return count, unspaced, exact, other


@njit(cache=True)
def _hash(words, first, last, count):
    """Return the hash of words `first` to `last`; those outside a text are nothing, but count."""
    value = _ODD
    for word in range(first, last + 1):
        value = (value ^ (words[word] if 0 <= word < count else _BASIS)) * _PRIME
        value ^= value >> np.uint64(32)
    return _mixed(value)


@njit(cache=True)
def _shingle(data, offsets, classes, length):
    rows = len(offsets) - 1
    longest = 0
    for row in range(rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    codes, kinds = np.empty(longest, np.int32), np.empty(longest, np.uint8)
    words, whole = np.empty(longest, np.uint64), np.empty(longest, np.bool_)
    exact, unspaced = np.empty((rows, 2), np.uint64), np.zeros(rows, np.bool_)
    # What is not written takes no memory.
    hashes = np.empty(offsets[rows] - offsets[0] + rows * length, np.uint64)
    bounds = np.zeros(rows + 1, np.int64)
    end = 0
    for row in range(rows):
        first, last = offsets[row], offsets[row + 1]
        size = _read(data, first, last, classes, codes, kinds)
        count, apart, exact[row, 0], exact[row, 1] = _words(codes, kinds, size, words, whole)
        unspaced[row] = 2 * apart > count
        if count == 0:
            for place in range(first, last):
                exact[row, 0] = _mixed(exact[row, 0] ^ np.uint64(data[place]))
                exact[row, 1] = (exact[row, 1] + np.uint64(data[place])) * _ODD
        if unspaced[row]:
            for place in range(count + length - 1):
                value = _hash(words, place - length + 1, place, count)
                last = np.uint64(min(place, _LAST_PLACE) | (WHOLE if place < count and whole[place] else 0))
                hashes[end] = (value >> np.uint64(PLACE_BITS) << np.uint64(PLACE_BITS)) | last
                end += 1
        elif count < length:
            hashes[end] = _mixed(exact[row, 0] ^ exact[row, 1])
            end += 1
        else:
            for place in range(count - length + 1):
                hashes[end] = _hash(words, place, place + length - 1, count)
                end += 1
        bounds[row + 1] = end
    return exact, unspaced, hashes, bounds


@njit(cache=True)
def _all_words(data, offsets, classes):
    rows = len(offsets) - 1
    longest = 0
    for row in range(rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    codes, kinds = np.empty(longest, np.int32), np.empty(longest, np.uint8)
    whole, unspaced = np.empty(longest, np.bool_), np.zeros(rows, np.bool_)
    hashes = np.empty(offsets[rows] - offsets[0], np.uint64)  # what is not written takes no memory
    bounds = np.zeros(rows + 1, np.int64)
    for row in range(rows):
        size = _read(data, offsets[row], offsets[row + 1], classes, codes, kinds)
        count, apart, _, _ = _words(codes, kinds, size, hashes[bounds[row] :], whole)
        unspaced[row] = 2 * apart > count
        bounds[row + 1] = bounds[row] + count
    return hashes[: bounds[rows]].copy(), bounds, unspaced


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
def _band_keys(hashes, offsets, factors, terms, bands, lengths):
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
            for number in range(band * length, band * length + lengths[row]):
                key = _mixed(key ^ lowest[number])
            keys[row, band] = key
    return keys
