"""Decisions that one revision has and the other has not: whose, of which kind, and where people disagree."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, replace

from winnow.commands.diff.revision import Revision
from winnow.people import decisions, settling
from winnow.people.decisions import Decision


def compared(base: Revision, head: Revision) -> tuple[dict, dict[str, str]]:
    """Return what differs in people's decisions, and the verdicts of those that differ, by row.

    Raises:
        UserError: a file of decisions cannot be read.
    """
    before, after = _read(base), _read(head)
    old, new = ({_key(decision) for decision in side} for side in (before, after))
    added = [decision for decision in after if _key(decision) not in old]
    gone = [decision for decision in before if _key(decision) not in new]
    conflicts = [_conflicts(side) for side in (before, after)]
    found = {
        "added": len(added),
        "removed": len(gone),
        "by_reviewer": {
            who: _verdicts(decision for decision in added if decision.reviewer == who)
            for who in sorted({decision.reviewer for decision in added})
        },
        "removed_by_reviewer": dict(Counter(decision.reviewer for decision in gone).most_common()),
        "conflicts": [len(each) for each in conflicts],
        "new_conflicts": sorted(conflicts[1] - conflicts[0]),
        "agreement": [_agreement(after, before), _agreement(after, [])],
    }
    # A decision that is gone explains a label that fell back, too.
    verdicts = {decision.id: f"{decision.verdict} taken back" for decision in gone}
    return found, verdicts | {decision.id: decision.verdict for decision in added}


def _read(revision: Revision) -> list[Decision]:
    file = revision.find("apply_decisions", "decisions")
    return decisions.read(file) if file else []


def _key(decision: Decision) -> tuple:
    return astuple(replace(decision, line=0, seconds=None))


def _verdicts(made: Iterable[Decision]) -> dict[str, int]:
    return dict(Counter(decision.verdict for decision in made).most_common())


def _conflicts(made: Iterable[Decision]) -> set[str]:
    """Return the rows of which the decisions that count do not say the same."""
    return {id for id, by_reviewer in settling.latest(made).items() if settling.settled(by_reviewer) is None}


def _agreement(made: list[Decision], before: list[Decision]) -> dict[str, int]:
    """Return on how many rows several people decided, and on how many they agree; of `before`, rows are left out."""
    known = {_key(decision) for decision in before}
    touched = {decision.id for decision in made if _key(decision) not in known}
    several = [
        by_reviewer for id, by_reviewer in settling.latest(made).items() if id in touched and len(by_reviewer) > 1
    ]
    return {"rows": len(several), "agreed": sum(settling.settled(each) is not None for each in several)}
