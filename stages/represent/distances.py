"""How far two samples of rows are apart, in embeddings and in words, with bootstrap intervals over groups.

Rows of one group are not independent: groups are drawn, never rows. All functions take how often each group is drawn,
(resamples, groups), so that a resample costs a matrix product and not a second look at the rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from winnow.statistics import intervals

# Maps draws of both samples' groups, (resamples, first groups) and (resamples, second groups), to (resamples,) values.
Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]

AT_ONCE = 50  # resamples; bounds the memory of dense word counts


def corrected(value: float, resampled: np.ndarray, confidence: float) -> dict[str, float]:
    """Return a bias-corrected estimate and its basic bootstrap interval (Davison & Hinkley 1997, 2.1 and 5.2).

    Two finite samples of one source look apart by what each lacks by chance; a resample adds that bias once more, so
    that the resamples show how large it is. Equal sources then give about 0, sometimes less.
    """
    low, high = intervals.interval(resampled, confidence)
    return {
        "value": float(2 * value - resampled.mean()),
        "low": float(2 * value - high),
        "high": float(2 * value - low),
    }


@dataclass(frozen=True)
class Bootstrap:
    """How often groups are drawn, and the confidence of the intervals."""

    resamples: int
    confidence: float
    rng: np.random.Generator


def compared(distance: Distance, groups: tuple[int, int], bootstrap: Bootstrap) -> dict[str, float]:
    """Return the distance of two samples of so many groups, corrected, with its interval."""
    plain = distance(*(np.ones((1, count)) for count in groups))[0]
    draws = [intervals.resample(count, bootstrap.resamples, bootstrap.rng).astype(float) for count in groups]
    return corrected(float(plain), distance(*draws), bootstrap.confidence)


def maximum_mean_discrepancy(
    kernel: np.ndarray, first: np.ndarray, second: np.ndarray, groups: tuple[np.ndarray, np.ndarray]
) -> Distance:
    """Return the squared MMD, estimated without bias from pairs of rows of different groups (Gretton et al. 2012).

    Args:
        kernel: (rows, rows) float, of a larger sample.
        first, second: row numbers there, (first,) and (second,) int.
        groups: the group of each of these rows, from 0.
    """
    members = [_members(of) for of in groups]
    numbers = [member.sum(axis=0) for member in members]

    def within(rows: np.ndarray, member: np.ndarray) -> np.ndarray:
        summed = member.T @ kernel[np.ix_(rows, rows)] @ member
        np.fill_diagonal(summed, 0)
        return summed

    inside = [within(rows, member) for rows, member in zip((first, second), members, strict=True)]
    between = members[0].T @ kernel[np.ix_(first, second)] @ members[1]

    def mean_within(draws: np.ndarray, summed: np.ndarray, number: np.ndarray) -> np.ndarray:
        pairs = (draws @ number) ** 2 - (draws**2) @ (number**2)
        return ((draws @ summed) * draws).sum(axis=1) / np.maximum(pairs, 1)

    def distance(first_draws: np.ndarray, second_draws: np.ndarray) -> np.ndarray:
        pairs = (first_draws @ numbers[0]) * (second_draws @ numbers[1])
        cross = ((first_draws @ between) * second_draws).sum(axis=1) / np.maximum(pairs, 1)
        parts = zip((first_draws, second_draws), inside, numbers, strict=True)
        return sum(mean_within(*part) for part in parts) - 2 * cross

    return distance


def _members(groups: np.ndarray) -> np.ndarray:
    member = np.zeros((len(groups), groups.max(initial=-1) + 1))
    member[np.arange(len(groups)), groups] = 1
    return member


def jensen_shannon(first: sparse.csr_array, second: sparse.csr_array) -> Distance:
    """Return the Jensen-Shannon divergence of unigram distributions, in bits: 0 equal, 1 no word in common (Lin 1991).

    Args:
        first, second: word counts of each group, (groups, words).
    """

    def distance(first_draws: np.ndarray, second_draws: np.ndarray) -> np.ndarray:
        out = np.empty(len(first_draws))
        for start in range(0, len(out), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            one, other = _shares(first_draws[part] @ first), _shares(second_draws[part] @ second)
            out[part] = _entropy((one + other) / 2) - (_entropy(one) + _entropy(other)) / 2
        return out

    return distance


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _entropy(shares: np.ndarray) -> np.ndarray:
    return -(shares * np.log2(np.where(shares > 0, shares, 1))).sum(axis=1)


def own_mass(first: np.ndarray, second: np.ndarray, nearly_empty: float) -> Distance:
    """Return the share of the first sample that lies in clusters which the second leaves nearly empty.

    Args:
        first, second: rows of each group in each cluster, (groups, clusters).
        nearly_empty: a cluster is left so if the second sample's share of its mass, the samples weighed alike, is less.
    """

    def distance(first_draws: np.ndarray, second_draws: np.ndarray) -> np.ndarray:
        one, other = _shares(first_draws @ first), _shares(second_draws @ second)
        return np.where(other < nearly_empty * (one + other), one, 0).sum(axis=1)

    return distance


def noise_floor(
    distance_of: Callable[[np.ndarray, np.ndarray], Distance], groups: int, splits: int, bootstrap: Bootstrap
) -> float:
    """Return what chance alone reaches: a high quantile of the distance between two random halves of one sample.

    Args:
        distance_of: makes the distance of two sets of groups, given by their numbers.
        groups: groups of the sample.
        splits: random halves to try.
    """
    values = []
    for _ in range(splits):
        order = bootstrap.rng.permutation(groups)
        half = np.sort(order[: groups // 2]), np.sort(order[groups // 2 :])
        found = compared(distance_of(*half), (len(half[0]), len(half[1])), bootstrap)
        values.append(found["value"])
    return float(np.quantile(values, bootstrap.confidence))
