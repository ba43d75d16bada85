"""The mean of a few runs and its interval."""

from collections.abc import Sequence

import numpy as np


def mean(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float | None]:
    """Return the mean of runs with different seeds, and half its interval's width by Student's t; None for one run."""
    from scipy.stats import t

    if len(values) < 2:
        return float(np.mean(values)), None
    half = t.ppf((1 + confidence) / 2, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(half)


def cell(middle: float, half: float | None, form: str = ".3f", sign: str = "") -> str:
    """Return a mean and half its interval for people to read."""
    return f"{middle:{sign}{form}}" + ("" if half is None else f" ± {half:{form}}")
