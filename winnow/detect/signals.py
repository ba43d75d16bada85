"""What speaks against a label: signals of suspicion from several models, a row's group, its neighbours and the rules.

The models' out-of-fold probabilities, and what the row's group says (`context`), are stacked: a logistic regression
learns from the given labels how much each is worth (Wolpert 1992, out of fold). It is fitted a second time without the
plainest half of the labels that confident learning counts as errors after the first pass (Northcutt et al. 2021; in
people's hands about half of these are errors). The stack finds more planted errors than the mean of the models does,
whose weakest member drags it down.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from winnow.detect import context, neighbours
from winnow.detect.neighbours import Neighbours

NONE = -1  # no label, no vote
NEAREST = 15
REGULARIZATION = 0.1  # C of the stack; 0.01 to 1 differ little
LEAST = 1e-4  # a model that is certain says no more than this
DROPPED = 0.5  # of a class's suspects, in the second pass; all or none of them find fewer planted errors
GROUP = "group"
STACK, MARGIN, NEAR, RULES = "stack", "margin", "neighbours", "rules"


@dataclass(frozen=True)
class Rows:
    """What is known of rows beside their labels and the models.

    Attributes:
        folds: (rows,) int; no group crosses them.
        groups: (rows,) int.
        places: (rows,) int, by which the rows of a group are in order.
        votes: (rows,) int, the label that labelling rules give; `NONE` where none fires or they disagree.
        near: their nearest rows, at least `NEAREST`; or None.
    """

    folds: np.ndarray
    groups: np.ndarray
    places: np.ndarray
    votes: np.ndarray
    near: Neighbours | None


@dataclass(frozen=True)
class Signals:
    """How suspicious each row's label is, one column a signal, and the classes' probabilities by the stack.

    Attributes:
        names: of the columns of `values`.
        values: (rows, signals) float64, higher is more suspicious; zeros where no label is judged.
        probabilities: (rows, classes) float64.
        members: (rows, classes) float64 of each model, and of the group if groups have more than one row.
    """

    names: list[str]
    values: np.ndarray
    probabilities: np.ndarray
    members: dict[str, np.ndarray]


def signals(
    labels: np.ndarray, known: np.ndarray, members: Mapping[str, np.ndarray], rows: Rows, judged: np.ndarray
) -> Signals:
    """Return the signals of rows.

    Args:
        labels: (rows,) int, what the rows are labelled; `NONE` where nothing.
        known: (rows,) bool, the labels to learn from: those that people gave.
        members: (rows, classes) float, out of fold, of at least one model.
        judged: (rows,) int, the labels to judge, `NONE` where there is none. Of a row on which people decided, the one
            before they did.
    """
    chances = {name: found.astype(np.float64) for name, found in members.items()}
    mean = np.mean(list(chances.values()), axis=0)
    said = context.probabilities(labels, known, mean, rows.folds, rows.groups, rows.places)
    if said is not None:
        chances[GROUP] = said
    stacked = stack(labels, known, chances, rows.folds)
    at = np.flatnonzero(judged != NONE)
    label, vote = judged[at], rows.votes[at]
    columns = {STACK: against(stacked[at], label), MARGIN: margin(stacked[at], label)}
    columns |= {name: against(found[at], label) for name, found in chances.items()}
    if rows.near is not None:
        columns[NEAR] = 1 - neighbours.shares(rows.near, labels, mean.shape[1], NEAREST)[at, label]
    columns[RULES] = np.where(vote == NONE, 0.0, np.where(vote == label, -1.0, 1.0))
    values = np.zeros((len(judged), len(columns)))
    values[at] = np.stack(list(columns.values()), axis=1)
    return Signals(list(columns), values, stacked, chances)


def stack(labels: np.ndarray, known: np.ndarray, members: Mapping[str, np.ndarray], folds: np.ndarray) -> np.ndarray:
    """Return class probabilities by all members together, out of fold, (rows, classes) float64."""
    features = np.log(np.maximum(np.hstack(list(members.values())), LEAST))
    classes = next(iter(members.values())).shape[1]
    first = context.out_of_fold(features, labels, known, folds, classes, REGULARIZATION)
    trusted = known & ~_dropped(first, labels, known)
    return context.out_of_fold(features, labels, trusted, folds, classes, REGULARIZATION)


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


def _dropped(probabilities: np.ndarray, given: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the suspects that the second pass leaves out, (rows,) bool: of each class the most suspicious half."""
    suspects = confident(probabilities, given, known)
    dropped = np.zeros(len(given), dtype=bool)
    for label in np.unique(given[suspects]):
        of_class = np.flatnonzero(suspects & (given == label))
        ranked = of_class[np.argsort(-margin(probabilities[of_class], given[of_class]), kind="stable")]
        dropped[ranked[: int(DROPPED * len(ranked))]] = True
    return dropped
