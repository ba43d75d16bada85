"""What reviewers said, as an array: one row a row of the dataset, one column a reviewer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from winnow.kinds.task import Task
from winnow.people import settling
from winnow.people.decisions import Decision
from winnow.people.settling import LEFT_OUT, Outcome


@dataclass(frozen=True)
class Votes:
    """What reviewers said.

    Attributes:
        names: of the outcomes: the labels that votes may choose among, then `LEFT_OUT`.
        values: (rows, reviewers) int, index into `names`; -1 where a reviewer did not judge a row.
        texts: (rows, reviewers) object, the text that a reviewer gives a row; empty where it stays.
    """

    ids: list[str]
    reviewers: list[str]
    names: list[str]
    values: np.ndarray
    texts: np.ndarray

    @property
    def labels(self) -> list[str]:
        """The outcomes that are a label."""
        return self.names[: -len(LEFT_OUT)]

    def for_labels(self) -> np.ndarray:
        """Return the votes for a label, (rows, reviewers) int, -1 also where a vote is for none."""
        return np.where(self.values < len(self.labels), self.values, -1)

    def several(self) -> "Votes":
        """Return the rows that two reviewers or more judged."""
        rows = np.flatnonzero((self.values >= 0).sum(axis=1) > 1)
        ids = [self.ids[row] for row in rows]
        return Votes(ids, self.reviewers, self.names, self.values[rows], self.texts[rows])

    def conflicts(self) -> np.ndarray:
        """Return whether a row's reviewers disagree, (rows,) bool."""
        lowest = np.where(self.values < 0, len(self.names), self.values).min(axis=1, initial=len(self.names))
        disagree = self.values.max(axis=1, initial=-1) > lowest
        for row in np.flatnonzero((self.texts != "").any(axis=1)):
            disagree[row] |= len(set(self.texts[row][self.values[row] >= 0])) > 1
        return disagree

    def same(self, one: int, other: int) -> np.ndarray:
        """Return where two reviewers say the same of a row, (rows,) bool, of those that both judged."""
        return (self.values[:, one] == self.values[:, other]) & (self.texts[:, one] == self.texts[:, other])


def collect(made: Iterable[Decision], given: Mapping[str, str | None], task: Task, where: Path) -> Votes:
    """Return all votes, rows and reviewers sorted.

    Args:
        given: the labels of rows before decisions, by id; None, or not there: not known.

    Raises:
        UserError: a decision's label is none of the task's.
    """
    said: dict[str, dict[str, Outcome]] = {}
    texts: dict[tuple[str, str], str] = {}
    for id, by_reviewer in settling.latest(made).items():
        for reviewer, decision in by_reviewer.items():
            outcome = settling.outcome(decision)
            if not outcome.left_out:
                # A label that people saw and that is no longer known stands as it is told.
                label = task.meant(outcome.label, given.get(id) or "") or outcome.label
                texts[id, reviewer] = task.meant_text(outcome.text)
                outcome = Outcome(label, "")
                task.check(outcome.label, f"{where}: line {decision.line}")
            said.setdefault(id, {})[reviewer] = outcome
    labels = task.vocabulary(each.label for by in said.values() for each in by.values() if not each.left_out)
    outcomes = [*(Outcome(label, "") for label in labels), *(Outcome("", verdict) for verdict in LEFT_OUT)]
    number = {outcome: place for place, outcome in enumerate(outcomes)}
    reviewers = sorted({reviewer for by in said.values() for reviewer in by})
    values = [[number[by[who]] if who in by else -1 for who in reviewers] for by in said.values()]
    shape = len(said), len(reviewers)
    new = np.array([texts.get((id, who), "") for id in said for who in reviewers], dtype=object).reshape(shape)
    return Votes(list(said), reviewers, list(map(str, outcomes)), np.array(values, dtype=int).reshape(shape), new)
