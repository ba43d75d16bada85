"""What a language model must beat: the response to the nearest training prompt, by TF-IDF."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.kinds.generation import metrics
from winnow.kinds.generation.examples import asked
from winnow.kinds.generation.labels import Task
from winnow.kinds.generation.nearest import nearest
from winnow.rows import predictions
from winnow.text import sentences

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LOSS = "chrf_missing"  # to one


def predictor(
    task: Task, training: pa.Table, rows: pa.Table, features: "tuple[csr_matrix, csr_matrix]"
) -> Callable[[float], pa.Table]:
    """Return a function of C, which changes nothing: predictions of rows by the nearest training prompts."""
    learnt, wanted = features
    places = nearest([wanted], [learnt])[:, 0]
    labels = training["label"].to_pylist()
    found = predictions.table(rows, [labels[place] for place in places])
    return lambda c: found


def loss(task: Task, predicted: pa.Table) -> float:
    """Return what chrF lacks to one."""
    total = metrics.counts(task, predicted, np.zeros(predicted.num_rows, dtype=int), 1)
    return 1 - float(metrics.values(total)["chrf"][0])


def plain(task: Task, training: pa.Table, rows: pa.Table) -> dict[str, pa.Table]:
    """Return the first and the last sentence of the last user's turn as responses."""
    found = [sentences.split(asked(text))[0] or [""] for text in rows["text"].to_pylist()]
    return {
        "first_sentence": predictions.table(rows, [each[0] for each in found]),
        "last_sentence": predictions.table(rows, [each[-1] for each in found]),
    }
