"""What rows weigh in training: as their class does."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from winnow.kinds.classification.labels import Task

FACTORS: dict[str, Callable[[float], float]] = {
    "none": lambda share: 1.0,
    "inverse": lambda share: 1 / share,
    "sqrt": lambda share: share**-0.5,  # between the two: rare classes count more without drowning the common ones
}


def weigh(task: "Task", labels: Sequence[str], scheme: str, beta: float) -> tuple[list[float], dict[str, float]]:
    """Return what each row weighs, (rows,), and each class; the arguments are those of `class_weights`."""
    weights = class_weights(labels, scheme, beta)
    return [weights[label] for label in labels], weights


def class_weights(labels: Sequence[str], scheme: str, beta: float = 0.999) -> dict[str, float]:
    """Return the weight of each class that occurs, scaled so that the mean weight over rows is one.

    Args:
        scheme: `effective_number`, or one of FACTORS, by the share of the rows.
        beta: of `effective_number` (Cui et al. 2019): the inverse of the number of rows that are not expected to say
            what others say, (1 - beta^n) / (1 - beta); near 0 all classes count alike, near 1 as by `inverse`.
    """
    counts = Counter(labels)
    if scheme == "effective_number":
        factors = {label: (1 - beta) / (1 - beta ** counts[label]) for label in sorted(counts)}
    else:
        factors = {label: FACTORS[scheme](counts[label] / len(labels)) for label in sorted(counts)}
    mean = sum(counts[label] * factor for label, factor in factors.items()) / len(labels)
    return {label: factor / mean for label, factor in factors.items()}
