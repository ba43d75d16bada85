"""Planted errors in sets of labels: a label too many, a label missing, a label for another.

Three kinds of draw, from the easiest to find to the hardest: `uniform`, any change of any row; `class`, changes as the
models confuse labels on the whole; `instance`, changes that a model takes for right (Gu et al. 2022). The three sorts
of change come equally often, as far as a row can have them: an empty set has no label to miss.
"""

import numpy as np

from winnow.kinds.evidence import NOISES, Errors

LEAST = 1e-9  # a model may be certain; a change of weight zero could not be drawn


def plant(truth: np.ndarray, errors: Errors, chances: np.ndarray | None = None) -> np.ndarray:
    """Return sets of which exactly round(rate * rows) are wrong, (rows, labels) bool.

    The errors of a lower rate are among those of a higher one with the same seed.

    Args:
        truth: (rows, labels) bool, the right sets.
        chances: (rows, labels) float, a model's. Needed by `instance`; for `class` their means say which labels are
            confused.

    Raises:
        ValueError: an argument is outside of what is said here.
    """
    if errors.kind not in NOISES or not 0 <= errors.rate <= 1 or truth.shape[1] < 2:
        raise ValueError(f"{errors} of {truth.shape[1]} labels: needs a known kind, a rate in 0..1 and two labels")
    if errors.kind == "instance" and chances is None:
        raise ValueError("instance-dependent noise needs the probabilities of a model")
    random = np.random.default_rng([NOISES.index(errors.kind), errors.seed])
    added, taken = _weights(truth, errors.kind, chances)
    draws, waits = random.random((len(truth), 3)), random.exponential(size=len(truth))
    adds, takes = _sorts(truth, draws[:, 0])
    # Rows drawn one after another without replacement, by weight (Efraimidis and Spirakis 2006).
    order = np.argsort(
        waits / np.maximum(_readiness(added * adds[:, None], taken * takes[:, None]), LEAST), kind="stable"
    )
    planted = truth.copy()
    for row in order[: round(errors.rate * len(truth))]:
        if adds[row]:
            planted[row, _drawn(added[row], draws[row, 1])] = True
        if takes[row]:
            planted[row, _drawn(taken[row], draws[row, 2])] = False
    return planted


def _sorts(truth: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows would get a label, and which would lose one, (rows,) bool each; both is a label for another."""
    may_add, may_take = ~truth.all(axis=1), truth.any(axis=1)
    both = may_add & may_take
    adds = np.where(both, draws < 2 / 3, may_add)
    takes = np.where(both, draws >= 1 / 3, may_take)
    return adds, takes


def _readiness(added: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Return how readily each row is changed, (rows,) float: by its readiest change; of two, their geometric mean."""
    most = [own.max(axis=1) for own in (added, taken)]
    both = (most[0] > 0) & (most[1] > 0)
    return np.where(both, np.sqrt(most[0] * most[1]), most[0] + most[1])


def _weights(truth: np.ndarray, kind: str, chances: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return how readily each label is added to a row, and taken from it, (rows, labels) float each; else 0."""
    if kind == "uniform" or chances is None:
        added = taken = np.ones(truth.shape)
    elif kind == "instance":
        # How likely the changed set is as against the right one; a model that is sure of the change gains no more.
        p = np.clip(chances, LEAST, 1 - LEAST)
        added, taken = np.minimum(p / (1 - p), 1), np.minimum((1 - p) / p, 1)
    else:
        absent, present = np.maximum((~truth).sum(axis=0), 1), np.maximum(truth.sum(axis=0), 1)
        added = np.tile((chances * ~truth).sum(axis=0) / absent, (len(truth), 1))
        taken = np.tile(((1 - chances) * truth).sum(axis=0) / present, (len(truth), 1))
    return np.where(truth, 0.0, np.maximum(added, LEAST)), np.where(truth, np.maximum(taken, LEAST), 0.0)


def _drawn(weights: np.ndarray, draw: float) -> int:
    steps = np.cumsum(weights)
    return int(np.argmax(steps > draw * steps[-1]))
