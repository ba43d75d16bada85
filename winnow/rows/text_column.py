"""The texts of a table's rows, read where they are needed: they take more memory than all else together."""

from collections.abc import Iterator, Sequence
from copy import copy
from pathlib import Path

import numpy as np
import pyarrow as pa

from winnow.rows import tables

CHUNK = 1024  # texts that stand in memory as Python strings while all are read in turn


def take(texts: Sequence[str], places: Sequence[int] | np.ndarray) -> list[str]:
    """Return the texts at some places, in the order of the places."""
    return texts.take(places) if isinstance(texts, TextColumn) else [texts[place] for place in places]


def strings(column: pa.ChunkedArray) -> Iterator[str]:
    """Yield a column's texts; few of them are Python strings at a time."""
    for start in range(0, len(column), CHUNK):
        yield from column.slice(start, CHUNK).to_pylist()


class TextColumn(Sequence[str]):
    """The texts of some rows of a Parquet file, in any order; memory holds one row group, 16,384 texts.

    Rows that follow the file's order are read once; those that leap to and fro should be asked for together, by `take`.

    Args:
        path: the file; its column `text` is read.
        rows: (texts,) int, places in the file, or (rows of the file,) bool; None: all of them.
    """

    def __init__(self, path: Path, rows: np.ndarray | None = None) -> None:
        self._path = path
        with tables.opened(path, ["text"]) as file:
            counts = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        self._ends = np.cumsum(counts, dtype=np.int64)
        if rows is None:
            rows = np.arange(sum(counts))
        self._rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        self._last: tuple[int, np.ndarray] = -1, np.empty(0, object)

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self._rows)

    def __getitem__(self, place):
        """Return a text, or a list of the texts of a slice."""
        numbers = range(len(self))[place]
        return self.take(numbers) if isinstance(place, slice) else self.take([numbers])[0]

    def __iter__(self) -> Iterator[str]:
        """Yield the texts in their order."""
        for start in range(0, len(self), CHUNK):
            yield from self[start : start + CHUNK]

    def column(self) -> pa.ChunkedArray:
        """Return all of the texts as a column of a table."""
        parts = (self[start : start + CHUNK] for start in range(0, len(self), CHUNK))
        return pa.chunked_array([pa.array(part, pa.large_string()) for part in parts], pa.large_string())

    def of(self, places: np.ndarray) -> "TextColumn":
        """Return some of the texts, (some,) int or (texts,) bool, without reading them."""
        some = copy(self)
        some._rows = self._rows[np.asarray(places)]
        return some

    def take(self, places: Sequence[int] | np.ndarray) -> list[str]:
        """Return the texts at some places, in the order of the places; each row group is read once."""
        rows = self._rows[np.asarray(places, dtype=np.int64)]
        groups = np.searchsorted(self._ends, rows, side="right")
        found = np.empty(len(rows), dtype=object)
        for number in np.unique(groups).tolist():
            inside = groups == number
            first = self._ends[number - 1] if number else 0
            found[inside] = self._group(number)[rows[inside] - first]
        return found.tolist()

    def _group(self, number: int) -> np.ndarray:
        """Return the texts of a row group, (rows,) object."""
        if self._last[0] != number:
            with tables.opened(self._path) as file:
                column = file.read_row_group(number, columns=["text"])["text"]
            self._last = number, np.array(column.to_pylist(), dtype=object)
        return self._last[1]
