"""Responses on the review page, in Label Studio and in a spreadsheet: they are edited where they stand."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from winnow.base.errors import UserError
from winnow.kinds import widget
from winnow.kinds.generation import telling
from winnow.kinds.task import Task
from winnow.kinds.widget import LABEL, NEW_TEXT, TEXT, VERDICT, VERDICTS, labels, written_text

if TYPE_CHECKING:
    from jinja2 import Environment, Template

LONGEST_TEXT = None  # the last turn of a prompt is what is answered
LONGEST_LABEL = 600
STARTS_FROM_GIVEN = True  # else people would have to write again all that is right
CUT = 32_767  # characters to which spreadsheets cut a cell

FIELDS = (NEW_TEXT, LABEL)
ROWS = 8  # of a field in Label Studio

__all__ = ["answers", "controls", "fits", "labels", "parts", "prediction", "read_cell", "read_text", "written_text"]


def parts(environment: "Environment") -> dict[str, "Template"]:
    """Return how dialogues are shown and responses edited on the review page; see `winnow.kinds.widget.parts`."""
    from jinja2 import PackageLoader

    own = environment.overlay(loader=PackageLoader(__package__))
    names = {
        "page.js": "edit.js",
        "page.html": "edit.html",
        "view.js": "dialogue.js",
        "stores.js": "told.js",
        "style.css": "dialogue.css",
    }
    return {name: own.get_template(file) for name, file in names.items()}


def read_cell(cell: str, task: Task, text: str) -> str:
    """Return the response that a spreadsheet's cell means: what stands in it, or what decisions.csv would tell so.

    Raises:
        UserError: the cell is a hash, or a spreadsheet cut it.
    """
    return _read(cell, "response")


def _read(cell: str, what: str) -> str:
    if telling.is_fingerprint(cell):
        raise UserError(f"'{cell}' is the hash of a {what}; write the {what}, or use keep")
    if len(cell) == CUT:
        raise UserError(f"the cell has {CUT:,} characters, to which a spreadsheet cuts; decide on the review page")
    text = telling.read(cell)
    return text.replace("\r\n", "\n") if text == cell else text


def read_text(cell: str) -> str:
    """Return the prompt that a spreadsheet's cell means; see `read_cell`.

    Raises:
        UserError: the cell is a hash, or a spreadsheet cut it.
    """
    return _read(cell, "prompt")


def controls(task: Task) -> list[Element]:
    """Return the fields of Label Studio's XML, which hold prompt and response to be edited, and the other answers."""
    fields = []
    for name, placeholder in ((NEW_TEXT, "The right prompt"), (LABEL, "The right response")):
        field = Element("TextArea", name=name, toName=TEXT, rows=str(ROWS), editable="true", maxSubmissions="1")
        field.set("placeholder", placeholder)
        fields.append(field)
    verdict = Element("Choices", name=VERDICT, toName=TEXT, choice="single", showInline="true")
    widget.add_verdicts(verdict)
    return [*fields, verdict]


def fits(found: Mapping, task: Task) -> bool | None:
    """Return whether a project's controls are Winnow's; None: the field of the prompt is missing.

    See `winnow.kinds.widget.fits`.
    """
    writes = {name: isinstance(own := found.get(name), Mapping) and own.get("type") == "TextArea" for name in FIELDS}
    if not writes[LABEL] or not widget.choices_of(found, VERDICT) >= set(VERDICTS):
        return False
    return True if writes[NEW_TEXT] else None


def prediction(label: str, text: str) -> list[dict]:
    """Return prompt and response as the results of a prediction in Label Studio; no label: the prompt alone."""
    written = {NEW_TEXT: text} | ({LABEL: label} if label else {})
    return [
        {"from_name": name, "to_name": TEXT, "type": "textarea", "value": {"text": [each]}}
        for name, each in written.items()
    ]


def answers(result: Iterable[Mapping], task: Task, text: str) -> list[str]:
    """Return the response that is written, or what else is answered; see `winnow.kinds.widget.answers`.

    Whoever says that a row is ambiguous, or out of scope, need not delete the response.
    """
    written, found = [], []
    for item in result:
        if item.get("from_name") == LABEL:
            written += [response for response in item["value"].get("text", []) if response.strip()]
        elif item.get("from_name") == VERDICT:
            found += item["value"].get("choices", [])
    return found or written
