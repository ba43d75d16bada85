"""Predictions of two revisions on one split, paired: the same row, the same arm, the same seed.

Rows are paired by id. A run pairs with the run of the same name; seeds that one revision alone has are left out, and
told. One pair of runs is in memory at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow import kinds
from winnow.base.errors import UserError
from winnow.commands.diff.revision import Revision
from winnow.kinds.task import Task
from winnow.rows import predictions, tables

ROWS = ("id", "group", "split", "label")


@dataclass(frozen=True)
class Side:
    """Predictions of one revision.

    Attributes:
        files: a table a run, by the run's name.
        split: of the rows that count.
        columns: that metrics are computed from; None: all of them.
    """

    files: dict[str, Path]
    split: str
    columns: Sequence[str] | None = None

    @cached_property
    def rows(self) -> pa.Table:
        """Return id, group, split and label of the split's rows, by id."""
        table = tables.read(next(iter(self.files.values())), ROWS)
        return _by_id(predictions.of_split(table, self.split))

    def run(self, name: str) -> pa.Table:
        """Return a run's predictions of the split's rows, by id.

        Raises:
            UserError: they are of other rows than those of the first run.
        """
        table = _by_id(predictions.of_split(tables.read(self.files[name], self.columns), self.split))
        if not table["id"].equals(self.rows["id"]):
            raise UserError(f"{self.files[name]}: its rows differ from those of the first run; `dvc repro evaluate`")
        return table


@dataclass(frozen=True)
class Pairs:
    """What two revisions have in common.

    Attributes:
        base, head: predictions.
        runs: names that both have, by approach, in order of seed.
        left_out: names that one alone has.
        at_base, at_head: (common,) int, where the common rows stand in the rows of each.
    """

    base: Side
    head: Side
    runs: dict[str, list[str]]
    left_out: list[str]
    at_base: np.ndarray
    at_head: np.ndarray

    @property
    def same_rows(self) -> bool:
        """Return whether both judge the same rows."""
        return len(self.at_base) == self.base.rows.num_rows == self.head.rows.num_rows

    @cached_property
    def labels(self) -> pa.ChunkedArray:
        """Return HEAD's labels of the common rows."""
        return self.head.rows["label"].take(pa.array(self.at_head))

    @cached_property
    def old_labels(self) -> pa.ChunkedArray:
        """Return BASE's labels of the common rows."""
        return self.base.rows["label"].take(pa.array(self.at_base))

    @cached_property
    def ids(self) -> pa.ChunkedArray:
        """Return the ids of the common rows."""
        return self.head.rows["id"].take(pa.array(self.at_head))

    def read(self, name: str) -> tuple[pa.Table, pa.Table]:
        """Return a run's predictions by both revisions, of all rows of each."""
        return self.base.run(name), self.head.run(name)

    def common(self, base: pa.Table, head: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Return the common rows of both, in one order, each with its own labels."""
        return base.take(pa.array(self.at_base)), head.take(pa.array(self.at_head))

    def at(self, side: Side) -> np.ndarray:
        """Return where the common rows stand in the rows of one revision."""
        return self.at_base if side is self.base else self.at_head

    def relabelled(self, table: pa.Table) -> pa.Table:
        """Return predictions of the common rows with HEAD's labels."""
        return tables.set_column(table, "label", self.labels, pa.string())

    def is_unchanged(self, name: str) -> bool:
        """Return whether both revisions' predictions of a run are one file of DVC's cache."""
        return self.base.files[name].resolve() == self.head.files[name].resolve()


def side(revision: Revision, split: str, task: Task) -> Side | None:
    """Return a revision's predictions; None where it has none."""
    # What counts the rows of a kind with `fast` does without columns of its own (docs/kinds.md), of which there may be
    # as many as classes.
    columns = predictions.COLUMNS if kinds.has(task, "fast") else None
    folder = revision.find("evaluate", "out")
    files = {path.stem: path for path in sorted(folder.glob("*.parquet"))} if folder else {}
    return Side(files, split, columns) if files else None


def paired(base: Side, head: Side, apart: pa.Array | None = None) -> Pairs:
    """Return what two revisions have in common.

    Args:
        apart: ids that count as two rows, one of each revision.
    """
    both = predictions.by_approach(sorted(base.files.keys() & head.files.keys()))
    at_base = pc.index_in(head.rows["id"], base.rows["id"].combine_chunks()).combine_chunks()
    if apart is not None:
        at_base = pc.if_else(pc.is_in(head.rows["id"], apart).combine_chunks(), None, at_base)
    at_head = np.flatnonzero(pc.is_valid(at_base).to_numpy(zero_copy_only=False))
    here = pc.drop_null(at_base).to_numpy().astype(np.int64)
    return Pairs(base, head, both, sorted(base.files.keys() ^ head.files.keys()), here, at_head)


def _by_id(table: pa.Table) -> pa.Table:
    ids = table["id"].combine_chunks()
    return (
        table if not len(ids) or pc.all(pc.less_equal(ids[:-1], ids[1:])).as_py() is not False else table.sort_by("id")
    )
