"""Readers: one short file for each family of formats. A reader turns an open file into records, also unreadable ones.

A reader takes a binary stream, the name of its file for messages and the columns that the caller wants. It yields a
`Record` for each row (`Block`s of them where the format is columnar already) and raises `UserError` where the file as a
whole cannot be read.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from winnow.base.errors import UserError

BLOCK_ROWS = 1024
BLOCK_CHARACTERS = 8 * 2**20  # a block of long documents has fewer rows
# A longer line, text file or message is no document; without a limit, one of them fills the memory.
MAX_DOCUMENT = 64 * 2**20


class Record(NamedTuple):
    """One row of a file."""

    place: str  # "tickets.csv, line 12": what a person searches for
    values: Sequence[object]  # of the wanted columns, in their order
    problem: str | None = None  # why the row could not be read; `values` is empty then


class Block(NamedTuple):
    """Some rows of a source, column by column."""

    places: list[str]
    columns: dict[str, Sequence[object] | pa.Array]  # each as long as `places`
    problems: list[tuple[str, str]]  # place and reason of the rows that could not be read


def blocks(records: Iterable[Record], columns: Sequence[str]) -> Iterator[Block]:
    """Gather records into blocks of `BLOCK_ROWS` rows, or fewer if they are long."""
    places: list[str] = []
    rows: list[Sequence[object]] = []
    problems: list[tuple[str, str]] = []
    length = 0

    def block() -> Block:
        values = zip(*rows, strict=True) if rows else ([] for _ in columns)
        return Block(places, dict(zip(columns, values, strict=True)), problems)

    for place, row, problem in records:
        if problem is None:
            places.append(place)
            rows.append(row)
            for value in row:
                if type(value) is str:
                    length += len(value)
        else:
            problems.append((place, problem))
        if len(rows) + len(problems) == BLOCK_ROWS or length > BLOCK_CHARACTERS:
            yield block()
            places, rows, problems, length = [], [], [], 0
    if rows or problems:
        yield block()


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
