"""Dialogues as text: what is written reads back, whatever the turns hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

HEADERS = st.sampled_from(["<|user|>", "\\<|user|>", "<|calls|>", '<|tool {"name":"a"}|>', "<|tools|>", "a <|user|>"])
LINES = st.lists(st.one_of(st.text(max_size=8), HEADERS), max_size=5).map("\n".join)
BROKEN = "{broken\n<|user|>\n\\\\<|calls|>\n<|calls|>"  # calls that a source garbled
CALLS = st.sampled_from(["", '[{"name":"due","arguments":{}}]', BROKEN])
TURNS = st.one_of(
    st.builds(Message, st.sampled_from(["system", "user"]), LINES),
    st.builds(Message, st.just("assistant"), LINES, CALLS),
    st.builds(Message, st.just("tool"), LINES, st.just(""), st.just({"name": 'du"e\n', "id": "7"})),
)


@given(st.builds(Dialogue, st.lists(TURNS, min_size=1, max_size=5), st.sampled_from(["", '[{"name":"due"}]'])))
def test_a_dialogue_reads_back(made):
    assert dialogue.read(dialogue.written(made)) == made


@given(LINES, CALLS)
def test_a_response_reads_back(content, calls):
    assert dialogue.answered(dialogue.response(content, calls)) == (content, calls)


@given(LINES, CALLS)
def test_a_response_is_the_body_of_a_turn(content, calls):
    made = Dialogue([Message("user", "a"), Message("assistant", content, calls)])
    assert dialogue.written(made).endswith(f"<|assistant|>\n{dialogue.response(content, calls)}")


def test_one_turn_of_a_user_is_its_words():
    assert dialogue.written(Dialogue([Message("user", "Which books\nare due?")])) == "Which books\nare due?"


def test_turns_have_headers():
    made = Dialogue(
        [
            Message("system", "Be brief."),
            Message("user", "Which?"),
            Message("assistant", "", '[{"name":"due"}]'),
            Message("tool", "Emma", "", {"name": "due"}),
        ]
    )
    assert dialogue.written(made) == (
        '<|system|>\nBe brief.\n<|user|>\nWhich?\n<|assistant|>\n\n<|calls|>\n[{"name":"due"}]\n'
        '<|tool {"name":"due"}|>\nEmma'
    ).replace("<|assistant|>\n\n", "<|assistant|>\n")


@pytest.mark.parametrize("text", ["<|calls|>\n[]", "<|user|>\na\n<|calls|>\n[]", "<|user|>\na\n<|tools|>\n[]"])
def test_a_header_where_none_may_stand_is_an_error(text):
    with pytest.raises(UserError, match="stands where none may"):
        dialogue.read(text)


def test_attributes_that_are_no_json_are_an_error():
    with pytest.raises(UserError, match="no JSON"):
        dialogue.read("<|tool {a}|>\nb")


@pytest.mark.parametrize("value", ["[" * 100_000 + "]" * 100_000, '"\\ud800"'])
def test_attributes_that_no_table_could_hold_are_none(value):
    with pytest.raises(UserError, match="attributes that are no JSON"):
        dialogue.read(f'<|user {{"name":{value}}}|>\nWhich books are due?')
