"""The tiered detector: how probable it is that a label is wrong, from labels alone, without anyone's decision.

It plants further errors among the given labels, sees what signals they give, and reads the given labels' own signals
by that. The stages `calibrate` and `find_issues` do the same with a table in between, and with people's decisions.

The models do not learn from the planted errors: what a model says of a row out of fold does not depend on the row's
own label. Fitting them anew costs minutes and changes neither the order nor, noticeably, the probabilities (measured
on planted errors: average precision by less than 0.01, log loss by 0.001 to 0.007). What is fitted to labels in
seconds, the stack and what groups say, is fitted anew.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from winnow.detect import calibration, neighbours, noise, signals
from winnow.detect.noise import Kind
from winnow.detect.signals import NONE, Rows, Signals

# Share of the labels that get a wrong one, by kind. People's errors are most often those of hard rows (`instance`).
SHARES: Mapping[Kind, float] = MappingProxyType({"uniform": 0.04, "class": 0.04, "instance": 0.08})
Members = Mapping[str, np.ndarray]


def suspicion(
    given: np.ndarray,
    members: Members,
    vectors: np.ndarray | None,
    votes: np.ndarray | None = None,
    *,
    folds: np.ndarray,
    groups: np.ndarray | None = None,
    places: np.ndarray | None = None,
    shares: Mapping[Kind, float] = SHARES,
    seed: int = 1,
) -> np.ndarray:
    """Return the probability that each label is wrong, (rows,) float64.

    Args:
        given: (rows,) int, all labels; there is no other knowledge of the truth.
        members: (rows, classes) float, each model's out-of-fold probabilities, learnt from `given`.
        vectors: (rows, dimensions) float32, in whose space neighbours are looked for; or None.
        votes: (rows,) int, the labels by rules, -1 where there is none. Planted errors cannot teach what a rule is
            worth (it may read what the label was made from), so without decisions they change nothing.
        folds: (rows,) int; no group crosses them.
        groups: (rows,) int; None: each row is its own, and nothing is read from a row's group.
        places: (rows,) int, by which a group's rows are in order; None: the order they have.
        shares: of planted errors, by kind.
    """
    count = len(given)
    groups = np.arange(count) if groups is None else groups
    near = None
    if vectors is not None:
        near = neighbours.nearest(vectors, groups, np.ones(count, dtype=bool), signals.NEAREST)
    rows = Rows(
        folds=folds,
        groups=groups,
        places=np.arange(count) if places is None else places,
        votes=np.full(count, NONE) if votes is None else votes,
        near=near,
    )
    known = np.ones(count, dtype=bool)
    found = signals.signals(given, known, members, rows, given)
    noisy = plant(given, known, found.members, folds, shares, seed)
    taught = planted(noisy, known, members, rows)
    model, _ = calibration.fit(
        taught.names, taught.values, noisy != given, np.ones(count), estimated_noise(given, known, found), worth=1
    )
    return calibration.predict(model, found.values)


def plant(
    given: np.ndarray, known: np.ndarray, members: Members, folds: np.ndarray, shares: Mapping[Kind, float], seed: int
) -> np.ndarray:
    """Return labels of which some known ones are wrong, (rows,) int.

    Errors of kind `instance` are, in equal parts, those that each member takes for right, of kind `class` those that
    the members' mean confuses. What a row's group says should be a member too: errors that fit their group teach not
    to trust it alone. No class loses all its rows outside of a fold: there its errors are taken back.

    Args:
        given: (rows,) int.
        known: (rows,) bool, the labels that may change.
        members: (rows, classes) float, out of fold, of at least one model.
        shares: of the known labels, by kind.
    """
    truth, places = given[known], np.flatnonzero(known)
    chances = {name: found[known] for name, found in members.items()}
    mean = np.mean(list(chances.values()), axis=0)
    classes = mean.shape[1]
    draws: list[tuple[Kind, float, np.ndarray | None]] = [
        ("uniform", shares.get("uniform", 0), None),
        ("class", shares.get("class", 0), mean),
        *(("instance", shares.get("instance", 0) / len(chances), found) for found in chances.values()),
    ]
    noisy = truth.copy()
    for number, (kind, rate, found) in enumerate(draws):
        drawn = noise.plant(truth, classes, kind, rate, seed * len(draws) + number, found)
        noisy = np.where(noisy == truth, drawn, noisy)
    out = given.copy()
    out[places] = noisy
    _take_back(out, given, known, folds)
    return out


def planted(noisy: np.ndarray, known: np.ndarray, members: Members, rows: Rows) -> Signals:
    """Return the signals of labels with planted errors; what rules say is left out, see `suspicion`."""
    silent = replace(rows, votes=np.full(len(noisy), NONE))
    return signals.signals(noisy, known, members, silent, noisy)


def estimated_noise(given: np.ndarray, known: np.ndarray, found: Signals) -> float:
    """Return the estimated share of wrong labels: those off the diagonal of the stack's confident joint.

    Never none and never all, as no label is certain.
    """
    share = signals.confident(found.probabilities, given, known)[known].mean() if known.any() else 0.0
    least = 1 / (known.sum() + 2)
    return float(np.clip(share, least, 1 - least))


def _take_back(noisy: np.ndarray, given: np.ndarray, known: np.ndarray, folds: np.ndarray) -> None:
    for fold in np.unique(folds):
        outside = known & (folds != fold)
        for label in np.setdiff1d(given[outside], noisy[outside]):
            back = given == label
            noisy[back] = label
