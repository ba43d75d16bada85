"""Class weights of a training table."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

Scheme = Literal["none", "inverse", "sqrt"]

FACTORS: dict[str, Callable[[float], float]] = {
    "none": lambda share: 1.0,
    "inverse": lambda share: 1 / share,
    "sqrt": lambda share: share**-0.5,  # between the two: rare classes count more without drowning the common ones
}


def class_weights(labels: Sequence[str], scheme: Scheme) -> dict[str, float]:
    """Return the weight of each class that occurs, scaled so that the mean weight over rows is one."""
    counts = Counter(labels)
    factors = {label: FACTORS[scheme](counts[label] / len(labels)) for label in sorted(counts)}
    mean = sum(counts[label] * factor for label, factor in factors.items()) / len(labels)
    return {label: factor / mean for label, factor in factors.items()}
