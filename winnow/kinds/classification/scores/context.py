"""What the other rows of a row's group say of its label: sections of a paper, turns of a dialogue, mails of a thread.

Where a group has a structure (each label once, or in some order, or all the same), a wrong label breaks it. A logistic
regression learns that structure, if there is one, from how many of the row's group have each label, and from the row
before and the row after it. The others' labels may be wrong too, so half of each is what the models say of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from winnow.kinds.classification import logistic
from winnow.kinds.classification.scores.shared import fit, probabilities

TRUST = 0.5  # of a given label; the rest is the models'. Neither 0.2 nor 1 finds more of planted errors.
REGULARIZATION = 0.1  # C
# More classes than these share their weights: those of each pair are too many to learn, and to hold. Shared ones find
# more planted errors in generated messages (bench/messages.py) of 30 classes and more, several times faster; in the
# default's abstracts of five classes they find fewer.
MANY = 50


@dataclass(frozen=True)
class Known:
    """Labels to learn from, out of fold.

    Attributes:
        labels: (rows,) int, -1 where there is none.
        known: (rows,) bool, those to learn from and to trust.
        folds: (rows,) int; no group crosses them.
    """

    labels: np.ndarray
    known: np.ndarray
    folds: np.ndarray


def by_group(learnt: Known, opinion: np.ndarray, groups: np.ndarray, places: np.ndarray) -> np.ndarray | None:
    """Return class probabilities by a row's group, out of fold, (rows, classes) float64; None if no group has two rows.

    Args:
        opinion: (rows, classes) float, what the models say.
        groups: (rows,) int.
        places: (rows,) int, by which a group's rows are in order.
    """
    if len(np.unique(groups)) == len(groups):
        return None
    classes, known = opinion.shape[1], learnt.known
    said = opinion.copy()
    said[known] = (1 - TRUST) * opinion[known] + TRUST * np.eye(classes)[learnt.labels[known]]
    features, ends = _features(said, groups, places)
    if classes > MANY:
        return out_of_fold_shared(features, learnt)
    return out_of_fold(np.hstack([*features, *ends]), learnt, classes, REGULARIZATION)


def _features(said: np.ndarray, groups: np.ndarray, places: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return how much of each label the others of the group have, and the rows before and after have; and the ends.

    Returns:
        (rows, classes) float64 each; and whether there is no row before, and none after, (rows, 1) bool each.
    """
    names, group = np.unique(groups, return_inverse=True)
    total = np.zeros((len(names), said.shape[1]))
    np.add.at(total, group, said)
    others = np.maximum(total[group] - said, 0)
    ranked = np.lexsort((places, group))
    same = group[ranked[1:]] == group[ranked[:-1]]
    before, after = np.zeros_like(said), np.zeros_like(said)
    before[ranked[1:][same]] = said[ranked[:-1][same]]
    after[ranked[:-1][same]] = said[ranked[1:][same]]
    ends = [side.sum(axis=1, keepdims=True) == 0 for side in (before, after)]
    return [np.log1p(others), np.minimum(others, 1), before, after], ends


def out_of_fold(features: np.ndarray, learnt: Known, classes: int, regularization: float) -> np.ndarray:
    """Return class probabilities by logistic regressions that saw no row of the fold, (rows, classes) float64.

    A fold whose other rows have one class alone, or none, gets that class's share: certainty, or even chances.
    """
    given, folds = learnt.labels, learnt.folds
    found = np.full((len(given), classes), 1 / classes)
    for fold in np.unique(folds):
        inside, train = folds == fold, (folds != fold) & learnt.known
        present = np.unique(given[train])
        if len(present) == 1:
            found[inside] = np.eye(classes)[present[0]]
        elif len(present):
            fitted = logistic.fit(features[train], given[train], regularization)
            found[inside] = logistic.probabilities(fitted, features[inside], classes)
    return found


def out_of_fold_shared(features: Sequence[np.ndarray], learnt: Known) -> np.ndarray:
    """Return class probabilities as `out_of_fold` does, by weights that all classes share (`shared`).

    Args:
        features: (rows, classes) float each.
    """
    found = np.empty(features[0].shape)
    for fold in np.unique(learnt.folds):
        inside, train = learnt.folds == fold, (learnt.folds != fold) & learnt.known
        weights = fit([feature[train] for feature in features], learnt.labels[train])
        found[inside] = probabilities([feature[inside] for feature in features], weights)
    return found
