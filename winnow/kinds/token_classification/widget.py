"""Spans of a text on the review page, in Label Studio and in a spreadsheet: they are marked, or written."""

from typing import TYPE_CHECKING

from winnow.kinds.classification import widget as classes
from winnow.kinds.token_classification.labels import Task
from winnow.kinds.widget import answers, controls, fits, prediction, read_cell

if TYPE_CHECKING:
    from jinja2 import Environment, Template

__all__ = ["LONGEST_TEXT", "answers", "controls", "fits", "labels", "parts", "prediction", "read_cell"]

LONGEST_TEXT = None  # whoever decides on spans must see the whole text


def labels(task: Task) -> list[str]:
    """Return the types that the review page offers; see `widget.labels`."""
    return task.labels


def parts(environment: "Environment") -> dict[str, "Template"]:
    """Return how spans are marked on the review page, and how they and their changes are shown; see `widget.parts`."""
    from jinja2 import PackageLoader

    own = environment.overlay(loader=PackageLoader(__package__))
    choose = classes.parts(environment)  # the list of types is that of classes
    return {
        "page.js": own.get_template("mark.js", globals={"choose": choose["page.js"]}),
        "page.html": own.get_template("mark.html", globals={"choose": choose["page.html"]}),
        "view.js": own.get_template("spans.js"),
        "style.css": own.get_template("spans.css"),
    }
