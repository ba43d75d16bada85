"""What reviewers said of rows whose labels they may agree on in part: what all kinds of such labels share."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from stages.agreement import coefficients
from stages.agreement.coefficients import Bootstrap, Estimate
from stages.agreement.votes import Votes
from winnow import kinds
from winnow.kinds.task import Task


class Said(NamedTuple):
    """What reviewers say together of a row: an outcome, how sure it is, and whether it is a label."""

    name: str
    sure: float
    is_label: bool


@dataclass(frozen=True)
class Judged:
    """What reviewers said, and by what their agreement is measured.

    Attributes:
        whole: what they said of the rows.
        votes: by which they agree or not.
        row: (votes,) int, the row of each vote, ascending.
        texts: (rows,) str.
    """

    whole: Votes
    votes: Votes
    row: np.ndarray
    texts: Sequence[str]
    task: Task

    @property
    def counted(self) -> dict[str, int]:
        """Return what the metrics tell of `votes`."""
        return {}

    def together(self) -> tuple[list[Said], np.ndarray]:
        """Return what reviewers say together of each row, and how often each is right by it, (reviewers,) float."""
        raise NotImplementedError

    def shown(self, row: int, outcome: str, reviewer: int | None = None) -> str:
        """Return an outcome of a row as people read it, with what a reviewer changes of the text."""
        told = self.task.shown(outcome, self.texts[row]) if self.task.is_label(outcome) else outcome
        new = "" if reviewer is None else self.whole.texts[row, reviewer]
        if not new:
            return told
        return f"{told}, text {self.task.changed(self.texts[row], new) or self.task.shown(new, '')}"

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
        rows, first, second = self.of_pair(pair)
        names = np.array(self.whole.names, dtype=object)
        return self.compared(rows, (names[first], names[second]), groups, settings)

    def compared(
        self, rows: np.ndarray, pairs: tuple[np.ndarray, np.ndarray], groups: np.ndarray, settings: Bootstrap
    ) -> Estimate:
        """Return how good one of each two is by the other, as the headline tells of labels.

        Args:
            rows: (pairs,) int, the row of each pair.
            pairs: two arrays, (pairs,) object each.
            groups: (rows,) int.
        """
        metrics, name = kinds.load(self.task, "metrics"), self.headline
        said = dict(zip(("label", "predicted"), pairs, strict=True))
        table = pa.table({column: pa.array(each, pa.string()) for column, each in said.items()})
        counts = metrics.counts(self.task, table, np.arange(len(rows)), len(rows))
        return coefficients.score(counts, groups[rows], lambda sums: metrics.values(sums)[name], settings)
