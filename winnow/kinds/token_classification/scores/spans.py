"""Spans of words as arrays, and what models say of them."""

from dataclasses import dataclass

import numpy as np

from winnow.kinds.token_classification import words
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.kinds.token_classification.layout import Layout

LEAST = 1e-4  # a model that is certain says no more than this


@dataclass(frozen=True)
class Spans:
    """Spans of some texts' words, (spans,) int each: the first word, the one behind the last, and the type's place."""

    first: np.ndarray
    end: np.ndarray
    kind: np.ndarray

    def __len__(self) -> int:
        """Return the number of spans."""
        return len(self.first)

    def take(self, chosen: np.ndarray) -> "Spans":
        """Return some of the spans, (some,) int or (spans,) bool."""
        return Spans(self.first[chosen], self.end[chosen], self.kind[chosen])

    def keys(self, words: int, types: int) -> np.ndarray:
        """Return a number for each span that tells it from others of so many words and types, (spans,) int64."""
        return (self.first * (words + 1) + self.end) * types + self.kind


def joined(parts: list[Spans]) -> Spans:
    """Return the spans of several parts."""
    return Spans(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "end", "kind")))


def of_tags(layout: Layout, tags: np.ndarray) -> Spans:
    """Return the spans that tags of words mean, (words,) int; none goes from a row into the next."""
    apart = np.full(len(tags) + layout.rows, words.OUTSIDE, dtype=np.int64)
    apart[np.arange(len(tags)) + layout.row] = np.maximum(tags, words.OUTSIDE)
    first, end, kind = words.runs(apart).reshape(-1, 3).T
    row = layout.row[np.arange(len(tags))]
    place = np.full(len(apart), -1, dtype=np.int64)
    place[np.arange(len(tags)) + row] = np.arange(len(tags))
    return Spans(place[first], place[end - 1] + 1, kind.astype(np.int64))


def labels(task: Task, layout: Layout, found: Spans) -> np.ndarray:
    """Return the label that spans make of each row, (rows,) object; they must not overlap."""
    each: list[list] = [[] for _ in range(layout.rows)]
    rows = layout.row[found.first]
    starts, ends = layout.offsets[found.first, 0], layout.offsets[found.end - 1, 1]
    for row, start, end, kind in zip(rows, starts, ends, found.kind, strict=True):
        each[row].append((start, end, task.labels[kind]))
    return np.array([canonical(own) for own in each] + [None], dtype=object)[:-1]


def logit(chances: np.ndarray) -> np.ndarray:
    """Return log odds of probabilities, none of which is certain."""
    p = np.clip(chances, LEAST, 1 - LEAST)
    return np.log(p) - np.log1p(-p)


def told(layout: Layout, chances: np.ndarray, found: Spans) -> np.ndarray:
    """Return what a model says of spans, (spans, 4) float64, higher speaks for a span.

    The log odds of the type, of the least certain word and on average; how far the first word begins one rather than
    goes on with one; how far the word behind does not go on.

    Args:
        chances: (words, tags) float.
    """
    if not len(found):
        return np.zeros((0, 4))
    begin, go_on = chances[:, 1::2].astype(np.float64), chances[:, 2::2].astype(np.float64)
    of_type = logit(begin + go_on)
    lengths = found.end - found.first
    starts = np.cumsum(lengths) - lengths
    inside = np.repeat(found.first - starts, lengths) + np.arange(lengths.sum())
    own = of_type[inside, np.repeat(found.kind, lengths)]
    behind, is_there = layout.beside(found.end - 1, 1)
    first = begin[found.first, found.kind], go_on[found.first, found.kind]
    start = np.log(np.maximum(first[0], LEAST)) - np.log(np.maximum(first[1], LEAST))
    stop = np.where(is_there, -logit(go_on[behind, found.kind]), -logit(np.zeros(1))[0])
    return np.stack([np.minimum.reduceat(own, starts), np.add.reduceat(own, starts) / lengths, start, stop], axis=1)
