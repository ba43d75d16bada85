"""Agreement on labels that people write: on what they do with the given label, and how alike their own labels are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pyarrow as pa

from stages.agreement import consensus
from stages.agreement.coefficients import Bootstrap, Estimate
from stages.agreement.judged import Judged, Said
from stages.agreement.votes import Votes
from winnow import kinds
from winnow.kinds.task import Task
from winnow.people.settling import LEFT_OUT

KEPT, EDITED = "keep", "relabel"
DEEDS = (KEPT, EDITED, *LEFT_OUT)


@dataclass(frozen=True)
class Edits(Judged):
    """What reviewers did with the labels of rows; `votes` are for `DEEDS`, one a row.

    Two who wrote other labels agree that the given one is wrong; how alike theirs are, the headline tells. Who edits
    the text also says that the row needs an edit.

    Attributes:
        given: (rows,) the labels before decisions; None: none, or not known.
    """

    given: Sequence[str | None] = field(kw_only=True)

    @classmethod
    def of(cls, whole: Votes, texts: Sequence[str], given: Sequence[str | None], task: Task) -> "Edits":
        """Return what is said of the labels of rows."""
        labels = len(whole.labels)
        values = np.where(whole.values < labels, np.minimum(whole.values, 0), whole.values - labels + 2)
        for row, label in enumerate(given):
            for number, said in enumerate(whole.values[row]):
                if 0 <= said < labels:
                    another = _is_another(whole.names[said], label, task)
                    values[row, number] = int(another or bool(whole.texts[row, number]))
        votes = Votes(whole.ids, whole.reviewers, list(DEEDS), values, whole.texts)
        return cls(whole, votes, np.arange(len(whole.ids)), texts, task, given=given)

    def together(self) -> tuple[list[Said], np.ndarray]:
        """Return what reviewers say together of each row, and how often each is right on what to do with its label.

        Where they hold that it needs another one, it is that of theirs which is most like the others.
        """
        judged = consensus.dawid_skene(consensus.one_hot(self.votes.values, len(DEEDS)))
        found = []
        for row, chances in enumerate(judged.probabilities):
            deed = int(chances.argmax())
            label = self._label(row, deed)
            sure = float(chances[deed])
            found.append(Said(DEEDS[deed], sure, False) if label is None else Said(label, sure, True))
        return found, judged.accuracy()

    def of_pair(self, pair: tuple[int, int] | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what `Judged.of_pair` does, each pair in both directions, without labels that are no longer known."""
        rows, first, second = super().of_pair(pair)
        known = np.array([self.task.meant(name) is not None for name in self.whole.names], dtype=bool)
        both = known[first] & known[second]
        rows, first, second = rows[both], first[both], second[both]
        return np.tile(rows, 2), np.concatenate([first, second]), np.concatenate([second, first])

    def score_of_texts(self, groups: np.ndarray, settings: Bootstrap, pair: tuple[int, int] | None) -> Estimate:
        """Return how good the texts that one reviewer left are by those of the other, where one of them edited it.

        Arguments as `score`.
        """
        rows, first, second = self.of_texts(pair)
        return self.compared(rows, (np.array(first, dtype=object), np.array(second, dtype=object)), groups, settings)

    def of_texts(self, pair: tuple[int, int] | None) -> tuple[np.ndarray, list[str], list[str]]:
        """Return rows, (rows,) int, and the texts that two reviewers left them, of which one or both are edited.

        Each pair stands there in both directions.
        """
        chosen = [pair] if pair else list(combinations(range(len(self.whole.reviewers)), 2))
        gave, rows, left = self.whole.for_labels() >= 0, [], []
        for one, other in (both for pair_ in chosen for both in (pair_, pair_[::-1])):
            of_two = self.whole.texts[:, one], self.whole.texts[:, other]
            for row in np.flatnonzero(gave[:, one] & gave[:, other] & ((of_two[0] != "") | (of_two[1] != ""))):
                rows.append(row)
                left.append([text[row] or self.texts[row] for text in of_two])
        return np.array(rows, dtype=int), [first for first, _ in left], [second for _, second in left]

    def _label(self, row: int, deed: int) -> str | None:
        """Return the label that a deed gives a row; None where it gives none."""
        said = self.whole.values[row][self.votes.values[row] == deed]
        if deed >= len((KEPT, EDITED)) or not len(said):
            return None
        if deed == DEEDS.index(KEPT):
            return self.given[row]
        # Who edits the text alone may keep a label that is no longer known.
        names = [name for label in np.unique(said) if self.task.meant(name := self.whole.names[label]) is not None]
        if not names:
            return None
        alike = [sum(self._alike(name, other) for other in names if other != name) for name in names]
        return names[int(np.argmax(alike))]

    def _alike(self, one: str, other: str) -> float:
        metrics = kinds.load(self.task, "metrics")
        table = pa.table({"label": pa.array([one, other]), "predicted": pa.array([other, one])})
        counts = metrics.counts(self.task, table, np.zeros(2, dtype=int), 1)
        return float(metrics.values(counts)[self.headline][0])


def _is_another(name: str, given: str | None, task: Task) -> bool:
    """Return whether a label is not the one that the row had; one that people saw and nobody knows now was."""
    return name != given and task.meant(name) is not None
