"""People's decisions (`data/decisions.csv`) and the queues that ask for them; a filled-in queue is a set of decisions.

Both begin with the columns `COLUMNS`. In a queue, people fill in verdict, new_label, reviewer, decided_on and note.
decisions.csv may have more: `seconds`, the time that the person took; `drawn_for`, which a queue fills in: the
version of the labelling rules whose audit drew the row (`winnow.labelling.version`), empty in other queues; and, of
kinds whose texts people edit (`Task.edits_text`), `new_text`, in a queue too: the text that takes the place of the one
that the person saw, whose hash is `text_sha`. It goes with `relabel`; the label then stays where `new_label` is empty.

`decided_on` is a time in UTC, to the second or finer; of what a person dates by hand, the day alone, which counts as
its beginning. `order` says which of two is later.
`winnow.people.settling` says which of a reviewer's lines on a row counts. Equal lines (two branches that imported one
file, merged) are one decision.

A decision is one line, whatever its labels are. `given_label` and `new_label` hold what the task tells of a label in a
line, here and in `Decision`: `Task.told_given` and `Task.told_new`; `Task.meant` gives the label back. So do
`Task.told_text` and `Task.meant_text` with `new_text`.
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
from winnow.base.hashing import text_sha
from winnow.kinds.task import Task

COLUMNS = ("id", "text_sha", "given_label", "verdict", "new_label", "reviewer", "decided_on", "note")
SECONDS, DRAWN_FOR, NEW_TEXT = "seconds", "drawn_for", "new_text"
ALL_COLUMNS = (*COLUMNS, SECONDS, DRAWN_FOR)
EDITED_COLUMNS = (*ALL_COLUMNS, NEW_TEXT)  # of a file in which somebody edited a text
EMPTY = ",".join(ALL_COLUMNS) + "\n"  # a file of no decisions
QUEUE_COLUMNS = (*COLUMNS, "suggested_label", "score", "reasons", "text", DRAWN_FOR)
EDITED_QUEUE_COLUMNS = (*QUEUE_COLUMNS, NEW_TEXT)
VERDICTS = ("keep", "relabel", "ambiguous", "out_of_scope")

SHOWN_PROBLEMS = 10
LINE = re.compile(r"[a-z]+ (\d+)\b")  # that a problem begins with
LONGEST_CELL = 30_000  # spreadsheets break a cell of more than 32,767 characters into rows
LONGEST_READ = csv.field_size_limit()  # characters of a cell; Python's reader takes no longer one
LONGEST_SHOWN = 400  # characters of a label that a message repeats
FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")  # OWASP's list of what a spreadsheet may run
# About one row id in 800 is all digits, or digits around one e: a spreadsheet rounds it and drops its zeros.
NUMBER = re.compile(r"'*(0\d+|\d{12,}|\d+[eE]\d+)", re.ASCII)
CONFLICT = re.compile(r"^(<{7}|>{7})( |$)", re.MULTILINE)
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z)?", re.ASCII)
SECOND = datetime.timedelta(seconds=1)
FIRST_YEAR, LAST_YEAR = 2000, 2099  # a later date would overrule all that a reviewer says from then on
MOST_SECONDS = 999_999_999  # of one decision; every writer keeps to it, so that the file stays readable
SECONDS_CELL = re.compile(rf"\d{{1,{len(str(MOST_SECONDS))}}}(\.\d+)?", re.ASCII)


@dataclass(frozen=True)
class Decision:
    """One line of decisions.csv, labels as it tells them; `given_label` is empty where the row had no label."""

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
    drawn_for: str = ""
    new_text: str = ""  # as `Task.told_text` tells it; empty: the text stays


def guard(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula or rounds: a leading apostrophe where it would."""
    return f"'{cell}" if _touched(cell) else cell


def unguard(cell: str) -> str:
    """Return what `guard` was given."""
    return cell[1:] if cell.startswith("'") and _touched(cell) else cell


def meant(cell: str) -> str:
    """Return what a cell of a file says: without space around it and without the apostrophe of `guard`."""
    found = unguard(cell)  # before the space goes: an apostrophe before a line's end is a guard, and alone it is none
    return found.strip() if found != cell else unguard(cell.strip())


def _touched(cell: str) -> bool:
    return bool(FORMULA.match(cell) or NUMBER.fullmatch(cell))


def shorten(text: str) -> str:
    """Return a text that fits a spreadsheet's cell."""
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + " …"


def version(text_sha: str, label: str | None, task: Task) -> tuple[str, str]:
    """Return `text_sha` and `given_label` of decisions on a row, by its label before decisions."""
    return text_sha, task.told_given(label or "")


def write_queue(path: Path, rows: Iterable[Mapping[str, str]], columns: tuple[str, ...] = QUEUE_COLUMNS) -> None:
    """Write rows for people to decide on; each maps some of `columns` to text, the others stay empty."""
    out = io.StringIO(newline="")
    # All quoted: this csv writer leaves a lone carriage return bare, and its reader then sees two rows.
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(guard(shorten(row.get(column, ""))) for column in columns)
    write_text(path, out.getvalue())


def read(path: Path) -> list[Decision]:
    """Return the decisions of a file in its order.

    The first eight cells of a line are the decision; further ones (a queue's) are ignored, as are lines of a queue
    that nobody filled in, header lines that came along when a queue was appended, and a byte-order mark. An empty file
    has no decisions.

    Raises:
        UserError: the file is missing or not UTF-8, holds Git's conflict markers, has another header, or lines
            that are no CSV of eight cells (all named).
    """
    text = read_text(path).removeprefix("\ufeff")
    check_merged(text, path)
    found, problems = _parse(text, path)
    raise_problems(problems, path)
    return found


def unreadable(line: str, cells: Mapping[str, str]) -> str:
    """Return why `read` would not give a decision back from a line of the file, in words; empty: it would.

    Args:
        line: without its end.
        cells: what it shall say, by column, in the order of the columns.
    """
    if any(end in line for end in "\r\n") or CONFLICT.match(line):
        return "it is not one line of CSV"
    for name, cell in cells.items():
        if len(cell) > LONGEST_READ:
            return too_long(name, cell)
    try:
        line.encode()
    except UnicodeEncodeError:
        return "it holds half a surrogate pair, which is no character"
    try:
        found, problems = _parse(f"{','.join(cells)}\n{line}\n", Path("line"))
    except UserError as error:
        return str(error)
    if problems or len(found) != 1:
        return "; ".join(problems).removeprefix("line 2: ") or "it says nothing"
    lost = [name for name in cells if name != SECONDS and getattr(found[0], name) != cells[name]]
    return f"{lost[0]} '{cells[lost[0]]}' would be read as '{getattr(found[0], lost[0])}'" if lost else ""


def too_long(name: str, cell: str) -> str:
    """Return why a column's cell that is longer than `LONGEST_READ` cannot be written."""
    return f"{name} has {len(cell):,} characters, and a cell of decisions.csv holds {LONGEST_READ:,}"


def _parse(text: str, path: Path) -> tuple[list[Decision], list[str]]:
    """Return the decisions of a file's text, and what is wrong with its lines."""
    if not text.strip():
        return [], []
    lines = list(_lines(text, path))
    header = lines[0][1] if lines else []
    if tuple(header[: len(COLUMNS)]) != COLUMNS:
        got = ",".join(header) or "empty cells alone"
        raise UserError(f"{path}: line 1: the header must begin with {','.join(COLUMNS)}; got {got}")
    own = max((_own_columns(cells) for _, cells in lines), key=len)
    decisions, problems = [], []
    for line, cells in lines:
        first, rest = cells[: len(COLUMNS)], cells[len(COLUMNS) :]
        if len(first) < len(COLUMNS):
            problems.append(f"line {line}: {len(first)} cells, needs {len(COLUMNS)} ({','.join(COLUMNS)})")
        elif tuple(first) != COLUMNS and any(first[3:]):
            # A queue's line that was appended has further cells: its reasons and text.
            is_queue = any(rest[len(EDITED_COLUMNS) - len(COLUMNS) :])
            names = EDITED_QUEUE_COLUMNS[len(COLUMNS) :] if is_queue else own
            further = dict(zip(names, rest, strict=False))
            try:
                seconds = parse_seconds(further.get(SECONDS, ""))
                told = (further.get(name, "") for name in (DRAWN_FOR, NEW_TEXT))
                decisions.append(Decision(*first, line, seconds, *told))
            except ValueError as error:
                problems.append(f"line {line}: {error}")
    return list({replace(decision, line=0): decision for decision in decisions}.values()), problems


def check_merged(text: str, path: Path) -> None:
    """Raise a `UserError` that names the first of Git's conflict markers in a file's text."""
    if conflict := CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        raise UserError(
            f"{path}: line {line}: Git conflict marker; resolve the merge: keep the lines of both sides, remove the "
            f"lines with <<<<<<<, ======= and >>>>>>>"
        )


def is_time(seconds: object) -> bool:
    """Return whether a value is a number of seconds that a decision may have taken."""
    return isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= MOST_SECONDS


def parse_seconds(cell: str) -> float | None:
    """Return the time of a cell, None if it is empty; raise `ValueError` if it is no finite time."""
    if not cell:
        return None
    if not SECONDS_CELL.fullmatch(cell):
        raise ValueError(f"{SECONDS} '{cell}' is not a number of seconds such as 12.5")
    return float(cell)


def _own_columns(cells: list[str]) -> tuple[str, ...]:
    """Return which columns a header has beside `COLUMNS`; none if the cells are no header of decisions.csv."""
    names = tuple(filter(None, cells))
    return names[len(COLUMNS) :] if names == EDITED_COLUMNS[: len(names)] else ()


def problems_of(
    decisions: Iterable[Decision], rows: Mapping[str, tuple[str, str]], task: Task, unit: str = "line"
) -> list[str]:
    """Return what is wrong with decisions, each problem with its line, or with another `unit`.

    Args:
        rows: text_sha and label before decisions (empty: none) of each row, by id, from `version`.
    """
    return [
        f"{unit} {decision.line}: {problem}" for decision in decisions for problem in _problems(decision, rows, task)
    ]


def misfits(made: Iterable[Decision], texts: Mapping[str, str], task: Task, unit: str = "line") -> list[str]:
    """Return which new labels cannot be one of their row's text, each with its line, or with another `unit`.

    Args:
        texts: of the rows, by id; decisions on other rows, or on another version of the text, are passed over.
    """
    if type(task).fits is Task.fits:  # every label is one of every text
        return []
    found = []
    for decision in made:
        text = texts.get(decision.id)
        is_of_text = text is not None and text_sha(text) == decision.text_sha
        if is_of_text and decision.new_label and not any(_wrong_label(decision.new_label, task)):
            text = task.meant_text(decision.new_text) if decision.new_text else text
            try:
                task.fits(task.meant(decision.new_label), text, f"{unit} {decision.line}: new_label of {decision.id}")
            except UserError as error:
                found.append(str(error))
    return found


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
    if not is_moment(decision.decided_on):
        yield (
            f"decided_on '{decision.decided_on}' is not a date such as 2026-01-31, or a time 2026-01-31T09:30:00Z, "
            f"of the years {FIRST_YEAR} to {LAST_YEAR}"
        )


def stale(decision: Decision, rows: Mapping[str, tuple[str, str]]) -> Iterable[str]:
    """Yield why a decision is not on the version of its row that the table has."""
    if decision.id not in rows:
        yield (
            f"id '{decision.id}' is not in the table; `winnow why {decision.id}` tells where it went; "
            f"take the line out or mend the id"
        )
        return
    sha, given_label = rows[decision.id]
    if decision.text_sha != sha:
        yield (
            f"the text of {decision.id} changed (text_sha was '{decision.text_sha}', is {sha}); "
            f"read it again and decide anew"
        )
    if decision.given_label != given_label:
        yield (
            f"the label of {decision.id} changed (given_label was '{_short(decision.given_label)}', is "
            f"'{_short(given_label)}'); "
            f"look again and decide anew"
        )


def _wrong_verdict(decision: Decision, task: Task) -> Iterable[str]:
    verdict, new_label = decision.verdict, decision.new_label
    if verdict not in VERDICTS:
        yield f"verdict '{verdict}' is not one of {', '.join(VERDICTS)}"
    elif verdict != "relabel" and (new_label or decision.new_text):
        name, cell = ("new_label", new_label) if new_label else (NEW_TEXT, decision.new_text)
        yield f"{name} '{_short(cell)}' with verdict '{verdict}'; only relabel takes one"
    elif verdict == "keep" and not decision.given_label:
        yield "verdict 'keep' on a row without a label; use relabel with a new_label"
    elif verdict == "relabel":
        yield from _wrong_edit(decision, task)


def _wrong_edit(decision: Decision, task: Task) -> Iterable[str]:
    """Yield what is wrong with the cells of a `relabel`."""
    new_label, new_text = decision.new_label, decision.new_text
    if new_text and not new_label and not decision.given_label:
        yield "new_text on a row without a label needs a new_label"
    elif not new_label and not new_text:
        yield f"verdict 'relabel' needs a new_label{' or a new_text' if task.edits_text else ''}"
    elif new_label and keeps_label(decision, task):
        mend = "leave it empty, so that the label stays" if new_text else "use keep"
        yield f"new_label '{_short(new_label)}' is the label that the row has; {mend}"
    elif new_label:
        yield from _wrong_label(new_label, task)
    if new_text:
        yield from _wrong_text(decision, task)


def keeps_label(decision: Decision, task: Task) -> bool:
    """Return whether the new label of a decision is the one that its row has."""
    return task.told_given(task.meant(decision.new_label) or "") == decision.given_label


def keeps_text(decision: Decision, task: Task) -> bool:
    """Return whether the new text of a decision is the one that its row has."""
    return text_sha(task.meant_text(decision.new_text)) == decision.text_sha


def same_text(one: str, other: str) -> bool:
    """Return whether two texts differ in their line ends alone, which spreadsheets and browsers write in one form."""
    return one.replace("\r\n", "\n") == other.replace("\r\n", "\n")


def plain(decision: Decision, task: Task) -> Decision:
    """Return a decision of somebody who gave all of an edit, also what stays: without the label and the text that stay.

    One by which nothing changes is `keep`.
    """
    if decision.verdict != "relabel" or not decision.new_text:
        return decision
    if keeps_text(decision, task):
        decision = replace(decision, new_text="")
    if decision.new_label and keeps_label(decision, task):
        decision = replace(decision, new_label="")
    return decision if decision.new_text or decision.new_label else replace(decision, verdict="keep")


def _wrong_text(decision: Decision, task: Task) -> Iterable[str]:
    cell = decision.new_text
    if not task.edits_text:
        yield f"new_text '{_short(cell)}': the texts of task.kind {task.kind} are not edited; take it out"
        return
    if keeps_text(decision, task):
        yield f"new_text '{_short(cell)}' is the text that the row has; leave it empty"
        return
    try:
        written = task.told_text(task.check_text(task.meant_text(cell), NEW_TEXT))
    except UserError as error:
        yield str(error)
    else:
        if written != cell:
            yield f"new_text '{_short(cell)}' must be written '{_short(written)}'"


def _wrong_label(cell: str, task: Task) -> Iterable[str]:
    label = task.meant(cell)
    if label is None:
        yield f"new_label '{_short(cell)}' tells a label that people saw; write the label itself"
        return
    try:
        written = task.told_new(task.check(label, "new_label"))
    except UserError as error:
        yield str(error)
    else:
        if written != cell:
            yield f"new_label '{_short(cell)}' must be written '{_short(written)}'"


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_SHOWN else f"{label[:LONGEST_SHOWN]}…"


def now() -> str:
    """Return the present moment as `decided_on` has it."""
    return moment(datetime.datetime.now(datetime.UTC).replace(microsecond=0))


def moment(time: datetime.datetime) -> str:
    """Return a time as `decided_on` has it, a fraction of a second where it has one; `time` knows its zone."""
    return time.astimezone(datetime.UTC).replace(tzinfo=None).isoformat() + "Z"


def order(decided_on: str) -> str:
    """Return what of two moments the later one has more of: a fraction of a second follows the second itself."""
    return decided_on.removesuffix("Z")


def next_moment(last: str) -> str:
    """Return the first moment after one of `decided_on`."""
    return moment(datetime.datetime.fromisoformat(f"{last}T00:00:00Z" if "T" not in last else last) + SECOND)


def is_moment(text: str) -> bool:
    """Return whether a text is a day or a time as `decided_on` has it."""
    try:
        return bool(MOMENT.fullmatch(text)) and (FIRST_YEAR <= datetime.datetime.fromisoformat(text).year <= LAST_YEAR)
    except ValueError:
        return False


def _lines(text: str, path: Path) -> Iterable[tuple[int, list[str]]]:
    """Yield each line that is not blank, with its number (a quoted cell may run over several)."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, list(map(meant, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path}: line {line}: not valid CSV: {error}") from None


def raise_problems(problems: list[str], path: Path | str) -> None:
    """Raise one `UserError` that shows the first ten problems, by their lines, and counts all; none: return."""
    if problems:
        problems = sorted(problems, key=lambda problem: int(found[1]) if (found := LINE.match(problem)) else 0)
        more = f"; and {len(problems) - SHOWN_PROBLEMS} more" if len(problems) > SHOWN_PROBLEMS else ""
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise UserError(f"{path}: {count}: {'; '.join(problems[:SHOWN_PROBLEMS])}{more}")
