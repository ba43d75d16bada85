"""From votes to one label a row, or none: by majority, or by a label model that knows how often each vote is right.

Both are fitted on rows whose label is known. `cross_fit` measures them on rows that they were not fitted on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from winnow.labelling.votes import NONE
from winnow.statistics import intervals

# So many rows' worth is a vote taken to say nothing new, before it is measured.
PRIOR_ROWS = 1.0
# So many rows' worth is a pattern of votes taken to say what its votes say by themselves, before it is measured.
PATTERN_ROWS = 10.0


@dataclass(frozen=True)
class Combined:
    """A label for each row.

    Attributes:
        label: (rows,) int; `NONE` where nothing was said, or nothing sure.
        confidence: (rows,) float, the estimated probability that `likeliest` is right; 0 where that is `NONE`.
        likeliest: (rows,) int, the most likely label, sure or not; `NONE` where no vote counted or votes were even.
    """

    label: np.ndarray
    confidence: np.ndarray
    likeliest: np.ndarray


class Combiner(Protocol):
    """What majority and label model have in common."""

    usable: np.ndarray  # (rules, classes) bool, which votes count

    def combine(self, said: np.ndarray) -> Combined:
        """Return each row's label; `said` is (rows, rules) int."""


def measure(said: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """Return how often each true label met each vote, (rules, classes said, classes true) int.

    Args:
        said: (rows, rules) int.
        truth: (rows,) int.
    """
    counts = np.zeros((said.shape[1], classes, classes), dtype=int)
    for rule, votes in enumerate(said.T):
        cast = votes != NONE
        np.add.at(counts[rule], (votes[cast], truth[cast]), 1)
    return counts


@dataclass(frozen=True)
class Precision:
    """How often each vote is right on given labels.

    Attributes:
        rows: (rules, classes) int, rows on which a rule gave a label.
        correct: (rules, classes) int, of these.
    """

    rows: np.ndarray
    correct: np.ndarray

    @classmethod
    def of(cls, counts: np.ndarray) -> "Precision":
        """Return the precision that `measure` found."""
        return cls(counts.sum(axis=2), np.diagonal(counts, axis1=1, axis2=2))

    @property
    def point(self) -> np.ndarray:
        """Return the share of right votes, (rules, classes) float; 0 where there is none."""
        return np.divide(self.correct, self.rows, out=np.zeros(self.rows.shape), where=self.rows > 0)

    @property
    def lower(self) -> np.ndarray:
        """Return the lower end of its 95 % interval (Wilson), (rules, classes) float."""
        pairs = zip(self.correct.ravel().tolist(), self.rows.ravel().tolist(), strict=True)
        return np.array([intervals.wilson(*pair)[0] for pair in pairs]).reshape(self.rows.shape)


@dataclass(frozen=True)
class Majority:
    """The label with the most votes, of votes that are right often enough; even numbers abstain.

    A vote counts if its precision is measured on `min_rows` rows and at least `min_confidence` at the lower end of its
    interval. The label's confidence is that of its most precise vote.
    """

    precision: Precision
    usable: np.ndarray  # (rules, classes) bool

    @classmethod
    def fit(cls, said: np.ndarray, truth: np.ndarray, classes: int, min_rows: int, min_confidence: float) -> "Majority":
        """Return the majority vote of rules measured on rows whose label is known; shapes as `measure`."""
        precision = Precision.of(measure(said, truth, classes))
        return cls(precision, (precision.rows >= min_rows) & (precision.lower >= min_confidence))

    def combine(self, said: np.ndarray) -> Combined:
        """Return each row's label; see `Combiner.combine`."""
        counted = countable(said, self.usable)
        tally = _tally(counted, self.usable.shape[1])
        first, second = np.sort(tally, axis=1)[:, [-1, -2]].T
        label = np.where(first > second, tally.argmax(axis=1), NONE)
        # The precision of each vote for the label; 0 for others.
        point = np.take_along_axis(self.precision.point.T, counted.clip(0), axis=0)
        agrees = (counted == label[:, None]) & (counted != NONE)
        return Combined(label, np.where(agrees, point, 0).max(axis=1, initial=0), label)


@dataclass(frozen=True)
class LabelModel:
    """The label that is most likely given all votes; below `min_confidence`, and where no rule says it, none.

    Naive Bayes: given the true label, rules vote independently (the model of Dawid & Skene 1979 and of data
    programming, Ratner et al. 2016 and 2017). Those estimate how good a rule is from where rules agree; here some
    labels are given, so it is measured: P(label | vote) = (rows of the label with this vote + PRIOR_ROWS x the label's
    share) / (rows with this vote + PRIOR_ROWS). An abstention says nothing: rows without a label are those that rules
    were not written for. Rules that repeat one another would count twice, so a pattern of votes that rows with a
    label often show is measured itself: its rows are added to PATTERN_ROWS rows' worth of what naive Bayes says.
    """

    share: np.ndarray  # (classes,) float, each label's share of all rows
    given_vote: np.ndarray  # (rules, classes said, classes) float, P(label | vote)
    usable: np.ndarray  # (rules, classes) bool, votes measured on `min_rows` rows; others say nothing
    patterns: dict[bytes, np.ndarray]  # of votes -> (classes,) int, rows of each label
    min_confidence: float

    @classmethod
    def fit(
        cls, said: np.ndarray, truth: np.ndarray, classes: int, min_rows: int, min_confidence: float
    ) -> "LabelModel":
        """Return the label model of rows whose label is known; shapes as `measure`."""
        counts = measure(said, truth, classes)
        share = (np.bincount(truth, minlength=classes) + 1) / (len(truth) + classes)
        rows = counts.sum(axis=2)
        given_vote = (counts + PRIOR_ROWS * share) / (rows[:, :, None] + PRIOR_ROWS)
        usable = rows >= min_rows
        patterns: dict[bytes, np.ndarray] = {}
        for pattern, label in zip(map(bytes, countable(said, usable)), truth.tolist(), strict=True):
            patterns.setdefault(pattern, np.zeros(classes, dtype=int))[label] += 1
        return cls(share, given_vote, usable, patterns, min_confidence)

    def probabilities(self, said: np.ndarray) -> np.ndarray:
        """Return P(label | votes), (rows, classes) float; the labels' shares where no vote counts."""
        distinct, kind = np.unique(countable(said, self.usable), axis=0, return_inverse=True)
        log = np.tile(np.log(self.share), (len(distinct), 1))
        for rule, votes in enumerate(distinct.T):
            cast = votes != NONE
            log[cast] += np.log(self.given_vote[rule, votes[cast]]) - np.log(self.share)
        naive = np.exp(log - log.max(axis=1, keepdims=True))
        naive /= naive.sum(axis=1, keepdims=True)
        nothing = np.zeros(len(self.share), dtype=int)
        seen = np.array([self.patterns.get(bytes(pattern), nothing) for pattern in distinct]).reshape(naive.shape)
        mixed = (seen + PATTERN_ROWS * naive) / (seen.sum(axis=1, keepdims=True) + PATTERN_ROWS)
        return mixed[kind.ravel()]

    def combine(self, said: np.ndarray) -> Combined:
        """Return each row's label; see `Combiner.combine`."""
        chances, tally = self.probabilities(said), _tally(countable(said, self.usable), len(self.share))
        voted = tally.any(axis=1)
        likeliest = np.where(voted, chances.argmax(axis=1), NONE)
        confidence = np.where(voted, chances.max(axis=1), 0)
        sure = (confidence >= self.min_confidence) & (
            np.take_along_axis(tally, likeliest[:, None].clip(0), 1)[:, 0] > 0
        )
        return Combined(np.where(sure, likeliest, NONE), confidence, likeliest)


def cross_fit(
    fit: Callable[[np.ndarray, np.ndarray], Combiner], said: np.ndarray, truth: np.ndarray, folds: np.ndarray
) -> Combined:
    """Return each row's label by a combiner that was fitted without its fold.

    Args:
        said: (rows, rules) int.
        truth: (rows,) int.
        folds: (rows,) int, rows of one group in one fold.
    """
    label, confidence = np.full(len(truth), NONE), np.zeros(len(truth))
    likeliest = label.copy()
    for fold in np.unique(folds):
        inside = folds == fold
        found = fit(said[~inside], truth[~inside]).combine(said[inside])
        label[inside], confidence[inside], likeliest[inside] = found.label, found.confidence, found.likeliest
    return Combined(label, confidence, likeliest)


def countable(said: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Return the votes without those that do not count, (rows, rules) int16.

    Args:
        said: (rows, rules) int.
        usable: (rules, classes) bool.
    """
    return np.where(usable[np.arange(said.shape[1]), said.clip(0)], said, NONE).astype(np.int16)


def _tally(said: np.ndarray, classes: int) -> np.ndarray:
    """Return the votes for each label, (rows, classes) int."""
    return np.stack([(said == label).sum(axis=1) for label in range(classes)], axis=1)
