"""What is known of every text, on disk: one file for each column, and the shingles of all texts in one file.

Texts are numbered. Batches may arrive in any order, since a text's number says where in a file its values stand.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from winnow.text.sketch import Bands, band_keys, shingle

_SHINGLES, _START, _LENGTH, _UNSPACED = "shingles", "start", "length", "unspaced"


def sketch(batch: pa.Table, words: int, bands: Bands, seed: int) -> dict[str, pa.Table]:
    """Return the table "sketches" of a batch (columns `number`, int64, and `text`), for `Scratch.add`.

    A table function (`winnow.base.engine`): it depends on the batch and its settings alone.
    """
    shingles = shingle(batch["text"].combine_chunks(), words)
    keys = band_keys(shingles, bands, seed)
    columns = {
        "number": batch["number"],
        "exact": pa.FixedSizeListArray.from_arrays(pa.array(shingles.exact.ravel()), 2),
        "keys": pa.FixedSizeListArray.from_arrays(pa.array(keys.ravel()), bands.count),
        "shingles": pa.LargeListArray.from_arrays(pa.array(shingles.offsets), pa.array(shingles.hashes)),
        "unspaced": pa.array(shingles.unspaced.view(np.uint8)),
    }
    return {"sketches": pa.table(columns)}


class Scratch:
    """Columns on disk, in an existing folder that the caller removes; use `opened`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, BinaryIO] = {}
        self._start = self._length = self._unspaced = np.empty(0, np.int64)

    def put(self, column: str, first: int, values: np.ndarray) -> None:
        """Write the values of texts `first` and following, a 1-d array, into a column."""
        file = self._file(column)
        file.seek(first * values.itemsize)
        file.write(np.ascontiguousarray(values))

    def get(self, column: str, dtype: type) -> np.ndarray:
        """Return a column, (texts,), which was put with this dtype."""
        self._file(column).flush()
        return np.fromfile(self._folder / column, dtype)

    def add(self, sketches: pa.Table) -> None:
        """Take in a batch that `sketch` made; its texts are numbered without a gap."""
        sketches = sketches.combine_chunks()
        first = sketches["number"][0].as_py()
        exact, keys = (_matrix(sketches[name].chunk(0)) for name in ("exact", "keys"))
        for name, columns in (("exact", exact), ("band", keys)):
            for number, values in enumerate(columns.T):
                self.put(f"{name}{number}", first, values)
        shingles = sketches["shingles"].chunk(0)
        lengths = shingles.value_lengths().to_numpy()
        file = self._file(_SHINGLES)
        self.put(_START, first, file.tell() // 8 + np.cumsum(lengths) - lengths)
        self.put(_LENGTH, first, lengths.astype(np.int32))
        self.put(_UNSPACED, first, sketches["unspaced"].to_numpy())
        file.write(shingles.flatten().to_numpy())

    def finish(self) -> None:
        """End writing; `lengths`, `unspaced` and `shingles` work from now on."""
        self._start, self._length = self.get(_START, np.int64), self.get(_LENGTH, np.int32)
        self._unspaced = self.get(_UNSPACED, np.bool_)
        self._file(_SHINGLES).flush()

    def lengths(self, numbers: np.ndarray) -> np.ndarray:
        """Return how many shingles texts have, int64."""
        return self._length[numbers].astype(np.int64)

    def unspaced(self, numbers: np.ndarray) -> np.ndarray:
        """Return whether texts are in scripts without spaces, bool."""
        return self._unspaced[numbers]

    def shingles(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the texts' shingles one after another, uint64, and where each text begins, (texts + 1,) int64."""
        file = self._file(_SHINGLES).fileno()
        lengths = self.lengths(numbers)
        places = zip((lengths * 8).tolist(), (self._start[numbers] * 8).tolist(), strict=True)
        # Not a memory map: its pages would count as this process's memory.
        data = b"".join([os.pread(file, length, start) for length, start in places])
        return np.frombuffer(data, np.uint64), np.concatenate([[0], np.cumsum(lengths)])

    def _file(self, column: str) -> BinaryIO:
        if column not in self._files:
            self._files[column] = (self._folder / column).open("w+b")
        return self._files[column]

    def close(self) -> None:
        """Close all files."""
        for file in self._files.values():
            file.close()


@contextmanager
def opened(folder: Path) -> Iterator[Scratch]:
    """Yield a `Scratch` in a folder; its files are closed at the end."""
    scratch = Scratch(folder)
    try:
        yield scratch
    finally:
        scratch.close()


def _matrix(lists: pa.FixedSizeListArray) -> np.ndarray:
    return lists.flatten().to_numpy().reshape(len(lists), -1)
