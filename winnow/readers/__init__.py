"""Readers: one short file a family of formats; each yields a file's records in order, the unreadable ones too.

A reader takes a binary stream, the name of its file for messages and the columns that the caller wants, and yields a
`Record` for each row of the file. It raises `UserError` where the file as a whole cannot be read.
"""

from collections.abc import Iterable
from typing import NamedTuple

from winnow.errors import UserError


class Record(NamedTuple):
    """One row of a file."""

    place: str  # "line 12": what a person searches for
    values: dict[str, object]
    problem: str | None = None  # why the row could not be read; `values` is empty then


def check_columns(where: str, wanted: Iterable[str], present: Iterable[str]) -> None:
    """Raise `UserError` if a wanted column is not there."""
    present = list(present)
    for column in wanted:
        if column not in present:
            raise UserError(
                f"{where}: column '{column}' is missing; it has {', '.join(present) or 'none'}; mend the mapping "
                f"(columns) of its source in params.yaml: collect.sources"
            )


def damaged(where: str, error: Exception | str) -> UserError:
    """Return the error for a file that ends early or does not decode."""
    return UserError(f"{where}: truncated or damaged ({error}); fetch or export it again")
