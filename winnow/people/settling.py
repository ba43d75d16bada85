"""Which decisions count, and what they settle: the one place that says it.

A reviewer's latest decision on a row counts, by `decided_on`; a day without a time is its beginning. Place in the file
says nothing: a union merge may put an old line last. Two that contradict each other at one moment stop the run. A row
is settled where the decisions that count say the same of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, replace
from pathlib import Path
from typing import NamedTuple

from winnow.kinds.task import Task
from winnow.people import decisions
from winnow.people.decisions import Decision

LEFT_OUT = ("ambiguous", "out_of_scope")  # verdicts by which a row has no label to train on


class Outcome(NamedTuple):
    """What a decision says its row is: a label, as decisions.csv tells it, or one of `LEFT_OUT`; the other is empty.

    `text` is what the row's text becomes, as decisions.csv tells it; empty: it stays.
    """

    label: str
    left_out: str
    text: str = ""

    def __str__(self) -> str:
        """Return it in one word, for people: a label may be called like a verdict."""
        return self.label or self.left_out


def outcome(decision: Decision) -> Outcome:
    """Return what a decision says its row is."""
    if decision.verdict in LEFT_OUT:
        return Outcome("", decision.verdict)
    if decision.verdict == "relabel":  # of the text alone, where it tells no label
        return Outcome(decision.new_label or decision.given_label, "", decision.new_text)
    return Outcome(decision.given_label, "")


def latest(made: Iterable[Decision]) -> dict[str, dict[str, Decision]]:
    """Return the decisions that count: row -> reviewer -> the reviewer's latest decision on it, both sorted.

    What it returns does not depend on the order of `made`.
    """
    counting: dict[str, dict[str, Decision]] = {}
    for decision in made:
        by_reviewer = counting.setdefault(decision.id, {})
        before = by_reviewer.get(decision.reviewer)
        if before is None or _order(before) < _order(decision):
            by_reviewer[decision.reviewer] = decision
    return {id: dict(sorted(by_reviewer.items())) for id, by_reviewer in sorted(counting.items())}


def _order(decision: Decision) -> tuple:
    """Return what the later of two decisions has more of; of one moment, what they say decides, not where it stands."""
    return decisions.order(decision.decided_on), *map(str, astuple(replace(decision, line=0)))


def settled(by_reviewer: Mapping[str, Decision]) -> Outcome | None:
    """Return what all reviewers of a row say it is; None where they disagree, or where nobody decided.

    Args:
        by_reviewer: the row's decisions that count, from `latest`.
    """
    said = {outcome(decision) for decision in by_reviewer.values()}
    return said.pop() if len(said) == 1 else None


def check(made: Iterable[Decision], rows: Mapping[str, tuple[str, str]], task: Task, path: Path) -> None:
    """Raise one `UserError` that lists what is wrong with the decisions that count, the dates of all, and decisions of
    one reviewer that say otherwise of one row at one moment: nobody knows which is the later one.

    Decisions that a later one overrules may be of an older text or label. Their dates say which these are.

    Args:
        made: all decisions, in the order of the file.
        rows: text_sha and label before decisions (empty: none) of each row, by id, from `decisions.version`.
    """
    made = list(made)
    counting = {decision for by_reviewer in latest(made).values() for decision in by_reviewer.values()}
    problems = [
        problem
        for decision in made
        for problem in (
            decisions.problems_of([decision], rows, task) if decision in counting else decisions.undated([decision])
        )
    ]
    decisions.raise_problems([*problems, *_contradictions(made, counting)], path)


def _contradictions(made: Iterable[Decision], counting: Iterable[Decision]) -> Iterable[str]:
    last = {(decision.id, decision.reviewer, decision.decided_on): decision for decision in counting}
    for decision in made:
        other = last.get((decision.id, decision.reviewer, decision.decided_on), decision)
        if outcome(other) != outcome(decision):
            yield (
                f"lines {decision.line} and {other.line}: {decision.reviewer} decides on {decision.id} in two ways on "
                f"{decision.decided_on}; take one out, or give the later one a time such as 2026-01-31T09:30:00Z"
            )
