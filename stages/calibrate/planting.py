"""Errors planted among labels of which some are wrong already: the signals that they give tell what a signal means.

The models do not learn from the planted errors: what a model says of a row out of fold does not depend on the row's
own label. Fitting them anew costs minutes and changes neither the order nor, noticeably, the probabilities (measured
on planted errors: average precision by less than 0.01, log loss by 0.001 to 0.007). What is fitted to labels in
seconds, the stack and what groups say, is fitted anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from winnow.kinds.evidence import Errors, Evidence, Noise
from winnow.kinds.task import Task


@dataclass(frozen=True)
class Labels:
    """Labels among which errors are planted.

    Attributes:
        given: (rows,) labels.
        known: (rows,) bool, those that may change.
        folds: (rows,) int.
    """

    given: np.ndarray
    known: np.ndarray
    folds: np.ndarray


def plant(labels: Labels, evidence: Evidence, shares: Mapping[Noise, float], seed: int, task: Task) -> np.ndarray:
    """Return labels of which some known ones are wrong, (rows,) object.

    Errors of kind `instance` are, in equal parts, those that each member takes for right, the other kinds those of all
    together. What a row's group says should be a member too: errors that fit their group teach not to trust it alone.
    No class loses all its rows outside of a fold: there its errors are taken back.

    Args:
        shares: of the known labels, by kind.
    """
    truth, places = labels.given[labels.known], np.flatnonzero(labels.known)
    together = evidence.take(labels.known)
    members = list(together.members.values()) or [together]
    draws: list[tuple[Noise, float, Evidence]] = [
        ("uniform", shares.get("uniform", 0), together),
        ("class", shares.get("class", 0), together),
        *(("instance", shares.get("instance", 0) / len(members), member) for member in members),
    ]
    noisy = truth.copy()
    for number, (kind, rate, model) in enumerate(draws):
        drawn = model.plant(truth, Errors(kind, rate, seed * len(draws) + number))
        noisy = np.where(noisy == truth, drawn, noisy)
    out = labels.given.copy()
    out[places] = noisy
    if task.learns_classes:
        _take_back(out, labels, task)
    return out


def _take_back(noisy: np.ndarray, labels: Labels, task: Task) -> None:
    """Set labels right where a class would have no row outside of a fold, by which to learn it."""
    for fold in np.unique(labels.folds):
        outside = labels.known & (labels.folds != fold)
        lost = _classes(labels.given[outside], task) - _classes(noisy[outside], task)
        back = np.array([bool(lost & _classes([label], task)) for label in labels.given], dtype=bool)
        noisy[back] = labels.given[back]


def _classes(labels: np.ndarray | list[str | None], task: Task) -> set[str]:
    return {name for label in set(labels) - {None} for name in task.names(label)}
