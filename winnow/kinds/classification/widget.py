"""A class on the review page, in Label Studio and in a spreadsheet: chosen from a list, by a key or by its name."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from winnow.kinds import widget
from winnow.kinds.widget import LABEL, TEXT

if TYPE_CHECKING:
    from jinja2 import Environment, Template

    from winnow.kinds.classification.labels import Task

DIGITS = "1234567890"
LONGEST_TEXT, LONGEST_LABEL = widget.LONGEST_TEXT, widget.LONGEST_LABEL
STARTS_FROM_GIVEN = widget.STARTS_FROM_GIVEN


def labels(task: "Task") -> list[str]:
    """Return the classes that the review page offers; see `widget.labels`."""
    return task.labels


def parts(environment: "Environment") -> dict[str, "Template"]:
    """Return the list of classes on the review page; see `widget.parts`."""
    from jinja2 import PackageLoader

    own = environment.overlay(loader=PackageLoader(__package__))
    return {"page.js": own.get_template("choose.js"), "page.html": own.get_template("choose.html")}


def read_cell(cell: str, task: "Task", text: str) -> str:
    """Return the class that a spreadsheet's cell means; see `widget.read_cell`."""
    return widget.match(cell, task.labels)


def controls(task: "Task") -> list[Element]:
    """Return the choices of Label Studio's XML, and a field that finds one of many; see `widget.controls`."""
    choices = Element(
        "Choices",
        name=LABEL,
        toName=TEXT,
        choice="single",
        showInline="true",
        required="true",
        requiredMessage="Choose a label, ambiguous or out of scope",
    )
    for place, label in enumerate(task.labels):
        hotkey = {"hotkey": DIGITS[place]} if place < len(DIGITS) else {}
        # Label Studio takes $word for a task's column: people see a zero-width space in it, annotations the alias.
        alias = {"alias": label} if "$" in label else {}
        SubElement(choices, "Choice", value=label.replace("$", "$\u200b"), **alias, **hotkey)
    widget.add_verdicts(choices)
    if len(task.labels) <= len(DIGITS):
        return [choices]
    return [Element("Filter", name="filter", toName=LABEL, minlength="0", placeholder="Find a label"), choices]


def fits(found: Mapping, task: "Task") -> bool | None:
    """Return whether a project's choices are Winnow's, and hold every class; see `widget.fits`."""
    choices = widget.choices_of(found, LABEL)
    if not choices >= set(widget.VERDICTS):
        return False
    return True if choices >= set(task.labels) else None


def prediction(label: str, text: str) -> list[dict]:
    """Return a class as a chosen one; see `widget.prediction`."""
    return [{"from_name": LABEL, "to_name": TEXT, "type": "choices", "value": {"choices": [label]}}]


def answers(result: Iterable[Mapping], task: "Task", text: str) -> list[str]:
    """Return what is chosen; see `widget.answers`."""
    return [choice for item in result if item.get("from_name") == LABEL for choice in item["value"].get("choices", [])]
