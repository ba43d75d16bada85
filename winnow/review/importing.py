"""A filled-in queue, as a spreadsheet or the offline page saved it, or Label Studio's export becomes decisions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from winnow import kinds
from winnow.base.errors import UserError
from winnow.kinds import widget
from winnow.kinds.task import Task
from winnow.people import decisions
from winnow.people.decisions import Decision
from winnow.review import label_studio, spreadsheet
from winnow.review.adding import Added, Read, Target
from winnow.review.spreadsheet import Row

# People copy reviewer and decided_on down a whole sheet.
FILLED_IN = ("verdict", "new_label", "note", decisions.NEW_TEXT)


def run(file: Path, target: Target, reviewer: str = "", now: str = "") -> Added:
    """Add a filled-in queue's decisions to decisions.csv.

    Args:
        file: the queue as a spreadsheet saved it, the offline page's download, or Label Studio's JSON export.
        reviewer: stands in where that column is empty.
        now: stands in where `decided_on` is empty; the moment at which a row was first imported is kept.

    Raises:
        UserError: something in the file is wrong; all problems are listed and nothing was added.
    """
    if file.suffix == ".json":
        return label_studio.add_export(file, target, reviewer)
    rows, problems = spreadsheet.read(file)
    filled_in = [row for row in rows if any(row.cells.get(name) for name in FILLED_IN)]
    ids = {row.cells["id"] for row in filled_in}
    versions, texts = target.versions(ids), target.texts(ids)
    found = []
    for row in filled_in:
        label, wrong = _label(row, texts, target.task)
        new_text, wrong_text = _text(row, texts, target.task)
        wrong += [*wrong_text, *_lost_digits(row, versions)]
        problems += wrong
        if not wrong:
            decision = _decision(row, versions, problems)
            told = {"new_label": target.task.told_new(label), "new_text": target.task.told_text(new_text)}
            edit = replace(decision, **told, reviewer=decision.reviewer or reviewer)
            found.append(decisions.plain(edit, target.task))
    added = target.add(Read(found, problems, file), versions, now)
    return replace(added, empty=len(rows) - len(filled_in))


def _lost_digits(row: Row, versions: Mapping[str, tuple[str, str]]) -> Iterable[str]:
    id = row.cells["id"]
    right = {"id": id if id in versions else "", "text_sha": versions.get(id, ("",))[0]}
    for name, cell in right.items():
        if row.cells[name] != cell and spreadsheet.is_rounded(row.cells[name]):
            yield (
                f"line {row.line}: the spreadsheet took {name} for a number, '{row.cells[name]}', and digits are lost; "
                f"copy it from the queue again, into a column formatted as text"
            )


def _label(row: Row, texts: Mapping[str, str], task: Task) -> tuple[str, list[str]]:
    """Return the label that a row's person wrote, and why its cell is not understood."""
    cell, text = row.cells["new_label"], texts.get(row.cells["id"])
    if text is None:  # there is no such row, which is told
        return cell, []
    try:
        return kinds.load(task, "widget").read_cell(cell, task, text), []
    except UserError as error:
        return cell, [f"line {row.line}: new_label: {error}"]


def _text(row: Row, texts: Mapping[str, str], task: Task) -> tuple[str, list[str]]:
    """Return the text that a row's person wrote, as tables would hold it, and why its cell is not understood."""
    cell = row.cells.get(decisions.NEW_TEXT, "")
    if not cell or not task.edits_text:  # what a kind does not edit is refused with the decision
        return cell, []
    where = f"line {row.line}: new_text"
    try:
        text = kinds.load(task, "widget").read_text(cell)
    except UserError as error:
        return cell, [f"{where}: {error}"]
    given = texts.get(row.cells["id"], "")
    try:
        return given if decisions.same_text(text, given) else task.check_text(text, where), []
    except UserError as error:
        return cell, [str(error)]


def _decision(row: Row, versions: Mapping[str, tuple[str, str]], problems: list[str]) -> Decision:
    """Return what a row's person decided; add to `problems` what of it cannot be read."""
    cells = row.cells

    def parse(function: Callable, cell: str, otherwise: object) -> Any:
        try:
            return function(cell) if cell else otherwise
        except ValueError as error:
            problems.append(f"line {row.line}: {error}")
            return otherwise

    return Decision(
        id=cells["id"],
        text_sha=cells["text_sha"],
        given_label=widget.match(cells["given_label"], [versions.get(cells["id"], ("", ""))[1]]),
        verdict=spreadsheet.parse_verdict(cells["verdict"]),
        new_label=cells["new_label"],
        reviewer=cells["reviewer"],
        decided_on=parse(spreadsheet.parse_date, cells["decided_on"], ""),
        note=cells["note"],
        line=row.line,
        seconds=parse(spreadsheet.parse_seconds, cells.get(decisions.SECONDS, ""), None),
        drawn_for=cells.get(decisions.DRAWN_FOR, ""),
    )
