"""Intervals: Wilson's for a share, and a bootstrap over groups and seeds for metrics of counts that add up."""

from collections.abc import Callable

import numpy as np


def wilson(successes: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a share (Wilson 1927); (0, 1) where nothing was observed."""
    from scipy.stats import binomtest  # scipy.stats takes a second to import, and few callers come this way

    if not total:
        return 0.0, 1.0
    interval = binomtest(successes, total).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def resample(items: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each item is drawn in each bootstrap resample, (resamples, items) int; rows sum to `items`."""
    return rng.multinomial(items, np.full(items, 1 / items), size=resamples)


def bootstrap(
    counts: np.ndarray,
    values: Callable[[np.ndarray], dict[str, np.ndarray]],
    group_draws: np.ndarray,
    seed_draws: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return each metric's mean over seeds in each resample of groups and seeds, (resamples,) float.

    Rows of one group (a paper) are not independent, so groups are drawn, never rows. Approaches that are measured
    with the same `group_draws` are paired: the difference of two results is a bootstrap of the difference.

    Args:
        counts: (seeds, groups, ...), what each seed's run counts within each group: confusions, hits, sums of errors.
        values: maps counts that were summed over groups, (any, ...), to metrics, (any,) each.
        group_draws: (resamples, groups) int, from `resample`.
        seed_draws: (resamples, seeds) int, from `resample`. One seed, or a few alike, show little of the spread
            between seeds: the interval is then too narrow by what they hide.
    """
    seeds, groups, *own = counts.shape
    # Whole numbers are exact in float64, so that the product does not depend on the order of summation.
    flat = counts.reshape(seeds, groups, -1).astype(float)
    totals = (group_draws.astype(float) @ flat).reshape(seeds, -1, *own)
    return {name: (each * seed_draws.T).sum(axis=0) / seeds for name, each in values(totals).items()}


def interval(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return the percentile interval of bootstrap values (Efron 1979)."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
