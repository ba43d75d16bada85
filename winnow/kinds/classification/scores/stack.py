"""Several models' class probabilities stacked into one, and how far probabilities speak against labels.

The models' out-of-fold probabilities, and what the row's group says (`context`), are stacked: a logistic regression
learns from the given labels how much each is worth (Wolpert 1992, out of fold). It is fitted a second time without the
plainest half of the labels that confident learning counts as errors after the first pass (Northcutt et al. 2021; in
people's hands about half of these are errors). The stack finds more planted errors than the mean of the models does,
whose weakest member drags it down. Where classes are many, one weight a model serves all of them (`shared`).
"""

from collections.abc import Mapping

import numpy as np

from winnow.encoder.neighbours import Neighbours
from winnow.kinds.classification.scores.context import MANY, Known, by_group, out_of_fold, out_of_fold_shared
from winnow.kinds.evidence import GROUP, NEAREST, Surroundings

REGULARIZATION = 0.1  # C of the stack; 0.01 to 1 differ little
LEAST = 1e-4  # a model that is certain says no more than this
DROPPED = 0.5  # of a class's suspects, in the second pass; all or none of them find fewer planted errors


def stacked(
    labels: np.ndarray, known: np.ndarray, members: Mapping[str, np.ndarray], surroundings: Surroundings
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return class probabilities by all members together, out of fold, and by each, the group among them.

    Args:
        labels: (rows,) int, what the rows are labelled; -1 where nothing.
        known: (rows,) bool, the labels to learn from: those that people gave.
        members: (rows, classes) float64, out of fold, of at least one model.

    Returns:
        (rows, classes) float64 each. Of a row that is alone in its group, the group knows the
        classes' shares alone.
    """
    learnt = Known(labels, known, surroundings.folds)
    mean = np.mean(list(members.values()), axis=0)
    said = by_group(learnt, mean, surroundings.groups, surroundings.places)
    every = dict(members) if said is None else {**members, GROUP: said}
    return _stack(learnt, every), every


def _stack(learnt: Known, members: Mapping[str, np.ndarray]) -> np.ndarray:
    features = [np.log(np.maximum(own, LEAST)) for own in members.values()]
    first = _stacked_once(features, learnt)
    trusted = learnt.known & ~_dropped(first, learnt.labels, learnt.known)
    return _stacked_once(features, Known(learnt.labels, trusted, learnt.folds))


def _stacked_once(features: list[np.ndarray], learnt: Known) -> np.ndarray:
    classes = features[0].shape[1]
    if classes > MANY:
        return out_of_fold_shared(features, learnt)
    return out_of_fold(np.hstack(features), learnt, classes, REGULARIZATION)


def confident(probabilities: np.ndarray, given: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the rows that confident learning counts as errors, (rows,) bool: off the diagonal of the confident joint.

    A row counts for the likeliest of the classes whose probability is at least the mean that the class has on its own
    rows (Northcutt et al. 2021, equation 1).
    """
    classes = probabilities.shape[1]
    own = [probabilities[known & (given == label), label] for label in range(classes)]
    thresholds = np.array([values.mean() if len(values) else np.inf for values in own])
    above = np.where(probabilities >= thresholds, probabilities, -1.0)
    return known & (above.max(axis=1) >= 0) & (above.argmax(axis=1) != given)


def against(probabilities: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return the log odds that a label is wrong, (rows,) float64."""
    own = np.clip(probabilities[np.arange(len(label)), label], LEAST, 1 - LEAST)
    return np.log1p(-own) - np.log(own)


def margin(probabilities: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return the log of how much likelier the likeliest other class is than the label, (rows,) float64."""
    rows = np.arange(len(label))
    others = probabilities.copy()
    others[rows, label] = -1
    return np.log(np.maximum(others.max(axis=1), LEAST)) - np.log(np.maximum(probabilities[rows, label], LEAST))


def shares(near: Neighbours, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return the share of each class among a row's nearest rows, (rows, classes) float64; zeros where it has none.

    Args:
        near: places in `labels`.
        labels: (any,) int.
    """
    index = near.index[:, :NEAREST]
    there = index >= 0
    said = there & (labels[index] >= 0)
    cell = np.arange(len(index))[:, None] * classes + labels[index]
    counts = np.bincount(cell[said], minlength=len(index) * classes).reshape(-1, classes)
    return counts / np.maximum(there.sum(axis=1, keepdims=True), 1)


def _dropped(probabilities: np.ndarray, given: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the suspects that the second pass leaves out, (rows,) bool: of each class the most suspicious half."""
    suspects = confident(probabilities, given, known)
    dropped = np.zeros(len(given), dtype=bool)
    for label in np.unique(given[suspects]):
        of_class = np.flatnonzero(suspects & (given == label))
        ranked = of_class[np.argsort(-margin(probabilities[of_class], given[of_class]), kind="stable")]
        dropped[ranked[: int(DROPPED * len(ranked))]] = True
    return dropped
