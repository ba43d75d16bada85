"""Numbers are judged by their mean error: less is better."""

import numpy as np
import pyarrow as pa

from winnow.kinds.headline import Headline

HEADLINE = Headline("mean_error", larger_is_better=False, is_share=False)
WORDS = {"mean_error": "mean error"}


def counts(task, predictions: pa.Table, part: np.ndarray, parts: int) -> np.ndarray:
    """Return the sum of errors and the number of rows of each part, (parts, 2) float."""
    error = np.abs(task.numbers(predictions["label"].to_pylist()) - task.numbers(predictions["predicted"].to_pylist()))
    return np.stack([np.bincount(part, weights, minlength=parts) for weights in (error, np.ones(len(error)))], axis=1)


def values(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return the mean error of counts (..., 2)."""
    return {"mean_error": counts[..., 0] / np.maximum(counts[..., 1], 1)}


def measure(task, predictions: pa.Table, bins: int) -> dict:
    """Return the mean error and the number of rows."""
    total = counts(task, predictions, np.zeros(predictions.num_rows, dtype=int), 1)
    return {"rows": predictions.num_rows, "mean_error": float(values(total)["mean_error"][0])}


def plots(task, arms, measured, bins) -> dict[str, list[tuple]]:
    """Return the plot's table of errors."""
    lines = [(name, of["mean_error"]) for name, of in measured.items()]
    return {"errors": [("arm", "mean_error"), *lines]}
