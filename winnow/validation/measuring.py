"""What each trained model reaches on one split, from its predictions alone."""

from collections.abc import Mapping

import pyarrow as pa
from pydantic import Field

from winnow import kinds
from winnow.base.params import Section
from winnow.kinds.task import Task
from winnow.rows import predictions


class Params(Section):
    """Section `evaluate` of params.yaml."""

    batch_tokens: int = Field(2048, gt=0)
    """Padded tokens in one forward pass. Raise it on a GPU."""

    calibration_bins: int = Field(10, gt=1)
    """Bins of the figure that compares probabilities with how often they are right."""


def measure(arms: Mapping[str, pa.Table], split: str, task: Task, bins: int) -> dict[str, dict]:
    """Return what the kind of task measures of each model on one split, by `<approach>-<seed>`."""
    metrics = kinds.load(task, "metrics")
    return {name: metrics.measure(task, predictions.of_split(arm, split), bins) for name, arm in arms.items()}
