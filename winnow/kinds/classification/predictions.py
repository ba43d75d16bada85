"""Predictions of classes: beside the most probable class, the probability of each, `p_<label>` (float64)."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.rows import predictions

if TYPE_CHECKING:
    from winnow.kinds.classification.labels import Task

SUM_TOLERANCE = 1e-4


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
        UserError: those of a label are missing, or they are no probabilities.
    """
    for label in task.labels:
        if column(label) not in predicted.column_names:
            raise UserError(f"predictions: column '{column(label)}' is missing; run `dvc repro evaluate`")
    found = np.stack([predicted[column(label)].to_numpy() for label in task.labels], axis=1)
    check(found, predicted["id"], "predictions: the probabilities")
    return found


def check(chances: np.ndarray, ids: pa.ChunkedArray, what: str) -> None:
    """Raise a `UserError` that begins with `what` unless each row's probabilities are from 0 to 1 and sum to one.

    Args:
        chances: (rows, labels) float, which may be rounded to float32.
        ids: of the rows.
    """
    sound = (np.abs(chances.sum(axis=1) - 1) <= SUM_TOLERANCE) & ((chances >= 0) & (chances <= 1)).all(axis=1)
    if not sound.all():
        first = ", ".join(ids.filter(pa.array(~sound))[:3].to_pylist())
        raise UserError(f"{what} of {int((~sound).sum())} row(s) are none or do not sum to one, first {first}")


def column(label: str) -> str:
    """Return the column that holds a label's probability."""
    return f"p_{label}"
