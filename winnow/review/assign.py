"""Which rows of a queue a reviewer is shown where several share it: each row once, a share of them twice."""

from collections.abc import Collection, Mapping

from pydantic import Field

from winnow.base import hashing, params


class Params(params.Section):
    """Section `review` of params.yaml: who is shown which rows of a queue by `winnow review`."""

    overlap: float = Field(ge=0, le=1)
    """Share of a queue's rows that a second reviewer judges too; on these agreement is measured."""


def wanted(
    id: str,
    reviewer: str,
    decided: Mapping[str, Collection[str]],
    overlap: float,
    conflicts: Collection[str] = frozenset(),
) -> bool:
    """Return whether `reviewer` should judge a row.

    A row is for whoever comes first. A share `overlap` of the rows, chosen by a hash of their ids, is for a second
    reviewer too; a larger share holds the smaller one. A row on which reviewers disagree is for everyone, those who
    disagree included: it is settled when they say the same.

    Args:
        decided: the names of those who judged each row, by its id; rows that nobody judged may be missing.
        conflicts: ids of rows on which reviewers disagree.
    """
    if id in conflicts:
        return True
    by = decided.get(id, ())
    if reviewer in by:
        return False
    return not by or (len(by) == 1 and hashing.unit("overlap", id) < overlap)
