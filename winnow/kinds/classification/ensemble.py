"""What several classifiers predict together: the mean of their probabilities (Lakshminarayanan et al. 2017)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.kinds.classification import predictions

if TYPE_CHECKING:
    from winnow.kinds.classification.labels import Task


def mean(task: "Task", runs: Sequence[pa.Table]) -> pa.Table:
    """Return the predictions of the mean.

    Args:
        runs: predictions of the same rows in the same order.
    """
    return predictions.table(task, runs[0], np.mean([predictions.chances(task, run) for run in runs], axis=0))
