"""From the probabilities of pieces to spans, as transformers' pipeline makes them, and to those of words."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from winnow.kinds.token_classification import words
from winnow.kinds.token_classification.labels import Strategy, Task
from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.span import Span, trimmed
from winnow.kinds.token_classification.windows import Windows

# A span, and the mean probability of the tags of its pieces or words.
Sure = tuple[Span, float]


class _Units(NamedTuple):
    """What gets one tag: a piece, or the pieces that are one word to transformers' pipeline.

    Attributes:
        first, last: (units,) int, which tokens of the windows they begin and end with.
        chances: (units, tags) float.
    """

    first: np.ndarray
    last: np.ndarray
    chances: np.ndarray


def spans(
    task: Task, windows: Windows, chances: np.ndarray, texts: Sequence[str], strategy: Strategy
) -> list[list[Sure]]:
    """Return the spans of each text, in their order: those of transformers' pipeline with a strategy.

    Of the windows of a long text, each tells its spans; where they overlap the longest stays, of equally long ones the
    most probable, as with the pipeline's `stride`. Two things differ: white space at a span's borders, which some
    tokenizers count to a piece, is no part of it; and spans overlap in no text, not even within a character of which
    the tokenizer makes several pieces.

    Args:
        chances: (tokens, tags) float, of all tokens of the windows.
        texts: (rows,) what was cut into the windows.
    """
    units = _units(windows, chances, strategy)
    best, sure, offsets = units.chances.argmax(axis=1), units.chances.max(axis=1), windows.offsets
    bounds = np.searchsorted(units.first, windows.bounds)
    is_any = np.append(0, np.cumsum(best != words.OUTSIDE))
    starts = windows.of_rows(len(texts))
    found: list[list[Sure]] = []
    for row, text in enumerate(texts):
        own: list[Sure] = []
        for window in range(starts[row], starts[row + 1]):
            first, behind = bounds[window], bounds[window + 1]
            if is_any[first] == is_any[behind]:
                continue
            for begin, end, kind in words.runs(best[first:behind]).tolist():
                inside = slice(first + begin, first + end)
                border = int(offsets[units.first[inside][0], 0]), int(offsets[units.last[inside][-1], 1])
                own.append(((*border, task.labels[kind]), float(sure[inside].mean())))
        cut = [(trimmed(span, text), chance) for span, chance in _apart(own)]
        found.append([(span, chance) for span, chance in cut if span is not None])
    return found


def _units(windows: Windows, chances: np.ndarray, strategy: Strategy) -> _Units:
    pieces = np.flatnonzero(windows.is_piece)
    own = chances[pieces]
    if strategy == "simple":
        return _Units(pieces, pieces, own)
    window = np.searchsorted(windows.bounds, pieces, "right")
    opens = ~windows.is_subword[pieces] | (np.diff(window, prepend=-1) > 0)
    opening = np.flatnonzero(opens)
    counts = np.diff(np.append(opening, len(pieces)))
    first, last = pieces[opening], pieces[opening + counts - 1]
    if strategy == "first":
        return _Units(first, last, own[opening])
    if strategy == "max":  # of pieces as sure, the first
        return _Units(first, last, own[np.lexsort((-own.max(axis=1), np.cumsum(opens)))[opening]])
    return _Units(first, last, np.add.reduceat(own, opening) / counts[:, None])


def _apart(found: Sequence[Sure]) -> list[Sure]:
    """Return spans of which none overlap, as `TokenClassificationPipeline.aggregate_overlapping_entities` does."""
    kept: list[Sure] = []
    for span, chance in sorted(found, key=lambda each: each[0][0]):  # stable: of windows, the former comes first
        if kept and span[0] < kept[-1][0][1]:
            (start, end, _), before = kept[-1]
            if (span[1] - span[0], chance) > (end - start, before):
                kept[-1] = span, chance
        else:
            kept.append((span, chance))
    return kept


def of_words(windows: Windows, chances: np.ndarray, layout: Layout) -> np.ndarray:
    """Return the probabilities of the tags of texts' words, (words, tags) float32.

    A word's type is as probable as it is on average in the word's pieces, each read in its home. Where the word has the
    type, it begins a span as probably as its first piece does. A word of which the tokenizer makes no piece is in a
    span if the next word goes on with one.

    Args:
        chances: (tokens, tags) float, of all tokens of the windows.
        layout: the words of the texts that were cut into the windows.
    """
    token, word = layout.pieces(windows)
    found = np.zeros((len(layout.offsets), chances.shape[1]), np.float32)
    pairs = np.bincount(word, minlength=len(found))
    of_type = chances[:, 1::2] + chances[:, 2::2]
    sums = np.zeros((len(found), of_type.shape[1]))
    np.add.at(sums, word, of_type[token])
    types, begins = sums / np.maximum(pairs, 1)[:, None], np.zeros_like(sums)
    has, opening = np.unique(word, return_index=True)  # the first pair of each word that has one
    first = token[opening]
    is_first_word = np.append(True, token[1:] != token[:-1])[: len(token)][opening]  # of the words of its piece
    share = chances[first, 1::2] / np.maximum(of_type[first], 1e-12)
    begins[has] = share * is_first_word[:, None]
    found[:, 1::2], found[:, 2::2] = types * begins, types * (1 - begins)
    last = set((layout.bounds[1:] - 1).tolist())
    for place in np.flatnonzero(pairs == 0)[::-1].tolist():
        if place not in last:
            found[place, 2::2] = found[place + 1, 2::2]
    found[:, words.OUTSIDE] = np.maximum(1 - found[:, 1:].sum(axis=1), 0)
    return found
