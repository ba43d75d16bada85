"""From the probabilities of pieces to spans, as transformers' pipeline makes them, and to those of words."""

from collections.abc import Sequence

import numpy as np

from winnow.kinds.token_classification import words
from winnow.kinds.token_classification.labels import Task
from winnow.kinds.token_classification.layout import Layout
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
