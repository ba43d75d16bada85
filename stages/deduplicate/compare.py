"""Which texts are duplicates: equal forms, pairs that share a MinHash band, each verified by its true similarity.

Locality-sensitive hashing by bands: Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, ch. 3. Memory holds a few
numbers a text; shingles are read in portions. No pair is called similar that is not. In a bucket (or a cluster) of
more than `PIECE` texts not all pairs are compared, since boilerplate would cost time by the square of its copies: it
is cut into pieces of `PIECE` texts, all compared with each other and with the first text of the whole bucket.

**How similar two texts are.** The Jaccard similarity of their shingles, that is of runs of words: one other word
changes as many shingles as each has words, so that few are allowed. Two texts in scripts without spaces are similar by
the share of their characters that stand in a run of both, of at least as many characters as a shingle has: one
character is less than a word, so one other character is to count once. A number, a sign or a word of letters among them
is a whole word and counts as many characters as a shingle has. Runs that are common by chance are no evidence: there
must be as many common shingles as changes here and there would leave (`sketch.least_shingles`). A shingle's length
counts as characters that differ, so that in a short text, which a single character turns into its contrary, no change
is allowed (at a threshold of 0.8 and shingles of three: none below 21 characters, one below 30).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit

from stages.deduplicate.scratch import Scratch
from winnow.base import progress
from winnow.text.sketch import PLACE_BITS, WHOLE, least_shingles

PIECE = 256
PORTION = 2**22  # shingles in memory at once: 32 MiB, and as much again while they are read


def equal_forms(scratch: Scratch) -> np.ndarray:
    """Return for each text the lowest number of a text with the same words, (texts,) int32."""
    first, second = (scratch.get(f"exact{number}", np.uint64) for number in range(2))
    order = np.lexsort((second, first))  # stable: of equals, the lowest number comes first
    starts = np.ones(len(order), bool)
    starts[1:] = (np.diff(first[order]) != 0) | (np.diff(second[order]) != 0)
    lowest = np.empty(len(order), np.int32)
    lowest[order] = np.repeat(order[starts], np.diff(np.append(np.flatnonzero(starts), len(order))))
    return lowest


@dataclass(frozen=True)
class Alike:
    """When two texts are similar: from a similarity on; of shingles of so many words."""

    threshold: float
    words: int

    def values(self) -> tuple[float, float, int]:
        """Return what compiled code takes: the threshold, the least similarity of unspaced texts' shingles, words."""
        return self.threshold, least_shingles(self.threshold, self.words), self.words


@dataclass(frozen=True)
class Links:
    """Which texts are similar; `link` fills the arrays.

    Attributes:
        own: texts from this number on are foreign: they are not tied to each other, and tie no others together.
        roots: (texts,) int32, the lowest member of each text's component.
        matches: (own,) int32, the foreign text to which a text is similar; -1: none.
        similarity: (own,) float32, of the two.
    """

    own: int
    roots: np.ndarray
    matches: np.ndarray
    similarity: np.ndarray


def link(scratch: Scratch, texts: np.ndarray, bands: int, alike: Alike, links: Links) -> None:
    """Tie similar texts together, and find texts that are similar to a foreign one.

    Args:
        texts: (n,) int32 ascending, numbers of the texts to compare.
    """
    for band in progress.over(range(bands), "comparing"):
        members, bounds = _buckets(scratch.get(f"band{band}", np.uint64)[texts], texts)
        members, bounds = _divided(members, bounds, links.roots)
        for portion in _portions(scratch, members, bounds):
            _link(*portion, alike.values(), links.own, links.roots, links.matches, links.similarity)
        _flatten(links.roots)


def choose(scratch: Scratch, members: np.ndarray, bounds: np.ndarray, alike: Alike, texts: int) -> tuple:
    """Return which texts go: each that is similar to a preferred one of its cluster that stays.

    Args:
        members: numbers of texts, cluster by cluster, the preferred ones first.
        bounds: (clusters + 1,) where in `members` each cluster begins.
        texts: how many there are in all.

    Returns:
        keepers: (texts,) int32, the text that stays in place of this one; -1: this one stays.
        similarity: (texts,) float32, of the two.
    """
    keepers = np.full(texts, -1, np.int32)
    similarity = np.zeros(texts, np.float32)
    for portion in _portions(scratch, members, bounds):
        _choose(*portion, alike.values(), keepers, similarity)
    return keepers, similarity


def runs(keys: np.ndarray) -> np.ndarray:
    """Return where each run of equal values begins in a sorted array, and the array's end, int64."""
    if not len(keys):
        return np.zeros(1, np.int64)
    return np.concatenate([[0], np.flatnonzero(keys[1:] != keys[:-1]) + 1, [len(keys)]])


def _buckets(keys: np.ndarray, texts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the texts that share a key with another, key by key and ascending, and where each key begins."""
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    shared = np.zeros(len(keys) + 1, bool)
    shared[1:-1] = keys[1:] == keys[:-1]
    shared = shared[1:] | shared[:-1]
    return texts[order[shared]], runs(keys[shared])


def _divided(members: np.ndarray, bounds: np.ndarray, roots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the buckets whose members are not yet all of one component."""
    if not len(members):
        return members, bounds
    component = roots[members]
    lowest, highest = (f.reduceat(component, bounds[:-1]) for f in (np.minimum, np.maximum))
    sizes = np.diff(bounds)
    open_ = lowest != highest
    return members[np.repeat(open_, sizes)], np.concatenate([[0], np.cumsum(sizes[open_])])


def _portions(scratch: Scratch, members: np.ndarray, bounds: np.ndarray) -> Iterator[tuple]:
    """Yield the buckets, cut into pieces, with the shingles of their members, as many as memory may hold at once."""
    members, bounds = _pieces(members, bounds)
    if not len(members):
        return
    ends = np.cumsum(np.add.reduceat(scratch.lengths(members), bounds[:-1]))
    cuts = np.concatenate([[0], np.flatnonzero(np.diff(ends // PORTION)) + 1, [len(ends)]])
    for first, last in pairwise(cuts.tolist()):
        edges = bounds[first : last + 1]
        piece = members[edges[0] : edges[-1]]
        yield piece, edges - edges[0], *scratch.shingles(piece), scratch.unspaced(piece)


def _pieces(members: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the buckets, those of more than `PIECE` members cut, their first member at the head of each piece."""
    first = np.repeat(bounds[:-1], np.diff(bounds))
    place = np.arange(len(members)) - first
    cuts = np.flatnonzero((place >= PIECE) & ((place - PIECE) % (PIECE - 1) == 0))
    edges = np.append(bounds + np.searchsorted(cuts, bounds), cuts + np.arange(len(cuts)))
    return np.insert(members, cuts, members[first[cuts]]), np.sort(edges)


@njit(cache=True)
def _root(roots, item):
    while roots[item] != item:
        roots[item] = roots[roots[item]]
        item = roots[item]
    return item


@njit(cache=True)
def _flatten(roots):
    for item in range(len(roots)):
        roots[item] = roots[roots[item]]  # a root is lower than its members, so it has been done


@njit(cache=True)
def _jaccard(hashes, first, first_end, second, second_end, threshold):
    """Return the share of shingles that two texts have in common, or 0 where that is surely below the threshold."""
    one, two = first_end - first, second_end - second
    if min(one, two) / max(one, two) < threshold:
        return 0.0
    needed = threshold * (one + two) / (1 + threshold) - 1  # less one, against rounding
    common = 0
    while first < first_end and second < second_end:
        if hashes[first] == hashes[second]:
            common += 1
            first += 1
            second += 1
        else:
            low = hashes[first] < hashes[second]
            first += low
            second += not low
        if common + min(first_end - first, second_end - second) < needed:
            return 0.0
    return common / (one + two - common)


@njit(cache=True)
def _matched(hashes, first, first_end, second, second_end):
    """Return where the next shingle stands that two unspaced texts have in common, in both; or both ends."""
    bits = np.uint64(PLACE_BITS)
    while first < first_end and second < second_end:
        one, two = hashes[first] >> bits, hashes[second] >> bits
        if one == two:
            return first, second
        first += one < two
        second += two < one
    return first_end, second_end


@njit(cache=True)
def _same_shingle(hashes, start, end):
    """Return where the shingles end that equal the one at `start`."""
    bits = np.uint64(PLACE_BITS)
    at = start + 1
    while at < end and hashes[at] >> bits == hashes[start] >> bits:
        at += 1
    return at


@njit(cache=True)
def _common(hashes, first, first_end, second, second_end, needed):
    """Return how many shingles two unspaced texts have in common, or fewer than needed where they surely have."""
    common = 0
    while first < first_end and common + min(first_end - first, second_end - second) >= needed:
        first, second = _matched(hashes, first, first_end, second, second_end)
        if first < first_end:
            after, behind = _same_shingle(hashes, first, first_end), _same_shingle(hashes, second, second_end)
            common += min(after - first, behind - second)
            first, second = after, behind
    return common


@njit(cache=True)
def _weights(hashes, start, end, words):
    """Return what the words of an unspaced text weigh: a character 1, a whole word as much as a shingle of them."""
    weights = np.ones(end - start - words + 1, np.int64)
    for at in range(start, end):
        place = np.int64(hashes[at] & np.uint64(WHOLE - 1))
        if hashes[at] & np.uint64(WHOLE) and place < len(weights):
            weights[place] = words
    return weights


@njit(cache=True)
def _cover(weights, hashes, start, end, words):
    """Return the weight of the words in some shingles of an unspaced text that none has taken yet, and take it."""
    taken = 0
    for at in range(start, end):
        place = np.int64(hashes[at] & np.uint64(WHOLE - 1))
        for word in range(max(0, place - words + 1), min(place + 1, len(weights))):
            taken += weights[word]
            weights[word] = 0
    return taken


@njit(cache=True)
def _shared(hashes, first, first_end, second, second_end, alike):
    """Return the share of two unspaced texts that stands in common runs, or 0 where it is below the threshold."""
    _, least, words = alike
    one, two = first_end - first, second_end - second
    needed = least * (one + two) / (1 + least) - 1  # less one, against rounding
    if min(one, two) < needed or _common(hashes, first, first_end, second, second_end, needed) < needed:
        return 0.0
    weights, others = _weights(hashes, first, first_end, words), _weights(hashes, second, second_end, words)
    whole = weights.sum() + others.sum()
    covered = other = 0
    while True:
        first, second = _matched(hashes, first, first_end, second, second_end)
        if first == first_end:
            break
        after, behind = _same_shingle(hashes, first, first_end), _same_shingle(hashes, second, second_end)
        covered += _cover(weights, hashes, first, after, words)
        other += _cover(others, hashes, second, behind, words)
        first, second = after, behind
    shared = min(covered, other)
    return shared / (whole - shared + words)


@njit(cache=True)
def _similarity(hashes, offsets, unspaced, one, two, alike):
    ends = (offsets[one], offsets[one + 1], offsets[two], offsets[two + 1])
    if unspaced[one] and unspaced[two]:
        return _shared(hashes, ends[0], ends[1], ends[2], ends[3], alike)
    return _jaccard(hashes, ends[0], ends[1], ends[2], ends[3], alike[0])


@njit(cache=True)
def _link(members, bounds, hashes, offsets, unspaced, alike, own, roots, matches, similarity):
    for piece in range(len(bounds) - 1):
        for one in range(bounds[piece], bounds[piece + 1]):
            for two in range(bounds[piece], one):
                low, high = min(members[one], members[two]), max(members[one], members[two])
                if low >= own or (high >= own and matches[low] >= 0):
                    continue
                if high < own and _root(roots, low) == _root(roots, high):
                    continue
                share = _similarity(hashes, offsets, unspaced, one, two, alike)
                if share < alike[0]:
                    continue
                if high >= own:
                    matches[low] = high
                    similarity[low] = share
                else:
                    low, high = _root(roots, low), _root(roots, high)
                    roots[max(low, high)] = min(low, high)


@njit(cache=True)
def _choose(members, bounds, hashes, offsets, unspaced, alike, keepers, similarity):
    for piece in range(len(bounds) - 1):
        for one in range(bounds[piece], bounds[piece + 1]):
            for two in range(bounds[piece], one):
                if keepers[members[two]] >= 0 or keepers[members[one]] >= 0:
                    continue
                share = _similarity(hashes, offsets, unspaced, one, two, alike)
                if share >= alike[0]:
                    keepers[members[one]] = members[two]
                    similarity[members[one]] = share
