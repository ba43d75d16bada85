"""Predictions of a classifier, as tests make them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from winnow.kinds.classification import predictions
from winnow.kinds.classification.labels import Task


def task(labels: Sequence[str]) -> Task:
    """Return the task of these classes."""
    return Task(kind="classification", labels=list(labels))


def table(columns: dict[str, Sequence[str]], truth: np.ndarray, chances: np.ndarray, labels: Sequence[str]) -> pa.Table:
    """Return predictions of rows.

    Args:
        columns: id, group and split.
        truth: (rows,) int, index into `labels`.
        chances: (rows, labels) float.
    """
    rows = pa.table(columns | {"label": [labels[place] for place in truth]})
    return predictions.table(task(labels), rows, chances)
