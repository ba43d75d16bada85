"""Evidence of kinds whose models tell a probability of each label, (rows, labels): several models and their mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from winnow.kinds import evidence

if TYPE_CHECKING:
    from winnow.kinds.classification.labels import Task

LEAST = 1e-9  # a model that is certain leaves a label no less


@dataclass(frozen=True)
class Chances(evidence.Evidence):
    """Probabilities of labels.

    Attributes:
        task: whose labels they are.
        probabilities: (rows, labels) float64, what the models say together.
        members: what each says.
    """

    task: "Task"
    probabilities: np.ndarray
    members: Mapping[str, Self] = field(default_factory=dict)

    @classmethod
    def of(cls, task: "Task", members: Mapping[str, np.ndarray], together: np.ndarray | None = None) -> Self:
        """Return the evidence of models.

        Args:
            members: (rows, labels) float of each, by name.
            together: (rows, labels) float; None: the members' mean.
        """
        each = {name: own.astype(np.float64) for name, own in members.items()}
        mean = np.mean(list(each.values()), axis=0) if together is None else together.astype(np.float64)
        return cls(task, mean, {name: cls(task, own) for name, own in each.items()})

    def take(self, rows: np.ndarray) -> Self:
        """Return what is said of some rows, (some,) int or (rows,) bool."""
        members = {name: member.take(rows) for name, member in self.members.items()}
        return type(self)(self.task, self.probabilities[rows], members)

    def shown(self) -> list[list[tuple[str, float]]]:
        """Return all labels of each row with their probabilities, in the task's order."""
        return [list(zip(self.task.labels, chances, strict=True)) for chances in self.probabilities.tolist()]

    def each(self) -> dict[str, np.ndarray]:
        """Return the probabilities of each model, or of what they say together where nothing is told of them."""
        return {name: member.probabilities for name, member in self.members.items()} or {"p": self.probabilities}
