"""How good responses are: chrF, ROUGE-L, exact matches, and what the given ones cost the model."""

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from rapidfuzz.distance import LCSseq

from winnow.kinds.generation import forms
from winnow.kinds.generation.labels import Task
from winnow.kinds.headline import Headline
from winnow.text import words

HEADLINE = Headline(
    "chrf",
    larger_is_better=True,
    meaning="how many runs of one to six characters a response shares with the given one: F2 of them (Popović 2015)",
)
WORDS = {"chrf": "chrF", "rouge_l": "ROUGE-L", "exact_match": "exact matches"}

ORDER, BETA = 6, 2.0  # of chrF2, as sacreBLEU computes it
# Behind the n-grams of each order (predicted, given, shared): sums of ROUGE-L and exact matches, rows; of the rows
# whose loss is known, nats and bytes; rows whose answer ended, of those that tell it.
ROUGE, EXACT, ROWS, NATS, BYTES, STOPPED, TOLD = range(3 * ORDER, 3 * ORDER + 7)
WIDTH = TOLD + 1


def counts(task: Task, predictions: pa.Table, part: np.ndarray, parts: int) -> np.ndarray:
    """Return what is counted of each part, (parts, WIDTH) float.

    Args:
        part: (rows,) int, the part of each row.
    """
    rows = np.zeros((predictions.num_rows, WIDTH))
    pairs = zip(predictions["predicted"].to_pylist(), predictions["label"].to_pylist(), strict=True)
    for row, pair in zip(rows, pairs, strict=True):
        predicted, given = (forms.compared(label or "").strip() for label in pair)
        row[: 3 * ORDER] = shared(predicted, given)
        row[ROUGE] = rouge_l(predicted, given)
        row[EXACT] = predicted == given
        row[ROWS] = 1
    if "loss" in predictions.column_names:
        loss = predictions["loss"].to_numpy(zero_copy_only=False).astype(float)
        known = np.isfinite(loss)
        sizes = np.array([len(given.encode("utf-8")) for given in predictions["label"].to_pylist()], dtype=float)
        rows[known, NATS], rows[known, BYTES] = loss[known], sizes[known]
    if "stopped" in predictions.column_names:
        rows[:, STOPPED] = predictions["stopped"].to_numpy(zero_copy_only=False).astype(float)
        rows[:, TOLD] = 1
    summed = np.zeros((parts, WIDTH))
    np.add.at(summed, part, rows)
    return summed


def values(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return the metrics of counts (..., WIDTH); `loss_per_byte`, nats, is nan where no loss is known."""
    rows = np.maximum(counts[..., ROWS], 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        loss = np.where(counts[..., BYTES] > 0, counts[..., NATS] / counts[..., BYTES], np.nan)
    return {
        "chrf": chrf(counts[..., : 3 * ORDER]),
        "rouge_l": counts[..., ROUGE] / rows,
        "exact_match": counts[..., EXACT] / rows,
        "loss_per_byte": loss,
    }


def measure(task: Task, predictions: pa.Table, bins: int) -> dict:
    """Return the metrics of predictions, what is known of their loss and ends, and how long they are."""
    total = counts(task, predictions, np.zeros(predictions.num_rows, dtype=int), 1)
    found = {name: float(value[0]) for name, value in values(total).items() if not math.isnan(value[0])}
    lengths = [len(words.words(text or "")) for text in predictions["predicted"].to_pylist()]
    given = [len(words.words(text)) for text in predictions["label"].to_pylist()]
    found |= {"rows": predictions.num_rows, "words": _mean(lengths), "given_words": _mean(given)}
    if total[0, TOLD]:
        found["stop_rate"] = float(total[0, STOPPED] / total[0, TOLD])
    if "loss" in predictions.column_names:
        found["rows_without_loss"] = predictions["loss"].null_count
    return found


def plots(task: Task, arms: Mapping[str, pa.Table], measured: Mapping[str, dict], bins: int) -> dict[str, list[tuple]]:
    """Return the plot's table of what each run reaches."""
    lines = [(name, of["chrf"], of["rouge_l"], of["exact_match"]) for name, of in measured.items()]
    return {"responses": [("arm", "chrf", "rouge_l", "exact_match"), *lines]}


def shared(predicted: str, given: str) -> list[int]:
    """Return for each order how many n-grams of characters both texts have, and how many they share; no white space."""
    first, second = "".join(predicted.split()), "".join(given.split())
    found: list[int] = []
    for order in range(1, ORDER + 1):
        own, other = _ngrams(first, order), _ngrams(second, order)
        total = sum(other.values())
        found += [sum(own.values()) if total else 0, total, sum((own & other).values())]
    return found


def chrf(counts: np.ndarray) -> np.ndarray:
    """Return chrF2 of counts (..., 3 * ORDER), summed over rows, 0 to 1: sacreBLEU's of a corpus, without smoothing."""
    predicted, given, both = (counts[..., start::3].astype(float) for start in range(3))
    there = (predicted > 0) & (given > 0)
    orders = np.maximum(there.sum(-1), 1)
    precision = np.where(there, both / np.maximum(predicted, 1), 0).sum(-1) / orders
    recall = np.where(there, both / np.maximum(given, 1), 0).sum(-1) / orders
    below = BETA**2 * precision + recall
    return np.where(below > 0, (1 + BETA**2) * precision * recall / np.where(below > 0, below, 1), 0.0)


def rouge_l(predicted: str, given: str) -> float:
    """Return F1 of the longest common subsequence of two texts' words (Lin 2004), of any script."""
    own, other = words.words(predicted), words.words(given)
    return 2 * LCSseq.similarity(own, other) / (len(own) + len(other)) if own and other else 0.0


def _ngrams(text: str, order: int) -> Counter:
    return Counter(text[start : start + order] for start in range(len(text) - order + 1))


def _mean(numbers: list[int]) -> float:
    return float(np.mean(numbers)) if numbers else 0.0
