"""Planted label errors: what a detector is measured and calibrated on before people have decided anything.

Three kinds, from the easiest to find to the hardest (Frénay and Verleysen 2014 name them NCAR, NAR and NNAR):

- uniform: any row, any other label;
- class: some classes are mistaken more often than others, and each for some classes more than for others;
- instance: rows that a weak model finds hard, and the label that it takes them for (Gu et al. 2022). People's errors
  are of this kind.
"""

import numpy as np

from winnow.kinds.evidence import NOISES, Errors, Noise

LEAST = 1e-9  # a weak model may be certain; a row of weight zero could not be drawn


def plant(truth: np.ndarray, classes: int, errors: Errors, probabilities: np.ndarray | None = None) -> np.ndarray:
    """Return labels of which exactly round(rate * rows) are wrong, (rows,) of truth's type.

    The errors of a lower rate are among those of a higher one with the same seed.

    Args:
        truth: (rows,) int in 0..classes-1, the right labels.
        probabilities: (rows, classes) float, the weak model's, out of fold. Needed by `instance`; for `class` their
            mean over each class says what it is taken for, instead of a confusion matrix drawn by the seed.

    Raises:
        ValueError: an argument is outside of what is said here.
    """
    _check(truth, classes, errors, probabilities)
    random = np.random.default_rng([NOISES.index(errors.kind), errors.seed])
    weights, targets = _propensity(truth, classes, errors.kind, probabilities, random)
    rows = _weighted_order(weights, random)
    wrong = _draw_each(targets, random).astype(truth.dtype)
    changed = rows[: round(errors.rate * len(truth))]
    noisy = truth.copy()
    noisy[changed] = wrong[changed]
    return noisy


def _propensity(
    truth: np.ndarray, classes: int, kind: Noise, probabilities: np.ndarray | None, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return how readily each row gets a wrong label, (rows,), and which, (rows, classes); neither sums to one."""
    if kind == "uniform":
        confusion = np.ones((classes, classes))
        weights = np.ones(classes)
    elif probabilities is None:
        confusion = random.dirichlet(np.full(classes, 0.5), size=classes)  # below 1: few classes have most of it
        weights = random.uniform(0.1, 1, size=classes)
    else:
        counts = np.maximum(np.bincount(truth, minlength=classes), 1)
        confusion = np.zeros((classes, classes))
        np.add.at(confusion, truth, probabilities / counts[truth, None])
        weights = 1 - np.diagonal(confusion)
    if kind == "instance":
        weights, targets = 1 - probabilities[np.arange(len(truth)), truth], probabilities.astype(float)
    else:
        weights, targets = weights[truth], confusion[truth]
    targets = np.maximum(targets, LEAST)
    targets[np.arange(len(truth)), truth] = 0
    return np.maximum(weights, LEAST), targets


def _weighted_order(weights: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return rows drawn one after another without replacement, by weight (Efraimidis and Spirakis 2006)."""
    return np.argsort(random.exponential(size=len(weights)) / weights, kind="stable")


def _draw_each(weights: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return one column for each row, drawn by the row's weights, (rows,) int; a weight of zero is never drawn."""
    steps = np.cumsum(weights, axis=1)
    drawn = random.random(len(weights)) * steps[:, -1]
    return np.argmax(steps > drawn[:, None], axis=1)


def _check(truth: np.ndarray, classes: int, errors: Errors, probabilities: np.ndarray | None) -> None:
    kind = errors.kind
    if kind not in NOISES:
        raise ValueError(f"kind '{kind}' is not one of {', '.join(NOISES)}")
    if classes < 2 or not 0 <= errors.rate <= 1:
        raise ValueError(f"{classes} classes and a rate of {errors.rate}: needs two classes, and a rate in 0..1")
    if len(truth) and (truth.min() < 0 or truth.max() >= classes):
        raise ValueError(f"labels must be in 0..{classes - 1}; take rows without a label out first")
    if kind == "instance" and probabilities is None:
        raise ValueError("instance-dependent noise needs the probabilities of a weak model")
    if probabilities is not None and probabilities.shape != (len(truth), classes):
        raise ValueError(f"probabilities of shape {probabilities.shape}, needs ({len(truth)}, {classes})")
