"""A queue as Label Studio's tasks, and its annotations as decisions; knows of no server.

A person gives one answer: the right label, or that the text is ambiguous or out of scope. The label that the row has
means `keep`, another one `relabel`. How a label is given is the kind's widget.
"""

import datetime
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple
from xml.etree import ElementTree

from winnow import kinds
from winnow.base.errors import UserError
from winnow.kinds.task import Task
from winnow.kinds.widget import LABEL, NEW_TEXT, TEXT, VERDICT, VERDICTS
from winnow.people import decisions, settling
from winnow.people.decisions import Decision
from winnow.readers.jsonl import SURROGATE

NOTE = "note"  # the control's name in the labelling config
MODEL, GIVEN = "winnow", "given"  # by whom a prediction is
NOTHING = "–"
LONGEST_NEIGHBOUR = 500  # characters
LONGEST_SHOWN = 60  # characters of a wrong value that a message repeats

# id, text_sha, given label, and of an audit the version that drew it: a task is a question about these.
Key = tuple[str, str, str, str]


def config(task: Task) -> str:
    """Return the labelling config, in Label Studio's XML."""
    view = ElementTree.Element("View")
    _add(view, "Text", name=TEXT, value="$text")
    _add(view, "Header", value="$question", size="5")
    view.extend(kinds.load(task, "widget").controls(task))
    _add(view, "TextArea", name=NOTE, toName=TEXT, placeholder="Why, if it is not plain", maxSubmissions="1")
    _add(view, "Header", value="Why it is asked", size="6")
    _add(view, "Text", name="reasons", value="$reasons")
    _add(view, "Header", value="The nearest rows, with their labels", size="6")
    _add(view, "Text", name="neighbours", value="$neighbours")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode")


def is_ours(controls: object, task: Task) -> bool | None:
    """Return whether a project can take our tasks; None: it is ours, but lacks a label or a control.

    Args:
        controls: Label Studio's `parsed_label_config`.
    """
    found = controls if isinstance(controls, Mapping) else {}
    fits = kinds.load(task, "widget").fits(found, task)
    return None if fits and NOTE not in found else fits


def question(entry: Mapping, task: Task) -> dict:
    """Return an entry of a queue (`winnow.people.queue.ENTRY`) as a task, the suggestion as its prediction."""
    given, suggested, text = entry["given_label"], entry["suggested_label"], entry["text"]
    probability = {item["label"]: item["p"] for item in entry["probabilities"]}.get(suggested)

    def shown(label: str | None, text: str, otherwise: str = "none") -> str:
        return task.shown(label, text) if label else otherwise

    asked = [f"Its label: {shown(given, text)}"]
    asked += [f"the model's: {shown(suggested, text)}"] if suggested else []
    asked += [f"wrong with probability {entry['p_error']:.2f}"] if entry["p_error"] is not None else []
    said = [f"{vote['rule']} says {shown(vote['label'], text, 'nothing')}" for vote in entry["votes"]]
    near = [
        f"{shown(row['label'], row['text'])} ({row['similarity']:.2f}): {_shorten(row['text'])}"
        for row in entry["neighbours"]
    ]
    data = {
        "winnow_id": entry["id"],
        "text_sha": entry["text_sha"],
        "given_label": given or "",
        "suggested_label": suggested or "",
        "rank": entry["rank"],
        "p_error": entry["p_error"],
        "tier": entry["tier"],
        "text": text,
        "question": "; ".join(asked),
        "reasons": "\n".join([*entry["reasons"], *said]) or NOTHING,
        "neighbours": "\n\n".join(near) or NOTHING,
        "drawn_for": entry["drawn_for"],
    }
    found = {"data": {name: value for name, value in data.items() if value is not None}, "predictions": []}
    widget = kinds.load(task, "widget")
    if (given or task.edits_text) and widget.STARTS_FROM_GIVEN:
        found["predictions"].append({"model_version": GIVEN, "result": widget.prediction(given or "", text)})
    if suggested:
        result = widget.prediction(suggested, text)
        found["predictions"].append({"model_version": MODEL, "score": probability, "result": result})
    return found


def prelabels(task: Task) -> dict:
    """Return a project's settings that say what is filled in before a person answers.

    Most suspects are not what the model suggests: that is shown, but not filled in.
    """
    if kinds.load(task, "widget").STARTS_FROM_GIVEN:
        return {"show_collab_predictions": True, "model_version": GIVEN}
    return {"show_collab_predictions": False}


def key(task: Mapping) -> Key | None:
    """Return what a task asks about; None: it is not ours."""
    data = task.get("data")
    if not isinstance(data, Mapping):
        return None
    found = *(data.get(name) for name in ("winnow_id", "text_sha", "given_label")), data.get("drawn_for", "")
    return found if all(map(_is_text, found)) else None


def _is_text(value: object) -> bool:
    """Return whether a value is text that can be written; JSON may hold half a surrogate pair."""
    return isinstance(value, str) and not SURROGATE.search(value)


def people(users: Iterable[Mapping]) -> dict[int, str]:
    """Return what each user is called in decisions.csv: the name, or the email where there is none or two share it."""
    names = {user["id"]: _full_name(user) for user in users}
    shared = {name for name in names.values() if list(names.values()).count(name) > 1}
    emails = {user["id"]: user.get("email", "") for user in users}
    return {id: emails[id] if name in shared or not name else name for id, name in names.items()}


class Annotated(NamedTuple):
    """What people annotated.

    Attributes:
        decisions: a person's newest on each row; `line` is its task's number.
        problems: annotations that are no decisions, in words.
        notes: what was left out of others, in words.
    """

    decisions: list[Decision]
    problems: list[str]
    notes: list[str]


class Answered(NamedTuple):
    """An annotation of one of our tasks that is neither skipped nor empty."""

    number: int  # of its task
    asked: Key
    text: str  # that was shown
    annotation: object


def annotated(tasks: Iterable[Mapping], names: Mapping[int | None, str], kind: Task) -> Annotated:
    """Return the decisions of tasks. Skipped and empty annotations are no decisions.

    Args:
        names: of people, by their number; None: of whom the annotation does not name.
        kind: section `task` of params.yaml.
    """
    newest: dict[tuple[Key, str], tuple[datetime.datetime, Decision]] = {}
    problems, untimed, foreign = [], [], []
    for answered in _answered(tasks, problems, foreign):
        number, asked, _, annotation = answered
        try:
            time, decision = _decision(answered, names, kind)
            decision = replace(decision, line=number)
            if decision.seconds is None and annotation.get("lead_time") is not None:
                untimed.append(f"task {number}: {_shown(annotation['lead_time'])}")
            before, other = newest.get((asked, decision.reviewer), (None, None))
            if before == time and settling.outcome(other) != settling.outcome(decision):
                raise ValueError(f"{decision.reviewer} gave two answers at one moment")
        except ValueError as error:
            problems.append(f"task {number}: {error}; mend it in Label Studio")
            continue
        if before is None or before <= time:
            newest[asked, decision.reviewer] = time, decision
    notes = [f"{len(untimed)} without seconds: lead_time is no time ({untimed[0]})"] if untimed else []
    notes += [f"{len(foreign)} annotations of tasks that are not Winnow's (task {foreign[0]})"] if foreign else []
    return Annotated([decision for _, decision in newest.values()], problems, notes)


def annotators(tasks: Iterable[Mapping]) -> set[int | None]:
    """Return the numbers of annotators whose names the tasks do not have; None is whom an annotation does not name."""
    people = [answer.annotation.get("completed_by") for answer in _answered(tasks, [], []) if _is_object(answer)]
    return {person for person in people if person is None or _is_number(person)}


def _answered(tasks: Iterable[Mapping], problems: list[str], foreign: list[int]) -> Iterator[Answered]:
    """Yield the annotations that count; tell the tasks that cannot be read, and whose annotations are of others."""
    for place, task in enumerate(tasks, 1):
        number = task["id"] if _is_number(task.get("id")) else place
        annotations = task.get("annotations")
        if annotations is not None and not isinstance(annotations, list):
            problems.append(f"task {number}: annotations is {_shown(annotations)}, no list")
            continue
        asked = key(task)
        for annotation in annotations or []:
            if isinstance(annotation, Mapping) and (annotation.get("was_cancelled") or not annotation.get("result")):
                continue
            if asked is None:
                foreign.append(number)
            else:
                yield Answered(number, asked, text if _is_text(text := task["data"].get("text")) else "", annotation)


def _is_object(answer: Answered) -> bool:
    return isinstance(answer.annotation, Mapping)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _decision(answered: Answered, names: Mapping[int | None, str], kind: Task) -> tuple[datetime.datetime, Decision]:
    """Return what an annotation decides, and when; raise `ValueError` that says which of its fields is wrong."""
    annotation = answered.annotation
    if not isinstance(annotation, Mapping):
        raise ValueError(f"the annotation {_shown(annotation)} is no object")
    result = list(_results(annotation["result"]))
    reviewer = _name(annotation.get("completed_by"), names)
    try:
        answers = kinds.load(kind, "widget").answers(result, kind, answered.text)
    except UserError as error:
        raise ValueError(str(error)) from None
    if len(answers) != 1:
        raise ValueError(f"{reviewer} gave {len(answers)} answers")
    id, text_sha, given_label, drawn_for = answered.asked
    answer, time = answers[0], _time(annotation)
    relabels = answer not in VERDICTS and not decisions.same_text(answer, given_label)
    decision = Decision(
        id=id,
        text_sha=text_sha,
        given_label=kind.told_given(given_label),
        verdict=VERDICTS[answer][0] if answer in VERDICTS else "relabel" if relabels else "keep",
        new_label=kind.told_new(answer) if relabels else "",
        reviewer=reviewer,
        decided_on=decisions.moment(time),
        note=" ".join(text for item in result if item["from_name"] == NOTE for text in item["value"]["text"]),
        line=0,
        seconds=_seconds(annotation.get("lead_time")),
        drawn_for=drawn_for,
    )
    if answer in VERDICTS or not kind.edits_text:
        return time, decision
    return time, _with_text(decision, kinds.load(kind, "widget").written_text(result), answered.text, kind)


def _with_text(decision: Decision, text: str, shown: str, kind: Task) -> Decision:
    """Return a decision that gives its row a text; one without words, or that was shown, stands for none."""
    if not text.strip() or decisions.same_text(text, shown):
        return decision
    try:
        told = kind.told_text(kind.check_text(text, NEW_TEXT))
    except UserError as error:
        raise ValueError(str(error)) from None
    return decisions.plain(replace(decision, verdict="relabel", new_text=told), kind)


def _results(result: object) -> Iterator[dict]:
    """Yield what our controls say: `from_name` and `value`, in which `choices`, `text` and `labels` are lists of texts.

    `start` and `end` are what stands there.

    What else there is in an annotation (other controls of the project, relations) is no answer.
    """
    if not isinstance(result, list):
        raise ValueError(f"result is {_shown(result)}, no list")
    for place, item in enumerate(result):
        if not isinstance(item, Mapping):
            raise ValueError(f"result[{place}] is {_shown(item)}, no object")
        name, value = item.get("from_name"), item.get("value")
        if name not in (LABEL, NEW_TEXT, VERDICT, NOTE) or item.get("to_name", TEXT) != TEXT:
            continue
        if not isinstance(value, Mapping):
            raise ValueError(f"result[{place}].value is {_shown(value)}, no object")
        said = {key: _texts(value.get(key), place, key) for key in ("choices", "text", "labels")}
        yield {"from_name": name, "value": said | {key: value.get(key) for key in ("start", "end")}}


def _texts(value: object, place: int, key: str) -> list[str]:
    texts = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"result[{place}].value.{key} is {_shown(value)}, no list of texts")
    return texts


def _time(annotation: Mapping) -> datetime.datetime:
    """Return when an annotation was changed last; without a zone it is in UTC."""
    field = "updated_at" if annotation.get("updated_at") else "created_at"
    said = annotation.get(field)
    try:
        time = datetime.datetime.fromisoformat(said)
        time = time.replace(tzinfo=datetime.UTC) if time.tzinfo is None else time.astimezone(datetime.UTC)
    except (TypeError, ValueError, OverflowError):
        time = None
    if time is None or not decisions.is_moment(decisions.moment(time)):
        raise ValueError(
            f"{field} {_shown(said)} is no time of the years {decisions.FIRST_YEAR} to {decisions.LAST_YEAR}"
        )
    return time


def _seconds(value: object) -> float | None:
    """Return an annotation's lead time; None where it is none."""
    try:
        seconds = decisions.parse_seconds(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return float(seconds) if decisions.is_time(seconds) else None


def _name(person: object, names: Mapping[int | None, str]) -> str:
    name = ""
    if isinstance(person, Mapping):
        name = _full_name(person) or person.get("email")
    elif isinstance(person, str):
        name = person.strip()
    elif person is None or _is_number(person):
        name = names.get(person)
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"completed_by {_shown(person)} names nobody")
    return name


def _shown(value: object) -> str:
    """Return a value of a field in words, short: another program may have left anything there."""
    if value is None:
        return "missing"
    if isinstance(value, Mapping | list):
        return "a list" if isinstance(value, list) else "an object"
    text = json.dumps(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _full_name(user: Mapping) -> str:
    parts = [user.get(name) for name in ("first_name", "last_name")]
    return " ".join(" ".join(part for part in parts if isinstance(part, str)).split())


def _shorten(text: str) -> str:
    return textwrap.shorten(text, LONGEST_NEIGHBOUR, placeholder=" …")


def _add(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)
