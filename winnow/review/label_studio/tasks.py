"""A queue as Label Studio's tasks, and its annotations as decisions; knows of no server.

A person gives one answer: the right label, or that the text is ambiguous or out of scope. The label that the row has
means `keep`, another one `relabel`. How a label is given is the kind's widget.
"""

import textwrap
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree

from winnow import kinds
from winnow.kinds.task import Task
from winnow.kinds.widget import TEXT, VERDICTS
from winnow.people.decisions import Decision

NOTE = "note"  # the control's name in the labelling config
MODEL = "winnow"
NOTHING = "–"
LONGEST_NEIGHBOUR = 500  # characters

Key = tuple[str, str, str]  # id, text_sha, given label: a task is a question about these


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
    given, suggested = entry["given_label"], entry["suggested_label"]
    probability = {item["label"]: item["p"] for item in entry["probabilities"]}.get(suggested)
    asked = [f"Its label: {given or 'none'}"]
    asked += [f"the model's: {suggested}"] if suggested else []
    asked += [f"wrong with probability {entry['p_error']:.2f}"] if entry["p_error"] is not None else []
    said = [f"{vote['rule']} says {vote['label'] or 'nothing'}" for vote in entry["votes"]]
    near = [f"{row['label']} ({row['similarity']:.2f}): {_shorten(row['text'])}" for row in entry["neighbours"]]
    data = {
        "winnow_id": entry["id"],
        "text_sha": entry["text_sha"],
        "given_label": given or "",
        "suggested_label": suggested or "",
        "rank": entry["rank"],
        "p_error": entry["p_error"],
        "tier": entry["tier"],
        "text": entry["text"],
        "question": "; ".join(asked),
        "reasons": "\n".join([*entry["reasons"], *said]) or NOTHING,
        "neighbours": "\n\n".join(near) or NOTHING,
    }
    found = {"data": {name: value for name, value in data.items() if value is not None}, "predictions": []}
    if suggested:
        result = kinds.load(task, "widget").prediction(suggested)
        found["predictions"] = [{"model_version": MODEL, "score": probability, "result": result}]
    return found


def key(task: Mapping) -> Key | None:
    """Return what a task asks about; None: it is not ours."""
    data = task.get("data")
    found = [data.get(name) for name in ("winnow_id", "text_sha", "given_label")] if isinstance(data, Mapping) else []
    return tuple(found) if found and all(isinstance(cell, str) for cell in found) else None


def people(users: Iterable[Mapping]) -> dict[int, str]:
    """Return what each user is called in decisions.csv: the name, or the email where there is none or two share it."""
    names = {user["id"]: _full_name(user) for user in users}
    shared = {name for name in names.values() if list(names.values()).count(name) > 1}
    emails = {user["id"]: user.get("email", "") for user in users}
    return {id: emails[id] if name in shared or not name else name for id, name in names.items()}


def annotated(tasks: Iterable[Mapping], names: Mapping[int, str], kind: Task) -> tuple[list[Decision], list[str]]:
    """Return the decisions of tasks, a person's newest on each row, and which annotations are none.

    A decision's `line` is its task's number. Skipped and empty annotations are no decisions.

    Args:
        names: of people, by their number.
        kind: section `task` of params.yaml.
    """
    widget = kinds.load(kind, "widget")
    newest: dict[tuple[Key, str], tuple[str, Decision]] = {}
    problems = []
    for task in tasks:
        if (asked := key(task)) is None:
            continue
        for annotation in task["annotations"]:
            if annotation.get("was_cancelled") or not annotation.get("result"):
                continue
            name = _name(annotation.get("completed_by"), names)
            answers = widget.answers(annotation["result"], kind)
            if len(answers) != 1:
                problems.append(f"task {task['id']}: {name} gave {len(answers)} answers; mend it in Label Studio")
                continue
            time = annotation.get("updated_at") or annotation["created_at"]
            if newest.get((asked, name), ("",))[0] <= time:
                newest[asked, name] = time, _decision(task, annotation, name, answers[0])
    return [decision for _, decision in newest.values()], problems


def annotators(tasks: Iterable[Mapping]) -> set[int]:
    """Return the numbers of annotators whose names the tasks do not have."""
    people = (annotation.get("completed_by") for task in tasks for annotation in task["annotations"])
    return {person for person in people if isinstance(person, int)}


def _note(result: Iterable[Mapping]) -> str:
    """Return an annotation's note."""
    notes = []
    for item in result:
        if item.get("from_name") == NOTE:
            text = item["value"].get("text", [])
            notes += [text] if isinstance(text, str) else text
    return " ".join(notes)


def _decision(task: Mapping, annotation: Mapping, reviewer: str, answer: str) -> Decision:
    """Return what an annotation of our task decides.

    Args:
        answer: a label, or a name of `VERDICTS`.
    """
    id, text_sha, given_label = key(task)
    relabels = answer not in VERDICTS and answer != given_label
    verdict = VERDICTS[answer][0] if answer in VERDICTS else "relabel" if relabels else "keep"
    return Decision(
        id=id,
        text_sha=text_sha,
        given_label=given_label,
        verdict=verdict,
        new_label=answer if relabels else "",
        reviewer=reviewer,
        decided_on=(annotation.get("updated_at") or annotation["created_at"])[:10],  # in UTC: the same for everybody
        note=_note(annotation["result"]),
        line=task["id"],
        seconds=annotation.get("lead_time"),
    )


def _name(person: object, names: Mapping[int, str]) -> str:
    if isinstance(person, Mapping):
        return _full_name(person) or person.get("email") or ""
    return names.get(person, "")


def _full_name(user: Mapping) -> str:
    return " ".join(f"{user.get('first_name') or ''} {user.get('last_name') or ''}".split())


def _shorten(text: str) -> str:
    return textwrap.shorten(text, LONGEST_NEIGHBOUR, placeholder=" …")


def _add(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)
