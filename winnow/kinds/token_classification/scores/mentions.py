"""Where a form is mentioned, and how often it is labelled: what the rest of the corpus says of a span.

A form is a run of words without case. Every place at which its words stand is a mention, whether it is labelled or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.scores.spans import Spans

LONGEST = 8  # words of a form that is looked for elsewhere
_MIX = 0x9E3779B97F4A7C15  # of Fibonacci hashing


def numbered(texts: Sequence[str], layout: Layout) -> np.ndarray:
    """Return a number for each word, the same for equal words whatever their case, (words,) int64."""
    numbers: dict[str, int] = {}
    found = np.empty(len(layout.offsets), dtype=np.int64)
    at = 0
    for row, text in enumerate(texts):
        for start, end in layout.offsets[layout.own(row)].tolist():
            found[at] = numbers.setdefault(text[start:end].casefold(), len(numbers))
            at += 1
    return found


def _forms(word: np.ndarray, first: np.ndarray, length: int) -> np.ndarray:
    """Return a number for each form that begins at some words and has so many, (places,) uint64; clashes are rare."""
    found = np.full(len(first), length, dtype=np.uint64)
    for step in range(length):
        found = (found ^ word[first + step].astype(np.uint64)) * np.uint64(_MIX)
        found ^= found >> np.uint64(29)
    return found


@dataclass(frozen=True)
class Corpus:
    """Texts whose labels are known, as far as they are.

    Attributes:
        word: (words,) int, from `numbered`.
        given: the spans that are given.
        known: (rows,) bool, the rows of which they are all.
        types: how many there are.
    """

    layout: Layout
    word: np.ndarray
    given: Spans
    known: np.ndarray
    types: int

    @cached_property
    def _words(self) -> int:
        return len(self.word)

    @cached_property
    def _keys(self) -> np.ndarray:
        return np.sort(self.given.keys(self._words, self.types))

    def holds(self, found: Spans) -> np.ndarray:
        """Return which spans are given, (spans,) bool."""
        return np.isin(found.keys(self._words, self.types), self._keys)

    @cached_property
    def type_of_word(self) -> np.ndarray:
        """The type of the given span that each word is in, (words,) int; -1: it is in none."""
        types = np.full(self._words, -1, dtype=np.int64)
        lengths = self.given.end - self.given.first
        starts = np.cumsum(lengths) - lengths
        types[np.repeat(self.given.first - starts, lengths) + np.arange(lengths.sum())] = np.repeat(
            self.given.kind, lengths
        )
        return types

    def forms(self, found: Spans) -> np.ndarray:
        """Return the number of each span's form, (spans,) uint64."""
        lengths, forms = found.end - found.first, np.zeros(len(found), dtype=np.uint64)
        for length in np.unique(lengths):
            own = lengths == length
            forms[own] = _forms(self.word, found.first[own], int(length))
        return forms

    def mentions(self, forms: np.ndarray, lengths: np.ndarray) -> tuple[Spans, np.ndarray]:
        """Return all mentions of some forms, of no type (0), and the forms' numbers, (mentions,) uint64.

        Args:
            forms: (forms,) uint64.
            lengths: (forms,) int, their words; those beyond `LONGEST` are not looked for.
        """
        parts, numbers = [], []
        for length in np.unique(lengths[lengths <= LONGEST]):
            first = np.arange(max(self._words - length + 1, 0))
            first = first[self.layout.row[first] == self.layout.row[first + length - 1]]
            own = _forms(self.word, first, int(length))
            is_wanted = np.isin(own, forms[lengths == length])
            parts.append((first[is_wanted], first[is_wanted] + length))
            numbers.append(own[is_wanted])
        if not parts:
            nothing = np.zeros(0, dtype=np.int64)
            return Spans(nothing, nothing, nothing), np.zeros(0, dtype=np.uint64)
        first, end = (np.concatenate(each) for each in zip(*parts, strict=True))
        return Spans(first, end, np.zeros(len(first), dtype=np.int64)), np.concatenate(numbers)


@dataclass(frozen=True)
class Counts:
    """How often the forms of spans are mentioned elsewhere, (spans,) float64 each.

    Attributes:
        mentions: in known rows.
        labelled: of these, those labelled as the span is.
        inside: those inside of a longer span of its type.
    """

    mentions: np.ndarray
    labelled: np.ndarray
    inside: np.ndarray


class Mentions:
    """All mentions of the forms of some spans, counted anywhere, in each row and in each part."""

    def __init__(self, corpus: Corpus, found: Spans) -> None:
        """Look for the forms of spans."""
        self._corpus, self._found = corpus, found
        self._numbers, first, self._form = np.unique(corpus.forms(found), return_index=True, return_inverse=True)
        lengths = (found.end - found.first)[first]
        self.spans, numbers = corpus.mentions(self._numbers, lengths)
        self.form = np.searchsorted(self._numbers, numbers)
        self._rows = corpus.layout.row[self.spans.first]

    def labelled(self, kind: int) -> np.ndarray:
        """Return which mentions are given with a type, (mentions,) bool."""
        of_kind = Spans(self.spans.first, self.spans.end, np.full(len(self.spans), kind))
        return self._corpus.holds(of_kind)

    def elsewhere(self, part: np.ndarray, own_row: bool) -> Counts:
        """Return the counts of each span's form in other parts, or in other rows of its part.

        Args:
            part: (rows,) int, of each row.
            own_row: whether to count within the span's part, but not in its row.
        """
        known = self._corpus.known[self._rows]
        types = self._corpus.type_of_word
        rows_of_spans = self._corpus.layout.row[self._found.first]
        found = [np.zeros(len(self._found)) for _ in range(3)]
        every = self._count(known, part, rows_of_spans, own_row)
        found[0][:] = every
        for kind in np.unique(self._found.kind):
            own = self._found.kind == kind
            exact = self.labelled(int(kind))
            within = (types[self.spans.first] == kind) & (types[self.spans.end - 1] == kind) & ~exact
            found[1][own] = self._count(known & exact, part, rows_of_spans, own_row)[own]
            found[2][own] = self._count(known & within, part, rows_of_spans, own_row)[own]
        return Counts(*found)

    def _count(self, counted: np.ndarray, part: np.ndarray, rows: np.ndarray, own_row: bool) -> np.ndarray:
        """Return how many of the mentions that count each span's form has elsewhere, (spans,) float64."""
        in_part = self._by(counted, part[self._rows], part[rows], int(part.max(initial=0)) + 1)
        if own_row:
            return in_part - self._by(counted, self._rows, rows, len(part))
        return np.bincount(self.form[counted], minlength=len(self._numbers))[self._form] - in_part

    def _by(self, counted: np.ndarray, key: np.ndarray, wanted: np.ndarray, size: int) -> np.ndarray:
        keys, counts = np.unique(self.form[counted] * size + key[counted], return_counts=True)
        if not len(keys):
            return np.zeros(len(wanted))
        at = np.minimum(np.searchsorted(keys, self._form * size + wanted), len(keys) - 1)
        return np.where(keys[at] == self._form * size + wanted, counts[at], 0).astype(np.float64)
