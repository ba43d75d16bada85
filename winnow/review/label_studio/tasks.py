"""A queue as Label Studio's tasks, and its annotations as decisions; knows of no server.

A person chooses one thing: the right label, or that the text is ambiguous or out of scope. The label that the row has
means `keep`, another one `relabel`.
"""

import textwrap
from collections.abc import Collection, Iterable, Mapping
from xml.etree import ElementTree

from winnow.people.decisions import Decision

CHOICE, NOTE, TEXT = "label", "note", "text"  # names in the labelling config
# What the choices beside the labels are called in an annotation: no label is.
VERDICTS = {"winnow:ambiguous": "ambiguous", "winnow:out_of_scope": "out_of_scope"}
SPECIAL = (
    ("winnow:ambiguous", "Ambiguous: people would differ", "a"),
    ("winnow:out_of_scope", "Out of scope: fits no label", "o"),
)
DIGITS = "1234567890"
MODEL = "winnow"
NOTHING = "–"
LONGEST_NEIGHBOUR = 500  # characters

Key = tuple[str, str, str]  # id, text_sha, given label: a task is a question about these


def config(labels: Collection[str]) -> str:
    """Return the labelling config, in Label Studio's XML."""
    view = ElementTree.Element("View")
    _add(view, "Text", name=TEXT, value="$text")
    _add(view, "Header", value="$question", size="5")
    if len(labels) > len(DIGITS):
        _add(view, "Filter", name="filter", toName=CHOICE, minlength="0", placeholder="Find a label")
    choices = _add(
        view,
        "Choices",
        name=CHOICE,
        toName=TEXT,
        choice="single",
        showInline="true",
        required="true",
        requiredMessage="Choose a label, ambiguous or out of scope",
    )
    for place, label in enumerate(labels):
        hotkey = {"hotkey": DIGITS[place]} if place < len(DIGITS) else {}
        # Label Studio takes $word for a task's column: people see a zero-width space in it, annotations the alias.
        alias = {"alias": label} if "$" in label else {}
        _add(choices, "Choice", value=label.replace("$", "$\u200b"), **alias, **hotkey)
    for alias, value, key in SPECIAL:
        _add(choices, "Choice", value=value, alias=alias, hotkey=key)
    _add(view, "TextArea", name=NOTE, toName=TEXT, placeholder="Why, if it is not plain", maxSubmissions="1")
    _add(view, "Header", value="Why it is asked", size="6")
    _add(view, "Text", name="reasons", value="$reasons")
    _add(view, "Header", value="The nearest rows, with their labels", size="6")
    _add(view, "Text", name="neighbours", value="$neighbours")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode")


def is_ours(controls: object, labels: Collection[str]) -> bool | None:
    """Return whether a project can take our tasks; None: it is ours, but lacks a label or a control.

    Args:
        controls: Label Studio's `parsed_label_config`.
    """
    choice = controls.get(CHOICE) if isinstance(controls, Mapping) else None
    found = set(choice.get("labels", ())) if isinstance(choice, Mapping) else set()
    if not found >= set(VERDICTS):
        return False
    return True if found >= set(labels) and NOTE in controls else None


def task(entry: Mapping) -> dict:
    """Return an entry of a queue (`winnow.people.queue.ENTRY`) as a task, the suggestion as its prediction."""
    given, suggested = entry["given_label"], entry["suggested_label"]
    probability = {item["label"]: item["p"] for item in entry["probabilities"]}.get(suggested)
    question = [f"Its label: {given or 'none'}"]
    question += [f"the model's: {suggested}"] if suggested else []
    question += [f"wrong with probability {entry['p_error']:.2f}"] if entry["p_error"] is not None else []
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
        "question": "; ".join(question),
        "reasons": "\n".join([*entry["reasons"], *said]) or NOTHING,
        "neighbours": "\n\n".join(near) or NOTHING,
    }
    result = {"from_name": CHOICE, "to_name": TEXT, "type": "choices", "value": {"choices": [suggested]}}
    prediction = {"model_version": MODEL, "score": probability, "result": [result]}
    return {
        "data": {name: value for name, value in data.items() if value is not None},
        "predictions": [prediction] if suggested else [],
    }


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


def annotated(tasks: Iterable[Mapping], names: Mapping[int, str]) -> tuple[list[Decision], list[str]]:
    """Return the decisions of tasks, a person's newest on each row, and which annotations are none.

    A decision's `line` is its task's number. Skipped and empty annotations are no decisions.

    Args:
        names: of people, by their number.
    """
    newest: dict[tuple[Key, str], tuple[str, Decision]] = {}
    problems = []
    for task in tasks:
        if (asked := key(task)) is None:
            continue
        for annotation in task["annotations"]:
            if annotation.get("was_cancelled") or not annotation.get("result"):
                continue
            name = _name(annotation.get("completed_by"), names)
            choices, note = _read(annotation["result"])
            if len(choices) != 1:
                problems.append(f"task {task['id']}: {name} chose {len(choices)} labels; mend it in Label Studio")
                continue
            time = annotation.get("updated_at") or annotation["created_at"]
            decision = _decision(asked, choices[0], note, annotation.get("lead_time"), name, time, task["id"])
            if newest.get((asked, name), ("",))[0] <= time:
                newest[asked, name] = time, decision
    return [decision for _, decision in newest.values()], problems


def annotators(tasks: Iterable[Mapping]) -> set[int]:
    """Return the numbers of annotators whose names the tasks do not have."""
    people = (annotation.get("completed_by") for task in tasks for annotation in task["annotations"])
    return {person for person in people if isinstance(person, int)}


def _read(result: list[Mapping]) -> tuple[list[str], str]:
    """Return what an annotation chooses, and its note."""
    choices, notes = [], []
    for item in result:
        if item.get("from_name") == CHOICE:
            choices += item["value"].get("choices", [])
        elif item.get("from_name") == NOTE:
            text = item["value"].get("text", [])
            notes += [text] if isinstance(text, str) else text
    return choices, " ".join(notes)


def _decision(
    asked: Key, choice: str, note: str, seconds: float | None, reviewer: str, time: str, number: int
) -> Decision:
    id, text_sha, given_label = asked
    verdict = VERDICTS.get(choice) or ("keep" if choice == given_label else "relabel")
    return Decision(
        id=id,
        text_sha=text_sha,
        given_label=given_label,
        verdict=verdict,
        new_label=choice if verdict == "relabel" else "",
        reviewer=reviewer,
        decided_on=time[:10],  # in UTC: the same day for everybody who pulls
        note=note,
        line=number,
        seconds=seconds,
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
