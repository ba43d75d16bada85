"""Intervals of what benches measure: with documents and seeds, or of runs alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from winnow.kinds.classification import metrics
from winnow.kinds.classification.labels import Task
from winnow.statistics import intervals
from winnow.statistics.intervals import Estimate

RESAMPLES, CONFIDENCE = 2000, 0.95


@dataclass(frozen=True)
class Exam:
    """Documents that classifiers are judged on, and draws of them, the same for every arm.

    Attributes:
        truth: (rows,) int.
        bundle: (rows,) int, which bundle of documents a row is drawn with.
        classes: how many.
    """

    truth: np.ndarray
    bundle: np.ndarray
    draws: intervals.Draws
    classes: int

    @classmethod
    def of(cls, rows: pa.Table, task: Task) -> "Exam":
        """Return the exam on rows with group and label."""
        names, group = np.unique(np.array(rows["group"].to_pylist()), return_inverse=True)
        draws = intervals.Draws.of(len(names), RESAMPLES, seed=0)
        return cls(task.indices(rows["label"].to_pylist()), draws.bundle[group], draws, len(task.labels))

    def score(self, predicted: np.ndarray) -> float:
        """Return the macro-F1 of one run, which predicts (rows,) int."""
        return float(metrics.f1_per_label(self.truth, predicted, self.classes).mean())

    def macro_f1(self, predicted: Mapping[int, np.ndarray]) -> Estimate:
        """Return the mean macro-F1 of an arm; its difference from another arm's is paired by documents and by seeds.

        Args:
            predicted: (rows,) int, by seed.
        """
        counts = np.zeros((len(predicted), self.draws.times.shape[1], 3, self.classes), int)  # as metrics.counts
        seeds = tuple(sorted(predicted))
        for number, seed in enumerate(seeds):
            hit = self.truth == predicted[seed]
            np.add.at(counts, (number, self.bundle[hit], 0, self.truth[hit]), 1)
            np.add.at(counts, (number, self.bundle, 1, self.truth), 1)
            np.add.at(counts, (number, self.bundle, 2, predicted[seed]), 1)
        return intervals.over_runs(counts, metrics.values, self.draws, seeds)["macro_f1"]


def told(estimate: Estimate) -> list[float]:
    """Return an estimate with its interval: value, low, high."""
    return [estimate.value, *estimate.interval(CONFIDENCE)]


def mean(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float | None]:
    """Return the mean of runs with different seeds, and half its interval's width by Student's t; None for one run.

    It holds the draw of seeds alone: the documents that the runs were judged on are taken as they are.
    """
    from scipy.stats import t

    if len(values) < 2:
        return float(np.mean(values)), None
    half = t.ppf((1 + confidence) / 2, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(half)


def cell(middle: float, half: float | None, form: str = ".3f", sign: str = "") -> str:
    """Return a mean and half its interval for people to read."""
    return f"{middle:{sign}{form}}" + ("" if half is None else f" ± {half:{form}}")
