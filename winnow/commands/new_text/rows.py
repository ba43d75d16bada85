"""The rows that are compared: of a new file a sample by hash, and of the dataset one row a group."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow.compute as pc

from winnow.base import hashing
from winnow.commands import pipeline
from winnow.rows import tables
from winnow.rows.text_column import TextColumn

COMPARED = 1000  # rows of a sample: the test takes memory with their square
POOL = 5000  # new rows that are kept: those of lowest hash, a random draw


def _sha(text: str) -> int:
    return int(hashing.text_sha(text), 16)  # as numbers, those of millions of texts fit in memory


@dataclass(frozen=True, order=True)
class Row:
    """A row of a new file.

    Attributes:
        rank: the hash by which it is drawn.
        number: its place in the file, from 1.
        raw: its text as it stands there.
        text: the same, cleaned.
        group: what it belongs to; "" where that is not known.
    """

    rank: str
    number: int
    raw: str = field(compare=False)
    text: str = field(compare=False)
    group: str = field(compare=False)


@dataclass
class Drawn:
    """New rows, drawn at random, and how many were no candidates."""

    known: set[int]
    rows: list[Row] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("rows", "empty", "repeated", "known"), 0))
    _heap: list[tuple[int, Row]] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)

    def add(self, number: int, raw: str, text: str, group: str) -> None:
        """Take a row in; `text` is empty where there is none."""
        self.counts["rows"] += 1
        if not text:
            self.counts["empty"] += 1
            return
        sha = _sha(text)
        if sha in self._seen:
            self.counts["repeated"] += 1
            return
        self._seen.add(sha)
        if sha in self.known:
            self.counts["known"] += 1
        row = Row(hashing.digest("drift", f"{sha:016x}"), number, raw, text, group)
        heapq.heappush(self._heap, (-int(row.rank[:15], 16), row))
        if len(self._heap) > POOL:
            heapq.heappop(self._heap)

    def pool(self) -> list[Row]:
        """Return the rows that were drawn, in the order of the draw."""
        return [row for _, row in sorted(self._heap, key=lambda entry: -entry[0])]

    def compared(self) -> list[Row]:
        """Return those that are compared: one a group."""
        return one_a_group(self.pool())[:COMPARED]

    def is_known(self, row: Row) -> bool:
        """Return whether the dataset has a row of this text."""
        return _sha(row.text) in self.known


def one_a_group(rows: list[Row]) -> list[Row]:
    """Return the first row of each group, and all whose group is not known."""
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.group or f"\x00{row.number}", row)
    return list(first.values())


class Dataset:
    """The rows of the task, as the labelled table has them.

    Raises:
        UserError: the table is not made.
    """

    def __init__(self) -> None:
        self._path = pipeline.path("apply_decisions", "out")
        self._rows = tables.read(self._path, ["id", "group", "split", "label"])
        self._order = sorted(
            range(self._rows.num_rows), key=lambda row: hashing.digest("drift", self._rows["id"][row].as_py())
        )

    def texts(self, split: str) -> list[str]:
        """Return texts of a split: one row a group, drawn by hash, at most `COMPARED`."""
        groups, splits = self._rows["group"].to_pylist(), self._rows["split"].to_pylist()
        first: dict[str, int] = {}
        for row in self._order:
            if splits[row] == split:
                first.setdefault(groups[row], row)
        places = np.array(list(first.values())[:COMPARED], np.int64)
        return TextColumn(self._path).take(places) if len(places) else []

    def known(self) -> set[int]:
        """Return the hashes of all texts, of every split: none of them is new."""
        return {_sha(text) for text in self._all()}

    def labelled(self) -> list[str]:
        """Return the ids of the training rows that have a label."""
        train = pc.and_(pc.equal(self._rows["split"], "train"), pc.is_valid(self._rows["label"]))
        return self._rows["id"].filter(train).to_pylist()

    def _all(self) -> Iterator[str]:
        for batch in tables.batches(self._path, ["text"]):
            yield from batch["text"].to_pylist()
