"""What models say of sets of labels that they did not learn from: the probability of each label, out of fold.

The stage score writes them in columns: p_<label>, what the models say together, and <member>_p_<label>. A label that a
row has, or has not, is a cell; the cells are judged first (`stack`), a row by its cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from winnow.encoder.neighbours import Neighbours
from winnow.kinds.classification.chances import LEAST, Chances
from winnow.kinds.evidence import Doubt, Errors, Filter, Signals, Surroundings, Suspects
from winnow.kinds.multilabel import columns
from winnow.kinds.multilabel.labels import Task
from winnow.kinds.multilabel.scores import detectors, noise, stack


@dataclass(frozen=True)
class Evidence(Chances):
    """Probabilities of labels; see `Chances`."""

    def likeliest(self) -> np.ndarray:
        """Return the set of the labels that are more probable than not, (rows,) object."""
        return self.task.sets(self.probabilities >= 0.5)

    def against(self, labels: np.ndarray) -> np.ndarray:
        """Return how far the models speak against each cell, (rows, labels) float64: log odds that it is wrong.

        Of a label that a row has, that it is too many; of another, that it is missing.
        """
        return stack.against(self.probabilities, self.task.matrix(labels))

    def signals(self, labels: np.ndarray, known: np.ndarray, surroundings: Surroundings, judged: np.ndarray) -> Signals:
        """Return what speaks against sets: the stack, in several sums of cells, each model, neighbours and rules."""
        given = self.task.matrix(labels)
        near = None if surroundings.near is None else stack.shares(surroundings.near, given)
        each = self.each()
        stacked = stack.stacked(stack.Known(given, known, surroundings.folds), each, near)
        at = np.flatnonzero([label is not None for label in judged])
        sets = self.task.matrix(judged[at])
        found = stack.of_rows(stack.against(stacked[at], sets), sets)
        found |= {name: stack.against(own[at], sets).max(axis=1) for name, own in each.items()}
        if near is not None:
            found["neighbours"] = np.abs(sets - near[at]).max(axis=1)
        vote = surroundings.votes[at]
        silent = np.array([said is None for said in vote], dtype=bool)
        found["rules"] = np.where(silent, 0.0, np.where(vote == judged[at], -1.0, 1.0))
        values = np.zeros((len(judged), len(found)))
        values[at] = np.stack(list(found.values()), axis=1)
        return Signals(list(found), values, Evidence.of(self.task, each, stacked))

    def plant(self, labels: np.ndarray, errors: Errors) -> np.ndarray:
        """Return sets of which some are wrong, by a label too many, a label missing, or a label for another."""
        each = list(self.each().values())
        chances = {"uniform": None, "class": np.mean(each, axis=0), "instance": self.probabilities}[errors.kind]
        return self.task.sets(noise.plant(self.task.matrix(labels), errors, chances))

    def support(self, labels: np.ndarray) -> np.ndarray:
        """Return the geometric mean of the probabilities of each row's cells, (rows,) float64 in 0..1."""
        return np.exp(np.log(self._cells(labels)).mean(axis=1))

    def chances(self, labels: Sequence[str]) -> np.ndarray:
        """Return the probabilities of some sets if one of them is right, (rows, sets) float64.

        A set is as probable as its cells are together, each by itself.
        """
        sets = self.task.matrix(labels)
        p = np.clip(self.probabilities, LEAST, 1 - LEAST)
        logs = np.log(p) @ sets.T + np.log1p(-p) @ ~sets.T
        chances = np.exp(logs - logs.max(axis=1, keepdims=True))
        return chances / chances.sum(axis=1, keepdims=True)

    def doubt(self, by: Doubt) -> np.ndarray:
        """Return how unsure the models are, (rows,) float64.

        Args:
            by: entropy: Shannon's, the mean over labels, as a share of the highest possible; margin: how far the least
                certain label is from a half, negative: the two likeliest sets differ in it.
        """
        p = np.clip(self.probabilities, LEAST, 1 - LEAST)
        if by == "margin":
            return -np.abs(2 * p - 1).min(axis=1)
        return -(p * np.log2(p) + (1 - p) * np.log2(1 - p)).mean(axis=1)

    def suspects(self, labels: np.ndarray, filter_by: Filter) -> Suspects:
        """Return which sets confident learning holds to be wrong, label by label (Northcutt et al. 2021)."""
        return detectors.suspects(self.task.matrix(labels), self.probabilities, filter_by)

    def flags(self, labels: np.ndarray, near: Neighbours, everyone: np.ndarray) -> dict[str, np.ndarray]:
        """Return which sets each way of confident learning, each model and the neighbours hold to be wrong."""
        given = self.task.matrix(labels)
        found = detectors.confident(given, self.probabilities)
        found |= {name: ((own >= 0.5) != given).any(axis=1) for name, own in self.each().items()}
        shares = stack.shares(near, self.task.matrix(everyone))
        return found | {"neighbours": ((shares > 0.5) != given).any(axis=1)}

    def rankings(self, labels: np.ndarray, near: Neighbours) -> dict[str, np.ndarray]:
        """Return how suspicious sets are to cleanlab's rankings, to each model, to the neighbours and to the stack.

        Rows without a label have no meaning here.
        """
        given = self.task.matrix(labels)
        found = detectors.rankings(given, self.each())
        found["neighbours"] = np.abs(given - stack.shares(near, given)).max(axis=1)
        return found | {f"stack_{name}": own for name, own in stack.of_rows(self.against(labels), given).items()}

    def _cells(self, labels: np.ndarray) -> np.ndarray:
        """Return the probability of each cell as it is given, (rows, labels) float64."""
        p = np.clip(self.probabilities, LEAST, 1 - LEAST)
        return np.where(self.task.matrix(labels), p, 1 - p)


def read(task: Task, scored: pa.Table, where: Path) -> Evidence:
    """Return what the stage score's table, with id, says of its rows.

    Raises:
        UserError: a label has no probabilities, or they are none; names the file `where`.
    """
    members = {model: columns.read(task, scored, str(where), model) for model in columns.models(task, scored)}
    return Evidence.of(task, members, columns.read(task, scored, str(where)))
