"""What a transformer must beat: a logistic regression on TF-IDF for each label."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.multilabel import one_against_rest, predictions
from winnow.kinds.multilabel.labels import Task

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LOSS = "log_loss"


def predictor(
    task: Task, training: pa.Table, rows: pa.Table, features: "tuple[csr_matrix, csr_matrix]"
) -> Callable[[float], pa.Table]:
    """Return a function of C, the inverse of the penalty's strength, that fits models and predicts rows.

    Args:
        training: label and weight.
        rows: id, group, split and label of the examples.
        features: of the training table and of the rows, (rows, features) float each.

    Raises:
        UserError: all rows of the training table have the same set.
    """
    labels, weights = training["label"].to_pylist(), training["weight"].to_numpy()
    if len(set(labels)) < 2:
        raise UserError("baseline: the training table has one set of labels; raise balance.max_labels or add rows")
    truth, (learnt, asked) = task.matrix(labels), features

    def predict(c: float) -> pa.Table:
        fitted = one_against_rest.fit(learnt, truth, c, weights)
        return predictions.table(task, rows, one_against_rest.probabilities(fitted, asked))

    return predict


def loss(task: Task, predicted: pa.Table) -> float:
    """Return the mean logarithmic loss of a label of a row."""
    truth, chances = task.matrix(predicted["label"].to_pylist()), predictions.chances(task, predicted)
    return float(-np.log(np.where(truth, chances, 1 - chances).clip(min=1e-9)).mean())
