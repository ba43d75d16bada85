"""Metrics of a classifier, all computed from predictions alone, so that any revision can be measured."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.classification.predictions import chances
from winnow.kinds.headline import Headline
from winnow.rows import predictions as arms_of

if TYPE_CHECKING:
    from winnow.kinds.classification.labels import Task

HEADLINE = Headline("macro_f1", larger_is_better=True, meaning="the unweighted mean of the classes' F1")
WORDS = {"accuracy": "accuracy", "macro_f1": "macro-F1"}


def counts(task: "Task", predictions: pa.Table, part: np.ndarray, parts: int) -> np.ndarray:
    """Return what is counted of each class in each part of the rows, (parts, 3, classes) int; those of rows add up.

    Rows of the class that are predicted as it, rows of the class, rows that are predicted as it: all that F1 needs, in
    memory that grows with the classes, not with their square.

    Args:
        predictions: label and predicted.
        part: (rows,) int, 0 to parts - 1.

    Raises:
        UserError: a label or prediction is none of the task's.
    """
    counted = np.zeros((parts, 3, len(task.labels)), dtype=int)
    actual, predicted = (_indices(task, predictions, column) for column in ("label", "predicted"))
    hit = actual == predicted
    for place, (of_part, classes) in enumerate(((part[hit], actual[hit]), (part, actual), (part, predicted))):
        np.add.at(counted, (of_part, place, classes), 1)
    return counted


def values(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return accuracy and macro-F1, (...) float each, of `counts`, (..., 3, classes)."""
    hits, actual, predicted = (counts[..., place, :] for place in range(3))
    accuracy = hits.sum(axis=-1) / actual.sum(axis=-1)
    return {"accuracy": accuracy, "macro_f1": f1(hits, actual + predicted).mean(axis=-1)}


def measure(task: "Task", predictions: pa.Table, bins: int) -> dict:
    """Return what `of_chances` does, of the predictions of one split."""
    return of_chances(_indices(task, predictions, "label"), chances(task, predictions), task.labels, bins)


def plots(task: "Task", arms: Mapping[str, pa.Table], measured: dict[str, dict], bins: int) -> dict[str, list[tuple]]:
    """Return the rows of each plot's table, header first: confusion, calibration and F1 per class.

    Args:
        arms: predictions of one split by `<approach>-<seed>`.
        measured: what `measure` says of each arm.
    """
    confusion: list[tuple] = [("approach", "actual", "predicted")]
    calibration: list[tuple] = [("arm", "confidence", "accuracy", "rows")]
    per_class: list[tuple] = [("approach", "label", "f1")]
    for approach, names in arms_of.by_approach(arms).items():
        first = arms[names[0]]
        pairs = zip(first["label"].to_pylist(), first["predicted"].to_pylist(), strict=True)
        confusion += [(approach, actual, predicted) for actual, predicted in pairs]
        for label in task.labels:
            mean = float(np.mean([measured[name]["f1"][label] for name in names]))
            per_class.append((approach, label, mean))
        for name in names:
            arm = arms[name]
            bins_of = calibration_table(_indices(task, arm, "label"), chances(task, arm), bins)
            calibration += [(name, b["confidence"], b["accuracy"], b["rows"]) for b in bins_of]
    return {"confusion": confusion, "calibration": calibration, "per_class": per_class}


def of_chances(truth: np.ndarray, probabilities: np.ndarray, labels: list[str], bins: int) -> dict:
    """Return accuracy, macro-F1, F1 per label, log loss and expected calibration error.

    Args:
        truth: (rows,) int, index into `labels`.
        probabilities: (rows, labels) float, rows sum to one.
        labels: names of the classes, in the order of the columns.
        bins: number of equal-width confidence bins of the calibration error.
    """
    predicted = probabilities.argmax(axis=1)
    per_label = f1_per_label(truth, predicted, len(labels))
    chosen = np.clip(probabilities[np.arange(len(truth)), truth], 1e-12, 1.0)
    return {
        "rows": len(truth),
        "accuracy": float((predicted == truth).mean()),
        "macro_f1": float(per_label.mean()),
        "log_loss": float(-np.log(chosen).mean()),
        "calibration_error": calibration_error(calibration_table(truth, probabilities, bins)),
        "f1": dict(zip(labels, per_label.tolist(), strict=True)),
    }


def f1_per_label(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return the F1 of each class, (classes,) float; 0 where a class is neither present nor predicted."""
    hits, actual, guessed = (
        np.bincount(each, minlength=classes) for each in (truth[truth == predicted], truth, predicted)
    )
    return f1(hits, actual + guessed)


def f1(hits: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return F1 per class, (..., classes) float, 0 for a class that is neither there nor predicted.

    Args:
        hits: (..., classes) int, rows that are of the class and are predicted as it.
        total: (..., classes) int, rows of the class, and rows that are predicted as it.
    """
    return np.divide(2 * hits, total, out=np.zeros(hits.shape, dtype=float), where=total > 0)


def calibration_table(truth: np.ndarray, probabilities: np.ndarray, bins: int) -> list[dict]:
    """Return one dict a non-empty confidence bin: mean confidence, accuracy and rows (Guo et al. 2017)."""
    confidence = probabilities.max(axis=1)
    hit = probabilities.argmax(axis=1) == truth
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "confidence": float(confidence[index == b].mean()),
            "accuracy": float(hit[index == b].mean()),
            "rows": int((index == b).sum()),
        }
        for b in range(bins)
        if (index == b).any()
    ]


def calibration_error(table: list[dict]) -> float:
    """Return the expected calibration error: mean |accuracy - confidence|, weighted by rows."""
    rows = sum(bin_["rows"] for bin_ in table)
    return sum(abs(bin_["accuracy"] - bin_["confidence"]) * bin_["rows"] for bin_ in table) / rows


def _indices(task: "Task", predictions: pa.Table, column: str) -> np.ndarray:
    """Return the places of a column's labels in the task's set, (rows,) int."""
    encoded = predictions[column].combine_chunks().dictionary_encode(null_encoding="encode")
    names = encoded.dictionary.to_pylist()
    for strange in sorted(set(names) - set(task.labels), key=str):
        raise UserError(f"predictions: {column} '{strange}' is not one of params.yaml: task.labels")
    return task.indices(names)[encoded.indices.to_numpy()]
