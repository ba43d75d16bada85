"""What several models predict together: spans by the mean of what they say of words."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from winnow.kinds.token_classification import predictions, words
from winnow.kinds.token_classification.decoding import Sure
from winnow.kinds.token_classification.labels import Task
from winnow.kinds.token_classification.predictions import Told


def mean(task: Task, runs: Sequence[pa.Table]) -> pa.Table:
    """Return the predictions of the mean.

    Args:
        runs: predictions of the same rows in the same order.
    """
    each = list(zip(*(predictions.told(task, run) for run in runs), strict=True))
    said = [_mean(of_row, len(task.tags)) for of_row in each]
    return predictions.table(task, runs[0], [_spans(task, of_row) for of_row in said], said)


def _mean(said: Sequence[Told], tags: int) -> Told:
    """Return what models say together of the words that any of them tells of; to the others, these are outside."""
    numbers = np.unique(np.concatenate([each.numbers for each in said]))
    offsets, sums = np.zeros((len(numbers), 2), np.int64), np.zeros((len(numbers), tags))
    sums[:, words.OUTSIDE] = len(said)
    for each in said:
        places = np.searchsorted(numbers, each.numbers)
        offsets[places] = each.offsets
        sums[places] += each.chances
        sums[places, words.OUTSIDE] -= 1
    return Told(numbers, offsets, sums / len(said))


def _spans(task: Task, said: Told) -> list[Sure]:
    best, sure = said.chances.argmax(axis=1), said.chances.max(axis=1)
    # Between words that are not neighbours stand others, outside of all spans.
    behind_gap = np.flatnonzero(np.diff(said.numbers, prepend=-1) > 1)
    tags = np.insert(best, behind_gap, words.OUTSIDE)
    places = np.insert(np.arange(len(best)), behind_gap, -1)
    found = []
    for first, end, kind in words.runs(tags).tolist():
        inside = places[first:end]
        border = int(said.offsets[inside[0], 0]), int(said.offsets[inside[-1], 1])
        found.append(((*border, task.labels[kind]), float(sure[inside].mean())))
    return found
