"""From votes to one label a row, or none: by majority, or by a label model that knows how often each vote is right.

Both are fitted on rows whose label is known. Labels are numbers here, places in `Votes.labels`.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from winnow.labelling.votes import NONE
from winnow.statistics import intervals

# A vote that is not yet measured counts as this many rows in which it says nothing new.
PRIOR_ROWS = 1.0
# A pattern of votes that is not yet measured counts as this many rows in which it says what its votes say alone.
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


@dataclass(frozen=True)
class Known:
    """Rows whose label is known.

    Attributes:
        said: (rows, rules) int, what the rules say of them.
        truth: (rows,) int.
        labels: how many there are.
    """

    said: np.ndarray
    truth: np.ndarray
    labels: int


@dataclass(frozen=True)
class Limits:
    """What a vote, or a label, must show.

    Attributes:
        min_rows: known rows on which a vote is measured.
        min_confidence: of majority, at the lower end of a vote's precision; of the label model, of the label.
    """

    min_rows: int
    min_confidence: float


class Combiner(Protocol):
    """What majority and label model have in common."""

    usable: np.ndarray  # (rules, labels) bool, which votes count

    def combine(self, said: np.ndarray) -> Combined:
        """Return each row's label; `said` is (rows, rules) int."""


@dataclass(frozen=True)
class Precision:
    """How often each vote is right on given labels.

    Attributes:
        rows: (rules, labels) int, rows on which a rule gave a label.
        correct: (rules, labels) int, of these.
    """

    rows: np.ndarray
    correct: np.ndarray

    @classmethod
    def of(cls, known: Known) -> "Precision":
        """Return the precision on known rows."""
        right = known.said == known.truth[:, None]
        return cls(_counted(known.said, known.labels), _counted(np.where(right, known.said, NONE), known.labels))

    @cached_property
    def point(self) -> np.ndarray:
        """Return the share of right votes, (rules, labels) float; 0 where there is none."""
        return np.divide(self.correct, self.rows, out=np.zeros(self.rows.shape), where=self.rows > 0)

    @cached_property
    def lower(self) -> np.ndarray:
        """Return the lower end of its 95 % interval (Wilson), (rules, labels) float."""
        pairs = zip(self.correct.ravel().tolist(), self.rows.ravel().tolist(), strict=True)
        return np.array([intervals.wilson(*pair)[0] for pair in pairs]).reshape(self.rows.shape)


@dataclass(frozen=True)
class Majority:
    """The label with the most votes, of votes that are right often enough; even numbers abstain.

    A vote counts if its precision is measured on `min_rows` rows and at least `min_confidence` at the lower end of its
    interval. The label's confidence is that of its most precise vote.
    """

    precision: Precision
    usable: np.ndarray  # (rules, labels) bool

    @classmethod
    def fit(cls, known: Known, limits: Limits) -> "Majority":
        """Return the majority vote of rules that are measured on known rows."""
        precision = Precision.of(known)
        return cls(precision, (precision.rows >= limits.min_rows) & (precision.lower >= limits.min_confidence))

    def combine(self, said: np.ndarray) -> Combined:
        """Return each row's label; see `Combiner.combine`."""
        counted = countable(said, self.usable)
        label = _most(counted)
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

    share: np.ndarray  # (labels,) float, each label's share of all rows
    given_vote: np.ndarray  # (rules, labels said, labels) float, P(label | vote)
    usable: np.ndarray  # (rules, labels) bool, votes measured on `min_rows` rows; others say nothing
    patterns: dict[bytes, np.ndarray]  # of votes -> (labels,) int, rows of each label
    min_confidence: float

    @classmethod
    def fit(cls, known: Known, limits: Limits) -> "LabelModel":
        """Return the label model of known rows."""
        counts, truth, labels = measure(known), known.truth, known.labels
        share = (np.bincount(truth, minlength=labels) + 1) / (len(truth) + labels)
        rows = counts.sum(axis=2)
        given_vote = (counts + PRIOR_ROWS * share) / (rows[:, :, None] + PRIOR_ROWS)
        usable = rows >= limits.min_rows
        distinct, kind = np.unique(countable(known.said, usable), axis=0, return_inverse=True)
        seen = np.zeros((len(distinct), labels), dtype=int)
        np.add.at(seen, (kind.ravel(), truth), 1)
        patterns = {bytes(pattern): rows for pattern, rows in zip(distinct, seen, strict=True)}
        return cls(share, given_vote, usable, patterns, limits.min_confidence)

    def probabilities(self, said: np.ndarray) -> np.ndarray:
        """Return P(label | votes), (rows, labels) float; the labels' shares where no vote counts."""
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
        chances, counted = self.probabilities(said), countable(said, self.usable)
        voted = (counted != NONE).any(axis=1)
        likeliest = np.where(voted, chances.argmax(axis=1), NONE)
        confidence = np.where(voted, chances.max(axis=1), 0)
        said_by_one = (counted == likeliest[:, None]).any(axis=1) & voted
        sure = (confidence >= self.min_confidence) & said_by_one
        return Combined(np.where(sure, likeliest, NONE), confidence, likeliest)


def measure(known: Known) -> np.ndarray:
    """Return how often each true label met each vote, (rules, labels said, labels true) int."""
    counts = np.zeros((known.said.shape[1], known.labels, known.labels), dtype=int)
    for rule, votes in enumerate(known.said.T):
        cast = votes != NONE
        np.add.at(counts[rule], (votes[cast], known.truth[cast]), 1)
    return counts


def countable(said: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Return the votes without those that do not count, (rows, rules) int32.

    Args:
        said: (rows, rules) int.
        usable: (rules, labels) bool.
    """
    return np.where(usable[np.arange(said.shape[1]), said.clip(0)], said, NONE).astype(np.int32)


def _counted(said: np.ndarray, labels: int) -> np.ndarray:
    """Return how often each rule says each label, (rules, labels) int."""
    counts = [np.bincount(votes[votes != NONE], minlength=labels) for votes in said.T]
    return np.array(counts, dtype=int).reshape(said.shape[1], labels)


def _most(said: np.ndarray) -> np.ndarray:
    """Return the label that most rules say of each row, (rows,) int; `NONE` where two have as many votes, or none has.

    Its cost does not depend on how many labels there are.
    """
    if not said.shape[1]:
        return np.full(len(said), NONE)
    votes = np.zeros(said.shape, dtype=int)  # for the label that each rule says
    for own in said.T:
        votes += (said == own[:, None]) & (said != NONE)
    first = np.take_along_axis(said, votes.argmax(axis=1)[:, None], axis=1)
    others = np.where(said == first, 0, votes).max(axis=1)
    return np.where(votes.max(axis=1) > others, first[:, 0], NONE)
