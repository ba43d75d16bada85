"""Prompts and responses through a real Label Studio: they stand in their fields, to be kept as they are or edited."""

from copy import deepcopy
from dataclasses import replace

import pytest

from tests import review_project
from tests.label_studio.conftest import CHROMIUM, EMAIL, labelling
from tests.label_studio.test_server import pull, push, tasks
from winnow.kinds.generation.labels import Task
from winnow.kinds.widget import LABEL, NEW_TEXT
from winnow.people import decisions
from winnow.review.label_studio import client
from winnow.review.label_studio.client import Client
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

TASK = Task(kind="generation")
SYSTEM = Message("system", "You are a librarian \U0001f4da; answer in <b>one</b> line & quote '$text'.")
TURNS = [
    SYSTEM,
    Message("user", "Which books are due? \U0001f469\u200d\U0001f3eb"),
    Message("assistant", "Emma.", '[{"name":"due","arguments":{"member":7}}]'),
    Message("tool", '["Emma","Persuasion"]', attributes={"name": "due"}),
    Message("user", "<|user|>\nAnd e\u0301te\u0301, الصيف, 夏?"),
]
GIVEN = [
    "Owls \U0001f989 hunt by night.\n\n- mice \U0001f42d\n- “voles” & <i>shrews</i>\n\tand $text",
    "Le livre “Été” \U0001f44d\U0001f3fd est dû.",
    dialogue.response("I look it up.", '[{"name":"due","arguments":{"title":"夏"}}]'),
    'Keep this as it is: 100 % \\n "quoted".',
    None,
]
PROMPTS = [
    "What do owls \U0001f989 hunt?",
    dialogue.written(Dialogue(TURNS)),
    dialogue.written(Dialogue(TURNS, '[{"name":"due"}]')),
    "Say it.",
    "No response is given.",
]


@pytest.fixture
def project(tmp_path, token, monkeypatch):
    monkeypatch.setenv(client.KEY, token)
    rows = [
        {
            "id": f"row-{place:03}",
            "text": prompt,
            "given_label": given,
            "suggested_label": f"Another, {place} \U0001f916",
        }
        for place, (prompt, given) in enumerate(zip(PROMPTS, GIVEN, strict=True))
    ]
    return replace(review_project.make(tmp_path, rows), task=TASK)


def submit(server, task: dict, result: list[dict]) -> None:
    Client(server.url).post(f"/api/tasks/{task['id']}/annotations", {"result": result, "lead_time": 3})


def given(task: dict) -> list[dict]:
    """What stands in a task's fields before a person answers."""
    found = [one["result"] for one in task["predictions"] if one["model_version"] == "given"]
    return deepcopy(found[0]) if found else []


def written(task: dict, response: str) -> list[dict]:
    """What is sent when a person has written a response."""
    others = [item for item in given(task) if item["from_name"] != LABEL]
    field = {"from_name": LABEL, "to_name": "text", "type": "textarea", "value": {"text": [response]}}
    return [*others, field]


def said(project) -> list[tuple[str, str, str | None]]:
    """Return what was decided: the row, the verdict and the new response."""
    return [
        (one.id, one.verdict, TASK.meant(one.new_label) if one.new_label else None)
        for one in decisions.read(project.decisions)
    ]


def test_fields_hold_the_given_response_and_what_is_written_comes_back(server, project):
    assert push(project, server.url, "Responses") == "5 tasks added, 0 already there"
    assert push(project, server.url, "Responses") == "0 tasks added, 5 already there"
    [shown] = Client(server.url).get("/api/projects", title="Responses")["results"]
    assert (shown["show_collab_predictions"], shown["model_version"]) == (True, "given")
    found = tasks(server.url, "Responses")
    assert [task["data"]["text"] for task in found] == PROMPTS
    held = [[item["value"]["text"] for item in given(task) if item["from_name"] == LABEL] for task in found]
    assert held == [[[response]] if response else [] for response in GIVEN]

    edited = GIVEN[1].replace("dû", "dû \U0001f4c5\ndemain")
    called = dialogue.response("Now.", '[{"name":"due","arguments":{"title":"春"}}]')
    submit(server, found[0], given(found[0]))
    submit(server, found[1], written(found[1], edited))
    submit(server, found[2], written(found[2], called))
    verdict = {"from_name": "verdict", "to_name": "text", "type": "choices", "value": {"choices": ["winnow:ambiguous"]}}
    submit(server, found[3], [*given(found[3]), verdict])
    submit(server, found[4], written(found[4], "<|user|>\nA header \U0001f3f3\ufe0f\u200d\U0001f308 in it"))
    assert pull(project, server.url, "Responses") == "5 decisions added, 0 already there, 0 rows not filled in"
    assert pull(project, server.url, "Responses") == "0 decisions added, 5 already there, 0 rows not filled in"
    assert said(project) == [
        ("row-000", "keep", None),
        ("row-001", "relabel", edited),
        ("row-002", "relabel", called),
        ("row-003", "ambiguous", None),
        ("row-004", "relabel", "<|user|>\nA header \U0001f3f3\ufe0f\u200d\U0001f308 in it"),
    ]


def test_a_prompt_of_several_turns_is_edited_beside_its_response(server, project):
    push(project, server.url, "Several turns")
    found = tasks(server.url, "Several turns")
    asked = dialogue.written(Dialogue([*TURNS[:-1], Message("user", "<|user|>\nEt l'e\u0301te\u0301 \U0001f31e?")]))
    both = {NEW_TEXT: asked, LABEL: "Le livre est dû. \U0001f4da"}
    for task, changed in zip(found[1:3], ({NEW_TEXT: asked}, both), strict=True):
        result = given(task)
        for item in result:
            item["value"]["text"] = [changed.get(item["from_name"], item["value"]["text"][0])]
        submit(server, task, result)
    assert pull(project, server.url, "Several turns") == "2 decisions added, 0 already there, 3 rows not filled in"
    assert said(project) == [("row-001", "relabel", None), ("row-002", "relabel", both[LABEL])]
    assert [TASK.meant_text(one.new_text) for one in decisions.read(project.decisions)] == [asked, asked]


def test_an_empty_field_is_no_answer_and_two_are_told(server, project):
    push(project, server.url, "Responses unclear")
    first, second, *_ = tasks(server.url, "Responses unclear")
    submit(server, first, written(first, " \n"))
    two = written(second, "One.")
    two[-1]["value"]["text"].append("Two.")
    submit(server, second, two)
    with pytest.raises(client.UserError) as error:
        pull(project, server.url, "Responses unclear")
    assert f"task {first['id']}: {EMAIL} gave 0 answers" in str(error.value)
    assert f"task {second['id']}: {EMAIL} gave 2 answers" in str(error.value)
    assert said(project) == []


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium; .ci/run installs it")
def test_a_person_keeps_a_response_and_edits_the_next(server, project):
    """The given response stands there: Ctrl+Enter keeps it, and what is typed behind its end is part of it."""
    push(project, server.url, "Responses by hand")
    number = tasks(server.url, "Responses by hand")[0]["project"]
    with labelling(server.url, number) as page:
        for place, typed in enumerate(["", " \U0001f4c5 demain"]):
            field = page.get_by_test_id("textarea-region").filter(has_text=GIVEN[place][:20])
            field.wait_for()
            page.wait_for_timeout(1000)  # until its own scripts listen
            if typed:
                field.hover()
                field.get_by_test_id("htx-textbox-edit-button").click()
                box = page.locator("textarea").filter(has_text=GIVEN[place][:20])
                box.press("End")
                page.keyboard.insert_text(typed)
                page.get_by_text("Why it is asked").click()
            with page.expect_response(lambda answer: "/annotations" in answer.url and answer.request.method == "POST"):
                page.keyboard.press("Control+Enter")
        page.get_by_test_id("textarea-region").filter(has_text=dialogue.answered(GIVEN[2])[0]).wait_for()
    assert pull(project, server.url, "Responses by hand") == "2 decisions added, 0 already there, 3 rows not filled in"
    assert said(project) == [
        ("row-000", "keep", None),
        ("row-001", "relabel", f"{GIVEN[1]} \U0001f4c5 demain"),
    ]
