"""Which rows of a queue a reviewer is shown where several share it: each row once, a share of them twice."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pydantic import Field

from winnow.base import hashing, params
from winnow.base.errors import UserError


class Params(params.Section):
    """Section `review` of params.yaml: who is shown which rows of a queue by `winnow review`."""

    overlap: float = Field(ge=0, le=1)
    """Share of a queue's rows that a second reviewer judges too; on these agreement is measured."""


@dataclass(frozen=True)
class Part:
    """One of `count` parts of a queue, `number` from 1 on: who review at one time would meet on each row.

    A hash of the ids parts a queue, so that all who name the same count share it without knowing of each other.
    """

    number: int
    count: int

    def holds(self, id: str, overlap: float) -> bool:
        """Return whether a row is in this part; a share `overlap` of the rows is in the next part, too."""
        first = int(hashing.unit("part", id) * self.count)
        own = {first, (first + 1) % self.count} if hashing.unit("overlap", id) < overlap else {first}
        return self.number - 1 in own


WHOLE = Part(1, 1)


def read_part(text: str) -> Part:
    """Return the part that `2/3` names.

    Raises:
        UserError: it names none.
    """
    found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise UserError(f"--part {text}: must be a part and how many there are, as 1/2 and 2/2")
    return Part(int(found[1]), int(found[2]))


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
