"""Predictions of sets: beside the set above the thresholds, the probability of each label, `p_<label>` (float64)."""

import numpy as np
import pyarrow as pa

from winnow.kinds.multilabel import columns, thresholds
from winnow.kinds.multilabel.labels import Task
from winnow.rows import predictions


def table(task: Task, rows: pa.Table, chances: np.ndarray, otherwise: np.ndarray | None = None) -> pa.Table:
    """Return predictions as a table.

    Args:
        rows: id, group, split and label of the examples.
        chances: (rows, labels) float, the probabilities of the task's labels in their order.
        otherwise: (labels,) float, the thresholds where no label of dev is known; None: a half.
    """
    chances = chances.astype(np.float64)
    cut = thresholds.of_rows(task, rows, chances, otherwise)
    return predictions.table(rows, task.sets(chances >= cut), columns.of(task, chances))


def confidence(task: Task, predicted: pa.Table) -> np.ndarray:
    """Return how probable the least certain label of each row is what it was predicted, (rows,) float64."""
    found = chances(task, predicted)
    return np.where(task.matrix(predicted["predicted"].to_pylist()), found, 1 - found).min(axis=1)


def chances(task: Task, predicted: pa.Table) -> np.ndarray:
    """Return the probabilities of a table of predictions, (rows, labels) float64.

    Raises:
        UserError: those of a label are missing, or they are no probabilities.
    """
    return columns.read(task, predicted, "predictions")
