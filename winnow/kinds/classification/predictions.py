"""Predictions of classes: beside the most probable class, the probability of each, `p_<label>` (float64)."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.kinds.classification import columns
from winnow.rows import predictions

if TYPE_CHECKING:
    from winnow.kinds.classification.labels import Task


def table(task: "Task", rows: pa.Table, chances: np.ndarray) -> pa.Table:
    """Return predictions as a table.

    Args:
        rows: id, group, split and label of the examples.
        chances: (rows, labels) float, the probabilities of the task's labels in their order.
    """
    own = columns.of(task, chances.astype(np.float64))
    return predictions.table(rows, [task.labels[place] for place in chances.argmax(axis=1)], own)


def confidence(task: "Task", predicted: pa.Table) -> np.ndarray:
    """Return the probability of each predicted class, (rows,) float64."""
    return chances(task, predicted).max(axis=1)


def chances(task: "Task", predicted: pa.Table) -> np.ndarray:
    """Return the probabilities of a table of predictions, (rows, labels) float64.

    Raises:
        UserError: those of a label are missing, or they are no probabilities.
    """
    return columns.read(task, predicted, "predictions")
