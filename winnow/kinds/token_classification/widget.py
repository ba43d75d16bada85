"""Spans of a text on the review page, in Label Studio and in a spreadsheet: they are marked, or written."""

from typing import TYPE_CHECKING

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
    from jinja2 import ChoiceLoader, PackageLoader

    # The list of types is that of classes.
    packages = (__package__, "winnow.kinds.classification")
    own = environment.overlay(loader=ChoiceLoader([PackageLoader(package) for package in packages]))
    return {
        "page.js": own.get_template("mark.js"),
        "page.html": own.get_template("mark.html"),
        "view.js": own.get_template("spans.js"),
        "style.css": own.get_template("spans.css"),
    }
