"""The rows that one reviewer has to read, and the decisions on them meanwhile. Knows nothing of browsers."""

import itertools
import secrets
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.kinds.task import Task
from winnow.people import decisions, settling
from winnow.people.decisions import Decision
from winnow.review import assign, journal, queues
from winnow.rows import edited


@dataclass(frozen=True)
class Project:
    """The files of a review, and who decides."""

    queue: Path
    labelled: Path
    decisions: Path
    task: Task
    reviewer: str
    overlap: float
    part: assign.Part = assign.WHOLE


@dataclass(frozen=True)
class Verdict:
    """What the reviewer says of a row.

    Attributes:
        text_sha: of the text that the page showed.
        seconds: the time that it took; None: not known.
        new_text: what the row's text becomes; empty: it stays.
    """

    text_sha: str
    verdict: str
    new_label: str
    note: str
    seconds: float | None
    new_text: str = ""


class DecidedElsewhere(UserError):
    """A row was decided after the page last heard of it: by another tab, another server or by hand."""


class Invalid(UserError):
    """What was sent is no decision on a row of the queue."""


class Session:
    """The rows of one queue that a reviewer has yet to decide, counted from 0 in the order in which to read them.

    Safe to call from several threads.

    Attributes:
        id: tells this session from one over another state of the queue.
        rows: how many there are.
        left_out: how many rows of the reviewer's part of the queue were decided before.
    """

    def __init__(self, project: Project):
        """Read the files.

        Raises:
            UserError: a file is missing or broken, or the queue is not of the labelled table.
        """
        self.id = secrets.token_hex(8)
        self._project = project
        self._table = queues.read(project.queue, project.labelled)
        self._versions = _versions(self._table, project.task)
        drawn_for = self._table["drawn_for"].to_pylist()
        self._drawn_for = {id: version or "" for id, version in zip(self._versions, drawn_for, strict=True)}
        self._stamp = journal.stamp(project.decisions)
        lines = _read(project.decisions, self._versions)
        self._own_before = _own(lines, project.reviewer)
        self._last = _last(self._own_before)
        by, conflicts = _state(lines)
        ids = self._table["id"].to_pylist()
        part = [place for place, id in enumerate(ids) if id in conflicts or project.part.holds(id, project.overlap)]
        self._places = [place for place in part if self._is_wanted(ids[place], by, conflicts)]
        self._ids = [ids[place] for place in self._places]
        self._row_of = {id: row for row, id in enumerate(self._ids)}
        self.rows, self.left_out = len(self._ids), len(part) - len(self._ids)
        self.check()

        self._lock = threading.RLock()
        self._shown: dict[int, dict] = {}  # by row: what the page is told of a decided row
        self._changes: list[tuple[int, dict | None]] = []
        self._written: dict[int, tuple[int, str]] = {}  # row and line, by receipt
        self._receipts = itertools.count()

    def check(self) -> None:
        """Raise a `UserError` unless each row to be read is in the labelled table, with the same text and label."""
        path = self._project.labelled
        if not path.exists():  # before there is any label; the next run checks every decision anyway
            return
        now = {
            row["id"]: decisions.version(hashing.text_sha(row["text"]), row["given_label"], self._project.task)
            for row in edited.before(path, ["id", "text", "given_label"], self._ids)
        }
        stale = [id for id in self._ids if now.get(id) != self._versions[id]]
        if stale:
            raise UserError(
                f"{self._project.queue}: {len(stale)} of its rows ({stale[0]} first) have another text or label in "
                f"{path}, or are not there; run `dvc repro` for a new queue"
            )

    def changes(self, since: int) -> list[tuple[int, dict | None]]:
        """Return the changes from revision `since` on: a row, and its decision or None.

        A decision has verdict, new_label, note and, where it edits the text, new_text; or `by` alone if it was another
        reviewer's.

        Raises:
            UserError: decisions.csv cannot be read.
        """
        with self._lock:
            self._catch_up()
            return self._changes[since:]

    def row_of(self, id: str) -> int | None:
        """Return the row that has an id."""
        return self._row_of.get(id)

    def entries(self, start: int, count: int) -> list[dict]:
        """Return up to `count` rows from `start` on, as `winnow.people.queue.ENTRY`."""
        places = pa.array(self._places[start : start + count], pa.int64())
        return self._table.take(places).to_pylist()

    def decide(self, row: int, since: int, verdict: Verdict) -> int:
        """Write a decision; return its receipt, by which it can be undone.

        Args:
            since: the last revision that the reviewer's page has seen.

        Raises:
            DecidedElsewhere: the row was decided after that revision.
            Invalid: there is no such row, or the decision is not one.
            UserError: decisions.csv cannot be read or written.
        """
        with self._lock:
            if not 0 <= row < self.rows:
                raise Invalid(f"row {row} is not in the queue, which has {self.rows}")
            self._catch_up()
            if any(changed == row for changed, _ in self._changes[since:]):
                raise DecidedElsewhere("this row was decided elsewhere in the meantime")
            id, now = self._ids[row], decisions.now()
            decision = Decision(
                id=id,
                text_sha=verdict.text_sha,
                given_label=self._versions[id][1],
                verdict=verdict.verdict,
                new_label=self._project.task.told_new(verdict.new_label),
                reviewer=self._project.reviewer,
                # Of a clock that is behind, or of two verdicts in one second, the last one must count.
                decided_on=_after(self._last.get(id, ""), now),
                note=journal.clean(verdict.note),
                line=0,
                seconds=verdict.seconds,
                drawn_for=self._drawn_for[id],
                new_text=self._told_text(verdict.new_text),
            )
            decision = decisions.plain(decision, self._project.task)
            self._check_decision(decision)
            written = journal.append(self._project.decisions, [journal.cells(decision)])
            receipt = next(self._receipts)
            self._written[receipt] = row, written.lines[0]
            self._last[id] = decision.decided_on
            if written.before == self._stamp:
                self._stamp = written.after  # nobody else wrote: no need to read it again
            self._change(row, self._shown_as(decision))
            return receipt

    def undo(self, receipt: int) -> int:
        """Take a decision of this session out of the file; return its row.

        Raises:
            journal.TooLate: it is committed, or somebody took the line out.
            UserError: there is no such receipt, or the file cannot be written.
        """
        with self._lock:
            if receipt not in self._written:
                raise UserError(f"decision {receipt} is none of this session's, or is undone already")
            row, line = self._written[receipt]
            journal.withdraw(self._project.decisions, line)
            del self._written[receipt]
            self._catch_up()
            return row

    def wait(self) -> None:
        """Return when nothing is being written."""
        with self._lock:
            return

    @property
    def written(self) -> list[tuple[int, int]]:
        """The receipts of this session's decisions that can be undone, oldest first, each with its row."""
        with self._lock:
            return [(receipt, row) for receipt, (row, _) in self._written.items()]

    def _told_text(self, text: str) -> str:
        task = self._project.task
        if not text or not task.edits_text:  # which the check refuses
            return text
        try:
            return task.told_text(task.check_text(text, decisions.NEW_TEXT))
        except UserError as error:
            raise Invalid(str(error)) from None

    def _check_decision(self, decision: Decision) -> None:
        task = self._project.task
        problems = decisions.problems_of([decision], self._versions, task)
        for name, cell in (("new_label", decision.new_label), (decisions.NEW_TEXT, decision.new_text)):
            if len(cell) > decisions.LONGEST_READ:
                problems.append(f"row: {decisions.too_long(name, cell)}")
        if decision.new_label and decision.id in self._row_of:
            place = self._places[self._row_of[decision.id]]
            texts = {decision.id: self._table["text"][place].as_py()}
            problems += decisions.misfits([decision], texts, task)
        if problems:
            raise Invalid("; ".join(problem.partition(": ")[2] for problem in problems))

    def _catch_up(self) -> None:
        """Note what others wrote to decisions.csv since it was last read here."""
        stamp = journal.stamp(self._project.decisions)
        if stamp == self._stamp:
            return
        lines = _read(self._project.decisions, self._versions)
        self._stamp = stamp
        by, conflicts = _state(lines)
        own = _own(lines, self._project.reviewer)
        self._last = _last(own)
        now: dict[int, dict] = {}
        for id in by:
            row = self._row_of.get(id)
            if row is None:
                continue
            if len(own[id]) > len(self._own_before[id]):
                now[row] = self._shown_as(settling.latest(own[id])[id][self._project.reviewer])
            elif not self._is_wanted(id, by, conflicts):
                now[row] = {"by": ", ".join(sorted(by[id]))}
        for row in sorted({*now, *self._shown}):
            if now.get(row) != self._shown.get(row):
                self._change(row, now.get(row))

    def _change(self, row: int, decision: dict | None) -> None:
        if decision is None:
            self._shown.pop(row, None)
        else:
            self._shown[row] = decision
        self._changes.append((row, decision))

    def _shown_as(self, decision: Decision) -> dict[str, str]:
        task = self._project.task
        said = {"verdict": decision.verdict, "new_label": task.meant(decision.new_label) or "", "note": decision.note}
        return said | ({"new_text": task.meant_text(decision.new_text)} if decision.new_text else {})

    def _is_wanted(self, id: str, by: Mapping[str, Collection[str]], conflicts: Collection[str]) -> bool:
        return assign.wanted(id, self._project.reviewer, by, self._project.overlap, conflicts)


def _versions(table: pa.Table, task: Task) -> dict[str, tuple[str, str]]:
    """Return what decisions on a queue's rows are of, by id; see `decisions.version`."""
    columns = [table[name].to_pylist() for name in ("id", "text_sha", "given_label")]
    return {id: decisions.version(text_sha, label, task) for id, text_sha, label in zip(*columns, strict=True)}


def _read(path: Path, versions: Mapping[str, tuple[str, str]]) -> list[Decision]:
    """Return the decisions on the rows of a queue, as the queue has them; the others are not for this review."""
    if not path.exists():
        return []
    found = decisions.read(path)
    decisions.raise_problems(decisions.undated(found), path)
    return [decision for decision in found if versions.get(decision.id) == (decision.text_sha, decision.given_label)]


def _own(lines: Iterable[Decision], reviewer: str) -> defaultdict[str, list[Decision]]:
    found = defaultdict(list)
    for decision in lines:
        if decision.reviewer == reviewer:
            found[decision.id].append(decision)
    return found


def _last(own: Mapping[str, Iterable[Decision]]) -> dict[str, str]:
    """Return the moment of a reviewer's latest decision on each row."""
    return {id: max((decision.decided_on for decision in made), key=decisions.order) for id, made in own.items()}


def _after(last: str, now: str) -> str:
    """Return the present moment, or the first one after `last` if that is later."""
    return now if decisions.order(now) > decisions.order(last) else decisions.next_moment(last)


def _state(lines: Iterable[Decision]) -> tuple[dict[str, set[str]], set[str]]:
    """Return who decided on each row, and the rows on which they disagree."""
    counting = settling.latest(lines)
    by = {id: set(by_reviewer) for id, by_reviewer in counting.items()}
    return by, {id for id, by_reviewer in counting.items() if settling.settled(by_reviewer) is None}
