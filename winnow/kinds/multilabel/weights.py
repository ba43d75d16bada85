"""What rows weigh in training: as the classes of their sets do on average."""

from collections.abc import Sequence

import numpy as np

from winnow.kinds.classification.weights import class_weights
from winnow.kinds.multilabel.labels import Task


def weigh(task: Task, labels: Sequence[str], scheme: str, beta: float) -> tuple[list[float], dict[str, float]]:
    """Return what each row weighs, (rows,), their mean one, and each class, the empty set among them.

    Args:
        labels: (rows,) sets.
        scheme, beta: `winnow.kinds.classification.weights.class_weights`.
    """
    names = [task.names(label) for label in labels]
    weights = class_weights([name for each in names for name in each], scheme, beta)
    rows = np.array([np.mean([weights[name] for name in each]) for each in names])
    return (rows / rows.mean()).tolist(), weights
