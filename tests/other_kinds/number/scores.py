"""How a number is judged: by how far it is from what the models say."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from winnow.kinds import evidence
from winnow.kinds.evidence import Errors, Signals, Surroundings


@dataclass(frozen=True)
class Evidence(evidence.Evidence):
    """Numbers that the models give, (rows,) float."""

    task: object
    numbers: np.ndarray
    members: Mapping[str, "Evidence"]

    def take(self, rows: np.ndarray) -> "Evidence":
        """Return what is said of some rows."""
        members = {name: member.take(rows) for name, member in self.members.items()}
        return Evidence(self.task, self.numbers[rows], members)

    def likeliest(self) -> np.ndarray:
        """Return the models' mean."""
        return np.array([self.task.text(number) for number in self.numbers], dtype=object)

    def signals(self, labels: np.ndarray, known: np.ndarray, surroundings: Surroundings, judged: np.ndarray) -> Signals:
        """Return the distance of each label from what each model says."""
        given = self.task.numbers(judged)
        distance = {name: np.abs(member.numbers - given) for name, member in self.members.items()}
        values = np.nan_to_num(np.stack(list(distance.values()), axis=1))
        return Signals(list(distance), values, self)

    def plant(self, labels: np.ndarray, errors: Errors) -> np.ndarray:
        """Return labels of which some are mirrored in the range."""
        rng = np.random.default_rng(errors.seed)
        rows = rng.permutation(len(labels))[: round(errors.rate * len(labels))]
        planted = labels.copy()
        for row in rows:
            number = float(labels[row])
            mirrored = self.task.low + self.task.high - number
            planted[row] = self.task.text(mirrored if abs(mirrored - number) >= 1 else self.task.low)
        return planted


def read(task, scored: pa.Table, where: Path) -> Evidence:
    """Return the evidence of rows of the score table."""
    names = [name for name in scored.column_names if name.startswith("number_")]
    numbers = {name.removeprefix("number_"): scored[name].to_numpy() for name in names}
    members = {name: Evidence(task, values, {}) for name, values in numbers.items()}
    return Evidence(task, np.mean(list(numbers.values()), axis=0), members)
