"""What edits of the labels are worth: fast models trained with and without them, compared on the same held-out rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stages.rounds.audit import Estimate
from stages.rounds.replay import NONE, Rows, Settled
from winnow.kinds.classification.metrics import f1_from_confusion
from winnow.statistics import intervals
from winnow.text import tfidf

NGRAMS = 2
MAX_FEATURES = 10_000  # twice as many take twice the time and are no better on dev
LABELS = ("given", "corrected")  # by which held-out rows are judged


class Learner:
    """The mean of two logistic regressions, on embeddings and on words; equal labels are learnt once."""

    def __init__(
        self,
        texts: Sequence[str],
        vectors: np.ndarray,
        train: np.ndarray,
        held_out: np.ndarray,
        classes: int,
        regularization: tfidf.Regularization,
    ) -> None:
        """Make the features.

        Args:
            texts: (rows,) str.
            vectors: (rows, dimensions) float32.
            train: (rows,) bool, rows that may be trained on; they make the vocabulary and the scale.
            held_out: (held,) int, positions of the rows to predict.

        Raises:
            ValueError: no text of `train` holds a word.
        """
        from sklearn.preprocessing import StandardScaler

        vectorizer, _ = tfidf.features([texts[row] for row in np.flatnonzero(train)], NGRAMS, MAX_FEATURES)
        scaler = StandardScaler().fit(vectors[train])
        self._matrices = [
            (scaler.transform(vectors), regularization.probe),
            (vectorizer.transform(texts), regularization.tfidf),
        ]
        self._held_out = held_out
        self._classes = classes
        self._known: dict[bytes, np.ndarray] = {}

    def predict(self, labels: np.ndarray) -> np.ndarray:
        """Return the classes of the held-out rows, (held,) int, by models trained on the rows that have a label.

        Args:
            labels: (rows,) int, `NONE` for rows to leave out. Of one class, all are predicted so; of none, the first.
        """
        key = labels.tobytes()
        if key not in self._known:
            self._known[key] = self._train(labels)
        return self._known[key]

    def _train(self, labels: np.ndarray) -> np.ndarray:
        chosen = np.flatnonzero(labels != NONE)
        if len(np.unique(labels[chosen])) < 2:
            return np.full(len(self._held_out), labels[chosen[0]] if len(chosen) else 0)
        chances = [
            tfidf.probabilities(
                tfidf.fit(matrix[chosen], labels[chosen], penalty), matrix[self._held_out], self._classes
            )
            for matrix, penalty in self._matrices
        ]
        return np.mean(chances, axis=0).argmax(axis=1)


@dataclass(frozen=True)
class Exam:
    """Held-out rows of one split and the labels that they are judged by; groups are drawn anew in each resample.

    Attributes:
        rows: (n,) int, positions among the held-out rows.
        truth: (n,) int.
        group: (n,) int, 0 to groups - 1.
        draws: (resamples, groups) int, the same for both kinds of labels.
    """

    rows: np.ndarray
    truth: np.ndarray
    group: np.ndarray
    draws: np.ndarray

    def macro_f1(self, predicted: np.ndarray, classes: int) -> tuple[float, np.ndarray]:
        """Return macro-F1 and its bootstrap values, (resamples,) float.

        Args:
            predicted: (held,) int, of all held-out rows.
        """
        counts = np.zeros((1, self.draws.shape[1], classes, classes), dtype=int)
        np.add.at(counts[0], (self.group, self.truth, predicted[self.rows]), 1)
        once = np.ones((len(self.draws), 1), dtype=int)
        samples = intervals.bootstrap(counts, lambda counts: {"macro_f1": _macro_f1(counts)}, self.draws, once)
        return float(_macro_f1(counts.sum(axis=(0, 1)))), samples["macro_f1"]


Exams = dict[tuple[str, str], Exam]
Scores = dict[tuple[str, str], tuple[float, np.ndarray]]


def exams(rows: Rows, held_out: np.ndarray, corrected: np.ndarray, resamples: int, seed: int) -> Exams:
    """Return the exams by (split, kind of labels); one without rows is left out.

    Args:
        held_out: (held,) int, positions of dev and test rows in `rows`.
        corrected: (rows,) int, the labels after all decisions.
    """
    found: Exams = {}
    for split in ("dev", "test"):
        inside = np.flatnonzero(rows.splits[held_out] == split)
        groups, group = np.unique(rows.groups[held_out][inside], return_inverse=True)
        if not len(groups):
            continue
        draws = intervals.resample(len(groups), resamples, np.random.default_rng(seed))
        for kind, labels in zip(LABELS, (rows.before, corrected), strict=True):
            truth = labels[held_out][inside]
            known = truth != NONE
            if known.any():
                found[split, kind] = Exam(inside[known], truth[known], group[known], draws)
    return found


def grade(predicted: np.ndarray, by: Exams, classes: int) -> Scores:
    """Return macro-F1 of predictions in each exam, with its bootstrap values."""
    return {name: exam.macro_f1(predicted, classes) for name, exam in by.items()}


def scored(scores: Scores, confidence: float) -> dict:
    """Return scores as metrics: split -> kind of labels -> macro_f1 and its interval."""
    return _nested(scores, "macro_f1", {name: value for name, (value, _) in scores.items()}, confidence)


def difference(first: Scores, second: Scores, confidence: float) -> dict:
    """Return `first` minus `second` as metrics: split -> kind of labels -> gain and its paired interval."""
    paired = {name: (0.0, first[name][1] - second[name][1]) for name in first}
    return _nested(paired, "gain", {name: first[name][0] - second[name][0] for name in first}, confidence)


def on_train(rows: Rows, labels: np.ndarray, copies: np.ndarray | int) -> np.ndarray:
    """Return the labels to train on, (rows + copies,) int: of the training split, and of the copies or of none.

    Args:
        labels: (rows,) int.
        copies: (copies,) int, their labels, or how many there are.
    """
    behind = np.full(copies, NONE) if isinstance(copies, int) else copies
    return np.concatenate([np.where(rows.splits == "train", labels, NONE), behind])


def arms(rows: Rows, settled: Settled, copies: np.ndarray, automatic: np.ndarray) -> dict[str, tuple[int, np.ndarray]]:
    """Return, for each kind of edit, how many training rows it touches, and the labels to train on without it.

    `relabel`: people replaced a label; `drop`: they found it ambiguous or out of scope; `annotate`: they gave one where
    the source gave none; `dedup`: copies were dropped; `auto_label`, the other way about: with automatic labels, be
    they accepted or not, on rows that have no other.

    Args:
        copies: (copies,) int, the labels of the duplicates that were dropped.
        automatic: (rows,) int, `NONE` where there is none.
    """
    before, after, train = rows.before, settled.training(rows), rows.splits == "train"
    reverted = {
        "relabel": (before != NONE) & (after != NONE) & (before != after),
        "drop": (before != NONE) & (after == NONE),
        "annotate": (before == NONE) & (after != NONE),
    }
    found = {
        kind: (int((mask & train).sum()), on_train(rows, np.where(mask, before, after), len(copies)))
        for kind, mask in reverted.items()
    }
    labelled = train & ~settled.done & (before == NONE) & (automatic != NONE)
    found["dedup"] = len(copies), on_train(rows, after, copies)
    found["auto_label"] = int(labelled.sum()), on_train(rows, np.where(labelled, automatic, after), len(copies))
    return found


def gain(kind: str, today: Scores, without: Scores, confidence: float) -> dict:
    """Return what a kind of edit adds to macro-F1, as `difference` does."""
    return difference(without, today, confidence) if kind == "auto_label" else difference(today, without, confidence)


def _nested(scores: Scores, name: str, values: dict[tuple[str, str], float], confidence: float) -> dict:
    result: dict = {}
    for (split, kind), (_, resampled) in scores.items():
        estimate = Estimate(values[split, kind], *intervals.interval(resampled, confidence))
        result.setdefault(split, {})[kind] = estimate.named(name)
    return result


def _macro_f1(counts: np.ndarray) -> np.ndarray:
    return f1_from_confusion(counts).mean(axis=-1)
