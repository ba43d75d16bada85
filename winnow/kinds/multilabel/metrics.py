"""Metrics of predicted sets, all computed from predictions alone, so that any revision can be measured."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from winnow.kinds.headline import Headline
from winnow.kinds.multilabel.labels import Task
from winnow.kinds.multilabel.predictions import chances as chances_of
from winnow.rows import predictions as arms_of

HEADLINE = Headline("macro_f1", larger_is_better=True, meaning="the unweighted mean of the labels' F1")
WORDS = {"macro_f1": "macro-F1", "micro_f1": "micro-F1"}


def counts(task: Task, predictions: pa.Table, part: np.ndarray, parts: int) -> np.ndarray:
    """Return what is counted of each label in each part of the rows, (parts, 3, labels) int; those of rows add up.

    Rows that have the label and are predicted so, rows that have it, rows that are predicted so.

    Args:
        predictions: label and predicted.
        part: (rows,) int, 0 to parts - 1.

    Raises:
        UserError: a label or prediction holds a name that is none of the task's.
    """
    actual, predicted = (task.matrix(predictions[column].to_pylist()) for column in ("label", "predicted"))
    counted = np.zeros((parts, 3, len(task.labels)), dtype=int)
    np.add.at(counted, part, np.stack([actual & predicted, actual, predicted], axis=1))
    return counted


def values(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return macro-F1 and micro-F1, (...) float each, of `counts`, (..., 3, labels)."""
    hits, both = counts[..., 0, :], counts[..., 1, :] + counts[..., 2, :]
    return {"macro_f1": f1(hits, both).mean(axis=-1), "micro_f1": f1(hits.sum(axis=-1), both.sum(axis=-1))}


def measure(task: Task, predictions: pa.Table, bins: int) -> dict:
    """Return what `of_sets` does, of the predictions of one split."""
    actual, predicted = (task.matrix(predictions[column].to_pylist()) for column in ("label", "predicted"))
    return of_sets(actual, predicted, chances_of(task, predictions), task.labels, bins)


def plots(task: Task, arms: Mapping[str, pa.Table], measured: dict[str, dict], bins: int) -> dict[str, list[tuple]]:
    """Return the rows of each plot's table, header first: calibration, and F1 per label.

    Args:
        arms: predictions of one split by `<approach>-<seed>`.
        measured: what `measure` says of each arm.
    """
    calibration: list[tuple] = [("arm", "confidence", "accuracy", "rows")]
    per_class: list[tuple] = [("approach", "label", "f1")]
    for approach, names in arms_of.by_approach(arms).items():
        for label in task.labels:
            per_class.append((approach, label, float(np.mean([measured[name]["f1"][label] for name in names]))))
        for name in names:
            truth = task.matrix(arms[name]["label"].to_pylist())
            table = calibration_table(truth, chances_of(task, arms[name]), bins)
            calibration += [(name, own["confidence"], own["accuracy"], own["rows"]) for own in table]
    return {"calibration": calibration, "per_class": per_class}


def of_sets(truth: np.ndarray, predicted: np.ndarray, chances: np.ndarray, labels: list[str], bins: int) -> dict:
    """Return macro-F1, micro-F1, the share of rows predicted exactly, F1 per label, and how good the probabilities are.

    `ranking_precision` is label ranking average precision (Tsoumakas et al. 2010): how many of the labels above a
    row's label are the row's, on average; 1 of a row that has none or all. `log_loss` and `calibration_error` are of
    single labels of rows.

    Args:
        truth, predicted: (rows, labels) bool.
        chances: (rows, labels) float.
        labels: their names.
        bins: of equal width, of the calibration error.
    """
    from sklearn.metrics import label_ranking_average_precision_score

    hits, both = (truth & predicted).sum(axis=0), truth.sum(axis=0) + predicted.sum(axis=0)
    per_label = f1(hits, both)
    right = np.clip(np.where(truth, chances, 1 - chances), 1e-12, 1.0)
    return {
        "rows": len(truth),
        "macro_f1": float(per_label.mean()),
        "micro_f1": float(f1(hits.sum(), both.sum())),
        "exact": float((truth == predicted).all(axis=1).mean()) if len(truth) else 0.0,
        "ranking_precision": float(label_ranking_average_precision_score(truth, chances)) if len(truth) else 0.0,
        "log_loss": float(-np.log(right).mean()) if len(truth) else 0.0,
        "calibration_error": calibration_error(calibration_table(truth, chances, bins)),
        "f1": dict(zip(labels, per_label.tolist(), strict=True)),
    }


def f1(hits: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return F1, (...) float, 0 for a label that is neither there nor predicted.

    Args:
        hits: (...) int, rows that have the label and are predicted so.
        total: (...) int, rows that have it, and rows that are predicted so.
    """
    hits, total = np.asarray(hits), np.asarray(total)
    return np.divide(2 * hits, total, out=np.zeros(hits.shape, dtype=float), where=total > 0)


def calibration_table(truth: np.ndarray, chances: np.ndarray, bins: int) -> list[dict]:
    """Return one dict a non-empty bin of the labels' probabilities: their mean, how often rows have them, and cells.

    Args:
        truth: (rows, labels) bool.
        chances: (rows, labels) float.
    """
    p, has = chances.ravel(), truth.ravel()
    index = np.minimum((p * bins).astype(int), bins - 1)
    return [
        {"confidence": float(p[here].mean()), "accuracy": float(has[here].mean()), "rows": int(here.sum())}
        for here in (index == number for number in range(bins))
        if here.any()
    ]


def calibration_error(table: list[dict]) -> float:
    """Return the expected calibration error: mean |share - probability|, weighted by cells; 0 of none."""
    cells = sum(own["rows"] for own in table)
    return sum(abs(own["accuracy"] - own["confidence"]) * own["rows"] for own in table) / max(cells, 1)
