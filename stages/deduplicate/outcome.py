"""What becomes of each row: its cluster, its entries in the ledger, and the conflicts of labels in its cluster.

Rows are named by their number in the order of ids, so that a few numbers a row are all that memory holds.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.base import hashing
from winnow.rows import tables
from winnow.rows.ledger import Details, Ledger

SHOWN = 10  # members with another label that a conflict names; the number of all stands beside them
MEMBER = pa.struct([("id", pa.string()), ("label", pa.string()), ("kept", pa.bool_())])
CONFLICT = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("cluster", pa.string(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("kept", pa.bool_(), nullable=False),
        pa.field("others", pa.list_(MEMBER), nullable=False),
        pa.field("others_total", pa.int64(), nullable=False),
    ]
)


class Fate(IntEnum):
    """Why a row is dropped; the names are the rules in the ledger."""

    kept = 0
    exact_duplicate = 1
    near_duplicate = 2
    against = 3
    overlap = 4


@dataclass(frozen=True)
class Duplicates:
    """What is a duplicate of what. All arrays: (rows,).

    Attributes:
        fates: int8, of `Fate`.
        roots: int32, the lowest number in the row's cluster.
        keepers: int32, the row that stays, or the best copy, in place of a dropped one; else the row itself.
        matches: int32, the text of another dataset that this row is a duplicate of; -1: none.
        similarity: float32, to the keeper of a near-duplicate, else to the match.
        labels: int32, places in `label_names`; -1: none.
    """

    fates: np.ndarray
    roots: np.ndarray
    keepers: np.ndarray
    matches: np.ndarray
    similarity: np.ndarray
    labels: np.ndarray
    label_names: Sequence[str]

    def label(self, row: int) -> str | None:
        """Return a row's label."""
        return self.label_names[self.labels[row]] if self.labels[row] >= 0 else None

    def clusters(self) -> int:
        """Return how many clusters have more than one member."""
        return int((np.bincount(self.roots) > 1).sum())


def disputed(roots: np.ndarray, meanings: np.ndarray) -> np.ndarray:
    """Return the clusters, ascending, whose members' labels do not all say the same.

    Args:
        roots: (rows,) int32, the cluster of each row, by the number of its lowest row.
        meanings: (rows,) int32, of each row's label; -1: no label.
    """
    labelled = np.flatnonzero(meanings >= 0)
    some = np.full(len(roots), -1, np.int32)  # of each cluster, one of its meanings
    some[roots[labelled]] = meanings[labelled]
    return np.unique(roots[labelled[meanings[labelled] != some[roots[labelled]]]])


class Conflicts:
    """The clusters whose members have labels that say different things.

    Attributes:
        roots: the clusters, by the number of their lowest row, ascending.
        rows: their members that have a label or are kept, ascending.
    """

    def __init__(self, duplicates: Duplicates, meanings: np.ndarray) -> None:
        """Find them.

        Args:
            meanings: (rows,) int32, equal where labels of a cluster say the same; -1: no label.
        """
        self.roots = disputed(duplicates.roots, meanings)
        told = np.isin(duplicates.roots, self.roots) & ((meanings >= 0) | (duplicates.fates == Fate.kept))
        self.rows = np.flatnonzero(told)
        self._duplicates, self._meanings = duplicates, meanings
        # The first members of each meaning in a cluster: more are never named, and boilerplate has very many.
        self._counts: dict[int, Counter[int]] = defaultdict(Counter)
        self._members: dict[tuple[int, int], list[int]] = defaultdict(list)
        for row, root, meaning in zip(self.rows, duplicates.roots[self.rows], meanings[self.rows], strict=True):
            if meaning >= 0:
                self._counts[root][meaning] += 1
                if self._counts[root][meaning] <= SHOWN:
                    self._members[root, meaning].append(row)

    def between(self, row: int, other: int) -> bool:
        """Return whether two rows of a cluster have labels that say different things."""
        one, two = self._meanings[[row, other]]
        return -1 not in (one, two) and one != two

    def others(self, row: int) -> tuple[list[int], int]:
        """Return the first members of the row's cluster whose labels say otherwise, and the number of all of them."""
        root, meaning = self._duplicates.roots[row], self._meanings[row]
        counts = {other: count for other, count in self._counts[root].items() if other != meaning}
        return sorted(row for other in counts for row in self._members[root, other])[:SHOWN], sum(counts.values())


class Names:
    """The ids of the rows that entries on other rows name."""

    def __init__(self, duplicates: Duplicates, conflicts: Conflicts, batches: Iterable[pa.Table]) -> None:
        """Take them from `batches`, which hold the column `id` of all rows."""
        numbers = np.arange(len(duplicates.roots))
        others = [column[column != numbers] for column in (duplicates.roots, duplicates.keepers)]
        self._numbers = np.unique(np.concatenate([*others, conflicts.rows, conflicts.roots]))
        parts, first = [], 0
        for batch in batches:
            start, end = np.searchsorted(self._numbers, [first, first + len(batch)])
            parts += batch["id"].take(pa.array(self._numbers[start:end] - first)).chunks
            first += len(batch)
        self._ids = pa.chunked_array(parts, pa.string()).combine_chunks()

    def of(self, rows: np.ndarray) -> pa.Array:
        """Return the ids of rows, given by number."""
        return self._ids.take(pa.array(np.searchsorted(self._numbers, rows)))

    def __getitem__(self, row: int) -> str:
        return self._ids[int(np.searchsorted(self._numbers, row))].as_py()


@dataclass(frozen=True)
class Outcome:
    """What the stage writes of each row: to the table, the ledger and the conflicts.

    Attributes:
        foreign: names a text of another dataset, given by number.
        words: labels in words, by row, as far as they are other than the labels.
        overlaps: what of other datasets stands in a row, in words, by row.
    """

    duplicates: Duplicates
    conflicts: Conflicts
    names: Names
    foreign: Callable[[int], str]
    words: Mapping[int, str]
    overlaps: Mapping[int, str]

    def kept_rows(self, batch: pa.Table, first: int) -> pa.Table:
        """Return the rows that stay, with their cluster, of a batch whose first row has number `first`."""
        numbers = np.arange(first, first + len(batch))
        roots = self.duplicates.roots[numbers]
        elsewhere = roots != numbers
        ids = self.names.of(roots[elsewhere])
        clusters = pc.replace_with_mask(batch["id"].combine_chunks(), pa.array(elsewhere), ids)
        kept = pa.array(self.duplicates.fates[numbers] == Fate.kept)
        return tables.set_column(batch, "cluster", clusters, pa.string()).filter(kept)

    def entries(self, batch: pa.Table, first: int) -> pa.Table:
        """Return the ledger's entries about the rows of a batch whose first row has number `first`."""
        ledger, duplicates = Ledger("deduplicate"), self.duplicates
        numbers = np.arange(first, first + len(batch))
        conflicting = np.isin(numbers, self.conflicts.rows)
        told = (duplicates.fates[numbers] != Fate.kept) | (duplicates.matches[numbers] >= 0) | conflicting
        told |= np.isin(numbers, list(self.overlaps))
        for place in np.flatnonzero(told).tolist():
            row, id, fate = first + place, batch["id"][place].as_py(), Fate(duplicates.fates[first + place])
            matched = self._match(row) if duplicates.matches[row] >= 0 else ""
            if fate == Fate.overlap:
                details = Details(hashing.text_sha(batch["text"][place].as_py()))
                ledger.add(id, "drop", fate.name, self.overlaps[row], details)
                continue
            if fate != Fate.kept:
                foreign = fate == Fate.against
                keeper = None if foreign else self.names[duplicates.keepers[row]]
                details = Details(hashing.text_sha(batch["text"][place].as_py()), other_id=keeper)
                ledger.add(id, "drop", fate.name, matched if foreign else self._copy(row, fate), details)
                continue
            if matched:
                ledger.add(id, "note", Fate.against.name, matched)
            elif row in self.overlaps:
                ledger.add(id, "note", Fate.overlap.name, self.overlaps[row])
            if conflicting[place]:
                others, total = self.conflicts.others(row)
                details = Details(other_id=self.names[others[0]])
                ledger.add(id, "note", "label_conflict", self._conflict(row, others, total), details)
        return ledger.table()

    def conflict_rows(self, rows: int) -> Iterator[pa.Table]:
        """Yield the table of conflicts (`CONFLICT`) in the order of ids, at most `rows` rows at a time."""
        for start in range(0, len(self.conflicts.rows), rows):
            told = map(self._conflict_row, self.conflicts.rows[start : start + rows])
            yield pa.Table.from_pylist(list(told), CONFLICT)

    def _conflict_row(self, row: int) -> dict:
        others, total = self.conflicts.others(row)
        return self._member(row) | {
            "cluster": self.names[self.duplicates.roots[row]],
            "others": [self._member(other) | {"label": self._shown(other)} for other in others],
            "others_total": total,
        }

    def _member(self, row: int) -> dict:
        kept = bool(self.duplicates.fates[row] == Fate.kept)
        return {"id": self.names[row], "label": self.duplicates.label(row), "kept": kept}

    def _shown(self, row: int) -> str | None:
        """Return a row's label as people are told it."""
        return self.words.get(row, self.duplicates.label(row))

    def _match(self, row: int) -> str:
        similarity, match = self.duplicates.similarity[row], self.duplicates.matches[row]
        return f"duplicate (similarity {similarity:.3f}) of {self.foreign(match)}"

    def _copy(self, row: int, fate: Fate) -> str:
        keeper = self.duplicates.keepers[row]
        near = f"near-duplicate (similarity {self.duplicates.similarity[row]:.3f})"
        own, other = self._shown(row), self._shown(keeper)
        conflict = f"; labels differ ({other}, {own})" if self.conflicts.between(row, keeper) else ""
        return f"{near if fate == Fate.near_duplicate else 'exact duplicate'} of {self.names[keeper]}{conflict}"

    def _conflict(self, row: int, others: list[int], total: int) -> str:
        listed = ", ".join(f"{self.names[other]} {self._shown(other)}" for other in others)
        more = f" and {total - len(others)} more" if total > len(others) else ""
        label = self._shown(row)
        own = "" if label is None else f" from its own, {label}"
        return f"labels of its cluster differ{own}: {listed}{more}"
