"""Labels as what they say of each word: its type, or that it is in no entity."""

from collections.abc import Sequence

import numpy as np

from winnow.kinds.token_classification import words
from winnow.kinds.token_classification.labels import NONE, Task


def outcomes(task: Task) -> list[str]:
    """Return what may be said of a word; the first marks nothing."""
    return [NONE, *task.labels]


def split(task: Task, text: str, labels: Sequence[str]) -> np.ndarray:
    """Return what labels of a text say of each of its words, (labels, words) int, places in `outcomes`."""
    offsets = words.offsets(text)
    found = [(words.tags(task, label, offsets) + 1) // 2 for label in labels]
    return np.array(found, dtype=np.int32).reshape(len(labels), len(offsets))


def joined(task: Task, text: str, said: np.ndarray, labels: Sequence[str]) -> str:
    """Return the label that says this of each word.

    Args:
        said: (words,) int, places in `outcomes`.
        labels: what it was made from. Of neighbours of one type the second begins an entity if each of these that
            gives it the type says so.
    """
    offsets = words.offsets(text)
    tags = np.where(said > 0, 2 * said, words.OUTSIDE)  # in an entity
    begins, goes_on = np.zeros(len(said), dtype=bool), np.zeros(len(said), dtype=bool)
    for label in labels:
        own = words.tags(task, label, offsets)
        begins |= own == tags - 1
        goes_on |= (own == tags) & (tags > 0)
    return words.spans_of(task, tags - ((tags > 0) & begins & ~goes_on), offsets)
