"""What speaks against a label, span by span, in words that a curator understands."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from winnow.kinds.task import spelled
from winnow.kinds.token_classification.labels import Task
from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.scores.stack import Candidates

MOST = 3  # spans that are told of a row
LONGEST = 40  # characters of a span that are repeated


def in_words(task: Task, texts: list[str], layout: Layout, found: Candidates) -> list[list[str]]:
    """Return what is doubtful of each row, the most doubtful span first; nothing where no span is."""
    told: list[list[str]] = [[] for _ in texts]
    words = _Words(task, texts, layout, found)
    doubted = np.flatnonzero(found.against > 0)
    for place in doubted[np.argsort(-found.against[doubted], kind="stable")].tolist():
        own = told[found.row[place]]
        if len(own) < MOST and (said := words.sentence(place)) is not None:
            own.append(said)
    return told


@dataclass(frozen=True)
class _Words:
    """Candidate spans of texts, in words."""

    task: Task
    texts: list[str]
    layout: Layout
    found: Candidates

    @cached_property
    def suggested(self) -> set[int]:
        """The candidates that the suggested labels hold: nothing else may be told to be likelier than what is given."""
        return set(self.found.best().tolist())

    def sentence(self, place: int) -> str | None:
        """Return what is doubtful of a candidate; None where another one's sentence tells it."""
        others = self._overlapping(place)
        if self.found.given[place]:
            better = [other for other in others if other in self.suggested and not self.found.given[other]]
            if not better:
                return (
                    f"{self._quoted(place)} is {self._type(place)} here; it is so {self._evidence(place, is_for=False)}"
                )
            likeliest = max(better, key=lambda each: (self.found.score[each], -each))
            return self._instead(place, likeliest)
        given = [other for other in others if self.found.given[other]]
        if any(self.found.score[other] < 0 for other in given):
            return None  # it is doubted too, and its sentence names the likeliest in its place
        if given:
            return self._instead(given[0], place)
        if place in self.suggested:
            return f"{self._quoted(place)} has no label; it is {self._type(place)} {self._evidence(place, is_for=True)}"
        return None  # a likelier one overlaps it

    def _instead(self, given: int, other: int) -> str:
        """Return that another candidate may be right in the place of a given one."""
        found = self.found
        is_same = (found.spans.first[given], found.spans.end[given]) == (
            found.spans.first[other],
            found.spans.end[other],
        )
        how = "likelier" if other in self.suggested else "possible"
        what = self._type(other) if is_same else f"{self._quoted(other)} as {self._type(other)}"
        rarer = is_same and found.elsewhere.labelled[given] < found.elsewhere.labelled[other]
        evidence = f"{self._counted(other)}, {self._type(given)} in {found.elsewhere.labelled[given]:.0f}"
        evidence = evidence if rarer and not self._is_mostly_so(other) else self._evidence(other, is_for=True)
        return f"{self._quoted(given)} is {self._type(given)} here; {how} is {what}, which is so {evidence}"

    def _evidence(self, place: int, is_for: bool) -> str:
        """Return what speaks for a candidate, or against it: the other rows, where most of them do; else the models."""
        if not self.found.elsewhere.mentions[place]:
            return f"{self._by_models(place)}; no other row mentions it"
        counted = self._counted(place)
        return counted if self._is_mostly_so(place) == is_for else f"{self._by_models(place)}, but {counted}"

    def _is_mostly_so(self, place: int) -> bool:
        """Return whether the form is labelled so in most of the other rows that mention it."""
        return bool(2 * self.found.elsewhere.labelled[place] > self.found.elsewhere.mentions[place])

    def _counted(self, place: int) -> str:
        counts = self.found.elsewhere
        return f"in {counts.labelled[place]:.0f} of {counts.mentions[place]:.0f} mentions in other rows"

    def _by_models(self, place: int) -> str:
        return f"with {100 / (1 + np.exp(-self.found.score[place])):.0f} % by the models"

    def _type(self, place: int) -> str:
        return self.task.labels[self.found.spans.kind[place]]

    def _quoted(self, place: int) -> str:
        start = int(self.layout.offsets[self.found.spans.first[place], 0])
        end = int(self.layout.offsets[self.found.spans.end[place] - 1, 1])
        text = self.texts[self.found.row[place]]
        shown = text[start:end] if end - start <= LONGEST else f"{text[start : start + LONGEST]}…"
        return f"{spelled(shown)} at {start}-{end}"

    def _overlapping(self, place: int) -> list[int]:
        found = self.found
        own = slice(*np.searchsorted(found.row, [found.row[place], found.row[place] + 1]))
        overlap = (found.spans.first[own] < found.spans.end[place]) & (found.spans.end[own] > found.spans.first[place])
        return [other for other in (own.start + np.flatnonzero(overlap)).tolist() if other != place]
