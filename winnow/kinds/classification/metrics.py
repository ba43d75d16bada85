"""Metrics of a classifier, all computed from probabilities and labels alone, so that any revision can be measured."""

import numpy as np


def measure(truth: np.ndarray, probabilities: np.ndarray, labels: list[str], bins: int) -> dict:
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
    counts = np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    return f1_from_confusion(counts)


def f1_from_confusion(counts: np.ndarray) -> np.ndarray:
    """Return F1 per class from confusion counts (..., classes, classes), rows the truth, columns the prediction."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    total = counts.sum(axis=-1) + counts.sum(axis=-2)
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
