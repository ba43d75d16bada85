"""The labels that the rules propose for rows without one, in a table, in the ledger and in figures."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stages.annotate.combine import Combined, Known, Precision, countable
from winnow.kinds.task import Task
from winnow.labelling.rules import AnyRule
from winnow.labelling.votes import NONE, Votes, accuracy, summary
from winnow.rows.ledger import Ledger

OUT = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("label_origin", pa.string(), nullable=False),
        pa.field("label_confidence", pa.float64(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),  # of all rules and what combines them
    ]
)


@dataclass(frozen=True)
class Proposal:
    """The votes on rows without a label, and what they are worth.

    Attributes:
        votes: on these rows.
        usable: (rules, labels) bool, which votes count.
        precision: how often each vote is right.
        told: returns a label in a few words.
    """

    rules: Sequence[AnyRule]
    votes: Votes
    usable: np.ndarray
    precision: Precision
    told: Callable[[str], str] = str

    def label(self, combined: Combined, ledger: Ledger) -> list[dict]:
        """Return the labels set, without `version`; the ledger tells them, abstentions, and votes that do not count."""
        labels, out = self.votes.labels, []
        counted = countable(self.votes.said, self.usable)
        found = (
            part.tolist()
            for part in (self.votes.said, counted, combined.label, combined.confidence, combined.likeliest)
        )
        for id, spoken, heard, label, confidence, likeliest in zip(self.votes.ids.tolist(), *found, strict=True):
            for rule, vote in enumerate(spoken):
                if vote != heard[rule]:
                    ledger.add(id, "note", self.rules[rule].name, f"does not count: {self.in_words(rule, vote)}")
            cast = [(rule, vote) for rule, vote in enumerate(heard) if vote != NONE]
            told = ", ".join(self.in_words(*vote) for vote in cast)
            if label != NONE:
                best = self.rules[max((vote for vote in cast if vote[1] == label), key=self._point)[0]]
                said = f"label {self.told(labels[label])}, confidence {confidence:.2f}: {told}"
                ledger.add(id, "change", best.name, said)
                row = id, labels[label], best.origin, confidence, best.name
                out.append(dict(zip(OUT.names, row, strict=False)))
            elif cast:
                why = "even" if likeliest == NONE else f"{self.told(labels[likeliest])} is only {confidence:.2f} sure"
                ledger.add(id, "note", "abstain", f"{why}: {told}")
        return out

    def abstained(self, combined: Combined) -> int:
        """Return how many rows have a vote that counts and no label."""
        heard = (countable(self.votes.said, self.usable) != NONE).any(axis=1)
        return int((heard & (combined.label == NONE)).sum())

    def _point(self, vote: tuple[int, int]) -> float:
        return self.precision.point[vote]

    def in_words(self, rule: int, vote: int) -> str:
        """Return a rule's vote, and what it is worth."""
        precision = self.precision
        return (
            f"{self.rules[rule].name} -> {self.told(self.votes.labels[vote])} "
            f"(precision {precision.point[rule, vote]:.2f}, at least {precision.lower[rule, vote]:.2f}, "
            f"on {precision.rows[rule, vote]} given labels)"
        )

    def per_label(self, labelled: list[dict], task: Task) -> dict:
        """Return the figures of each rule's votes for each label that it is known to give."""
        used = Counter((row["rule"], row["label"]) for row in labelled)
        number = {label: number for number, label in enumerate(self.votes.labels)}
        return {
            rule.name: {
                label: self.figures(place, number[label], used[rule.name, label])
                for label in rule.gives(task)
                if label in number  # of an open set: a rule or a row has it
            }
            for place, rule in enumerate(self.rules)
        }

    def figures(self, rule: int, label: int, labelled: int) -> dict:
        """Return the figures of a rule's votes for one label, of which so many became one."""
        fired = int((self.votes.said[:, rule] == label).sum())
        return {
            "fired": fired,
            "labelled": labelled,
            "rejected": 0 if self.usable[rule, label] else fired,
            "precision": float(self.precision.point[rule, label]),
            "precision_lower": float(self.precision.lower[rule, label]),
            "measured_on": int(self.precision.rows[rule, label]),
        }

    def per_rule(self, known: Known) -> dict:
        """Return each rule's coverage, overlap and conflict on these rows, and its accuracy on known ones."""
        result = {}
        for place, rule in enumerate(self.rules):
            votes = known.said[:, place]
            right = (votes == known.truth)[votes != NONE]
            result[rule.name] = {"kind": rule.kind} | summary(self.votes.said, place) | accuracy(right)
        return result
