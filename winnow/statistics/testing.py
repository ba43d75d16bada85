"""One-sided exact tests of counts, and Holm's correction for many of them."""

import numpy as np


def above_share(counts: np.ndarray, totals: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """Return the p-values of counts under shares of at most `share`, (tests,) float: the exact binomial test.

    Args:
        counts, totals: (tests,) int.
        share: one, or (tests,) float.
    """
    from scipy.stats import binom  # takes a second to import, and few callers come this way

    return binom.sf(np.asarray(counts) - 1, totals, share)


def above_ratio(counts: np.ndarray, totals: np.ndarray, ratio: float) -> np.ndarray:
    """Return the p-values of groups' counts under rates of at most `ratio` times that of all groups, (tests,) float.

    Given how many were counted in all, a group's count is binomial with `ratio` times its share of the totals: the
    conditional test of two rates (Przyborowski & Wilenski 1940), so the rate of all needs no estimate.

    Args:
        counts, totals: (tests,) int, of all groups.
    """
    totals = np.asarray(totals)
    expected = np.minimum(ratio * totals / max(totals.sum(), 1), 1.0)
    return above_share(counts, np.full(len(totals), int(np.sum(counts))), expected)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return adjusted p-values, (tests,) float: those below 0.05 are one false finding in twenty runs, or fewer.

    Step-down Bonferroni (Holm 1979, Scandinavian Journal of Statistics 6), however the tests depend on one another.
    """
    order = np.argsort(p_values, kind="stable")
    left = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(np.asarray(p_values)[order] * left), 1.0)
    return adjusted
