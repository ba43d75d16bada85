"""What a transformer must beat: a logistic regression on TF-IDF, which gives each class a probability."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.classification import logistic, predictions

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from winnow.kinds.classification.labels import Task

LOSS = "log_loss"


def predict(
    task: "Task", training: pa.Table, rows: pa.Table, features: "tuple[csr_matrix, csr_matrix]", c: float
) -> pa.Table:
    """Return predictions of rows by a model that is fitted on the training table.

    Args:
        training: label and weight.
        rows: id, group, split and label of the examples.
        features: of the training table and of the rows, (rows, features) float each.
        c: inverse of the penalty's strength.

    Raises:
        UserError: the training table has fewer than two labels.
    """
    truth = task.indices(training["label"].to_pylist())
    if len(np.unique(truth)) < 2:
        raise UserError("baseline: the training table has fewer than two labels; raise balance.max_labels or add rows")
    learnt, asked = features
    fitted = logistic.fit(learnt, truth, c, training["weight"].to_numpy())
    return predictions.table(task, rows, logistic.probabilities(fitted, asked, len(task.labels)))


def loss(task: "Task", predicted: pa.Table) -> float:
    """Return the mean logarithmic loss of predictions."""
    truth = task.indices(predicted["label"].to_pylist())
    chances = predictions.chances(task, predicted)[np.arange(len(truth)), truth]
    return float(-np.log(chances.clip(min=1e-9)).mean())  # of a class without training rows, it is 0
