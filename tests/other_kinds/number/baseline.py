"""A ridge regression on TF-IDF."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from winnow.kinds.number.model import of_numbers

LOSS = "squared_error"


def predictor(task, training: pa.Table, rows: pa.Table, features) -> Callable[[float], pa.Table]:
    """Return a function of C: predictions of rows by a model that is fitted on the training table."""
    from sklearn.linear_model import Ridge

    learnt, asked = features

    def predict(c: float) -> pa.Table:
        fitted = Ridge(alpha=1 / c).fit(learnt, task.numbers(training["label"].to_pylist()))
        return of_numbers(task, rows, fitted.predict(asked))

    return predict


def loss(task, predicted: pa.Table) -> float:
    """Return the mean squared error."""
    return float(np.mean((task.numbers(predicted["label"].to_pylist()) - predicted["number"].to_numpy()) ** 2))
