"""A model's folder as transformers' `pipeline` uses it, with the probabilities of `evaluate`."""

from pathlib import Path

from winnow.kinds.classification import served
from winnow.kinds.classification.served import TASK, accompany
from winnow.kinds.multilabel import thresholds

__all__ = ["FILES", "TASK", "accompany", "example"]

FILES = (*served.FILES, thresholds.FILE)


def example(folder: Path) -> str | None:
    """Return Python code that asks the model of a folder by `pipeline`, for the probability of each label."""
    return served.example(folder, 'top_k=None, function_to_apply="sigmoid"')
