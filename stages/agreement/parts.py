"""Agreement on the parts of rows, where a label says something of each part."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from stages.agreement import coefficients, consensus
from stages.agreement.coefficients import Bootstrap, Estimate
from stages.agreement.votes import Votes
from winnow import kinds
from winnow.kinds.task import Task
from winnow.people.settling import LEFT_OUT

NOTHING = 0  # the outcome of a part that marks nothing


class Said(NamedTuple):
    """What reviewers say together of a row: an outcome, how sure it is, and whether it is a label."""

    name: str
    sure: float
    is_label: bool


@dataclass(frozen=True)
class Parts:
    """What reviewers said of the parts of rows.

    Attributes:
        whole: what they said of the rows.
        votes: of the parts of those rows to which somebody gave a label.
        row: (parts,) int, the row of each part, ascending.
        texts: (rows,) str.
    """

    whole: Votes
    votes: Votes
    row: np.ndarray
    texts: Sequence[str]
    task: Task

    @classmethod
    def of(cls, whole: Votes, texts: Sequence[str], task: Task) -> "Parts":
        """Return what is said of the parts of rows."""
        kind, reviewers = kinds.load(task, "parts"), len(whole.reviewers)
        values, counts = [np.empty((0, reviewers), int)], []
        for text, said in zip(texts, whole.for_labels(), strict=True):
            given = np.unique(said[said >= 0])
            parts = kind.split(task, text, [whole.names[label] for label in given])
            own = np.full((parts.shape[1] if len(given) else 0, reviewers), -1)
            for label, of_label in zip(given, parts, strict=True):
                own[:, said == label] = of_label[:, None]
            values.append(own)
            counts.append(len(own))
        row = np.repeat(np.arange(len(counts)), counts)
        ids = [whole.ids[place] for place in row]
        votes = Votes(ids, whole.reviewers, [*kind.outcomes(task), *LEFT_OUT], np.concatenate(values))
        return cls(whole, votes, row, texts, task)

    def together(self) -> tuple[list[Said], np.ndarray]:
        """Return what reviewers say together of each row, and how often each is right on parts, (reviewers,) float.

        Dawid and Skene tell whether a row has a label, and what each part is. A label is as sure as it is on average of
        the parts that somebody marks.
        """
        kind, names = kinds.load(self.task, "parts"), ("label", *LEFT_OUT)
        labels = len(self.whole.labels)
        verdicts = np.where(
            self.whole.values < labels, np.minimum(self.whole.values, 0), self.whole.values - labels + 1
        )
        judged = consensus.dawid_skene(consensus.one_hot(verdicts, len(names)))
        if not len(self.row):  # nobody gave a label
            said = zip(judged.probabilities.argmax(axis=1), judged.probabilities.max(axis=1).tolist(), strict=True)
            return [Said(names[verdict], sure, False) for verdict, sure in said], judged.accuracy()
        of_parts = consensus.dawid_skene(consensus.one_hot(self.votes.values, len(self.votes.names)))
        likeliest, sure = of_parts.probabilities.argmax(axis=1), of_parts.probabilities.max(axis=1)
        is_marked = (self.votes.values > NOTHING).any(axis=1)
        bounds = np.searchsorted(self.row, np.arange(len(self.texts) + 1))
        found = []
        for row, (text, given) in enumerate(zip(self.texts, self.whole.for_labels(), strict=True)):
            verdict = int(judged.probabilities[row].argmax())
            if verdict > 0:
                found.append(Said(names[verdict], float(judged.probabilities[row, verdict]), False))
                continue
            inside = slice(bounds[row], bounds[row + 1])
            said = [self.whole.names[label] for label in np.unique(given[given >= 0])]
            label = kind.joined(self.task, text, likeliest[inside], said)
            telling = is_marked[inside] if is_marked[inside].any() else slice(None)
            chances = sure[inside][telling]
            found.append(Said(label, float(chances.mean()) if len(chances) else 1.0, True))
        return found, of_parts.accuracy()

    def shown(self, row: int, outcome: str) -> str:
        """Return an outcome of a row as people read it."""
        return self.task.shown(outcome, self.texts[row]) if self.task.is_label(outcome) else outcome

    def of_pair(self, pair: tuple[int, int] | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return rows to which both of two reviewers gave a label, and the places of their labels, (rows,) int each.

        Args:
            pair: which two; None: all pairs, one after the other.
        """
        values = self.whole.for_labels()
        pairs = [pair] if pair else combinations(range(values.shape[1]), 2)
        found = [np.empty((0, 3), int)]
        for one, other in pairs:
            rows = np.flatnonzero((values[:, one] >= 0) & (values[:, other] >= 0))
            found.append(np.column_stack([rows, values[rows, one], values[rows, other]]))
        return tuple(np.concatenate(found).T)

    @property
    def headline(self) -> str:
        """The name of the metric by which a reviewer's labels are judged by another's."""
        return kinds.load(self.task, "metrics").HEADLINE.name

    def score(self, groups: np.ndarray, settings: Bootstrap, pair: tuple[int, int] | None) -> Estimate:
        """Return how good the labels of one reviewer are by those of the other, on one row or more.

        Args:
            groups: (rows,) int.
            pair: see `of_pair`.
        """
        metrics, name = kinds.load(self.task, "metrics"), self.headline
        rows, first, second = self.of_pair(pair)
        names = np.array(self.whole.names, dtype=object)
        said = {"label": names[first], "predicted": names[second]}
        table = pa.table({column: pa.array(each, pa.string()) for column, each in said.items()})
        counts = metrics.counts(self.task, table, np.arange(len(rows)), len(rows))
        return coefficients.score(counts, groups[rows], lambda sums: metrics.values(sums)[name], settings)
