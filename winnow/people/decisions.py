"""People's decisions (`data/decisions.csv`) and the queues that ask for them; a filled-in queue is a set of decisions.

Both begin with the columns `COLUMNS`. In a queue, people fill in verdict, new_label, reviewer, decided_on and note.
decisions.csv may have a ninth column, `seconds`: the time that the person took.

`winnow.people.settling` says which of a reviewer's lines on a row counts. A line that repeats its reviewer's last line
on that row says nothing new (two branches that imported one file, merged) and is read once.
"""

import csv
import datetime
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from winnow.base.errors import UserError
from winnow.base.files import read_text, write_text
from winnow.kinds.task import Task

COLUMNS = ("id", "text_sha", "given_label", "verdict", "new_label", "reviewer", "decided_on", "note")
SECONDS = "seconds"
QUEUE_COLUMNS = (*COLUMNS, "suggested_label", "score", "reasons", "text")
VERDICTS = ("keep", "relabel", "ambiguous", "out_of_scope")

SHOWN_PROBLEMS = 10
LONGEST_CELL = 30_000  # spreadsheets break a cell of more than 32,767 characters into rows
FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")  # OWASP's list of what a spreadsheet may run
# About one row id in 800 is all digits, or digits around one e: a spreadsheet rounds it and drops its zeros.
NUMBER = re.compile(r"'*(0\d+|\d{12,}|\d+[eE]\d+)", re.ASCII)
CONFLICT = re.compile(r"^(<{7}|>{7})( |$)", re.MULTILINE)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
SECONDS_CELL = re.compile(r"\d{1,9}(\.\d+)?", re.ASCII)


@dataclass(frozen=True)
class Decision:
    """One line of decisions.csv; `given_label` is empty where the row had no label."""

    id: str
    text_sha: str
    given_label: str
    verdict: str
    new_label: str
    reviewer: str
    decided_on: str
    note: str
    line: int
    seconds: float | None = None  # None: not known


def guard(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula or rounds: a leading apostrophe where it would."""
    return f"'{cell}" if _touched(cell) else cell


def unguard(cell: str) -> str:
    """Return what `guard` was given."""
    return cell[1:] if cell.startswith("'") and _touched(cell) else cell


def _touched(cell: str) -> bool:
    return bool(FORMULA.match(cell) or NUMBER.fullmatch(cell))


def shorten(text: str) -> str:
    """Return a text that fits a spreadsheet's cell."""
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + " …"


def write_queue(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Write rows for people to decide on; each maps some of `QUEUE_COLUMNS` to text, the others stay empty."""
    out = io.StringIO(newline="")
    # All quoted: this csv writer leaves a lone carriage return bare, and its reader then sees two rows.
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(QUEUE_COLUMNS)
    for row in rows:
        writer.writerow(guard(shorten(row.get(column, ""))) for column in QUEUE_COLUMNS)
    write_text(path, out.getvalue())


def read(path: Path) -> list[Decision]:
    """Return the decisions of a file in its order.

    The first eight cells of a line are the decision; further ones (a queue's) are ignored, as are lines of a queue
    that nobody filled in, header lines that came along when a queue was appended, and a byte-order mark.

    Raises:
        UserError: the file is missing or not UTF-8, holds Git's conflict markers, has another header, or lines
            that are no CSV of eight cells (all named).
    """
    text = read_text(path).removeprefix("\ufeff")
    check_merged(text, path)
    lines = list(_lines(text, path))
    header = lines[0][1] if lines else []
    if tuple(header[: len(COLUMNS)]) != COLUMNS:
        raise UserError(f"{path}: line 1: the header must begin with {','.join(COLUMNS)}; got {','.join(header)}")
    timed = any(_is_timed_header(cells) for _, cells in lines)
    decisions, problems = [], []
    for line, cells in lines:
        first, rest = cells[: len(COLUMNS)], cells[len(COLUMNS) :]
        if len(first) < len(COLUMNS):
            problems.append(f"line {line}: {len(first)} cells, needs {len(COLUMNS)} ({','.join(COLUMNS)})")
        elif tuple(first) != COLUMNS and any(first[3:]):
            # A queue's line that was appended has a suggested label in its ninth cell, and further cells.
            cell = rest[0] if timed and rest and not any(rest[1:]) else ""
            try:
                decisions.append(Decision(*first, line=line, seconds=parse_seconds(cell)))
            except ValueError as error:
                problems.append(f"line {line}: {error}")
    raise_problems(problems, path)
    return _without_repetitions(decisions)


def check_merged(text: str, path: Path) -> None:
    """Raise a `UserError` that names the first of Git's conflict markers in a file's text."""
    if conflict := CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        raise UserError(
            f"{path}: line {line}: Git conflict marker; resolve the merge: keep the lines of both sides, remove the "
            f"lines with <<<<<<<, ======= and >>>>>>>"
        )


def parse_seconds(cell: str) -> float | None:
    """Return the time of a cell, None if it is empty; raise `ValueError` if it is no finite time."""
    if not cell:
        return None
    if not SECONDS_CELL.fullmatch(cell):
        raise ValueError(f"{SECONDS} '{cell}' is not a number of seconds such as 12.5")
    return float(cell)


def _is_timed_header(cells: list[str]) -> bool:
    return tuple(cells[: len(COLUMNS) + 1]) == (*COLUMNS, SECONDS)


def _without_repetitions(decisions: list[Decision]) -> list[Decision]:
    last: dict[tuple[str, str], Decision] = {}
    kept = []
    for decision in decisions:
        before = last.get((decision.id, decision.reviewer))
        if before is None or replace(before, line=decision.line) != decision:
            kept.append(decision)
        last[decision.id, decision.reviewer] = decision
    return kept


def problems_of(
    decisions: Iterable[Decision], rows: Mapping[str, tuple[str, str]], task: Task, unit: str = "line"
) -> list[str]:
    """Return what is wrong with decisions, each problem with its line, or with another `unit`.

    Args:
        rows: text_sha and label before decisions (empty: none) of each row, by id.
    """
    return [
        f"{unit} {decision.line}: {problem}" for decision in decisions for problem in _problems(decision, rows, task)
    ]


def _problems(decision: Decision, rows: Mapping[str, tuple[str, str]], task: Task) -> Iterable[str]:
    yield from stale(decision, rows)
    yield from _wrong_verdict(decision, task)
    if not decision.reviewer:
        yield "reviewer is missing"
    yield from _wrong_date(decision)


def undated(decisions: Iterable[Decision]) -> list[str]:
    """Return the problems of decisions whose date is none, each with its line."""
    return [f"line {decision.line}: {problem}" for decision in decisions for problem in _wrong_date(decision)]


def _wrong_date(decision: Decision) -> Iterable[str]:
    if not _is_date(decision.decided_on):
        yield f"decided_on '{decision.decided_on}' is not a date such as 2026-01-31"


def stale(decision: Decision, rows: Mapping[str, tuple[str, str]]) -> Iterable[str]:
    """Yield why a decision is not on the version of its row that the table has."""
    if decision.id not in rows:
        yield (
            f"id '{decision.id}' is not in the table; `winnow why {decision.id}` tells where it went; "
            f"take the line out or mend the id"
        )
        return
    text_sha, given_label = rows[decision.id]
    if decision.text_sha != text_sha:
        yield (
            f"the text of {decision.id} changed (text_sha was '{decision.text_sha}', is {text_sha}); "
            f"read it again and decide anew"
        )
    if decision.given_label != given_label:
        yield (
            f"the label of {decision.id} changed (given_label was '{decision.given_label}', is '{given_label}'); "
            f"look again and decide anew"
        )


def _wrong_verdict(decision: Decision, task: Task) -> Iterable[str]:
    verdict, new_label = decision.verdict, decision.new_label
    if verdict not in VERDICTS:
        yield f"verdict '{verdict}' is not one of {', '.join(VERDICTS)}"
    elif verdict != "relabel" and new_label:
        yield f"new_label '{new_label}' with verdict '{verdict}'; only relabel takes one"
    elif verdict == "keep" and not decision.given_label:
        yield "verdict 'keep' on a row without a label; use relabel with a new_label"
    elif verdict == "relabel" and not new_label:
        yield "verdict 'relabel' needs a new_label"
    elif verdict == "relabel" and new_label == decision.given_label:
        yield f"new_label '{new_label}' is the label that the row has; use keep"
    elif verdict == "relabel":
        yield from _wrong_label(new_label, task)


def is_label(text: str, task: Task) -> bool:
    """Return whether a text is a label of the task, in its canonical form."""
    return not any(_wrong_label(text, task))


def _wrong_label(label: str, task: Task) -> Iterable[str]:
    try:
        canonical = task.check(label, "new_label")
    except UserError as error:
        yield str(error)
    else:
        if canonical != label:
            yield f"new_label '{label}' must be written '{canonical}'"


def _is_date(text: str) -> bool:
    try:
        return bool(DATE.fullmatch(text) and datetime.date.fromisoformat(text))
    except ValueError:
        return False


def _lines(text: str, path: Path) -> Iterable[tuple[int, list[str]]]:
    """Yield each line that is not blank, with its number (a quoted cell may run over several)."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, [unguard(cell.strip()) for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path}: line {line}: not valid CSV: {error}") from None


def raise_problems(problems: list[str], path: Path | str) -> None:
    """Raise one `UserError` that shows the first ten problems and counts all; none: return."""
    if problems:
        more = f"; and {len(problems) - SHOWN_PROBLEMS} more" if len(problems) > SHOWN_PROBLEMS else ""
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise UserError(f"{path}: {count}: {'; '.join(problems[:SHOWN_PROBLEMS])}{more}")
