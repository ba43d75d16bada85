"""What several models predict together: the mean of their probabilities, cut by thresholds of its own."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from winnow.kinds.multilabel import predictions
from winnow.kinds.multilabel.labels import Task


def mean(task: Task, runs: Sequence[pa.Table]) -> pa.Table:
    """Return the predictions of the mean.

    Args:
        runs: predictions of the same rows in the same order.
    """
    return predictions.table(task, runs[0], np.mean([predictions.chances(task, run) for run in runs], axis=0))
