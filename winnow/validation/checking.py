"""The tables of a run against their schemas, and against one another."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.base.errors import UserError
from winnow.kinds.task import Task
from winnow.rows import splits, tables
from winnow.rows.ids import numbers
from winnow.rows.ledger import REMOVING

Ids = np.ndarray  # (rows,) uint64: 16 hex digits as a number, 8 bytes a row


class Checker:
    """Reads tables once each, against their schemas; keeps how many rows each had."""

    def __init__(self, task: Task) -> None:
        from winnow.validation import schemas  # imports pandas

        self.schemas = schemas
        self.task = task
        self.rows: dict[str, int] = {}

    def table(self, name: str, path: Path, stage: str, see: Callable[[pa.Table], None] = lambda batch: None) -> Ids:
        """Return a table's ids, (rows,) uint64, ascending; `name` is that of its schema, `stage` made it."""
        mend = f"mend the source or the stage that made it, then `dvc repro {stage}`"
        ids = self.schemas.check_table(path, getattr(self.schemas, name)(self.task), mend, see)
        self.rows[name] = self.rows.get(name, 0) + len(ids)
        return ids

    def raw(self, folder: Path) -> Ids:
        """Return the ids of all sources."""
        files = sorted(folder.glob("*.parquet"))
        if not files:
            raise UserError(f"{folder}: holds no <source>.parquet; `dvc repro collect` makes them")
        ids = np.concatenate([self.table("raw", file, "collect") for file in files])
        if len(np.unique(ids)) < len(ids):
            raise UserError(f"{folder}: two sources have rows of one id; ids must be unique: run `dvc repro collect`")
        return ids

    def same(self, before: Ids, after: Ids, stage: str, ledger: Path | None = None) -> None:
        """Raise `UserError` unless a stage's rows are those that went in, less those that its ledger drops."""
        self.schemas.conserved(before, after, self._dropped(ledger) if ledger else np.empty(0, np.uint64), stage)

    def _dropped(self, ledger: Path) -> Ids:
        removing = pa.array(REMOVING)
        found = [np.empty(0, np.uint64)]
        for batch in tables.batches(ledger, ["id", "action"]):
            found.append(numbers(batch.filter(pc.is_in(batch["action"], removing))["id"]))
        return np.unique(np.concatenate(found))


class Assigned:
    """The split of every row, as arrays: 17 bytes a row."""

    def __init__(self) -> None:
        self.columns: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def see(self, batch: pa.Table) -> None:
        """Take rows of the split in."""
        columns = splits.codes(batch["group"]), splits.codes(batch["cluster"]), splits.indices(batch["split"])
        self.columns.append(columns)

    def check(self, ids: Ids, frozen: np.ndarray) -> np.ndarray:
        """Return each row's split, (rows,) int8.

        Raises:
            UserError: a group or a cluster crosses splits, or a frozen test group is not in test.
        """
        group, cluster, split = map(np.concatenate, zip(*self.columns, strict=True))
        for what, rows in splits.leaks(group, cluster, split, frozen):
            first = ", ".join(f"{number:016x}" for number in ids[rows[:3]].tolist())
            raise UserError(f"the split leaks: {len(rows)} row(s) {what}, first {first}; run `dvc repro --force split`")
        return split
