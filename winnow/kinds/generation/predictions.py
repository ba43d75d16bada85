"""How sure a language model is of what it wrote."""

import numpy as np
import pyarrow as pa

from winnow.kinds.generation.labels import Task


def confidence(task: Task, predicted: pa.Table) -> np.ndarray:
    """Return the mean probability, a geometric one, of the tokens of each answer, (rows,) float."""
    tokens = np.maximum(predicted["predicted_tokens"].to_numpy(), 1)
    return np.exp(-predicted["predicted_loss"].to_numpy() / tokens)
