"""Responses on the review page, in Label Studio and in a spreadsheet: they are edited where they stand."""

from typing import TYPE_CHECKING

from winnow.base.errors import UserError
from winnow.kinds.generation import telling
from winnow.kinds.task import Task
from winnow.kinds.widget import answers, controls, fits, labels, prediction

if TYPE_CHECKING:
    from jinja2 import Environment, Template

LONGEST_TEXT = None  # the last turn of a prompt is what is answered
LONGEST_LABEL = 600
STARTS_FROM_GIVEN = True  # else people would have to write again all that is right
CUT = 32_767  # characters to which spreadsheets cut a cell

__all__ = ["LONGEST_LABEL", "LONGEST_TEXT", "STARTS_FROM_GIVEN", "answers", "controls", "fits", "labels", "prediction"]


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
    if telling.is_fingerprint(cell):
        raise UserError(f"'{cell}' is the hash of a response; write the response, or use keep")
    if len(cell) == CUT:
        raise UserError(f"the cell has {CUT:,} characters, to which a spreadsheet cuts; decide on the review page")
    response = telling.read(cell)
    return response.replace("\r\n", "\n") if response == cell else response
