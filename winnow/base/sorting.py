"""Sort more rows than memory holds: sorted runs on disk, read back one narrow range of keys at a time.

External sorting by partitioned runs (Knuth, The Art of Computer Programming 3, 5.4). Ids are hashes, so ranges of
their first two hex digits are of like length, whatever the rows are.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

# Rows that stand in memory before they become a run on disk. Sorting takes twice as much again.
RUN_BYTES = 16 * 2**20
# So many runs are read side by side; then they grow, so that no corpus opens more files than a process may.
RUNS = 128
_BOUNDS = [f"{number:02x}" for number in range(1, 256)]


class Sorter:
    """Takes tables in any order and gives them back sorted; equal keys keep the order in which they came.

    Args:
        schema: of every table.
        key: columns to sort by, ascending; the first one is a string, best a hash.
        folder: an existing folder for the runs; the caller removes it.
        run_bytes: memory for rows that are not on disk yet.
    """

    def __init__(self, schema: pa.Schema, key: Sequence[str], folder: Path, run_bytes: int = RUN_BYTES) -> None:
        self.schema = schema
        self.key = [(name, "ascending") for name in key]
        self.rows = 0
        self._folder, self._limit = folder, run_bytes
        self._waiting: list[pa.Table] = []
        self._bytes = 0
        self._runs: list[tuple[Path, list[int]]] = []  # file, and where in it each range starts

    def add(self, table: pa.Table) -> None:
        """Take rows in."""
        self._waiting.append(table.select(self.schema.names).cast(self.schema))
        self._bytes += table.nbytes
        self.rows += table.num_rows
        if self._bytes >= self._limit:
            self._spill()

    def spill(self, above: int) -> None:
        """Put the rows that stand in memory on disk if they take more than `above` bytes."""
        if self._bytes > above:
            self._spill()

    def sorted(self) -> Iterator[pa.Table]:
        """Yield all rows, in order, in tables of no fixed length; rows of one first key are never in two tables.

        May be called again, for the same rows.
        """
        if not self._runs:
            self._waiting = [self._take()]
            yield self._waiting[0]
            return
        self._spill()
        with ExitStack() as stack:
            runs = []
            for path, starts in self._runs:
                file = stack.enter_context(pa.OSFile(str(path)))
                runs.append((stack.enter_context(pa.ipc.open_file(file)), starts))
            for number in range(len(_BOUNDS) + 1):
                parts = [run.get_batch(i) for run, starts in runs for i in range(starts[number], starts[number + 1])]
                if parts:
                    yield pa.Table.from_batches(parts, self.schema).sort_by(self.key)

    def _take(self) -> pa.Table:
        table = pa.concat_tables([self.schema.empty_table(), *self._waiting]).sort_by(self.key)
        self._waiting, self._bytes = [], 0
        return table

    def _spill(self) -> None:
        if not self._waiting:
            return
        table = self._take().combine_chunks()
        first = table[self.key[0][0]]
        cuts = [0, *(bisect_left(first, bound, key=str) for bound in _BOUNDS), table.num_rows]
        path = self._folder / f"{len(self._runs)}.arrow"
        starts = [0]
        with pa.ipc.new_file(str(path), self.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as run:
            for start, end in pairwise(cuts):
                batches = table.slice(start, end - start).to_batches() if end > start else []
                for batch in batches:
                    run.write_batch(batch)
                starts.append(starts[-1] + len(batches))
        self._runs.append((path, starts))
        if len(self._runs) % RUNS == 0:
            self._limit *= 2
