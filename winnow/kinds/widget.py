"""How people see and give a label: what the widgets of all kinds share, and a widget for labels that are written.

A kind's widget, `winnow.kinds.<kind>.widget`, has these functions. A kind whose labels are short texts takes them as
they stand here: `from winnow.kinds.widget import LONGEST_TEXT, answers, controls, …`.

In Label Studio a person gives one answer: a label, or one of `VERDICTS`.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from winnow.base.errors import UserError
from winnow.kinds.task import Task

if TYPE_CHECKING:
    from jinja2 import Environment, Template

# Names in Label Studio's labelling config.
LABEL, VERDICT, TEXT = "label", "verdict", "text"
NEW_TEXT = "new_text"  # the field of the text itself, of kinds whose texts people edit
LONGEST_TEXT: int | None = 30_000  # characters of a row's text that the review page shows; None: all
LONGEST_LABEL: int | None = None  # characters of a neighbour's or a vote's label that the review page shows; None: all
STARTS_FROM_GIVEN = False  # whether people in Label Studio change the given label, rather than give one anew
# The answers beside labels, which none is called: verdict, what people read, and a key.
VERDICTS = {
    "winnow:ambiguous": ("ambiguous", "Ambiguous: people would differ", "a"),
    "winnow:out_of_scope": ("out_of_scope", "Out of scope: fits no label", "o"),
}


def labels(task: Task) -> list[str]:
    """Return the labels that the review page offers one by one, in their order; none where people write them."""
    return task.vocabulary(())


def parts(environment: "Environment") -> dict[str, "Template"]:
    """Return the kind's own templates that extend the review page's, by these names.

    Each is rendered with the page's as `page` and fills its blocks; by default people write a label into a field.

    Args:
        environment: how the page's templates are read.
    """
    return {}


def read_cell(cell: str, task: Task, text: str) -> str:
    """Return the label that a spreadsheet's cell means; a cell that means none comes back as it is.

    Args:
        text: the row's.

    Raises:
        UserError: the cell may mean several labels, or names what the text does not have.
    """
    try:
        return task.check(cell.strip(), "")
    except UserError:
        return cell


def read_text(cell: str) -> str:
    """Return the text that a spreadsheet's cell of column `new_text` means, of kinds whose texts people edit.

    Raises:
        UserError: the cell cannot be what a person wrote.
    """
    return cell


def controls(task: Task) -> list[Element]:
    """Return the controls of Label Studio's XML by which people answer, named `LABEL` and `VERDICT`."""
    label = Element("TextArea", name=LABEL, toName=TEXT, maxSubmissions="1", placeholder="The right label")
    verdict = Element("Choices", name=VERDICT, toName=TEXT, choice="single", showInline="true")
    add_verdicts(verdict)
    return [label, verdict]


def add_verdicts(choices: Element) -> None:
    """Add the answers beside labels to a control of choices."""
    for alias, (_, value, key) in VERDICTS.items():
        SubElement(choices, "Choice", value=value, alias=alias, hotkey=key)


def fits(found: Mapping, task: Task) -> bool | None:
    """Return whether a project's controls take the task's answers; None: they are Winnow's, but a label is missing.

    Args:
        found: Label Studio's `parsed_label_config`.
    """
    return LABEL in found and choices_of(found, VERDICT) >= set(VERDICTS)


def choices_of(found: Mapping, name: str) -> set[str]:
    """Return the choices of one of a project's controls; none if there is no such control."""
    control = found.get(name)
    return set(control.get("labels", ())) if isinstance(control, Mapping) else set()


def prediction(label: str, text: str) -> list[dict]:
    """Return a label of a text as the results of a prediction in Label Studio."""
    return [{"from_name": LABEL, "to_name": TEXT, "type": "textarea", "value": {"text": [label]}}]


def answers(result: Iterable[Mapping], task: Task, text: str) -> list[str]:
    """Return the answers of an annotation in Label Studio: labels, and names of `VERDICTS`.

    Args:
        result: what the annotation holds of the controls; `value` has what other programs may have left there.
        text: what was annotated.

    Raises:
        UserError: what is annotated is none of the task's labels of this text.
    """
    found = []
    for item in result:
        if item.get("from_name") == LABEL:
            found += [read_cell(label, task, text) for label in item["value"].get("text", [])]
        elif item.get("from_name") == VERDICT:
            found += item["value"].get("choices", [])
    return found


def written_text(result: Iterable[Mapping]) -> str:
    """Return what stands in the field of the text in an annotation, of kinds whose texts people edit; empty: nothing.

    Args:
        result: as `answers` takes it.
    """
    found = [text for item in result if item.get("from_name") == NEW_TEXT for text in item["value"].get("text", [])]
    return found[-1] if found else ""


def match(cell: str, labels: Collection[str]) -> str:
    """Return the label that a spreadsheet may have turned into `cell` (`true` into `TRUE`, `01` into `1`).

    A cell that is no label's other form comes back as it is.
    """
    found = [label for label in labels if _form(label) == _form(cell)]
    return found[0] if len(found) == 1 and cell not in labels else cell


def _form(label: str) -> str:
    form = " ".join(label.split()).casefold()
    try:
        return repr(float(form))
    except ValueError:
        return form
