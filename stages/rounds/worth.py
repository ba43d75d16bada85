"""What edits of the labels are worth: fast models trained with and without them, compared on the same rows of dev."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from stages.rounds.audit import Estimate
from stages.rounds.replay import NONE, Rows, Settled
from winnow import kinds
from winnow.kinds.headline import Headline
from winnow.kinds.learner import Learner
from winnow.kinds.task import Task
from winnow.statistics import intervals

SPLIT = "dev"  # on which models are judged: what is chosen by these figures has not seen test
LABELS = ("given", "corrected")  # by which its rows are judged


@dataclass(frozen=True)
class Score:
    """The headline of the kind of task, and its bootstrap values, (resamples,) float."""

    value: float
    resampled: np.ndarray


@dataclass(frozen=True)
class Exam:
    """Rows of dev and the labels that they are judged by; groups are drawn anew in each resample.

    Attributes:
        rows: (n,) int, positions among the rows of dev.
        truth: (n,) labels.
        bundle: (n,) int, of the row's group, 0 to bundles - 1.
        draws: (resamples, bundles) int, the same for both kinds of labels.
    """

    rows: np.ndarray
    truth: np.ndarray
    bundle: np.ndarray
    draws: np.ndarray

    def score(self, predicted: np.ndarray, task: Task) -> Score:
        """Return the score of predictions, (held,) labels of all rows of dev."""
        metrics = kinds.load(task, "metrics")
        name = metrics.HEADLINE.name
        predictions = pa.table({"label": pa.array(self.truth), "predicted": pa.array(predicted[self.rows])})
        counts = metrics.counts(task, predictions, self.bundle, self.draws.shape[1])
        sample = intervals.resampled(counts, metrics.values, self.draws)
        return Score(float(metrics.values(counts.sum(axis=0))[name]), sample[name])


Exams = dict[str, Exam]  # by kind of labels
Scores = dict[str, Score]


def exams(rows: Rows, dev: np.ndarray, corrected: np.ndarray, resamples: int, seed: int) -> Exams:
    """Return the exams by kind of labels; one without rows is left out.

    Args:
        dev: (held,) int, positions of dev rows in `rows`.
        corrected: (rows,) labels after all decisions.
    """
    groups, group = np.unique(rows.groups[dev], return_inverse=True)
    if not len(groups):
        return {}
    result: Exams = {}
    draws = intervals.Draws.of(len(groups), resamples, seed)
    for kind, labels in zip(LABELS, (rows.before, corrected), strict=True):
        known = np.flatnonzero(labels[dev] != NONE)
        if len(known):
            result[kind] = Exam(known, labels[dev][known], draws.bundle[group[known]], draws.times)
    return result


@dataclass(frozen=True)
class Models:
    """Fast models, and the exams that compare them; from equal labels they learn once.

    Attributes:
        place: (rows,) int, each row's place among those that the learner has; -1: it has not.
        dev: (held,) int, positions of the rows to predict.
        confidence: of all intervals.
    """

    task: Task
    learner: Learner
    place: np.ndarray
    dev: np.ndarray
    exams: Exams
    confidence: float
    _known: dict[tuple, np.ndarray] = field(default_factory=dict)

    @property
    def headline(self) -> Headline:
        """The metric by which the kind of task judges a model."""
        return kinds.load(self.task, "metrics").HEADLINE

    @property
    def gain_in_words(self) -> str:
        """What people are told of a gain in the headline."""
        return self.headline.gain(kinds.load(self.task, "metrics").WORDS[self.headline.name])

    def predict(self, labels: np.ndarray) -> np.ndarray:
        """Return the labels of the rows of dev, (held,) object, by models trained on the rows that have a label.

        Args:
            labels: (rows,) labels, `NONE` for rows to leave out.
        """
        seen = np.flatnonzero(self.place >= 0)
        key = tuple(labels[seen].tolist())
        if key not in self._known:
            chosen = seen[labels[seen] != NONE]
            self._known[key] = self.learner.predict(self.place[chosen], labels[chosen], self.place[self.dev])
        return self._known[key]

    def score(self, labels: np.ndarray, exam: str) -> Score:
        """Return the score in one exam of models trained on labels, (rows,) as `predict` takes them."""
        return self.exams[exam].score(self.predict(labels), self.task)

    def scores(self, labels: np.ndarray) -> Scores:
        """Return the score in each exam."""
        return {exam: self.score(labels, exam) for exam in self.exams}

    def better_by(self, first: Score, second: Score) -> Score:
        """Return by how much `first` is better than `second`: paired, above zero where it is better."""
        sign = self.headline.sign
        return Score(sign * (first.value - second.value), sign * (first.resampled - second.resampled))

    def estimate(self, score: Score) -> Estimate:
        """Return a score with its interval."""
        return Estimate(score.value, *intervals.interval(score.resampled, self.confidence))

    def told(self, scores: Scores) -> dict:
        """Return scores as metrics: split -> kind of labels -> the headline and its interval."""
        return self._nested(scores, self.headline.name)

    def difference(self, first: Scores, second: Scores) -> dict:
        """Return by how much `first` is better, as metrics: split -> kind of labels -> gain and its interval."""
        return self._nested({name: self.better_by(first[name], second[name]) for name in first}, "gain")

    def gain(self, kind: str, today: Scores, without: Scores) -> dict:
        """Return what a kind of edit adds to the headline, as `difference` does."""
        return self.difference(without, today) if kind == "auto_label" else self.difference(today, without)

    def _nested(self, scores: Mapping[str, Score], name: str) -> dict:
        return {SPLIT: {kind: self.estimate(score).named(name) for kind, score in scores.items()}}


def seen(rows: Rows, settled: Settled, most: int) -> np.ndarray:
    """Return the rows that models see, (rows,) bool: the first `most` of train that may have a label, and of dev.

    All that people decided on are among them.
    """
    train = (rows.splits == "train") & ((rows.given != NONE) | settled.done)
    chosen = settled.done.copy()
    for split in (train, rows.splits == SPLIT):
        chosen[np.flatnonzero(split)[:most]] = True
    return chosen


def on_train(rows: Rows, labels: np.ndarray, copies: np.ndarray | int) -> np.ndarray:
    """Return the labels to train on, (rows + copies,) object: of the training split, and of the copies or of none.

    Args:
        labels: (rows,) labels.
        copies: (copies,) their labels, or how many there are.
    """
    behind = np.full(copies, NONE) if isinstance(copies, int) else copies
    return np.concatenate([np.where(rows.splits == "train", labels, NONE), behind])


def arms(rows: Rows, settled: Settled, copies: np.ndarray, automatic: np.ndarray) -> dict[str, tuple[int, np.ndarray]]:
    """Return, for each kind of edit, how many training rows it touches, and the labels to train on without it.

    `relabel`: people replaced a label; `drop`: they found it ambiguous or out of scope; `annotate`: they gave one where
    the source gave none; `dedup`: copies were dropped; `auto_label` is the reverse: with automatic labels, accepted or
    not, on rows that have no other.

    Args:
        copies: (copies,) labels of the duplicates that were dropped; `NONE` of other copies.
        automatic: (rows,) labels, `NONE` where there is none.
    """
    before, after, train = rows.before, settled.training(rows), rows.splits == "train"
    reverted = {
        "relabel": (before != NONE) & (after != NONE) & (before != after),
        "drop": (before != NONE) & (after == NONE),
        "annotate": (before == NONE) & (after != NONE),
    }
    result = {
        kind: (int((mask & train).sum()), on_train(rows, np.where(mask, before, after), len(copies)))
        for kind, mask in reverted.items()
    }
    labelled = train & ~settled.done & (before == NONE) & (automatic != NONE)
    result["dedup"] = int((copies != NONE).sum()), on_train(rows, after, copies)
    result["auto_label"] = int(labelled.sum()), on_train(rows, np.where(labelled, automatic, after), len(copies))
    return result
