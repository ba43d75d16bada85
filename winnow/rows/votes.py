"""What labelling rules say of rows, as the stage annotate writes it: one line a vote, with id, rule and label."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa


class ByRow(Mapping[str, list[dict[str, str]]]):
    """Rule and label of each vote on a row, by the row's id, in the table's order; some tens of bytes a vote.

    Args:
        votes: id, rule and label of each.
    """

    def __init__(self, votes: pa.Table) -> None:
        ids = np.array(votes["id"].to_pylist(), dtype=str)
        self._order = np.argsort(ids, kind="stable")
        self._ids, self._starts = np.unique(ids[self._order], return_index=True)
        self._ends = np.append(self._starts, len(ids))
        self._rule, self._label = (_shared(votes[name]) for name in ("rule", "label"))

    def __getitem__(self, id: str) -> list[dict[str, str]]:
        """Return the votes on a row."""
        place = np.searchsorted(self._ids, id)
        if place == len(self._ids) or self._ids[place] != id:
            raise KeyError(id)
        own = self._order[self._starts[place] : self._ends[place + 1]]
        return [{"rule": self._rule[vote], "label": self._label[vote]} for vote in own]

    def __iter__(self) -> Iterator[str]:
        """Yield the ids of the rows that have a vote."""
        return iter(self._ids.tolist())

    def __len__(self) -> int:
        """Return how many rows have a vote."""
        return len(self._ids)


def _shared(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column, (rows,) object; rows of one value share one string."""
    encoded = column.combine_chunks().dictionary_encode()
    return np.array(encoded.dictionary.to_pylist(), dtype=object)[encoded.indices.to_numpy()]


def majority(votes: Iterable[dict[str, str]]) -> str | None:
    """Return the label that most votes on a row are for; None where there is none, or the first two have as many."""
    first = Counter(vote["label"] for vote in votes).most_common(2)
    if not first or (len(first) == 2 and first[0][1] == first[1][1]):
        return None
    return first[0][0]
