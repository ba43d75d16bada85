"""How probabilities of new rows become sets: by the thresholds of the same model's predictions of dev."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from winnow.kinds.multilabel import predictions, thresholds
from winnow.kinds.multilabel.labels import Task
from winnow.rows.predictions import of_split


def decided(task: Task, predicted: pa.Table, measured: pa.Table) -> pa.Table:
    """Return predictions of rows without a label, cut by thresholds of their model.

    Args:
        measured: what the model predicted of dev and test rows, as the stage evaluate keeps it.
    """
    return predictions.table(task, predicted, predictions.chances(task, predicted), _tuned(task, measured))


def accompany(task: Task, folder: Path, measured: pa.Table) -> None:
    """Write the thresholds into a model's folder, so that it decides alike where `measured` is not."""
    thresholds.write(folder, task, _tuned(task, measured))


def _tuned(task: Task, measured: pa.Table) -> np.ndarray:
    dev = of_split(measured, "dev")
    return thresholds.tuned(task.matrix(dev["label"].to_pylist()), predictions.chances(task, dev))
