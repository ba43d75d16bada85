"""Several models' probabilities of labels stacked into one, and how far they speak against sets.

A logistic regression for each label learns from the given sets how much each model is worth (Wolpert 1992, out of
fold), what the nearest rows tell, and which labels go together: how far the row's other labels, as they are given,
differ from what the models say of them. It is fitted a second time without the plainest half of the cells that
confident learning counts as errors after the first pass (Northcutt et al. 2021).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from winnow.encoder.neighbours import Neighbours
from winnow.kinds.classification import logistic
from winnow.kinds.evidence import NEAREST

REGULARIZATION = 0.1  # C of the stack
LEAST = 1e-4  # a model that is certain says no more than this
DROPPED = 0.5  # of a label's suspects, in the second pass
MANY = 60  # labels from which on nothing is learnt of which go together: pairs are too many to learn


@dataclass(frozen=True)
class Known:
    """Sets to learn from, out of fold.

    Attributes:
        given: (rows, labels) bool.
        known: (rows,) bool, those to learn from.
        folds: (rows,) int; no group crosses them.
    """

    given: np.ndarray
    known: np.ndarray
    folds: np.ndarray


def stacked(learnt: Known, members: Mapping[str, np.ndarray], near: np.ndarray | None) -> np.ndarray:
    """Return the probability of each label by all members together, out of fold, (rows, labels) float64.

    Args:
        members: (rows, labels) float64, out of fold, of at least one model.
        near: (rows, labels) float, the shares of the nearest rows that have each label; None: they are not known.
    """
    logits = [_logit(own) for own in members.values()]
    own = logits if near is None else [*logits, _logit((near * NEAREST + 0.5) / (NEAREST + 1))]
    mean = np.mean(logits, axis=0)
    trusted = np.repeat(learnt.known[:, None], learnt.given.shape[1], axis=1)
    first = _stacked_once(learnt, own, mean, trusted)
    return _stacked_once(learnt, own, mean, trusted & ~_dropped(first, learnt))


def _stacked_once(learnt: Known, own: list[np.ndarray], mean: np.ndarray, trusted: np.ndarray) -> np.ndarray:
    """Return what a regression a label says; `trusted` is (rows, labels) bool, the cells to learn from."""
    given, labels = learnt.given, learnt.given.shape[1]
    # What is given of a row that nobody stands for is not known: what the models say stands for it.
    chances = 1 / (1 + np.exp(-mean))
    sets = np.where(learnt.known[:, None], given, chances)
    found = np.empty(given.shape)
    for label in range(labels):
        features = np.stack([values[:, label] for values in own], axis=1)
        if 1 < labels <= MANY:
            others = np.arange(labels) != label
            features = np.hstack([features, sets[:, others] - chances[:, others]])
        for fold in np.unique(learnt.folds):
            inside = learnt.folds == fold
            train = trusted[:, label] & ~inside
            truth = given[train, label]
            if not 0 < truth.sum() < len(truth):
                found[inside, label] = chances[inside, label]
                continue
            fitted = logistic.fit(features[train], truth.astype(int), REGULARIZATION)
            found[inside, label] = logistic.probabilities(fitted, features[inside], 2)[:, 1]
    return found


def _dropped(chances: np.ndarray, learnt: Known) -> np.ndarray:
    """Return the cells that the second pass leaves out, (rows, labels) bool: the plainest half of the suspects.

    A cell is a suspect if its other value is at least as probable as it is, on average, where it is given.
    """
    dropped = np.zeros(learnt.given.shape, dtype=bool)
    for label, (own, p) in enumerate(zip(learnt.given.T, chances.T, strict=True)):
        for value, said in ((True, 1 - p), (False, p)):
            others = learnt.known & (own != value)
            suspects = np.flatnonzero(learnt.known & (own == value) & (said >= 0.5))
            if others.any():
                suspects = suspects[said[suspects] >= said[others].mean()]
            plainest = suspects[np.argsort(-said[suspects], kind="stable")]
            dropped[plainest[: int(DROPPED * len(plainest))], label] = True
    return dropped


def against(chances: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return the log odds that each cell is wrong, (rows, labels) float64.

    Args:
        chances: (rows, labels) float, of the labels.
        given: (rows, labels) bool.
    """
    return np.where(given, -1.0, 1.0) * _logit(chances)


def of_rows(cells: np.ndarray, given: np.ndarray) -> dict[str, np.ndarray]:
    """Return how far a row's cells speak against its set, (rows,) float64 each, by name.

    worst: the most suspicious cell. extra, missing: that of the labels that the row has, and of those that it has not.
    ratio: the log of how much likelier the likeliest set is than the given one. any: the log odds that one cell at
    least is wrong, if each is by itself.

    Args:
        cells: (rows, labels) float64, of `against`.
        given: (rows, labels) bool.
    """
    lowest = _logit(np.zeros(1))[0]
    right = -np.logaddexp(0, cells).sum(axis=1)  # the log of the probability that no cell is wrong
    return {
        "worst": cells.max(axis=1),
        "extra": np.where(given, cells, lowest).max(axis=1),
        "missing": np.where(given, lowest, cells).max(axis=1),
        "ratio": np.maximum(cells, 0).sum(axis=1),
        "any": np.log(np.maximum(-np.expm1(right), 1e-12)) - right,
    }


def shares(near: Neighbours, sets: np.ndarray) -> np.ndarray:
    """Return the share of a row's nearest rows that have each label, (rows, labels) float64; zeros where it has none.

    Args:
        near: places in `sets`.
        sets: (any, labels) bool.
    """
    index = near.index[:, :NEAREST]
    there = index >= 0
    counts = np.zeros((len(index), sets.shape[1]))
    for column, is_there in zip(index.T, there.T, strict=True):
        counts[is_there] += sets[column[is_there]]
    return counts / np.maximum(there.sum(axis=1, keepdims=True), 1)


def _logit(chances: np.ndarray) -> np.ndarray:
    p = np.clip(chances, LEAST, 1 - LEAST)
    return np.log(p) - np.log1p(-p)
