"""What reviewers said, as an array: one row a row of the dataset, one column a reviewer."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from winnow.kinds.task import Task
from winnow.people.decisions import Decision

NO_CLASS = ("ambiguous", "out_of_scope")  # outcomes that stand after the labels


@dataclass(frozen=True)
class Votes:
    """What reviewers said.

    Attributes:
        names: of the outcomes: the task's labels, then `NO_CLASS`.
        values: (rows, reviewers) int, index into `names`; -1 where a reviewer did not judge a row.
    """

    ids: list[str]
    reviewers: list[str]
    names: list[str]
    values: np.ndarray

    @property
    def labels(self) -> list[str]:
        """The outcomes that are a label."""
        return self.names[: -len(NO_CLASS)]

    def for_labels(self) -> np.ndarray:
        """Return the votes for a label, (rows, reviewers) int, -1 also where a vote is for none."""
        return np.where(self.values < len(self.labels), self.values, -1)

    def several(self) -> "Votes":
        """Return the rows that two reviewers or more judged."""
        rows = np.flatnonzero((self.values >= 0).sum(axis=1) > 1)
        return Votes([self.ids[row] for row in rows], self.reviewers, self.names, self.values[rows])

    def conflicts(self) -> np.ndarray:
        """Return whether a row's reviewers disagree, (rows,) bool."""
        lowest = np.where(self.values < 0, len(self.names), self.values).min(axis=1, initial=len(self.names))
        return self.values.max(axis=1, initial=-1) > lowest


def collect(made: list[Decision], task: Task, where: Path) -> Votes:
    """Return all votes, rows and reviewers sorted.

    Raises:
        UserError: a decision's label is not one of the task's.
    """
    names = [*task.labels, *NO_CLASS]
    said: dict[str, dict[str, int]] = {}
    for decision in made:
        if decision.verdict in NO_CLASS:
            outcome = len(task.labels) + NO_CLASS.index(decision.verdict)
        else:
            label = decision.new_label if decision.verdict == "relabel" else decision.given_label
            outcome = names.index(task.check(label, f"{where}: line {decision.line}"))
        said.setdefault(decision.id, {})[decision.reviewer] = outcome
    ids, reviewers = sorted(said), sorted({decision.reviewer for decision in made})
    values = [[said[id].get(reviewer, -1) for reviewer in reviewers] for id in ids]
    return Votes(ids, reviewers, names, np.array(values, dtype=int).reshape(len(ids), len(reviewers)))
