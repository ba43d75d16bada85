"""What all rules say of all rows, as one matrix, and what is to be told of each rule."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.task import Task
from winnow.labelling.rule import Rule, Voter
from winnow.statistics import intervals

NONE = -1  # no vote, or no label
OUT = pa.schema([pa.field(name, pa.string(), nullable=False) for name in ("id", "rule", "label")])
# What a rule must not see of a row.
HIDDEN = ("label", "label_origin", "label_confidence")


@dataclass(frozen=True)
class Votes:
    """Rows and what the rules say of them.

    Attributes:
        ids: (rows,) each row's id.
        said: (rows, rules) int16, index into the task's labels; `NONE` where a rule abstains.
        label: (rows,) int16, the label that a row came with; `NONE` where it has none.
    """

    ids: np.ndarray
    said: np.ndarray
    label: np.ndarray

    def table(self, rules: Sequence[Rule], labels: Sequence[str]) -> pa.Table:
        """Return every vote as a row (schema `OUT`), sorted by id, then rule."""
        row, rule = np.nonzero(self.said != NONE)
        names = np.array([rule.name for rule in rules], dtype=object)
        order = np.lexsort((names[rule].astype(str), self.ids[row].astype(str))) if len(row) else row
        row, rule = row[order], rule[order]
        columns = self.ids[row], names[rule], np.array(labels, dtype=object)[self.said[row, rule]]
        return pa.table([pa.array(column, pa.string()) for column in columns], schema=OUT)


def check_fields(batches: Iterable[pa.Table], rules: Sequence[Rule]) -> None:
    """Raise a `UserError` if a rule reads a key of meta that no row has; `batches` have the column meta."""
    keys: set[str] = set()
    for batch in batches:
        keys.update(key for chunk in batch["meta"].chunks for key in chunk.keys.unique().to_pylist())
    for rule in rules:
        for name in sorted(rule.fields() - {"text"} - {f"meta.{key}" for key in keys}):
            has = ", ".join(sorted(keys)) or "nothing"
            raise UserError(f"{rule.where}: no row has {name}; meta holds {has}: mend the field or take the rule out")


def collect(batches: Iterable[pa.Table], voters: Sequence[Voter], task: Task) -> Votes:
    """Return the votes on rows of the data contract; memory holds one batch of texts.

    Raises:
        UserError: a row has a label that is not of the task.
    """
    place = {label: number for number, label in enumerate(task.labels)} | {None: NONE}
    ids, said, own = [], [], []
    for batch in batches:
        rows = batch.drop_columns([name for name in HIDDEN if name in batch.column_names]).to_pylist()
        for row in rows:
            row["meta"] = dict(row["meta"])
        votes = [[place[label] for label in voter.vote(rows)] for voter in voters]
        said.append(np.array(votes, dtype=np.int16).reshape(len(voters), len(rows)).T)
        own.append(np.array([place[label] for label in _checked(batch, task)], dtype=np.int16))
        ids.append(np.array([row["id"] for row in rows], dtype=object))
    if not ids:
        return Votes(np.empty(0, object), np.empty((0, len(voters)), np.int16), np.empty(0, np.int16))
    return Votes(np.concatenate(ids), np.concatenate(said), np.concatenate(own))


def _checked(batch: pa.Table, task: Task) -> list[str | None]:
    labels = batch["label"].to_pylist()
    for id, label in zip(batch["id"].to_pylist(), labels, strict=True):
        if label is not None:
            task.check(label, f"row {id}")
    return labels


def summary(said: np.ndarray, rule: int) -> dict[str, float]:
    """Return a rule's coverage, overlap and conflict: the share of rows on which it votes; on which another one votes
    too; on which another one votes otherwise (as in data programming, Ratner et al. 2017).

    Args:
        said: (rows, rules) int.
    """
    own, others = said[:, [rule]], np.delete(said, rule, axis=1)
    votes, met = own[:, 0] != NONE, others != NONE
    rows = max(len(said), 1)
    return {
        "coverage": float(votes.sum() / rows),
        "overlap": float((votes & met.any(axis=1)).sum() / rows),
        "conflict": float((votes & (met & (others != own)).any(axis=1)).sum() / rows),
    }


def accuracy(right: np.ndarray) -> dict[str, float]:
    """Return the share of right ones with its 95 % interval (Wilson), and their number.

    Args:
        right: (rows,) bool.
    """
    low, high = intervals.wilson(int(right.sum()), len(right))
    share = float(right.mean()) if len(right) else 0.0
    return {"measured_on": len(right), "accuracy": share, "accuracy_low": low, "accuracy_high": high}
