"""New decisions become lines of decisions.csv: all of them or none, and only those that it does not have yet.

So a file may be imported, and a Label Studio project pulled, any number of times.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from winnow.base import hashing
from winnow.kinds.task import Task
from winnow.people import decisions, settling
from winnow.people.decisions import Decision
from winnow.review import journal
from winnow.rows import edited


@dataclass(frozen=True)
class Added:
    """What became of the decisions of one source."""

    added: int
    present: int  # decisions.csv has them
    overruled: int  # decisions.csv has a later decision by the same reviewer on the same row
    empty: int = 0  # rows that nobody filled in
    stale: int = 0  # decisions on texts or labels that have changed since
    notes: tuple[str, ...] = ()  # what else was left out, in words

    def summary(self, source: Path | str) -> str:
        """Return it in one line, for the person who imported."""
        counts = [f"{self.added} decisions added", f"{self.present} already there"]
        if self.overruled:
            counts.append(f"{self.overruled} overruled by later ones of the same reviewer")
        if self.stale:
            counts.append(f"{self.stale} left out, since the text or label has changed")
        return f"{source}: {', '.join([*counts, f'{self.empty} rows not filled in', *self.notes])}"


@dataclass(frozen=True)
class Read:
    """What a file or a server says.

    Attributes:
        decisions: `decided_on` may be empty; `line` is the number of a `unit` of the source.
        problems: what cannot be read as a decision, in words.
        source: a file or an address.
    """

    decisions: Iterable[Decision]
    problems: Iterable[str]
    source: Path | str
    unit: str = "line"


class Target:
    """decisions.csv, and the rows that its decisions are on."""

    def __init__(self, path: Path, labelled: Path, task: Task):
        """Read decisions.csv, which may be missing.

        Args:
            labelled: the table of stage `apply_decisions`, by which text_sha and given_label are checked.

        Raises:
            UserError: decisions.csv is broken.
        """
        self.task = task
        self._path, self._labelled = path, labelled
        self._existing = decisions.read(path) if path.exists() else []
        self._read: tuple[set[str], list[dict]] = set(), []  # ids, and what the table has of them

    def undecided(self, entries: Sequence[Mapping]) -> list[Mapping]:
        """Return those entries of a queue that nobody has decided on yet, or on which reviewers disagree."""
        asked = {
            entry["id"]: decisions.version(entry["text_sha"], entry["given_label"], self.task) for entry in entries
        }
        made = (of for of in self._existing if asked.get(of.id) == (of.text_sha, of.given_label))
        counting = settling.latest(made)
        return [entry for entry in entries if settling.settled(counting.get(entry["id"], {})) is None]

    def versions(self, ids: set[str]) -> dict[str, tuple[str, str]]:
        """Return the current text_sha and given_label of rows, as `decisions.problems_of` takes them.

        A row that people put out of scope is no longer in the table; it stands as they saw it.
        """
        seen = {d.id: (d.text_sha, d.given_label) for d in self._existing if d.id in ids}
        return seen | {
            row["id"]: decisions.version(hashing.text_sha(row["text"]), row["given_label"], self.task)
            for row in self._rows(ids)
        }

    def texts(self, ids: set[str]) -> dict[str, str]:
        """Return the texts of rows before decisions, by id; of those that are in the table."""
        return {row["id"]: row["text"] for row in self._rows(ids)}

    def _rows(self, ids: set[str]) -> list[dict]:
        if self._read[0] != ids:
            self._read = ids, edited.before(self._labelled, ["id", "text", "given_label"], ids)
        return self._read[1]

    def add(self, read: Read, versions: Mapping[str, tuple[str, str]], now: str = "") -> Added:
        """Append those decisions that decisions.csv does not have, the oldest first.

        Args:
            versions: of the rows that they are on.
            now: stands in where `decided_on` is empty; empty: the present moment.

        Raises:
            UserError: a decision is wrong, or there were problems; all are listed and nothing was added.
        """
        now, known = now or decisions.now(), _Known(self._existing)
        new, present, overruled, contradictions = {}, 0, 0, []
        for undated in read.decisions:
            decision = replace(undated, reviewer=journal.clean(undated.reviewer))  # as the file has it
            dated = replace(decision, decided_on=decision.decided_on or now)
            last = known.latest(decision)
            if known.has(decision) or _key(dated) in new:
                present += 1
            elif last and last.decided_on.startswith(dated.decided_on) and _differ(last, dated):
                before = f"{self._path}, line {last.line}, and {read.unit} {dated.line}"
                contradictions.append(_contradiction(before, dated))
            elif last and decisions.order(last.decided_on) > decisions.order(dated.decided_on):
                overruled += 1
            else:
                new[_key(dated)] = dated
        wrong = decisions.problems_of(new.values(), versions, self.task, read.unit)
        wrong += decisions.misfits(new.values(), self.texts(set(versions)), self.task, read.unit)
        lost = ((decision.line, journal.unreadable(decision)) for decision in new.values())
        wrong += [f"{read.unit} {line}: {why}" for line, why in lost if why]
        contradictions += _contradictions(new.values(), read.unit)
        decisions.raise_problems([*read.problems, *wrong, *contradictions], read.source)
        if new:
            in_time = sorted(new.values(), key=lambda decision: decisions.order(decision.decided_on))
            journal.append(self._path, [journal.cells(decision) for decision in in_time])
        return Added(len(new), present, overruled)


class _Known:
    """The decisions that a file has; whether it has another one."""

    def __init__(self, existing: Iterable[Decision]):
        existing = list(existing)
        self._counting = settling.latest(existing)
        self._times: dict[tuple[str, ...], set[float | None]] = defaultdict(set)
        for decision in existing:
            self._times[_key(decision)].add(_rounded(decision.seconds))
            # Where nobody wrote a date, it was the moment of the first import.
            self._times[_key(replace(decision, decided_on=""))].add(_rounded(decision.seconds))

    def has(self, decision: Decision) -> bool:
        times = self._times.get(_key(decision), set())
        return bool(times) and (decision.seconds is None or None in times or _rounded(decision.seconds) in times)

    def latest(self, decision: Decision) -> Decision | None:
        """Return its reviewer's latest decision on its row."""
        return self._counting.get(decision.id, {}).get(decision.reviewer)


def _key(decision: Decision) -> tuple[str, ...]:
    cells = journal.cells(decision)
    return *(cells[name] for name in decisions.COLUMNS), decision.drawn_for, decision.new_text


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _contradictions(found: Iterable[Decision], unit: str) -> Iterable[str]:
    """Yield where one reviewer decides on one row in two ways at one moment: in a sheet, order says nothing."""
    first: dict[tuple[str, str, str], Decision] = {}
    for decision in found:
        before = first.setdefault((decision.id, decision.reviewer, decision.decided_on), decision)
        if _differ(before, decision):
            yield _contradiction(f"{unit}s {before.line} and {decision.line}", decision)


def _differ(one: Decision, other: Decision) -> bool:
    """Return whether two decisions on a row say otherwise of it."""
    return settling.outcome(one) != settling.outcome(other)


def _contradiction(where: str, decision: Decision) -> str:
    return (
        f"{where}: {decision.reviewer} decides on {decision.id} in two ways on {decision.decided_on}; keep one of "
        f"them, or give the later one a time such as 2026-01-31T09:30:00Z"
    )
