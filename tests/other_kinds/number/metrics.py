"""The mean absolute error, and the share of predictions that are off by less than one."""

import numpy as np

from winnow.kinds.headline import Headline
from winnow.rows import predictions as arms_of

HEADLINE = Headline("error", larger_is_better=False)
WORDS = {"error": "mean error", "near": "share within 1"}


def counts(task, predictions, part, parts):
    found = np.zeros((parts, 3))
    off = _off(predictions)
    np.add.at(found, part, np.stack([np.ones(len(off)), off, off < 1], axis=1))
    return found


def values(counts):
    rows, off, near = np.moveaxis(counts, -1, 0)
    return {"error": off / rows, "near": near / rows}


def measure(task, predictions, bins):
    everything = counts(task, predictions, np.zeros(predictions.num_rows, dtype=int), 1)
    return {name: float(value[0]) for name, value in values(everything).items()}


def plots(task, arms, measured, bins):
    lines = [(name, off) for name, arm in arms.items() for off in _off(arms_of.of_split(arm, "test"))]
    return {"errors": [("arm", "error"), *lines]}


def _off(predictions):
    return abs(*np.diff([np.array(predictions[name].to_pylist(), float) for name in ("label", "predicted")], axis=0))
