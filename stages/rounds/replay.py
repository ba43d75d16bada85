"""Decisions replayed: which labels the rows had after any number of them, as `apply_decisions` sets them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from winnow.people.decisions import Decision

KEEP = "keep"
LEFT_OUT = ("ambiguous", "out_of_scope")
NONE = -1  # a row that has no label, or none to train on


@dataclass(frozen=True)
class Rows:
    """All rows of the task, also those that people found out of scope, sorted by id.

    Attributes:
        ids, groups, splits, texts: (rows,) str.
        given: (rows,) int, the label before decisions, of its source or automatic; `NONE`: no label.
        trusted: (rows,) bool, the label before decisions is of its source: models train on it.
    """

    ids: np.ndarray
    groups: np.ndarray
    splits: np.ndarray
    texts: np.ndarray
    given: np.ndarray
    trusted: np.ndarray

    @cached_property
    def place(self) -> dict[str, int]:
        """Each row's position, by its id."""
        return {id: index for index, id in enumerate(self.ids.tolist())}

    @cached_property
    def before(self) -> np.ndarray:
        """The labels that models train on before decisions, (rows,) int."""
        return np.where(self.trusted, self.given, NONE)


@dataclass(frozen=True)
class Settled:
    """What people settled on each row, (rows,) each: verdict ('' where nothing is settled) and label (`NONE`: none)."""

    verdicts: np.ndarray
    labels: np.ndarray

    @cached_property
    def done(self) -> np.ndarray:
        """Which rows are settled, (rows,) bool."""
        return self.verdicts != ""

    @cached_property
    def errors(self) -> np.ndarray:
        """Which rows people did not leave as they were, (rows,) bool."""
        return self.done & (self.verdicts != KEEP)

    def training(self, rows: Rows) -> np.ndarray:
        """Return the labels that models train on after these decisions, (rows,) int."""
        return np.where(self.done, self.labels, rows.before)


def settle(rows: Rows, decisions: Iterable[Decision], labels: Sequence[str]) -> Settled:
    """Return what some decisions settle.

    The last line of a reviewer on a row counts, and all its reviewers must agree. A decision on an automatic label says
    what the row is, whatever the label that a rule sets today: `keep` is told of the label that the row has today.
    Decisions on unknown rows or for unknown labels are left to `apply_decisions`, which stops at them.

    Args:
        labels: names of the classes.
    """
    by_row: dict[str, dict[str, tuple[str, str]]] = {}
    for decision in decisions:
        by_row.setdefault(decision.id, {})[decision.reviewer] = _outcome(decision)
    class_of = {label: index for index, label in enumerate(labels)}
    verdicts = np.full(len(rows.ids), "", dtype=object)
    settled = np.full(len(rows.ids), NONE)
    for id, outcomes in by_row.items():
        row, (verdict, label) = rows.place.get(id), next(iter(outcomes.values()))
        if row is None or len(set(outcomes.values())) > 1:
            continue
        if verdict in LEFT_OUT:
            verdicts[row] = verdict
        elif label in class_of:
            settled[row] = class_of[label]
            verdicts[row] = KEEP if settled[row] == rows.given[row] else "relabel"
    return Settled(verdicts, settled)


def _outcome(decision: Decision) -> tuple[str, str]:
    """Return the verdict of a decision that a row has no label, or else the label that it has."""
    if decision.verdict in LEFT_OUT:
        return decision.verdict, ""
    return "", decision.new_label if decision.verdict == "relabel" else decision.given_label
