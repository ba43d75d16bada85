"""What the files say once two branches' lines stand in one: what people must know, and what they must mend."""

from collections.abc import Iterator
from pathlib import Path

from winnow.commands.merge import tables
from winnow.commands.merge.trees import Version
from winnow.people import decisions, settling
from winnow.people.decisions import Decision

SHOWN = 5


def of_decisions(path: Path, version: Version) -> tuple[list[str], list[str]]:
    """Return what to tell of the decisions that both sides made on the same rows, and what to mend.

    Args:
        path: of the merged file.
        version: of the file on each side.

    Raises:
        UserError: the merged file cannot be read.
    """
    made = decisions.read(path)
    both = {id for id, count in _sides_of(version).items() if count == 2}
    counting = settling.latest(made)
    told, mend = [], []
    again = sorted(_again(made, both))
    if again:
        told.append(
            f"{len(again)} times one reviewer decided on a row in both branches: the later counts ({_some(again)})"
        )
    open_ = sorted(id for id in both if settling.settled(counting.get(id, {})) is None)
    if open_:
        told.append(
            f"reviewers disagree on {len(open_)} rows that both branches decided, which return to the queue "
            f"({_some(open_)})"
        )
    for decision, other in _at_once(made, counting):
        mend.append(
            f"{path}: lines {decision.line} and {other.line}: {decision.reviewer} decides on {decision.id} in two ways "
            f"on {decision.decided_on}; take one out, or give the later one a time such as 2026-01-31T09:30:00Z"
        )
    return told, mend


def _sides_of(version: Version) -> dict[str, int]:
    """Return on how many sides somebody decided on each row, since the branches parted."""
    counts: dict[str, int] = {}
    for text in (version.ours, version.theirs):
        new = set(tables.rows(text or "")) - set(tables.rows(version.base or ""))
        headers = {cells for cells in new if cells[: len(decisions.COLUMNS)] == decisions.COLUMNS}
        for id in {cells[0] for cells in new - headers}:
            counts[id] = counts.get(id, 0) + 1
    return counts


def _again(made: list[Decision], ids: set[str]) -> Iterator[str]:
    said: dict[tuple[str, str], set[settling.Outcome]] = {}
    for decision in made:
        if decision.id in ids:
            said.setdefault((decision.reviewer, decision.id), set()).add(settling.outcome(decision))
    yield from (f"{reviewer} on {id}" for (reviewer, id), outcomes in said.items() if len(outcomes) > 1)


def _at_once(made: list[Decision], counting: dict[str, dict[str, Decision]]) -> Iterator[tuple[Decision, Decision]]:
    """Yield decisions that say otherwise than the one that counts, of one moment: these stop a run."""
    for decision in made:
        other = counting[decision.id][decision.reviewer]
        if decision.decided_on == other.decided_on and settling.outcome(decision) != settling.outcome(other):
            yield decision, other


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
