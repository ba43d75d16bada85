"""From probabilities to a set of labels: a threshold for each label, above which a row has it.

The threshold of highest F1 on labelled rows of dev (SCut, Yang 2001). A dev row is cut by thresholds of other dev rows,
in parts that no group crosses, so that what is measured on dev was not tuned on the row that it is measured on; test
rows are cut by those of all dev rows. Rows of which no label of dev is known are cut at a half, or where a model's
folder says (`FILE`).
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.base.files import read_text, write_json
from winnow.kinds.multilabel.labels import Task, known

FILE = "thresholds.json"  # in a model's folder
HALF = 0.5
FEWEST = 5  # rows of dev with a label; of fewer, the best threshold is chance
PARTS = 5


def of_rows(task: Task, rows: pa.Table, chances: np.ndarray, otherwise: np.ndarray | None = None) -> np.ndarray:
    """Return the thresholds of each row, (rows, labels) float64.

    Args:
        rows: group, split and label, which may be null.
        chances: (rows, labels) float.
        otherwise: (labels,) float, where no label of dev is known; None: a half.
    """
    labels = rows["label"].to_pylist()
    on_dev = known(labels) & np.array([split == "dev" for split in rows["split"].to_pylist()], dtype=bool)
    if not on_dev.any():
        return np.tile(np.full(len(task.labels), HALF) if otherwise is None else otherwise, (len(labels), 1))
    truth = task.matrix(labels)
    found = np.tile(tuned(truth[on_dev], chances[on_dev]), (len(labels), 1))
    parts = np.array([int(hashing.unit("thresholds", str(group)) * PARTS) for group in rows["group"].to_pylist()])
    for part in np.unique(parts[on_dev]):
        others = on_dev & (parts != part)
        found[on_dev & (parts == part)] = tuned(truth[others], chances[others])
    return found


def tuned(truth: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Return the threshold of highest F1 of each label, (labels,) float64; a half for labels of few rows.

    Args:
        truth: (rows, labels) bool.
        chances: (rows, labels) float.
    """
    return np.array([_best(own, p) for own, p in zip(truth.T, chances.T, strict=True)])


def _best(truth: np.ndarray, chances: np.ndarray) -> float:
    if truth.sum() < FEWEST or truth.all():
        return HALF
    order = np.argsort(-chances, kind="stable")
    values = chances[order]
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + truth.sum())
    # A threshold lies between two different probabilities.
    border = np.append(values[:-1] > values[1:], True)
    middles = np.append((values[:-1] + values[1:]) / 2, values[-1] / 2)
    best = f1[border].max()
    candidates = middles[border][f1[border] >= best - 1e-12]
    return float(candidates[np.argmin(np.abs(candidates - HALF))])


def expected(chances: np.ndarray) -> np.ndarray:
    """Return the thresholds of highest expected F1 if probabilities are what they say, (labels,) float64.

    No label is asked: the rows of highest probability are taken as long as 2 x their sum / (their number + the sum of
    all probabilities) rises (the plug-in rule of Lipton et al. 2014).

    Args:
        chances: (rows, labels) float.
    """
    found = np.full(chances.shape[1], HALF)
    for place, own in enumerate(chances.T):
        if not len(own):
            continue
        values = np.sort(own)[::-1]
        f1 = 2 * np.cumsum(values) / (np.arange(1, len(values) + 1) + values.sum())
        found[place] = values[int(np.argmax(f1))]
    return found


def read(folder: Path, task: Task) -> np.ndarray | None:
    """Return the thresholds of a model's folder, (labels,) float64; None if it has none.

    Raises:
        UserError: the file is damaged, or of other labels.
    """
    if not (folder / FILE).exists():
        return None
    try:
        told = json.loads(read_text(folder / FILE))
        return np.array([float(told[name]) for name in task.labels])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder / FILE}: no threshold for each label: {error}; delete it or make it anew") from None


def write(folder: Path, task: Task, found: Sequence[float]) -> None:
    """Write thresholds into a model's folder."""
    write_json(folder / FILE, dict(zip(task.labels, map(float, found), strict=True)))
