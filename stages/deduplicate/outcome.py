"""What becomes of each row: its cluster, its entries in the ledger, and the conflicts of labels in its cluster.

Rows are named by their number in the order of ids, so that a few numbers a row are all that memory holds.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
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


@dataclass(frozen=True)
class Found:
    """What is a duplicate of what. All arrays: (rows,).

    Attributes:
        fates: int8, of `Fate`.
        roots: int32, the lowest number in the row's cluster.
        keepers: int32, the row that stays, or the best copy, in place of a dropped one; else the row itself.
        matches: int32, the text of another dataset that this row is a duplicate of; -1: none.
        similarity: float32, to the keeper of a near-duplicate, else to the match.
        labels: int16, places in `label_names`; -1: none.
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


class Conflicts:
    """The clusters whose members have different labels.

    Attributes:
        roots: the clusters, by the number of their lowest row, ascending.
        rows: their members that have a label or are kept, ascending.
    """

    def __init__(self, found: Found) -> None:
        labelled = np.flatnonzero(found.labels >= 0)
        some = np.full(len(found.roots), -1, np.int16)  # of each cluster, one of its labels
        some[found.roots[labelled]] = found.labels[labelled]
        self.roots = np.unique(found.roots[labelled[found.labels[labelled] != some[found.roots[labelled]]]])
        told = np.isin(found.roots, self.roots) & ((found.labels >= 0) | (found.fates == Fate.kept))
        self.rows = np.flatnonzero(told)
        self._found = found
        # The first members of each label of a cluster: more are never named, and boilerplate has very many.
        self._counts: dict[int, Counter[int]] = defaultdict(Counter)
        self._members: dict[tuple[int, int], list[int]] = defaultdict(list)
        for row, root, label in zip(self.rows, found.roots[self.rows], found.labels[self.rows], strict=True):
            if label >= 0:
                self._counts[root][label] += 1
                if self._counts[root][label] <= SHOWN:
                    self._members[root, label].append(row)

    def others(self, row: int) -> tuple[list[int], int]:
        """Return the first members of the row's cluster that have another label, and the number of all of them."""
        root, label = self._found.roots[row], self._found.labels[row]
        counts = {other: count for other, count in self._counts[root].items() if other != label}
        return sorted(row for other in counts for row in self._members[root, other])[:SHOWN], sum(counts.values())


class Names:
    """The ids of the rows that other rows are told about."""

    def __init__(self, found: Found, conflicts: Conflicts, batches: Iterable[pa.Table]) -> None:
        """Take them from `batches`, which hold the column `id` of all rows."""
        numbers = np.arange(len(found.roots))
        others = [column[column != numbers] for column in (found.roots, found.keepers)]
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


def kept_rows(batch: pa.Table, first: int, found: Found, names: Names) -> pa.Table:
    """Return the rows that stay, with their cluster, of a batch whose first row has number `first`."""
    numbers = np.arange(first, first + len(batch))
    roots = found.roots[numbers]
    elsewhere = roots != numbers
    clusters = pc.replace_with_mask(batch["id"].combine_chunks(), pa.array(elsewhere), names.of(roots[elsewhere]))
    return tables.set_column(batch, "cluster", clusters, pa.string()).filter(
        pa.array(found.fates[numbers] == Fate.kept)
    )


def entries(
    batch: pa.Table, first: int, found: Found, conflicts: Conflicts, names: Names, foreign: Callable[[int], str]
) -> pa.Table:
    """Return the ledger's entries about the rows of a batch whose first row has number `first`.

    Args:
        foreign: names a text of another dataset, given by number.
    """
    ledger = Ledger("deduplicate")
    numbers = np.arange(first, first + len(batch))
    conflicting = np.isin(numbers, conflicts.rows)
    told = (found.fates[numbers] != Fate.kept) | (found.matches[numbers] >= 0) | conflicting
    for place in np.flatnonzero(told).tolist():
        row, id, fate = first + place, batch["id"][place].as_py(), Fate(found.fates[first + place])
        match = found.matches[row]
        matched = f"duplicate (Jaccard {found.similarity[row]:.3f}) of {foreign(match)}" if match >= 0 else ""
        if fate != Fate.kept:
            text_sha = hashing.text_sha(batch["text"][place].as_py())
            if fate == Fate.against:
                ledger.add(id, "drop", fate.name, matched, Details(text_sha))
            else:
                details = Details(text_sha, other_id=names[found.keepers[row]])
                ledger.add(id, "drop", fate.name, _copy(row, fate, found, names), details)
            continue
        if matched:
            ledger.add(id, "note", Fate.against.name, matched)
        if conflicting[place]:
            others, total = conflicts.others(row)
            details = Details(other_id=names[others[0]])
            ledger.add(id, "note", "label_conflict", _conflict(row, others, total, found, names), details)
    return ledger.table()


def _copy(row: int, fate: Fate, found: Found, names: Names) -> str:
    keeper = found.keepers[row]
    near = f"near-duplicate (Jaccard {found.similarity[row]:.3f})"
    differ = found.labels[row] >= 0 and found.labels[keeper] >= 0 and found.labels[row] != found.labels[keeper]
    conflict = f"; labels differ ({found.label(keeper)}, {found.label(row)})" if differ else ""
    return f"{near if fate == Fate.near_duplicate else 'exact duplicate'} of {names[keeper]}{conflict}"


def _conflict(row: int, others: list[int], total: int, found: Found, names: Names) -> str:
    listed = ", ".join(f"{names[other]} {found.label(other)}" for other in others)
    more = f" and {total - len(others)} more" if total > len(others) else ""
    own = f" from its own, {found.label(row)}" if found.labels[row] >= 0 else ""
    return f"labels of its cluster differ{own}: {listed}{more}"


def conflict_rows(found: Found, conflicts: Conflicts, names: Names, rows: int) -> Iterator[pa.Table]:
    """Yield the table of conflicts (`CONFLICT`) in the order of ids, at most `rows` rows at a time."""

    def told(row: int) -> dict:
        others, total = conflicts.others(row)
        return _member(row) | {
            "cluster": names[found.roots[row]],
            "others": [_member(other) for other in others],
            "others_total": total,
        }

    def _member(row: int) -> dict:
        return {"id": names[row], "label": found.label(row), "kept": bool(found.fates[row] == Fate.kept)}

    for start in range(0, len(conflicts.rows), rows):
        yield pa.Table.from_pylist([told(row) for row in conflicts.rows[start : start + rows]], CONFLICT)
