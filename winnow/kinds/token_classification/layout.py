"""Where the words of rows stand: those of all rows, one row after the other, so that arrays hold a number a word."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from winnow.encoder.tokens import chunks
from winnow.kinds.token_classification import words
from winnow.kinds.token_classification.labels import Task
from winnow.kinds.token_classification.windows import Windows


@dataclass(frozen=True)
class Layout:
    """The words of rows.

    Attributes:
        bounds: (rows + 1,) int64, the place of each row's first word, and how many words there are.
        offsets: (words, 2) int32, where each word begins and ends in its row's text.
    """

    bounds: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str] | pa.ChunkedArray) -> "Layout":
        """Return the words of texts, which are read in their order."""
        each = [words.offsets(text) for some in chunks(texts) for text in some]
        bounds = np.concatenate([[0], np.cumsum([len(own) for own in each], dtype=np.int64)])
        return cls(bounds.astype(np.int64), np.concatenate([np.zeros((0, 2), np.int32), *each]))

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.bounds) - 1

    @cached_property
    def row(self) -> np.ndarray:
        """The row of each word, (words,) int64."""
        return np.repeat(np.arange(self.rows), np.diff(self.bounds))

    def own(self, row: int) -> slice:
        """Return the places of a row's words."""
        return slice(int(self.bounds[row]), int(self.bounds[row + 1]))

    def places(self, rows: np.ndarray) -> np.ndarray:
        """Return the places of the words of some rows, (some words,) int64, in the order of the rows, (some,) int."""
        counts = np.diff(self.bounds)[rows]
        starts = np.repeat(self.bounds[:-1][rows] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
        return starts + np.arange(counts.sum())

    def take(self, rows: np.ndarray) -> "Layout":
        """Return the words of some rows, (some,) int."""
        bounds = np.concatenate([[0], np.cumsum(np.diff(self.bounds)[rows], dtype=np.int64)])
        return Layout(bounds.astype(np.int64), self.offsets[self.places(rows)])

    def beside(self, places: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of words some steps behind others, and whether they are of the same row; (places,) each.

        Where none is, the place is that of the word itself.
        """
        beside, row = places + step, self.row[places]
        is_there = (beside >= self.bounds[row]) & (beside < self.bounds[row + 1])
        return np.where(is_there, beside, places), is_there

    def pieces(self, read: Windows) -> tuple[np.ndarray, np.ndarray]:
        """Return pairs of a token in its home window and a word that it lies in, (pairs,) int64 each, by token.

        Args:
            read: the windows of the same texts.
        """
        # All texts in one line, so that one search finds the words of all pieces.
        longest = max(int(self.offsets[:, 1].max(initial=0)), int(read.offsets[:, 1].max(initial=0))) + 1
        line = self.offsets + (self.row * longest)[:, None]
        home = np.flatnonzero(read.is_home & (read.offsets[:, 1] > read.offsets[:, 0]))
        spans = read.offsets[home] + (read.row_of_token[home] * longest)[:, None]
        first = np.searchsorted(line[:, 1], spans[:, 0], "right")
        counts = np.maximum(np.searchsorted(line[:, 0], spans[:, 1], "left") - first, 0)
        pair = np.repeat(np.arange(len(home)), counts)
        within = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
        return home[pair], first[pair] + within

    def tags(self, task: Task, labels: np.ndarray) -> np.ndarray:
        """Return the tag of each word, (words,) int64, -1 in rows without a label; `labels` is (rows,) object."""
        found = np.full(len(self.offsets), -1, dtype=np.int64)
        for row, label in enumerate(labels):
            if label is not None:
                own = self.own(row)
                found[own] = words.tags(task, label, self.offsets[own])
        return found

    def labels(self, task: Task, tags: np.ndarray) -> np.ndarray:
        """Return the label that the tags of each row's words mean, (rows,) object; `tags` is (words,) int."""
        found = np.empty(self.rows, dtype=object)
        for row in range(self.rows):
            own = self.own(row)
            found[row] = words.spans_of(task, tags[own], self.offsets[own])
        return found
