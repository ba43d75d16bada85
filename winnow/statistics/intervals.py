"""Intervals: Wilson's for a share, and those of a metric's mean over runs, which hold the draw of groups and of seeds.

What is estimated is the mean of a metric over all training seeds and all documents that could have been drawn. Groups
of documents (a paper) are many, so they are resampled, the same for every arm. Seeds are few: a percentile of
resampled seeds is far too narrow, since a resample of two seeds knows no other values. So the seeds have Student's t.
The two parts are combined as the limits of independent parts are (MOVER: Zou & Donner 2008, Statistics in Medicine 27).
The variance between seeds holds how seeds and documents interact, as the resampled groups do, so that the interval is
rather too wide where seeds differ by little else. tests/winnow/statistics/test_coverage.py simulates what it covers.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

BUNDLES = 2000
# Maps counts that were summed over groups, (any, ...), to metrics, (any,) each.
Values = Callable[[np.ndarray], dict[str, np.ndarray]]


def wilson(successes: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a share (Wilson 1927); (0, 1) where nothing was observed."""
    from scipy.stats import binomtest  # scipy.stats takes a second to import, and few callers come this way

    if not total:
        return 0.0, 1.0
    interval = binomtest(successes, total).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def student(runs: int, confidence: float) -> float:
    """Return Student's factor for the mean of some runs: half an interval's width in standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(runs - 1, (1 + confidence) / 2))


def resample(items: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each item is drawn in each bootstrap resample, (resamples, items) int; rows sum to `items`."""
    return rng.multinomial(items, np.full(items, 1 / items), size=resamples)


def resampled(counts: np.ndarray, values: Values, times: np.ndarray) -> dict[str, np.ndarray]:
    """Return each metric of one run in each resample of groups, (resamples,) float.

    Rows of one group are not independent, so groups are drawn, never rows. Runs that are measured with the same draws
    are paired: the difference of two results is a bootstrap of the difference.

    Args:
        counts: (groups, ...), what the run counts within each group: confusions, hits, sums of errors.
        times: (resamples, groups) int, from `resample`.
    """
    groups, *own = counts.shape
    # Whole numbers are exact in float64, so that the product does not depend on the order of summation.
    return values((times.astype(float) @ counts.reshape(groups, -1).astype(float)).reshape(-1, *own))


@dataclass(frozen=True)
class Draws:
    """How often each of many groups is drawn in each resample: itself, or as one of a bundle of groups.

    Attributes:
        groups: how many there are.
        bundle: (groups,) int, which bundle each belongs to; each group is its own where there are few.
        times: (resamples, bundles) int.
    """

    groups: int
    bundle: np.ndarray
    times: np.ndarray

    @classmethod
    def of(cls, groups: int, resamples: int, seed: int) -> "Draws":
        """Return draws of groups; of more than `BUNDLES`, bundles of them, put together at random.

        Cost and memory do not grow with the groups then, and bundles vary as their groups do (the method of random
        groups: Wolter 2007, Introduction to Variance Estimation, chapter 2). The variance of 2,000 bundles is off by
        3 %, as that of 2,000 resamples is.
        """
        bundle, rng = np.arange(groups), np.random.default_rng(seed)
        if groups > BUNDLES:
            bundle = np.random.default_rng([seed, groups]).permutation(groups) % BUNDLES
        return cls(groups, bundle, resample(min(groups, BUNDLES), resamples, rng))


def interval(values: np.ndarray, confidence: float, items: int | None = None) -> tuple[float, float]:
    """Return the percentile interval of bootstrap values (Efron 1979).

    Args:
        items: how many were resampled: the interval is widened as Student's is, since a resample of few items varies
            too little (Hesterberg 2015, The American Statistician 69, section 5.3).
    """
    tail = (1 - confidence) / 2
    if items is not None and items > 1:
        from scipy.special import ndtr

        tail = float(ndtr(-np.sqrt(items / (items - 1)) * student(items, confidence)))
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


@dataclass(frozen=True)
class Estimate:
    """The mean of a metric over an arm's runs, or a difference of two such means.

    Attributes:
        value: on all groups.
        resampled: (resamples,) float, the value in each resample of groups, every run kept.
        groups: how many there are.
        seeds: of the runs.
        by_seed: the independent parts of the value, (runs,) float each, whose means are added or subtracted in it: one
            for an arm or a difference that is paired by seed, two for a difference of arms of other seeds.
    """

    value: float
    resampled: np.ndarray
    groups: int
    seeds: tuple[int, ...]
    by_seed: tuple[np.ndarray, ...]

    def minus(self, other: "Estimate") -> "Estimate":
        """Return the difference of two arms with the same draws of groups, paired by seed if their seeds are equal."""
        paired = self.seeds == other.seeds
        by_seed = (self.by_seed[0] - other.by_seed[0],) if paired else self.by_seed + other.by_seed
        resampled = self.resampled - other.resampled
        return Estimate(self.value - other.value, resampled, self.groups, self.seeds if paired else (), by_seed)

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the interval over groups and seeds; a part of one run brings none, since it shows no spread."""
        low, high = interval(self.resampled, confidence, self.groups)
        halves = [
            student(len(part), confidence) * part.std(ddof=1) / np.sqrt(len(part))
            for part in self.by_seed
            if len(part) > 1
        ]
        below, above = (float(np.linalg.norm([end, *halves])) for end in (self.value - low, high - self.value))
        return self.value - below, self.value + above


def over_runs(
    counts: Iterable[np.ndarray], values: Values, draws: Draws, seeds: tuple[int, ...]
) -> dict[str, Estimate]:
    """Return the mean of each metric over an arm's runs, by name; the counts of one run are in memory at a time.

    Args:
        counts: of each run, (bundles, ...).
        seeds: of the runs, in their order.
    """
    of_runs: dict[str, list[float]] = {}
    sums: dict[str, np.ndarray] = {}
    for run in counts:
        for name, value in values(run.sum(axis=0)).items():
            of_runs.setdefault(name, []).append(float(value))
        for name, resample_ in resampled(run, values, draws.times).items():
            sums[name] = sums.get(name, 0.0) + resample_ / len(seeds)
    return {
        name: Estimate(float(np.mean(each)), sums[name], draws.groups, seeds, (np.array(each),))
        for name, each in of_runs.items()
    }


def seed_draws(values: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Return deviations of means over seeds, (resamples, quantities) float, for functions that are not linear.

    They have the covariance of the means, and each linear combination of them Student's t with seeds - 1 degrees of
    freedom. Added to resamples of groups, they carry the draw of seeds through any function; zeros for one seed.

    Args:
        values: (seeds, quantities) float, measured with the same seeds.
    """
    seeds = len(values)
    if seeds < 2:
        return np.zeros((resamples, values.shape[1]))
    normal = rng.standard_normal((resamples, seeds)) @ (values - values.mean(axis=0)) / np.sqrt(seeds * (seeds - 1))
    return normal / np.sqrt(rng.chisquare(seeds - 1, (resamples, 1)) / (seeds - 1))
