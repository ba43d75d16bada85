"""Spans of a text on the review page, in Label Studio and in a spreadsheet: they are marked, or written."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from winnow.base.errors import UserError
from winnow.kinds import widget
from winnow.kinds.classification import widget as classes
from winnow.kinds.token_classification import typed
from winnow.kinds.token_classification.labels import NONE, Task, canonical, listed, spans
from winnow.kinds.token_classification.span import Span, trimmed
from winnow.kinds.widget import LABEL, TEXT, VERDICT, VERDICTS

if TYPE_CHECKING:
    from jinja2 import Environment, Template

LONGEST_TEXT = None  # whoever decides on spans must see the whole text
LONGEST_LABEL = widget.LONGEST_LABEL
STARTS_FROM_GIVEN = True  # else people would have to mark again all that is right
DIGITS = "1234567890"
EMPTY = "winnow:none"  # the answer in Label Studio that there is no span: nothing marked may be nothing said
SHOWN = 40  # characters of a span that a message repeats


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


def read_cell(cell: str, task: Task, text: str) -> str:
    """Return the label that a spreadsheet's cell means: JSON, words and types (`typed.read`), or "no entity".

    Raises:
        UserError: it tells words that do not stand in the text, or several times, or spans that overlap.
    """
    cell = cell.strip()
    if not cell:
        return cell
    if cell.casefold() == NONE:
        return canonical(())
    # Words may begin with a bracket too: `[18F]FDG = drug`.
    if cell.startswith("[") and (listed(cell) is not None or "=" not in cell):
        try:
            return task.check(cell, "")
        except UserError:
            return cell
    return _checked(typed.read(cell, task, text), task)


def controls(task: Task) -> list[Element]:
    """Return the types of Label Studio's XML, the other answers, and a field that finds one of many types."""
    types = Element("Labels", name=LABEL, toName=TEXT, showInline="true")
    for place, name in enumerate(task.labels):
        hotkey = {"hotkey": DIGITS[place]} if place < len(DIGITS) else {}
        # Label Studio takes $word for a task's column: people see a zero-width space in it, annotations the alias.
        alias = {"alias": name} if "$" in name else {}
        SubElement(types, "Label", value=name.replace("$", "$\u200b"), **alias, **hotkey)
    verdict = Element("Choices", name=VERDICT, toName=TEXT, choice="single", showInline="true")
    SubElement(verdict, "Choice", value="No entity: nothing is to be marked", alias=EMPTY, hotkey="e")
    widget.add_verdicts(verdict)
    if len(task.labels) <= len(DIGITS):
        return [types, verdict]
    return [Element("Filter", name="filter", toName=LABEL, minlength="0", placeholder="Find a type"), types, verdict]


def fits(found: Mapping, task: Task) -> bool | None:
    """Return whether a project's controls are Winnow's, and hold every type; see `widget.fits`."""
    types = found.get(LABEL)
    marks = isinstance(types, Mapping) and types.get("type") == "Labels"
    if not marks or not widget.choices_of(found, VERDICT) >= {EMPTY, *VERDICTS}:
        return False
    return True if widget.choices_of(found, LABEL) >= set(task.labels) else None


def prediction(label: str, text: str) -> list[dict]:
    """Return spans as regions, none as the answer `EMPTY`; see `widget.prediction`.

    Label Studio counts code points, as labels do.
    """
    regions = [
        {
            "from_name": LABEL,
            "to_name": TEXT,
            "type": "labels",
            "value": {"start": start, "end": end, "text": text[start:end], "labels": [name]},
        }
        for start, end, name in spans(label)
    ]
    empty = {"from_name": VERDICT, "to_name": TEXT, "type": "choices", "value": {"choices": [EMPTY]}}
    return regions or [empty]


def answers(result: Iterable[Mapping], task: Task, text: str) -> list[str]:
    """Return the spans that are marked, or what else is answered; see `widget.answers`.

    Whoever says that a text is ambiguous, or out of scope, need not delete what was marked before.

    Raises:
        UserError: a region is no span of the text, has no type of the task or several, or two overlap.
    """
    marked, found = [], []
    for item in result:
        if item.get("from_name") == LABEL:
            marked.append(_region(item["value"], text))
        elif item.get("from_name") == VERDICT:
            found += [canonical(()) if said == EMPTY else said for said in item["value"].get("choices", [])]
    if marked and not set(found) & set(VERDICTS):
        found.append(_checked(marked, task))
    return found


def _region(value: Mapping, text: str) -> Span:
    """Return a region of Label Studio as a span, without white space at its borders."""
    start, end, types = value.get("start"), value.get("end"), value.get("labels") or []
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        raise UserError(f"a region from {_said(start)} to {_said(end)} is none of the text's {len(text)} characters")
    shown = " ".join(text[start:end].split())[:SHOWN]
    if len(types) != 1:
        raise UserError(f"'{shown}' is marked with {len(types)} types; a span has one")
    said = "".join(value.get("text") or [])
    if said and _visible(said) != _visible(text[start:end]):
        raise UserError(f"a region says that it marks '{said[:SHOWN]}', its places {start} to {end} are '{shown}'")
    span = trimmed((start, end, types[0]), text)
    if span is None:
        raise UserError(f"a region from {start} to {end} marks white space alone")
    return span


def _visible(words: str) -> str:
    """Return words without white space, of which Label Studio writes line ends in a way of its own."""
    return "".join(words.replace("\\n", "").split())


def _said(value: object) -> str:
    return str(value)[:SHOWN]


def _checked(found: list[Span], task: Task) -> str:
    """Return spans as a label.

    Raises:
        UserError: a type is none of the task's, or two spans overlap, and `task.overlap` does not say which one stays.
    """
    return task.check(canonical(found), "spans") if found else canonical(())
