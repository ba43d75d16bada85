"""Prompts through a real Label Studio: the given one stands in a field of its own, to stay or to be edited there."""

from dataclasses import replace

import pytest

from tests import review_project
from tests.label_studio.conftest import CHROMIUM, labelling
from tests.label_studio.test_responses import GIVEN, PROMPTS, TASK, TURNS, given, submit
from tests.label_studio.test_server import pull, push, tasks
from winnow.kinds.widget import NEW_TEXT
from winnow.people import decisions
from winnow.review.label_studio import client
from winnow.review.label_studio.client import Client
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue

TITLE = "Prompts"


@pytest.fixture
def project(tmp_path, token, monkeypatch):
    monkeypatch.setenv(client.KEY, token)
    rows = [
        {"id": f"row-{place:03}", "text": prompt, "given_label": label}
        for place, (prompt, label) in enumerate(zip(PROMPTS, GIVEN, strict=True))
    ]
    return replace(review_project.make(tmp_path, rows), task=TASK)


def edited(task: dict, prompt: str) -> list[dict]:
    """What is sent when a person has edited the prompt alone."""
    fields = given(task)
    [field] = [item for item in fields if item["from_name"] == NEW_TEXT]
    field["value"]["text"] = [prompt]
    return fields


def said(project) -> list[tuple[str, str, str, str]]:
    found = decisions.read(project.decisions)
    return [(one.id, one.verdict, TASK.meant(one.new_label), TASK.meant_text(one.new_text)) for one in found]


def test_the_field_holds_the_prompt_and_what_is_written_comes_back(server, project):
    assert push(project, server.url, TITLE) == "5 tasks added, 0 already there"
    found = tasks(server.url, TITLE)
    held = [[item["value"]["text"] for item in given(task) if item["from_name"] == NEW_TEXT] for task in found]
    assert held == [[[prompt]] for prompt in PROMPTS]
    new = dialogue.written(Dialogue([*TURNS[:-1], replace(TURNS[-1], content="And été \U0001f989?\n<|user|>")]))
    submit(server, found[0], given(found[0]))
    submit(server, found[1], edited(found[1], new))
    submit(server, found[2], edited(found[2], " \n"))
    assert pull(project, server.url, TITLE) == "3 decisions added, 0 already there, 2 rows not filled in"
    assert said(project) == [("row-000", "keep", "", ""), ("row-001", "relabel", "", new), ("row-002", "keep", "", "")]
    submit(server, found[3], edited(found[3], "Say\n<|assistant|>\nit."))
    with pytest.raises(client.UserError, match=f"task {found[3]['id']}: new_text: the prompt has the line"):
        pull(project, server.url, TITLE)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium; .ci/run installs it")
def test_a_person_edits_a_prompt(server, project):
    """What is typed behind the prompt's end is part of it; the response in the other field stays."""
    push(project, server.url, "Prompts by hand")
    number = tasks(server.url, "Prompts by hand")[0]["project"]
    with labelling(server.url, number) as page:
        field = page.get_by_test_id("textarea-region").filter(has_text=PROMPTS[0][:8])
        field.wait_for()
        page.wait_for_timeout(1000)  # until its own scripts listen
        field.hover()
        field.get_by_test_id("htx-textbox-edit-button").click()
        page.locator("textarea").filter(has_text=PROMPTS[0][:8]).press("End")
        page.keyboard.insert_text(" \U0001f4c5 Tonight?")
        page.get_by_text("Why it is asked").click()
        with page.expect_response(lambda answer: "/annotations" in answer.url and answer.request.method == "POST"):
            page.keyboard.press("Control+Enter")
        page.wait_for_timeout(1000)
    assert pull(project, server.url, "Prompts by hand") == "1 decisions added, 0 already there, 4 rows not filled in"
    assert said(project) == [("row-000", "relabel", "", f"{PROMPTS[0]} \U0001f4c5 Tonight?")]
    assert Client(server.url).get("/api/projects", title="Prompts by hand")["results"][0]["model_version"] == "given"
