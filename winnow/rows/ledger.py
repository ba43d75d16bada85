"""The ledger: every row that a stage drops or changes, with the rule and the reason.

`data/ledger/<stage>.parquet` has columns id, stage, action, rule, reason, before_sha, after_sha, other_id (all string).
Actions: `refuse` (never entered), `drop` (left the table), `change` (its text, label or date changed), `skip` (stays in
the dataset, left out of this stage's output by a budget or a rule), `note` (looked at, left as it was).

`reason` is for people, and no code reads it. Where another row of the dataset is the reason (the one that stays in the
place of a duplicate), `other_id` is its id; of several, the first that the reason names.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from winnow.base.errors import UserError
from winnow.base.sorting import Sorter
from winnow.rows import tables

DETAILS = ("before_sha", "after_sha", "other_id")
COLUMNS = ("id", "stage", "action", "rule", "reason", *DETAILS)
SCHEMA = pa.schema([pa.field(name, pa.string(), nullable=name in DETAILS) for name in COLUMNS])
REMOVING = ("refuse", "drop", "skip")
ORDER = ("id", "action", "rule", "reason")


class Details(NamedTuple):
    """What an entry tells besides its reason: `text_sha` values of a text that changed or left, and another row."""

    before_sha: str | None = None
    after_sha: str | None = None
    other_id: str | None = None


NO_DETAILS = Details()


@dataclass
class Ledger:
    """Entries of one stage's run."""

    stage: str
    entries: list[tuple] = field(default_factory=list)

    def add(self, id: str, action: str, rule: str, reason: str, details: Details = NO_DETAILS) -> None:
        """Record what happened to one row."""
        self.entries.append((id, self.stage, action, rule, reason, *details))

    def removed(self) -> int:
        """Return how many rows the stage took out."""
        return sum(entry[2] in REMOVING for entry in self.entries)

    def table(self) -> pa.Table:
        """Return the entries as a table, in a stable order."""
        ordered = sorted(self.entries, key=lambda e: (e[0], e[2], e[3], e[4]))
        columns = list(zip(*ordered, strict=True)) or [()] * len(COLUMNS)
        return pa.table([pa.array(column, pa.string()) for column in columns], schema=SCHEMA)

    def write(self, path: Path) -> None:
        """Write the ledger file."""
        tables.write_sorted(self.table(), path)

    def check(self, rows_in: int, rows_out: int) -> None:
        """Raise `UserError` unless rows in = rows out + rows removed: a row is never lost in silence."""
        _conserve(self.stage, rows_in, rows_out, self.removed())

    def summary(self) -> dict[str, int]:
        """Return the number of entries for each `action.rule`, for a stage's metrics."""
        counts: dict[str, int] = {}
        for _, _, action, rule, *_ in self.entries:
            counts[f"{action}.{rule}"] = counts.get(f"{action}.{rule}", 0) + 1
        return dict(sorted(counts.items()))


@dataclass
class Book:
    """The ledger of a stage that works in batches: takes each batch's `Ledger.table()`, on disk where they are many."""

    stage: str
    sorter: Sorter
    counts: Counter = field(default_factory=Counter)

    def add(self, entries: pa.Table) -> None:
        """Take entries in."""
        self.sorter.add(entries)
        for pair in entries.group_by(["action", "rule"]).aggregate([([], "count_all")]).to_pylist():
            self.counts[pair["action"], pair["rule"]] += pair["count_all"]

    def summary(self) -> dict[str, int]:
        """Return the number of entries for each `action.rule`, for a stage's metrics."""
        return {f"{action}.{rule}": count for (action, rule), count in sorted(self.counts.items())}

    def check(self, rows_in: int, rows_out: int) -> None:
        """Raise `UserError` unless rows in = rows out + rows removed: a row is never lost in silence."""
        removed = sum(count for (action, _), count in self.counts.items() if action in REMOVING)
        _conserve(self.stage, rows_in, rows_out, removed)


@contextmanager
def book(stage: str, path: Path) -> Iterator[Book]:
    """Yield a `Book`, written to `path` when the block ends, whole or not at all."""
    with tables.writer(path, SCHEMA, ORDER, unique=False) as sorter:
        yield Book(stage, sorter)


def _conserve(stage: str, rows_in: int, rows_out: int, removed: int) -> None:
    if rows_in != rows_out + removed:
        raise UserError(
            f"stage {stage}: {rows_in} rows in, {rows_out} out and {removed} recorded as removed; "
            f"this is a defect of the stage: no output was written"
        )
