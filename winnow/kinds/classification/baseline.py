"""What a transformer must beat: a logistic regression on TF-IDF, which gives each class a probability."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.classification import logistic, predictions

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from winnow.kinds.classification.labels import Task

LOSS = "log_loss"


def predictor(
    task: "Task", training: pa.Table, rows: pa.Table, features: "tuple[csr_matrix, csr_matrix]"
) -> Callable[[float], pa.Table]:
    """Return a function of C, the inverse of the penalty's strength, that fits a model and predicts rows.

    Where features and classes are many, a fit begins at that of the C before: called by ascending C, it takes a
    fraction of the time.

    Args:
        training: label and weight.
        rows: id, group, split and label of the examples.
        features: of the training table and of the rows, (rows, features) float each.

    Raises:
        UserError: the training table has fewer than two labels.
    """
    truth, weights = task.indices(training["label"].to_pylist()), training["weight"].to_numpy()
    if len(np.unique(truth)) < 2:
        raise UserError("baseline: the training table has fewer than two labels; raise balance.max_labels or add rows")
    learnt, asked = features
    before = None

    def predict(c: float) -> pa.Table:
        nonlocal before
        before = logistic.fit(learnt, truth, c, weights, before)
        return predictions.table(task, rows, logistic.probabilities(before, asked, len(task.labels)))

    return predict


def loss(task: "Task", predicted: pa.Table) -> float:
    """Return the mean logarithmic loss of predictions."""
    truth = task.indices(predicted["label"].to_pylist())
    chances = predictions.chances(task, predicted)[np.arange(len(truth)), truth]
    return float(-np.log(chances.clip(min=1e-9)).mean())  # of a class without training rows, it is 0
