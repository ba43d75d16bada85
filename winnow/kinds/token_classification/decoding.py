"""From the probabilities of pieces to spans, as transformers' pipeline makes them, and to those of words."""

from collections.abc import Sequence

import numpy as np

from winnow.kinds.token_classification import words
from winnow.kinds.token_classification.labels import Task
from winnow.kinds.token_classification.span import Span, trimmed
from winnow.kinds.token_classification.windows import Windows

# A span, and the mean probability of its pieces' tags.
Sure = tuple[Span, float]


def spans(task: Task, windows: Windows, chances: np.ndarray, texts: Sequence[str]) -> list[list[Sure]]:
    """Return the spans of each text, in their order: those of transformers' pipeline with the strategy `simple`.

    Of the windows of a long text, each tells its spans; where they overlap the longest stays, of equally long ones the
    most probable, as with the pipeline's `stride`. Two things differ: white space at a span's borders, which some
    tokenizers count to a piece, is no part of it; and spans overlap in no text, not even within a character of which
    the tokenizer makes several pieces.

    Args:
        chances: (tokens, tags) float, of all tokens of the windows.
        texts: (rows,) what was cut into the windows.
    """
    best, sure = chances.argmax(axis=1), chances.max(axis=1)
    best[~windows.is_piece] = words.OUTSIDE
    is_any = np.append(0, np.cumsum(best != words.OUTSIDE))
    starts = windows.of_rows(len(texts))
    found: list[list[Sure]] = []
    for row, text in enumerate(texts):
        own: list[Sure] = []
        for window in range(starts[row], starts[row + 1]):
            first, behind = windows.bounds[window], windows.bounds[window + 1]
            if is_any[first] == is_any[behind]:
                continue
            places = first + np.flatnonzero(windows.is_piece[first:behind])
            for begin, end, kind in words.runs(best[places]).tolist():
                inside = places[begin:end]
                border = int(windows.offsets[inside[0], 0]), int(windows.offsets[inside[-1], 1])
                own.append(((*border, task.labels[kind]), float(sure[inside].mean())))
        cut = [(trimmed(span, text), chance) for span, chance in _apart(own)]
        found.append([(span, chance) for span, chance in cut if span is not None])
    return found


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


def of_words(windows: Windows, chances: np.ndarray, texts: Sequence[str], offsets: Sequence[np.ndarray]) -> np.ndarray:
    """Return the probabilities of the tags of all texts' words, (words, tags) float32, text after text.

    A word's type is as probable as it is on average in the word's pieces, each read in its home. Where the word has the
    type, it begins a span as probably as its first piece does. A word of which the tokenizer makes no piece is in a
    span if the next word goes on with one.

    Args:
        chances: (tokens, tags) float, of all tokens of the windows.
        offsets: (rows,) of (words, 2) int each, `words.offsets` of the texts.
    """
    # All texts in one line, so that one search finds the words of all pieces.
    base = np.cumsum([0, *(len(text) + 1 for text in texts)])
    counts = [len(own) for own in offsets]
    line = np.concatenate([np.zeros((0, 2), np.int64), *offsets]) + np.repeat(base[:-1], counts)[:, None]
    home = np.flatnonzero(windows.is_home)
    pieces = windows.offsets[home] + base[windows.row_of_token[home]][:, None]
    first = np.searchsorted(line[:, 1], pieces[:, 0], "right")
    covered = np.maximum(np.searchsorted(line[:, 0], pieces[:, 1], "left") - first, 0)
    covered[pieces[:, 0] == pieces[:, 1]] = 0
    piece = np.repeat(np.arange(len(home)), covered)  # a pair is a piece and one of its words
    within = np.arange(len(piece)) - np.repeat(np.cumsum(covered) - covered, covered)
    word = first[piece] + within

    told = chances[home]
    of_type = told[:, 1::2] + told[:, 2::2]
    sums, pairs = np.zeros((len(line), of_type.shape[1])), np.bincount(word, minlength=len(line))
    np.add.at(sums, word, of_type[piece])
    types = sums / np.maximum(pairs, 1)[:, None]
    has, opening = np.unique(word, return_index=True)  # the first pair of each word that has one
    begins = np.zeros_like(types)
    share = told[:, 1::2] / np.maximum(of_type, 1e-12)
    begins[has] = share[piece[opening]] * (within[opening] == 0)[:, None]

    found = np.zeros((len(line), chances.shape[1]), np.float32)
    found[:, 1::2], found[:, 2::2] = types * begins, types * (1 - begins)
    last = set((np.cumsum(counts) - 1).tolist())
    for place in np.flatnonzero(pairs == 0)[::-1].tolist():
        if place not in last:
            found[place, 2::2] = found[place + 1, 2::2]
    found[:, words.OUTSIDE] = np.maximum(1 - found[:, 1:].sum(axis=1), 0)
    return found
