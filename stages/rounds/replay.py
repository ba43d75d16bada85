"""Decisions replayed: which labels the rows had after any number of them, as `apply_decisions` sets them.

Labels are the opaque strings of the kind of task, (rows,) object.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from winnow.kinds.task import Task
from winnow.people import settling
from winnow.people.decisions import Decision

KEEP = "keep"
NONE = None  # a row that has no label, or none to train on


@dataclass(frozen=True)
class Rows:
    """All rows of the task, also those that people found out of scope, sorted by id.

    Attributes:
        ids, groups, splits: (rows,) str.
        texts: (rows,) str before decisions, read from the file where they are needed.
        given: (rows,) label before decisions, of its source or automatic; `NONE`: no label.
        trusted: (rows,) bool, the label before decisions is of its source: models train on it.
    """

    ids: np.ndarray
    groups: np.ndarray
    splits: np.ndarray
    texts: Sequence[str]
    given: np.ndarray
    trusted: np.ndarray

    @cached_property
    def place(self) -> dict[str, int]:
        """Each row's position, by its id."""
        return {id: index for index, id in enumerate(self.ids.tolist())}

    @cached_property
    def before(self) -> np.ndarray:
        """The labels that models train on before decisions, (rows,) object."""
        return np.where(self.trusted, self.given, NONE)


@dataclass(frozen=True)
class Settled:
    """What people settled on each row, (rows,) each: verdict ('' where nothing is settled), label (`NONE`: none), and
    the text that they gave it ('' where it stays).
    """

    verdicts: np.ndarray
    labels: np.ndarray
    texts: np.ndarray

    @cached_property
    def done(self) -> np.ndarray:
        """Which rows are settled, (rows,) bool."""
        return self.verdicts != ""

    @cached_property
    def errors(self) -> np.ndarray:
        """Which rows people did not leave as they were, (rows,) bool."""
        return self.done & (self.verdicts != KEEP)

    def training(self, rows: Rows) -> np.ndarray:
        """Return the labels that models train on after these decisions, (rows,) object."""
        return np.where(self.done, self.labels, rows.before)


def settle(rows: Rows, made: Iterable[Decision], task: Task) -> Settled:
    """Return what some decisions settle.

    `winnow.people.settling` says which decisions count, and whether they agree. A decision on an automatic label says
    what the row is, whatever label a rule sets today: the verdict is `keep` where it is the label of today.
    `apply_decisions` stops at decisions on unknown rows or for unknown labels; here they settle nothing.
    """
    verdicts = np.full(len(rows.ids), "", dtype=object)
    labels, texts = np.full(len(rows.ids), NONE), np.full(len(rows.ids), "", dtype=object)
    for id, by_reviewer in settling.latest(made).items():
        row, outcome = rows.place.get(id), settling.settled(by_reviewer)
        if row is None or outcome is None:
            continue
        if outcome.left_out:
            verdicts[row] = outcome.left_out
        elif task.is_label(label := task.meant(outcome.label, rows.given[row] or "") or ""):
            labels[row], texts[row] = label, task.meant_text(outcome.text)
            verdicts[row] = KEEP if label == rows.given[row] and not outcome.text else "relabel"
    return Settled(verdicts, labels, texts)
