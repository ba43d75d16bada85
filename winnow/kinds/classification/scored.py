"""What kinds whose models tell probabilities, (rows, labels), have alike in the stage score: blocks of rows, their
mean, and columns of these.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.kinds.classification import columns

if TYPE_CHECKING:
    from winnow.kinds.classification.labels import Task

MAX_FEATURES = 20_000  # words, the most frequent; rarer ones say nothing of another row
BLOCK = 16_384  # rows that are predicted at once
CALIBRATION_BINS = 10  # coarse enough for a few hundred rows


@dataclass(frozen=True)
class Chances:
    """Probabilities of labels, by models that did not see those of the rows.

    Attributes:
        task: whose labels they are.
        members: (rows, labels) float32 of each model, by name.
        truth: (rows, …), what they learnt from, as the kind has it.
    """

    task: "Task"
    members: dict[str, np.ndarray]
    truth: np.ndarray

    @cached_property
    def mean(self) -> np.ndarray:
        """What the models say together, (rows, labels) float32."""
        return np.mean(list(self.members.values()), axis=0)

    def columns(self) -> dict[str, pa.Array]:
        """Return p_<label>, of the mean, and <member>_p_<label>, float32."""
        found = columns.of(self.task, self.mean)
        for name, own in self.members.items():
            found |= columns.of(self.task, own, name)
        return found


def blocks(chosen: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the places of the rows that are marked, (rows,) bool, `BLOCK` at a time."""
    places = np.flatnonzero(chosen)
    for start in range(0, len(places), BLOCK):
        yield places[start : start + BLOCK]


def joined(parts: list[np.ndarray], labels: int) -> np.ndarray:
    """Return what was told of blocks of rows as one table, (rows, labels) float64; there may be no block."""
    return np.concatenate([np.empty((0, labels)), *parts])
