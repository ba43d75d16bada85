"""Predictions of classes: beside the most probable class, the probability of each, `p_<label>` (float64)."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.rows import predictions

if TYPE_CHECKING:
    from winnow.kinds.classification.labels import Task


def table(task: "Task", rows: pa.Table, chances: np.ndarray) -> pa.Table:
    """Return predictions as a table.

    Args:
        rows: id, group, split and label of the examples.
        chances: (rows, labels) float, the probabilities of the task's labels in their order.
    """
    own = {column(label): pa.array(chances[:, place], pa.float64()) for place, label in enumerate(task.labels)}
    return predictions.table(rows, [task.labels[place] for place in chances.argmax(axis=1)], own)


def chances(task: "Task", predicted: pa.Table) -> np.ndarray:
    """Return the probabilities of a table of predictions, (rows, labels) float64.

    Raises:
        UserError: those of a label are missing.
    """
    for label in task.labels:
        if column(label) not in predicted.column_names:
            raise UserError(f"predictions: column '{column(label)}' is missing; run `dvc repro evaluate`")
    return np.stack([predicted[column(label)].to_numpy() for label in task.labels], axis=1)


def column(label: str) -> str:
    """Return the column that holds a label's probability."""
    return f"p_{label}"
