"""What all rules say of all rows, as one matrix, and the figures on each rule."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from winnow import kinds
from winnow.base.errors import UserError
from winnow.kinds.task import Task
from winnow.labelling.rule import Rule, Voter
from winnow.statistics import intervals

NONE = -1  # no vote, or no label
NOTHING = 0  # of a row's parts, the outcome that marks nothing
OUT = pa.schema([pa.field(name, pa.string(), nullable=False) for name in ("id", "rule", "label")])
# What a rule must not see of a row.
HIDDEN = ("label", "label_origin", "label_confidence")


@dataclass(frozen=True)
class Votes:
    """Rows and what the rules say of them.

    Attributes:
        ids: (rows,) each row's id.
        said: (rows, rules) int32, index into `labels`; `NONE` where a rule abstains.
        label: (rows,) int32, the label that a row came with; `NONE` where it has none.
        labels: that votes may choose among: all of a closed set, else those that a rule or a row has.
    """

    ids: np.ndarray
    said: np.ndarray
    label: np.ndarray
    labels: Sequence[str]

    def of(self, rows: np.ndarray) -> "Votes":
        """Return the votes on some rows, given by a mask."""
        return replace(self, ids=self.ids[rows], said=self.said[rows], label=self.label[rows])

    def table(self, rules: Sequence[Rule]) -> pa.Table:
        """Return every vote as a row (schema `OUT`), sorted by id, then rule."""
        row, rule = np.nonzero(self.said != NONE)
        names = np.array([rule.name for rule in rules], dtype=object)
        order = np.lexsort((names[rule].astype(str), self.ids[row].astype(str))) if len(row) else row
        row, rule = row[order], rule[order]
        columns = self.ids[row], names[rule], np.array(self.labels, dtype=object)[self.said[row, rule]]
        return pa.table([pa.array(column, pa.string()) for column in columns], schema=OUT)


@dataclass(frozen=True)
class Parted:
    """Rows, and what the rules say of the parts of rows, where a label says something of each part.

    Attributes:
        whole: the votes on the rows.
        parts: on their parts: of rows that have a label, or on which a rule votes. The first of its `labels` marks
            nothing.
        row: (parts,) int, the row of each part, a place in `whole`, ascending.
        texts: gives the text of each row of `whole`.
        task: of the labels.
    """

    whole: Votes
    parts: Votes
    row: np.ndarray
    texts: Callable[[], Iterable[str]]
    task: Task

    @classmethod
    def made(cls, whole: Votes, batches: Callable[[], Iterable[pa.Table]], task: Task) -> "Parted":
        """Return the votes on the parts of rows.

        Args:
            batches: gives the column text of the rows, in their order.
        """

        def texts() -> Iterator[str]:
            return (text for batch in batches() for text in batch["text"].to_pylist())

        kind, rules = kinds.load(task, "parts"), whole.said.shape[1]
        said, own, counts = [np.empty((0, rules), np.int32)], [np.empty(0, np.int32)], []
        for text, votes, label in zip(texts(), whole.said, whole.label, strict=True):
            given = np.append(votes, label)
            cast = np.flatnonzero(given != NONE)
            found = kind.split(task, text, [whole.labels[vote] for vote in given[cast]])
            each = np.full((len(given), found.shape[1] if len(cast) else 0), NONE, np.int32)
            each[cast] = found[:, : each.shape[1]]
            said.append(each[:-1].T)
            own.append(each[-1])
            counts.append(each.shape[1])
        row = np.repeat(np.arange(len(counts)), counts)
        parts = Votes(whole.ids[row], np.concatenate(said), np.concatenate(own), kind.outcomes(task))
        return cls(whole, parts, row, texts, task)

    @property
    def ids(self) -> np.ndarray:
        """(rows,) each row's id."""
        return self.whole.ids

    @property
    def label(self) -> np.ndarray:
        """(rows,) int, the label that each row came with; `NONE` where it has none."""
        return self.whole.label

    @property
    def said(self) -> np.ndarray:
        """(parts, rules) int32, what the rules say of the parts."""
        return self.parts.said

    def of(self, rows: np.ndarray) -> "Parted":
        """Return the votes on some rows, given by a mask."""
        number = np.cumsum(rows) - 1
        inside = rows[self.row]

        def texts() -> Iterator[str]:
            return (text for text, is_one in zip(self.texts(), rows, strict=True) if is_one)

        return Parted(self.whole.of(rows), self.parts.of(inside), number[self.row[inside]], texts, self.task)


def check_fields(batches: Iterable[pa.Table], rules: Sequence[Rule]) -> None:
    """Raise a `UserError` if a rule reads a key of meta that no row has; `batches` have the column meta."""
    keys: set[str] = set()
    for batch in batches:
        keys.update(key for chunk in batch["meta"].chunks for key in chunk.keys.unique().to_pylist())
    for rule in rules:
        for name in sorted(rule.fields() - {"text"} - {f"meta.{key}" for key in keys}):
            has = ", ".join(sorted(keys)) or "nothing"
            raise UserError(f"{rule.where}: no row has {name}; meta holds {has}: mend the field or remove the rule")


def collect(batches: Iterable[pa.Table], voters: Sequence[Voter], task: Task) -> Votes:
    """Return the votes on rows of the data contract; memory holds one batch of texts.

    Raises:
        UserError: a row has a label that is not of the task.
    """
    place: dict[str | None, int] = {None: NONE}
    place |= {label: number for number, label in enumerate(task.vocabulary(()))}

    def numbers(labels: Iterable[str | None]) -> list[int]:
        return [place.setdefault(label, len(place) - 1) for label in labels]

    ids, said, own = [np.empty(0, object)], [np.empty((0, len(voters)), np.int32)], [np.empty(0, np.int32)]
    for batch in batches:
        rows = batch.drop_columns([name for name in HIDDEN if name in batch.column_names]).to_pylist()
        for row in rows:
            row["meta"] = dict(row["meta"])
        votes = [numbers(voter.vote(rows)) for voter in voters]
        said.append(np.array(votes, dtype=np.int32).reshape(len(voters), len(rows)).T)
        own.append(np.array(numbers(_checked(batch, task)), dtype=np.int32))
        ids.append(np.array([row["id"] for row in rows], dtype=object))
    met = [label for label in place if label is not None]
    labels = task.vocabulary(met)
    ordered = {label: number for number, label in enumerate(labels)}
    number = np.array([*(ordered[label] for label in met), NONE], np.int32)  # `NONE` finds the last one
    return Votes(np.concatenate(ids), number[np.concatenate(said)], number[np.concatenate(own)], labels)


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
    """Return the number of votes, the share that is right and its 95 % interval (Wilson).

    Args:
        right: (rows,) bool.
    """
    low, high = intervals.wilson(int(right.sum()), len(right))
    share = float(right.mean()) if len(right) else 0.0
    return {"measured_on": len(right), "accuracy": share, "accuracy_low": low, "accuracy_high": high}
