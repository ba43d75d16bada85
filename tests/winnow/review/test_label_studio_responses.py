"""Responses in Label Studio: the field holds the given one, an edit comes back whole, and tells itself in one line."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings

from tests import review_project
from tests.winnow.people.test_responses_in_decisions import GIVEN, HASH, PROMPT, RESPONSES
from winnow import kinds
from winnow.kinds.generation.labels import Task
from winnow.people import decisions, queue
from winnow.review import importing, label_studio
from winnow.review.label_studio import tasks

TASK = Task(kind="generation")
ENTRY = {"id": "row-000", "text": PROMPT, "given_label": GIVEN, "suggested_label": "One\nTwo", "p_error": 0.8}


@pytest.fixture
def project(tmp_path):
    return replace(review_project.make(tmp_path, [ENTRY]), task=TASK)


def question() -> dict:
    [row] = queue.table([ENTRY]).to_pylist()
    return tasks.question(row, TASK)


def field(*texts: str) -> dict:
    return {"from_name": "label", "to_name": "text", "type": "textarea", "value": {"text": list(texts)}}


def verdict(name: str) -> dict:
    return {"from_name": "verdict", "to_name": "text", "type": "choices", "value": {"choices": [name]}}


def decided(*result: dict) -> tuple[list[decisions.Decision], list[str]]:
    made = {"completed_by": 1, "created_at": "2026-01-31T23:59:59Z", "lead_time": 3, "result": list(result)}
    found, problems, _ = tasks.annotated([question() | {"id": 7, "annotations": [made]}], {1: "ana"}, TASK)
    return found, problems


def test_a_task_holds_the_given_response_to_be_edited():
    given, suggested = question()["predictions"]
    assert (given["model_version"], given["result"][1:]) == ("given", [field(GIVEN)])
    assert (suggested["model_version"], suggested["result"][1:]) == ("winnow", [field("One\nTwo")])
    assert question()["data"]["question"].startswith("Its label: Two lines: - one; the model's: One Two")


@settings(max_examples=50)
@given(RESPONSES)
def test_an_edit_comes_back_whole(response):
    [made], problems = decided(field(response))
    assert problems == []
    keeps = response.replace("\r\n", "\n") == GIVEN
    assert (made.given_label, TASK.meant(made.new_label)) == (HASH, "" if keeps else response)
    assert made.verdict == ("keep" if keeps else "relabel")


def test_what_stands_is_kept_and_a_verdict_counts_more():
    assert [made.verdict for made in decided(field(GIVEN))[0]] == ["keep"]
    assert "\n" in GIVEN
    assert [made.verdict for made in decided(field(GIVEN.replace("\n", "\r\n")))[0]] == ["keep"]
    assert [made.verdict for made in decided(field("other"), verdict("winnow:ambiguous"))[0]] == ["ambiguous"]


@pytest.mark.parametrize("result", [[], [field()], [field(" \n")], [field("a", "b")]])
def test_no_answer_and_two_are_none(result):
    found, problems = decided(*result)
    assert found == []
    assert problems == ([] if not result else [problems[0]])


def test_a_project_is_ours_with_field_and_verdicts():
    widget = kinds.load(TASK, "widget")
    fields = {name: {"type": "TextArea"} for name in ("label", "new_text")}
    ours = fields | {"verdict": {"labels": ["winnow:ambiguous", "winnow:out_of_scope"]}}
    assert widget.fits(ours, TASK) is True
    assert widget.fits({"label": {"type": "Choices"}}, TASK) is False
    config = tasks.config(TASK)
    assert 'editable="true"' in config
    assert 'rows="8"' in config


def test_a_file_of_tasks_comes_back_as_decisions(project, tmp_path):
    target = review_project.target(project)
    file = tmp_path / "tasks.json"
    label_studio.write_tasks(file, queue.read(project.queue), target)
    exported = json.loads(file.read_text())
    made = {"completed_by": 1, "created_at": "2026-01-31T23:59:59Z", "lead_time": 3, "result": [field("One\r\nTwo")]}
    exported[0] |= {"id": 7, "annotations": [made]}
    file.write_text(json.dumps(exported))
    for added in (1, 0):
        assert importing.run(file, review_project.target(project), "ana").added == added
    [line] = decisions.read(project.decisions)
    assert TASK.meant(line.new_label) == "One\r\nTwo"
    assert len(project.decisions.read_text().splitlines()) == 2
    assert review_project.target(project).undecided(queue.read(project.queue)) == []
