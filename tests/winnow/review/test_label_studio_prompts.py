"""Prompts in Label Studio: a field of their own holds the given one, and an edit of it comes back whole."""

import pytest
from hypothesis import given, settings

from tests.winnow.people.test_responses_in_decisions import GIVEN, PROMPT, RESPONSES
from tests.winnow.review.test_label_studio_responses import TASK, decided, field, question, verdict
from winnow import kinds
from winnow.kinds.classification.labels import Task as Classes
from winnow.kinds.generation.labels import SEEN
from winnow.review.label_studio import tasks
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

NEW = "<|system|>\nBe brief.\n<|user|>\nWhich one?"


def prompt(*texts: str) -> dict:
    return field(*texts) | {"from_name": "new_text"}


def test_a_task_holds_the_prompt_to_be_edited():
    given_, _ = question()["predictions"]
    assert given_["result"] == [prompt(PROMPT), field(GIVEN)]
    assert '<TextArea name="new_text"' in tasks.config(TASK)
    assert "new_text" not in tasks.config(Classes(kind="classification", labels=["a", "b"]))


def test_a_project_of_before_gets_the_field():
    widget = kinds.load(TASK, "widget")
    old = {"label": {"type": "TextArea"}, "verdict": {"labels": ["winnow:ambiguous", "winnow:out_of_scope"]}}
    assert widget.fits(old, TASK) is None
    assert tasks.is_ours(old | {"new_text": {"type": "TextArea"}, "note": {}}, TASK) is True


@settings(max_examples=50)
@given(RESPONSES.filter(SEEN.search))
def test_a_prompt_comes_back_whole(text):
    new = dialogue.written(Dialogue([Message("user", text)]))
    [made], problems = decided(prompt(new), field(GIVEN))
    assert problems == []
    assert (made.verdict, made.new_label, TASK.meant_text(made.new_text)) == ("relabel", "", new)


@pytest.mark.parametrize("text", [PROMPT, PROMPT.replace("\n", "\r\n"), " \n", ""])
def test_a_prompt_that_stays_or_is_empty_is_no_edit(text):
    assert [made.verdict for made in decided(prompt(text), field(GIVEN))[0]] == ["keep"]
    [made] = decided(prompt(text), field("other"))[0]
    assert (made.verdict, made.new_label, made.new_text) == ("relabel", "other", "")


def test_both_are_edited_and_a_verdict_counts_more():
    [made] = decided(prompt(NEW), field("other"))[0]
    assert (made.verdict, made.new_label, TASK.meant_text(made.new_text)) == ("relabel", "other", NEW)
    [made] = decided(prompt(NEW), field("other"), verdict("winnow:out_of_scope"))[0]
    assert (made.verdict, made.new_label, made.new_text) == ("out_of_scope", "", "")


def test_a_prompt_that_reads_back_as_no_dialogue_is_told():
    found, [problem] = decided(prompt(NEW.partition("\n")[2]), field(GIVEN))
    assert found == []
    assert problem.startswith("task 7: new_text: the prompt has the line <|user|> and begins with none such")
