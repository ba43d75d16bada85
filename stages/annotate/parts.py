"""Labels for rows whose labels say something of each part of a row: the parts are combined, then joined to a label."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stages.annotate.combine import Combined, Combiner, Known, Majority, Precision, countable
from stages.annotate.measured import filled
from stages.annotate.proposal import OUT, Proposal
from winnow import kinds
from winnow.kinds.task import Task
from winnow.labelling.settings import Params
from winnow.labelling.votes import NONE, NOTHING, Parted, accuracy, summary
from winnow.rows.ledger import Ledger


@dataclass
class PartsProposal:
    """The votes on parts of rows without a label, and what they are worth; as `stages.annotate.proposal.Proposal`.

    Attributes:
        votes: on these rows.
        combiner: what combines the votes on a part.
        precision: how often each vote is right.
    """

    settings: Params
    votes: Parted
    combiner: Combiner
    precision: Precision

    def __post_init__(self) -> None:
        self._result = np.full(len(self.votes.row), NONE)  # of each part; `NONE` in rows that get no label

    def label(self, combined: Combined, ledger: Ledger) -> list[dict]:
        """Return the labels set, without `version`; the ledger tells them, abstentions, and votes that do not count.

        A label is as sure as the share that is probably right of the parts that it marks, or should; by majority, of
        those that it marks. Where nothing is marked no label is set.

        Args:
            combined: what the parts are together.
        """
        said, heard = self.votes.said, self._heard
        result = filled(combined, said, self.combiner)
        is_wanted = result != NOTHING  # marked, or even votes
        sure = np.where(is_wanted, np.where(result == NONE, 0, combined.confidence), 0)
        # What majority does not count is not measured.
        missed = np.zeros(len(result)) if isinstance(self.combiner, Majority) else 1 - combined.confidence
        wanted = np.where(is_wanted, 1, missed)
        result = np.where(result == NONE, NOTHING, result)
        bounds = np.searchsorted(self.votes.row, np.arange(len(self.votes.ids) + 1))
        out = []
        for row, (id, text) in enumerate(zip(self.votes.ids.tolist(), self.votes.texts(), strict=True)):
            inside = slice(bounds[row], bounds[row + 1])
            self._tell_unheard(id, inside, ledger)
            cast = np.flatnonzero((heard[inside] != NONE).any(axis=0))
            if not len(cast):
                continue
            confidence = float(sure[inside].sum() / max(wanted[inside].sum(), 1))
            told = ", ".join(f"{self.settings.rules[rule].name} {self._marks(inside, rule)}" for rule in cast)
            if confidence < self.settings.min_confidence or not result[inside].any():
                ledger.add(id, "note", "abstain", f"only {confidence:.2f} sure: {told}")
                continue
            label = self._joined(row, text, result[inside])
            agreed = ((heard[inside][:, cast] == result[inside][:, None]) & is_wanted[inside][:, None]).sum(axis=0)
            best = self.settings.rules[max(zip(agreed, self._precise[cast], -cast, cast, strict=True))[-1]]
            ledger.add(id, "change", best.name, f"label {label}, confidence {confidence:.2f}: {told}")
            self._result[inside] = result[inside]
            out.append(dict(zip(OUT.names, (id, label, best.origin, confidence, best.name), strict=False)))
        return out

    def _joined(self, row: int, text: str, result: np.ndarray) -> str:
        whole = self.votes.whole
        given = [whole.labels[vote] for vote in whole.said[row] if vote != NONE]
        return kinds.load(self.votes.task, "parts").joined(self.votes.task, text, result, given)

    def _tell_unheard(self, id: str, inside: slice, ledger: Ledger) -> None:
        said, heard = self.votes.said[inside], self._heard[inside]
        for place, rule in enumerate(self.settings.rules):
            lost = said[(said[:, place] > NOTHING) & (heard[:, place] == NONE), place]
            for vote in np.unique(lost).tolist():
                ledger.add(id, "note", rule.name, f"does not count: {self._plain.in_words(place, vote)}")

    def _marks(self, inside: slice, rule: int) -> str:
        marks = int((self._heard[inside, rule] > NOTHING).sum())
        return f"marks {marks} part{'s' * (marks != 1)}"

    @cached_property
    def _plain(self) -> Proposal:
        return Proposal(self.settings.rules, self.votes.parts, self.combiner.usable, self.precision)

    @cached_property
    def _heard(self) -> np.ndarray:
        return countable(self.votes.said, self.combiner.usable)

    @cached_property
    def _precise(self) -> np.ndarray:
        """How precise each rule's marks are, (rules,) float."""
        rows, correct = (of[:, NOTHING + 1 :].sum(axis=1) for of in (self.precision.rows, self.precision.correct))
        return correct / np.maximum(rows, 1)

    def abstained(self, combined: Combined) -> int:
        """Return how many rows have a vote that counts and no label."""
        heard = np.unique(self.votes.row[(self._heard != NONE).any(axis=1)])
        return len(heard) - len(np.unique(self.votes.row[self._result != NONE]))

    def per_label(self, labelled: list[dict], task: Task) -> dict:
        """Return the figures of each rule's marks by outcome, in parts of rows."""
        said, found = self.votes.said, {}
        for place, rule in enumerate(self.settings.rules):
            fired, agreed = (np.bincount(own[own > NOTHING]) for own in (said[:, place], self._agreed(place)))
            found[rule.name] = {
                name: self._plain.figures(place, number, int(agreed[number]) if number < len(agreed) else 0)
                for number, name in enumerate(self.votes.parts.labels)
                if number > NOTHING and (fired[number : number + 1].any() or self.precision.rows[place, number])
            }
        return found

    def _agreed(self, place: int) -> np.ndarray:
        return np.where(self.votes.said[:, place] == self._result, self._result, NONE)

    def per_rule(self, known: Known) -> dict:
        """Return the share of parts that each rule marks, overlap and conflict of these, and accuracy on known ones."""
        marks = np.where(self.votes.said == NOTHING, NONE, self.votes.said)
        result = {}
        for place, rule in enumerate(self.settings.rules):
            votes = known.said[:, place]
            right = (votes == known.truth)[votes > NOTHING]
            result[rule.name] = {"kind": rule.kind} | summary(marks, place) | accuracy(right)
        return result
