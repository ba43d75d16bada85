"""What models say of class labels that they did not learn from: probabilities of the classes, out of fold.

The stage score writes them in columns: p_<label>, what the models say together, and <member>_p_<label>. The models, and
what a row's group says (`context`), are stacked before a label is judged (`stack`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.encoder.neighbours import Neighbours
from winnow.kinds import evidence
from winnow.kinds.classification import columns
from winnow.kinds.classification.chances import LEAST, Chances
from winnow.kinds.classification.scores import detectors, noise, stack
from winnow.kinds.evidence import GROUP, Doubt, Errors, Filter, Signals, Surroundings, Suspects

if TYPE_CHECKING:
    from winnow.kinds.classification.labels import Task


@dataclass(frozen=True)
class Evidence(Chances):
    """Probabilities of classes; see `Chances`."""

    def likeliest(self) -> np.ndarray:
        """Return the most probable class of each row, (rows,) object."""
        return self._names(self.probabilities.argmax(axis=1))

    def signals(self, labels: np.ndarray, known: np.ndarray, surroundings: Surroundings, judged: np.ndarray) -> Signals:
        """Return what speaks against labels: the stack, each model, the group, the neighbours and the rules."""
        given = self.task.indices(labels)
        stacked, chances = stack.stacked(given, known, self.each(), surroundings)
        at = np.flatnonzero([label is not None for label in judged])
        label, vote = self.task.indices(judged[at]), surroundings.votes[at]
        found = {"stack": stack.against(stacked[at], label), "margin": stack.margin(stacked[at], label)}
        found |= {name: stack.against(each[at], label) for name, each in chances.items()}
        if surroundings.near is not None:
            shares = stack.shares(surroundings.near, given, len(self.task.labels))
            found["neighbours"] = 1 - shares[at, label]
        silent = np.array([said is None for said in vote], dtype=bool)
        found["rules"] = np.where(silent, 0.0, np.where(vote == judged[at], -1.0, 1.0))
        values = np.zeros((len(judged), len(found)))
        values[at] = np.stack(list(found.values()), axis=1)
        return Signals(list(found), values, Evidence.of(self.task, chances, stacked))

    def plant(self, labels: np.ndarray, errors: Errors) -> np.ndarray:
        """Return labels of which some are wrong, (rows,) object.

        Those of kind `instance` are what the models together take for right, of kind `class` what the members' mean
        confuses.
        """
        each = list(self.each().values())
        chances = {"uniform": None, "class": np.mean(each, axis=0), "instance": self.probabilities}[errors.kind]
        return self._names(noise.plant(self.task.indices(labels), len(self.task.labels), errors, chances))

    def noise(self, labels: np.ndarray, known: np.ndarray) -> float:
        """Return the share of the known labels off the diagonal of the confident joint: never none and never all."""
        suspects = stack.confident(self.probabilities, self.task.indices(labels), known)
        return evidence.between(float(suspects[known].mean()) if known.any() else 0.0, int(known.sum()))

    def support(self, labels: np.ndarray) -> np.ndarray:
        """Return the probability of each row's label among the classes that occur, (rows,) float64."""
        present, own = np.unique(self.task.indices(labels), return_inverse=True)
        chances = np.maximum(self.probabilities[:, present], LEAST)
        return (chances / chances.sum(axis=1, keepdims=True))[np.arange(len(own)), own]

    def chances(self, labels: Sequence[str]) -> np.ndarray:
        """Return the probabilities of some classes, (rows, labels) float64."""
        return self.probabilities[:, self.task.indices(labels)]

    def doubt(self, by: Doubt) -> np.ndarray:
        """Return how unsure the models are, (rows,) float64.

        Args:
            by: entropy: Shannon's, as a share of the highest possible; margin: the difference between the two likeliest
                classes, negative (Scheffer et al. 2001).
        """
        if by == "margin":
            highest = np.sort(self.probabilities, axis=1)
            return -(highest[:, -1] - highest[:, -2])
        logs = np.log(self.probabilities, out=np.zeros_like(self.probabilities), where=self.probabilities > 0)
        return -(self.probabilities * logs).sum(axis=1) / np.log(len(self.task.labels))

    def suspects(self, labels: np.ndarray, filter_by: Filter) -> Suspects:
        """Return which labels confident learning holds to be wrong (Northcutt et al. 2021)."""
        return detectors.suspects(self.task.indices(labels), self.probabilities, filter_by)

    def flags(self, labels: np.ndarray, near: Neighbours, everyone: np.ndarray) -> dict[str, np.ndarray]:
        """Return which labels each way of confident learning, each model and the neighbours hold to be wrong."""
        given = self.task.indices(labels)
        found = detectors.confident(given, self.probabilities)
        found |= {name: chances.argmax(axis=1) != given for name, chances in self.each().items()}
        shares = stack.shares(near, self.task.indices(everyone), len(self.task.labels))
        return found | {"neighbours": shares.max(axis=1) > shares[np.arange(len(given)), given]}

    def rankings(self, labels: np.ndarray, near: Neighbours) -> dict[str, np.ndarray]:
        """Return how suspicious labels are to cleanlab's rankings, to each model, to the neighbours and to the stack.

        Rows without a label have no meaning here.
        """
        given = self.task.indices(labels)
        models = {name: chances for name, chances in self.each().items() if name != GROUP}
        return detectors.rankings(given, models, near) | {"stack": stack.against(self.probabilities, given)}

    def _names(self, places: np.ndarray) -> np.ndarray:
        return np.array(self.task.labels, dtype=object)[places]


def read(task: "Task", scored: pa.Table, where: Path) -> Evidence:
    """Return what the stage score's table, with id, says of its rows.

    Raises:
        UserError: a label has no probabilities, or they are none; names the file `where`.
    """
    members = {model: columns.read(task, scored, str(where), model) for model in columns.models(task, scored)}
    return Evidence.of(task, members, columns.read(task, scored, str(where)))
