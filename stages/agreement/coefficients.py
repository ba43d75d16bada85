"""How far reviewers agree: Krippendorff's alpha and Cohen's kappa, with intervals by a bootstrap over groups of rows.

Every coefficient is computed from sums over rows, so a resample needs no look at the votes: it weighs the groups' sums.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from winnow.statistics import intervals


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made; equal settings and votes give equal intervals."""

    resamples: int
    confidence: float
    seed: int


@dataclass(frozen=True)
class Estimate:
    """A coefficient and its interval.

    Attributes:
        value: None where the votes do not define it.
        low, high: None also where no two reviewers disagree: each resample is then the same.
    """

    value: float | None
    low: float | None
    high: float | None


def counted(votes: np.ndarray, outcomes: int) -> np.ndarray:
    """Return how many reviewers gave each row each outcome, (rows, outcomes) int."""
    return (votes[:, :, None] == np.arange(outcomes)).sum(axis=1)


def alpha(votes: np.ndarray, outcomes: int, groups: np.ndarray, settings: Bootstrap) -> tuple[Estimate, Estimate]:
    """Return Krippendorff's nominal alpha, and the observed agreement that it corrects for chance.

    Any number of reviewers, each on any of the rows (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability").
    Rows with one vote tell nothing of agreement and do not count. The bootstrap draws rows, as Zapf et al. (2016,
    BMC Medical Research Methodology 16:93) recommend, and whole groups of them, since rows of one group are not
    independent.

    Args:
        votes: (rows, reviewers) int.
        outcomes: number of outcomes.
        groups: (rows,) int, 0 to groups - 1.
    """
    counts = counted(votes, outcomes)
    several = counts.sum(axis=1) > 1
    counts, groups = counts[several].astype(float), groups[several]
    agreeing = (counts * (counts - 1)).sum(axis=1) / (counts.sum(axis=1) - 1)
    sums = np.column_stack([agreeing, counts])
    return _estimate(sums, groups, _alpha, settings), _estimate(sums, groups, _observed, settings)


def kappa(first: np.ndarray, second: np.ndarray, outcomes: int, groups: np.ndarray, settings: Bootstrap) -> Estimate:
    """Return Cohen's kappa (Cohen 1960) of two reviewers on the rows that both judged.

    Args:
        first, second: (rows,) int, their votes.
        groups: (rows,) int.
    """
    both = (first >= 0) & (second >= 0)
    first, second = first[both], second[both]
    sums = np.column_stack([first == second, *(votes[:, None] == np.arange(outcomes) for votes in (first, second))])
    return _estimate(sums.astype(float), groups[both], _kappa, settings)


def score(counts: np.ndarray, groups: np.ndarray, metric: Callable, settings: Bootstrap) -> Estimate:
    """Return a metric of counts that add up.

    Args:
        counts: (rows, ...) int.
        groups: (rows,) int.
        metric: maps counts (..., own) of any rows together to values (...).
    """
    shape = counts.shape[1:]
    flat = counts.reshape(len(counts), -1).astype(float)
    return _estimate(flat, groups, lambda sums: metric(sums.reshape(*sums.shape[:-1], *shape)), settings)


def _alpha(sums: np.ndarray) -> np.ndarray:
    """Map sums (..., 1 + outcomes) of `alpha` to values (...)."""
    agreeing, each = sums[..., 0], sums[..., 1:]
    votes = each.sum(axis=-1)
    return 1 - (votes - 1) * (votes - agreeing) / (votes**2 - (each**2).sum(axis=-1))


def _observed(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sums[..., 1:].sum(axis=-1)


def _kappa(sums: np.ndarray) -> np.ndarray:
    """Map sums (..., 1 + 2 outcomes) of `kappa` to values (...): rows alike, then each reviewer's rows by outcome."""
    alike, first, second = np.split(sums, [1, 1 + sums.shape[-1] // 2], axis=-1)
    rows = first.sum(axis=-1)
    observed = alike[..., 0] / rows
    by_chance = (first * second).sum(axis=-1) / rows**2
    return (observed - by_chance) / (1 - by_chance)


def _estimate(
    sums: np.ndarray, groups: np.ndarray, metric: Callable[[np.ndarray], np.ndarray], settings: Bootstrap
) -> Estimate:
    """Return a metric of the summed rows, with a percentile interval over groups."""
    of_group = np.zeros((groups.max(initial=-1) + 1, sums.shape[1]))
    np.add.at(of_group, groups, sums)
    of_group = of_group[np.bincount(groups, minlength=len(of_group)) > 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(metric(of_group.sum(axis=0)))
        if not math.isfinite(value):
            return Estimate(None, None, None)
        draws = intervals.resample(len(of_group), settings.resamples, np.random.default_rng(settings.seed))
        # einsum adds in one order on every machine; a matrix product's last bits depend on the number of threads.
        values = metric(np.einsum("rg,gs->rs", draws.astype(float), of_group))
    values = values[np.isfinite(values)]  # a resample in which all say one thing defines no agreement beyond chance
    if value == 1:
        return Estimate(value, None, None)
    return Estimate(value, *intervals.interval(values, settings.confidence))
