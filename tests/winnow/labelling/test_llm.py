"""Kind llm: prompts, keys, recorded answers, and what counts as an answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.other_tasks import NUMBERS
from tests.winnow.labelling.conftest import TASK, make_rule, row
from winnow.base.errors import UserError
from winnow.labelling import llm

LLM = {
    "kind": "llm",
    "base_url": "http://127.0.0.1:8000/v1",
    "model": "tiny-2026-01-31",
    "api_key_env": None,
    "prompt": "One of {labels}? {meta.title}: {text}",
}


def answers(folder, *pairs: tuple[str, str]) -> None:
    """Record answers to questions about texts."""
    rule = make_rule(**LLM)
    lines = [
        json.dumps({"key": rule.key(rule.question(row(text), TASK)), "id": "x", "answer": answer}) + "\n"
        for text, answer in pairs
    ]
    (folder / "mine.jsonl").write_text("".join(lines), encoding="utf-8")


def test_a_question_holds_the_row_and_nothing_in_a_text_is_a_placeholder():
    question = make_rule(**LLM).question(row("is {labels} {meta.title}?", title="{text}"), TASK)
    assert question == "One of FRUIT, STONE? {text}: is {labels} {meta.title}?"


def test_another_model_other_options_or_another_text_are_another_key():
    rule = make_rule(**LLM)
    others = [make_rule(**LLM | {"model": "other"}), make_rule(**LLM, options={"temperature": 0.5})]
    keys = {rule.key("a"), rule.key("b"), *(other.key("a") for other in others)}
    assert len(keys) == 4
    assert make_rule(**LLM | {"timeout": 5, "base_url": "https://example.org"}).key("a") == rule.key("a")


def test_recorded_answers_vote_and_what_is_no_answer_is_counted(tmp_path):
    answers(tmp_path, ("a", "fruit"), ("b", "I would say STONE or FRUIT"), ("a", "STONE."), ("c", ""))
    voter = make_rule(**LLM).voter(tmp_path, TASK)
    assert voter.vote([row("a"), row("b"), row("c"), row("not asked")]) == ["STONE", None, None, None]
    assert dict(voter.counts) == {"answers": 1, "unusable_answers": 2}


def test_answers_to_another_prompt_are_none(tmp_path):
    answers(tmp_path, ("a", "FRUIT"))
    voter = make_rule(**LLM | {"prompt": "What is {text}?"}).voter(tmp_path, TASK)
    assert voter.vote([row("a")]) == [None]


def test_without_answers_the_command_is_named(tmp_path):
    with pytest.raises(UserError, match=r"mine.jsonl: not found; `winnow label mine` asks and writes it"):
        make_rule(**LLM).voter(tmp_path, TASK)


def test_a_torn_last_line_is_no_answer_and_another_bad_line_is_named(tmp_path):
    answers(tmp_path, ("a", "FRUIT"), ("b", "STONE"))
    path = tmp_path / "mine.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert make_rule(**LLM).voter(tmp_path, TASK).vote([row("a"), row("b")]) == ["FRUIT", None]
    for bad in (b"<<<<<<< HEAD\n", b'{"key": "a"}\n', b"[1]\n", b"\xff\n"):
        path.write_bytes(bad + path.read_bytes())
        with pytest.raises(UserError, match=r"mine\.jsonl: line 1: no recorded answer; take the line out"):
            llm.recorded(path)
        path.write_bytes(path.read_bytes().removeprefix(bad))


@pytest.mark.parametrize(
    "answer",
    ["FRUIT", " fruit\n", '"Fruit"', "**FRUIT**", "`FRUIT`.", '{"label": "fruit"}', '```json\n{"label": "FRUIT"}\n```']
    + ["<think>STONE? No.</think>\nFRUIT"],
)
def test_an_answer_that_is_a_label_counts(answer):
    assert llm.parse(answer, TASK) == "FRUIT"


@pytest.mark.parametrize(
    "answer",
    ["", "...", "FRUITS", "not FRUIT", "FRUIT, STONE", "FRUIT because it is sweet", '{"label": "PLANT"}', "{"]
    + ['{"label": ["FRUIT"]}', '{"label": "FRUIT", "other": "STONE"}', "[]", "<think>FRUIT"],
)
def test_anything_else_does_not(answer):
    assert llm.parse(answer, TASK) is None


def test_an_answer_may_be_a_label_of_an_open_set():
    assert llm.parse("**2.50**", NUMBERS) == "2.5"
    assert llm.parse('{"label": "-3"}', NUMBERS) == "-3"
    assert llm.parse("about 3", NUMBERS) is None
    with pytest.raises(UserError, match=r"the prompt shows \{labels\}, but task.kind numbers has no list of them"):
        make_rule(**LLM).question(row("a"), NUMBERS)


@given(st.text())
def test_whatever_is_answered_gives_a_label_or_none(answer):
    assert llm.parse(answer, TASK) in {None, *TASK.labels}


@given(st.text(), st.text())
def test_a_question_ends_with_its_text(text, title):
    assert make_rule(**LLM).question(row(text, title=title), TASK) == f"One of FRUIT, STONE? {title}: {text}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt": "What is it?"}, r"the prompt lacks \{text\}"),
        ({"base_url": "http://me:hush@example.org/v1"}, "base_url"),
        ({"base_url": "ftp://example.org"}, "base_url"),
        ({"api_key_env": "sk-123"}, "api_key_env"),
        ({"concurrency": 0}, "concurrency"),
        ({"temperature": 0}, "temperature: unknown parameter"),
    ],
)
def test_bad_parameters_are_named(changes, message):
    with pytest.raises(UserError, match=message):
        make_rule(**LLM | changes)
