"""A set of labels on the review page, in Label Studio and in a spreadsheet: its names are ticked, or written."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from winnow.base.errors import UserError
from winnow.kinds import widget
from winnow.kinds.multilabel.labels import NONE, Task, canonical, members
from winnow.kinds.widget import LABEL, TEXT, VERDICT, VERDICTS

if TYPE_CHECKING:
    from jinja2 import Environment, Template

DIGITS = "1234567890"
LONGEST_TEXT, LONGEST_LABEL = widget.LONGEST_TEXT, widget.LONGEST_LABEL
STARTS_FROM_GIVEN = widget.STARTS_FROM_GIVEN
EMPTY = "winnow:none"  # the answer in Label Studio that no label fits: nothing ticked may be nothing said


def labels(task: Task) -> list[str]:
    """Return the names that the review page offers to tick; see `widget.labels`."""
    return task.labels


def parts(environment: "Environment") -> dict[str, "Template"]:
    """Return the ticks on the review page, and how sets and their differences are shown; see `widget.parts`."""
    from jinja2 import PackageLoader

    own = environment.overlay(loader=PackageLoader(__package__))
    return {
        "page.js": own.get_template("tick.js"),
        "page.html": own.get_template("tick.html"),
        "view.js": own.get_template("sets.js"),
        "style.css": own.get_template("sets.css"),
    }


def read_cell(cell: str, task: Task, text: str) -> str:
    """Return the set that a spreadsheet's cell means: a JSON list, names between delimiters, or "none of them".

    A name may have another form (`true` became `TRUE`). A cell that means no set comes back as it is.
    """
    if not cell.strip():
        return cell
    if cell.strip().casefold() == NONE:
        return canonical(())
    try:
        names = [widget.match(name, task.labels) for name in task.parts(cell, "")]
        return task.check(canonical(names), "")
    except UserError:
        return cell


def controls(task: Task) -> list[Element]:
    """Return the ticks of Label Studio's XML, the other answers, and a field that finds one of many labels."""
    ticks = Element("Choices", name=LABEL, toName=TEXT, choice="multiple", showInline="true")
    for place, name in enumerate(task.labels):
        hotkey = {"hotkey": DIGITS[place]} if place < len(DIGITS) else {}
        # Label Studio takes $word for a task's column: people see a zero-width space in it, annotations the alias.
        alias = {"alias": name} if "$" in name else {}
        SubElement(ticks, "Choice", value=name.replace("$", "$\u200b"), **alias, **hotkey)
    verdict = Element("Choices", name=VERDICT, toName=TEXT, choice="single", showInline="true")
    SubElement(verdict, "Choice", value="None of the labels fits", alias=EMPTY, hotkey="e")
    widget.add_verdicts(verdict)
    if len(task.labels) <= len(DIGITS):
        return [ticks, verdict]
    return [Element("Filter", name="filter", toName=LABEL, minlength="0", placeholder="Find a label"), ticks, verdict]


def fits(found: Mapping, task: Task) -> bool | None:
    """Return whether a project's choices are Winnow's, and hold every label; see `widget.fits`."""
    if not widget.choices_of(found, VERDICT) >= {EMPTY, *VERDICTS}:
        return False
    return True if widget.choices_of(found, LABEL) >= set(task.labels) else None


def prediction(label: str, text: str) -> list[dict]:
    """Return a set as ticks, the empty one as the answer `EMPTY`; see `widget.prediction`."""
    names = list(members(label))
    control, chosen = (LABEL, names) if names else (VERDICT, [EMPTY])
    return [{"from_name": control, "to_name": TEXT, "type": "choices", "value": {"choices": chosen}}]


def answers(result: Iterable[Mapping], task: Task, text: str) -> list[str]:
    """Return the set that is ticked, if one is, and what else is answered; see `widget.answers`."""
    ticked, found = [], []
    for item in result:
        if item.get("from_name") == LABEL:
            ticked += item["value"].get("choices", [])
        elif item.get("from_name") == VERDICT:
            found += [canonical(()) if said == EMPTY else said for said in item["value"].get("choices", [])]
    return ([canonical(ticked)] if ticked else []) + found
