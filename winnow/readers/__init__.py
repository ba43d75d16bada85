"""Readers: one short file for each family of formats. A reader turns an open file into records, also unreadable ones.

A reader takes a binary stream, the name of its file for messages and the columns that the caller wants. It yields a
`Record` for each row (`Block`s of them where the format is columnar already) and raises `UserError` where the file as a
whole cannot be read.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import pyarrow as pa

from winnow.base.errors import UserError

BLOCK_ROWS = 1024
BLOCK_CHARACTERS = 8 * 2**20  # a block of long documents has fewer rows
# A longer line, text file or message is no document; without a limit, one of them fills the memory.
MAX_DOCUMENT = 64 * 2**20
UTF_8 = "utf-8"
SUPERSEDED = ("replaced", "deleted")  # rules by which a file takes back what an earlier one says: no fault of either
MEND_MAPPING = "mend the names of columns in its entry of params.yaml"
MOST_NAMES, LONGEST_NAME = 30, 60  # columns that an error names, and characters of each
MEND_ENCODING = "mend encoding in its entry of params.yaml, or convert the file to UTF-8"


class Record(NamedTuple):
    """One row of a file."""

    place: str  # "tickets.csv, line 12": what a person searches for
    values: Sequence[object]  # of the wanted columns, in their order
    problem: str | None = None  # why the row does not count; `values` is empty then
    rule: str | None = None  # of `SUPERSEDED`; None: the row could not be read
    doubt: str | None = None  # what of a row that counts could not be read, or not for certain


class Block(NamedTuple):
    """Some rows of a source, column by column."""

    places: list[str]
    columns: dict[str, Sequence[object] | pa.Array]  # each as long as `places`
    problems: list[tuple[str, str]]  # place and reason of the rows that could not be read
    superseded: Sequence[tuple[str, str, str]] = ()  # place, rule and reason of those that a later one supersedes
    doubts: Mapping[int, str] = MappingProxyType({})  # of rows that count, by their number in `places`


def blocks(records: Iterable[Record], columns: Sequence[str]) -> Iterator[Block]:
    """Gather records into blocks of `BLOCK_ROWS` rows, or fewer if they are long."""
    places: list[str] = []
    rows: list[Sequence[object]] = []
    problems: list[tuple[str, str]] = []
    superseded: list[tuple[str, str, str]] = []
    doubts: dict[int, str] = {}
    length = 0

    def block() -> Block:
        values = zip(*rows, strict=True) if rows else ([] for _ in columns)
        return Block(places, dict(zip(columns, values, strict=True)), problems, superseded, doubts)

    for place, row, problem, rule, doubt in records:
        if problem is None:
            if doubt is not None:
                doubts[len(rows)] = doubt
            places.append(place)
            rows.append(row)
            for value in row:
                if type(value) is str:
                    length += len(value)
        elif rule is None:
            problems.append((place, problem))
        else:
            superseded.append((place, rule, problem))
        if len(rows) + len(problems) + len(superseded) == BLOCK_ROWS or length > BLOCK_CHARACTERS:
            yield block()
            places, rows, problems, superseded, doubts, length = [], [], [], [], {}, 0
    if rows or problems or superseded:
        yield block()


def check_columns(where: str, wanted: Iterable[str], present: Iterable[str], mend: str = MEND_MAPPING) -> None:
    """Raise `UserError` if a wanted column is not there.

    Args:
        mend: what to do about it.
    """
    present = list(present)
    for column in wanted:
        if column not in present:
            near = [name for name in present if _plain(name) == _plain(column)]
            alike = f"'{_shown(near[0])}' is another name, letter by letter; " if near else ""
            raise UserError(f"{where}: column '{column}' is missing; it has {listed(present)}; {alike}{mend}")


def check_once(where: str, wanted: Iterable[str], present: Sequence[str], mend: str) -> None:
    """Raise `UserError` if a wanted column stands twice, of which each could be meant."""
    for column in wanted:
        if present.count(column) > 1:
            raise UserError(f"{where}: column '{column}' stands {present.count(column)} times; {mend}")


def listed(names: Sequence[str]) -> str:
    """Return names of columns for a message, in quotes where spaces would not show."""
    shown = [_shown(name) if name and name == name.strip() else repr(_cut(name)) for name in names[:MOST_NAMES]]
    more = [f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return ", ".join(shown + more) or "none"


def _shown(name: str) -> str:
    name = _cut(name)
    return name if name.isprintable() else repr(name)[1:-1]


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def damaged(where: str, error: Exception | str) -> UserError:
    """Return the error for a file that ends early or does not decode."""
    return UserError(f"{where}: truncated or damaged ({' '.join(str(error).split())}); fetch or export it again")
