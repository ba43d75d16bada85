"""What labelling rules say of rows, as the stage annotate writes it: one line a vote, with id, rule and label."""

from collections import Counter
from collections.abc import Iterable

import pyarrow as pa


def by_row(votes: pa.Table) -> dict[str, list[dict[str, str]]]:
    """Return rule and label of each vote on a row, by its id, in the table's order."""
    said: dict[str, list[dict[str, str]]] = {}
    for vote in votes.select(["id", "rule", "label"]).to_pylist():
        said.setdefault(vote.pop("id"), []).append(vote)
    return said


def majority(votes: Iterable[dict[str, str]]) -> str | None:
    """Return the label that most votes on a row are for; None where there is none, or the first two have as many."""
    first = Counter(vote["label"] for vote in votes).most_common(2)
    if not first or (len(first) == 2 and first[0][1] == first[1][1]):
        return None
    return first[0][0]
