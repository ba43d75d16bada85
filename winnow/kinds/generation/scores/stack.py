"""All signs of a response weighed into one: how much likelier they are of a planted error than of a response as given.

Randomised trees (Geurts et al. 2006) learn, out of fold, to tell planted responses from given ones: a sign means one
thing with one sort of error and another with another. They are grown a second time without most of the given responses
that look like planted ones (Northcutt et al. 2021).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

TREES = 100
LEAF = 3  # responses of a leaf, at least
LEAST = 0.01  # trees that agree say no more than this
DROPPED = 0.8  # of the suspects among given responses, in the second pass
FEWEST = 10  # planted and given responses below which there is nothing to learn


@dataclass(frozen=True)
class Learnt:
    """Pairs to learn from.

    Attributes:
        wrong: (pairs,) bool, planted.
        right: (pairs,) bool, the responses that people stand for.
        folds: (pairs,) int.
    """

    wrong: np.ndarray
    right: np.ndarray
    folds: np.ndarray


def stacked(values: Mapping[str, np.ndarray], learnt: Learnt) -> np.ndarray:
    """Return the log odds that each response is wrong, out of fold, (pairs,) float64, of as many wrong as right ones.

    Signs that are not known of some pairs, nan, are weighed among those that have them; the other pairs by the rest.
    Zeros where too few are planted to learn from.
    """
    names, partial = list(values), [name for name, own in values.items() if np.isnan(own).any()]
    always = [name for name in names if name not in partial]
    found = _twice(_features(values, always), learnt)
    there = np.all([np.isfinite(values[name]) for name in partial], axis=0) if partial else np.zeros(0, bool)
    if partial and there.any():
        own = {name: value[there] for name, value in values.items()}
        inside = Learnt(learnt.wrong[there], learnt.right[there], learnt.folds[there])
        if min(inside.wrong.sum(), inside.right.sum()) >= FEWEST:
            found[there] = _twice(_features(own, names), inside)
    return found


def _features(values: Mapping[str, np.ndarray], names: list[str]) -> np.ndarray:
    return np.stack([values[name] for name in names], axis=1) if names else np.zeros((0, 0))


def _twice(features: np.ndarray, learnt: Learnt) -> np.ndarray:
    first = _once(features, learnt)
    suspects = np.flatnonzero(learnt.right & (first > 0))
    plainest = suspects[np.argsort(-first[suspects], kind="stable")][: int(DROPPED * len(suspects))]
    right = learnt.right.copy()
    right[plainest] = False
    return _once(features, Learnt(learnt.wrong, right, learnt.folds))


def _once(features: np.ndarray, learnt: Learnt) -> np.ndarray:
    found = np.zeros(len(features))
    for fold in np.unique(learnt.folds):
        inside = learnt.folds == fold
        train = (learnt.wrong | learnt.right) & ~inside
        truth = learnt.wrong[train]
        if min(truth.sum(), (~truth).sum()) < FEWEST:
            continue
        found[inside] = _grown(features[train], truth, features[inside])
    return found


def _grown(train: np.ndarray, truth: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return the log odds of an error of rows that are asked, (asked,) float64, by trees grown on others."""
    from sklearn.ensemble import ExtraTreesClassifier

    trees = ExtraTreesClassifier(TREES, min_samples_leaf=LEAF, random_state=0, n_jobs=1)
    trees.fit(train, truth, sample_weight=_balance(truth))
    return _logit(trees.predict_proba(asked)[:, 1])


def _balance(truth: np.ndarray) -> np.ndarray:
    """Return weights by which wrong and right ones count alike, (rows,) float64, one in the mean."""
    share = truth.mean()
    return np.where(truth, 0.5 / share, 0.5 / (1 - share))


def _logit(chances: np.ndarray) -> np.ndarray:
    p = np.clip(chances, LEAST, 1 - LEAST)
    return np.log(p) - np.log1p(-p)
