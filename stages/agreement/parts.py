"""Agreement on the parts of rows, where a label says something of each part."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stages.agreement import consensus
from stages.agreement.judged import Judged, Said
from stages.agreement.votes import Votes
from winnow import kinds
from winnow.kinds.task import Task
from winnow.people.settling import LEFT_OUT

NOTHING = 0  # the outcome of a part that marks nothing


@dataclass(frozen=True)
class Parts(Judged):
    """What reviewers said of the parts of rows.

    `votes` are of the parts of those rows to which somebody gave a label, `row` is the row of each part.
    """

    @property
    def counted(self) -> dict[str, int]:
        """Return how many parts there are."""
        return {"parts": len(self.row)}

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
        joined = np.concatenate(values)
        texts_ = np.full(joined.shape, "", dtype=object)  # who edits a text says nothing of its parts
        votes = Votes(ids, whole.reviewers, [*kind.outcomes(task), *LEFT_OUT], joined, texts_)
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
