"""Whether automatic labels may train a model: judged for each origin and class, by people's decisions on a sample.

Two ways. `precision`: the share of right labels, at the lower end of its 95 % interval. `alt_test`: the labels stand
for people's as well as one more person would (`stages.apply_decisions.alt_test`); several people decide on each row.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import pyarrow as pa
from pydantic import Field

from stages.apply_decisions import alt_test
from winnow.base.params import Section
from winnow.kinds.task import Task
from winnow.people.decisions import Decision
from winnow.people.settling import Outcome, outcome
from winnow.statistics import intervals

NO_CLASS = "none"  # what a label that counts for no class is judged under
Stratum = tuple[str, str]  # origin and class


class Acceptance(Section):
    """Section `apply_decisions.acceptance` of params.yaml: what automatic labels must show to train a model."""

    method: Literal["precision", "alt_test"]
    """`precision`: of the audit sample; `alt_test`: labels must be as good as those of one more person, which wants
    three reviewers or more (Calderon et al. 2025)."""

    min_rows: int = Field(30, ge=1)
    """Audited rows of an origin and label; fewer prove nothing."""

    min_precision: float = Field(0.8, gt=0, lt=1)
    """Of `precision`: the lower end of the 95 % interval. Of 40 rows, 37 must be right for 0.8."""

    min_reviewers: int = Field(3, ge=2)
    """Of `alt_test`: reviewers who share at least `min_rows` rows of the sample."""

    epsilon: float = Field(0.15, ge=0, lt=1)
    """Of `alt_test`: what an automatic label is worth for being cheap. 0.2 beside experts, 0.15 trained people, 0.1 a
    crowd."""

    winning_rate: float = Field(0.5, gt=0, le=1)
    """Of `alt_test`: the share of reviewers that the labels must stand for."""


@dataclass(frozen=True)
class Judgement:
    """What the audit found of one origin and class.

    Attributes:
        rows: rows that have a label of this class and origin.
        drawn: of these, rows of the audit sample.
        decided: of these, rows on which people decided.
        correct: of these, rows whose label is right in this class by all of them.
        parts: what the labels of the drawn rows say of this class, row by row: how many are right, and how many there
            are or should be; one a row but where labels have parts, as spans.
        of_decided: how many there are in the decided rows.
        refusal: why the labels are not accepted; None where they are.
        winning_rate: share of the reviewers for whom the labels stand; None where that was not tested.
    """

    rows: int
    drawn: int
    decided: int
    correct: int
    parts: Sequence[tuple[int, int]]
    of_decided: int
    refusal: str | None
    winning_rate: float | None = None

    @property
    def right(self) -> int:
        """Return how many of the parts are right."""
        return sum(right for right, _ in self.parts)

    @property
    def precision(self) -> float:
        """Return the share of right labels, or of their parts, among the decided rows."""
        return self.right / self.of_decided if self.of_decided else 0.0

    @property
    def lower(self) -> float:
        """Return the lower end of the precision's 95 % interval (Wilson); undecided rows of the sample count as wrong.

        People pass over rows that are hard, and those that they decided in another queue were suspects. Parts of one
        row are alike: they count as so many as would vary as much if they were not (the design effect, Kish 1965).
        """
        total = sum(of for _, of in self.parts)
        if not total:
            return 0.0
        if total == len(self.parts):
            return intervals.wilson(self.right, total)[0]
        share = self.right / total
        as_if = share * (1 - share) * total
        varies = sum((right - share * of) ** 2 for right, of in self.parts)
        effective = int(total * min(as_if / varies, 1)) if varies else total
        return intervals.wilson(int(share * effective), effective)[0]

    def told(self, rows: int) -> str:
        """Return in words how many of the decided rows, or of all drawn ones, are right, or of their labels' parts."""
        if len(self.parts) == sum(of for _, of in self.parts):
            return f"{self.correct} of {rows} audited rows right"
        total = self.of_decided if rows == self.decided else sum(of for _, of in self.parts)
        return f"{self.right} of {total} right in {rows} audited rows"


@dataclass(frozen=True)
class Sampled:
    """A row of the audit sample: its automatic label, and the decisions on it that count."""

    label: str
    decisions: Collection[Decision]


def strata(origin: str, label: str, task: Task) -> list[Stratum]:
    """Return what an automatic label is judged under: its origin with each class that it counts for."""
    return [(origin, name) for name in task.names(label) or [NO_CLASS]]


def judge(
    annotations: pa.Table, by_row: Mapping[str, Mapping[str, Decision]], task: Task, settings: Acceptance
) -> dict[Stratum, Judgement]:
    """Return what the audit found of each origin and class, sorted.

    Args:
        annotations: table of automatic labels, with id, label, label_origin and audit.
        by_row: each row's decisions by reviewer, their `given_label` being the row's automatic label.
    """
    rows: dict[Stratum, int] = {}
    drawn: dict[Stratum, list[Sampled]] = {}
    for row in annotations.select(["id", "label", "label_origin", "audit"]).to_pylist():
        for stratum in strata(row["label_origin"], row["label"], task):
            rows[stratum] = rows.get(stratum, 0) + 1
            sample = drawn.setdefault(stratum, [])
            if row["audit"]:
                sample.append(Sampled(row["label"], by_row.get(row["id"], {}).values()))
    return {
        stratum: _judge(rows[stratum], drawn[stratum], settings, _Class(task, stratum[1])) for stratum in sorted(rows)
    }


class _Class(NamedTuple):
    task: Task
    name: str

    def parts(self, row: Sampled) -> tuple[int, int]:
        """Return how much of a sampled row's label is right for the class, and how much there is; see `Task.judged`."""
        truths = [self.task.meant(outcome(made).label) for made in row.decisions if made.verdict != "keep"]
        found = [self.task.judged(row.label, None if said in ("", row.label) else said, self.name) for said in truths]
        if len(found) < len(row.decisions):  # somebody keeps it
            found.append(self.task.judged(row.label, row.label, self.name))
        if not found:
            found.append(self.task.judged(row.label, None, self.name))
        return min(right for right, _ in found), max(of for _, of in found)


def _judge(rows: int, sample: list[Sampled], settings: Acceptance, own: _Class) -> Judgement:
    decided = [row for row in sample if row.decisions]
    parts = [own.parts(row) for row in sample]
    of_decided = [found for row, found in zip(sample, parts, strict=True) if row.decisions]
    correct = sum(right == of for right, of in of_decided)
    judgement = Judgement(rows, len(sample), len(decided), correct, parts, sum(of for _, of in of_decided), None)
    if judgement.decided < settings.min_rows:
        return replace(
            judgement,
            refusal=f"people decided on {judgement.decided} rows of its audit sample, {settings.min_rows} needed",
        )
    if settings.method == "precision":
        if judgement.lower >= settings.min_precision:
            return judgement
        undecided = judgement.drawn - judgement.decided
        said = f" ({undecided} undecided count as wrong)" if undecided else ""
        right = f"{judgement.told(judgement.drawn)}{said}"
        needed = f"precision at least {judgement.lower:.2f}, {settings.min_precision:.2f} needed"
        return replace(judgement, refusal=f"{right}: {needed}")
    return _tested(judgement, decided, settings, own.task)


def _tested(judgement: Judgement, decided: list[Sampled], settings: Acceptance, task: Task) -> Judgement:
    # A decision on a row is on today's label, which it tells as `given_label` where it keeps it.
    automatic = {place: Outcome(task.told_given(row.label), "") for place, row in enumerate(decided)}
    people: dict[str, dict[int, Outcome]] = {}
    for place, row in enumerate(decided):
        for decision in row.decisions:
            people.setdefault(decision.reviewer, {})[place] = outcome(decision)
    test = alt_test.run(automatic, people, settings.epsilon, settings.min_rows)
    if len(test.p_values) < settings.min_reviewers:
        why = f"{len(test.p_values)} reviewers share {settings.min_rows} rows of its audit sample with others"
        return replace(judgement, refusal=f"{why}, {settings.min_reviewers} needed")
    judgement = replace(judgement, winning_rate=test.winning_rate)
    if test.winning_rate >= settings.winning_rate:
        return judgement
    why = f"alt-test: it stands for {test.winning_rate:.0%} of {len(test.p_values)} reviewers"
    return replace(judgement, refusal=f"{why}, {settings.winning_rate:.0%} needed")
