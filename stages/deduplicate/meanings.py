"""Which labels of a cluster say the same, though they differ: spans, of which another text shifts the places, or
responses to other prompts."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from stages.deduplicate.outcome import SHOWN, Duplicates, disputed
from winnow.kinds.task import Task


def meanings(duplicates: Duplicates, texts: Iterable[pa.Table], task: Task) -> tuple[np.ndarray, dict[int, str]]:
    """Return what labels of a cluster say.

    Equal numbers for labels that say the same, (rows,) int32; -1: no label. And the labels in words, of the rows whose
    own labels tell people nothing without their texts.

    A label is compared with the first few of its cluster that do not agree with each other.

    Args:
        texts: the column `text` of all rows, in their order; read only where labels that differ may agree.
    """
    found = duplicates.labels.copy()
    rows = np.flatnonzero(np.isin(duplicates.roots, disputed(duplicates.roots, found)) & (found >= 0))
    if type(task).agree is Task.agree or not len(rows):
        return found, {}
    words: dict[int, str] = {}
    known: dict[int, list[tuple[int, str]]] = defaultdict(list)  # by cluster, rows that do not agree, and their texts
    first = 0
    for batch in texts:
        start, end = np.searchsorted(rows, [first, first + len(batch)])
        own = batch["text"].take(pa.array(rows[start:end] - first)).to_pylist()
        for row, text in zip(rows[start:end].tolist(), own, strict=True):
            label, differing = duplicates.label(row), known[duplicates.roots[row]]
            words[row] = task.brief(label, text)
            for other, its in differing:
                if task.agree(label, text, duplicates.label(other), its):
                    found[row] = duplicates.labels[other]
                    break
            else:
                if len(differing) < SHOWN:
                    differing.append((row, text))
        first += len(batch)
    return found, words
