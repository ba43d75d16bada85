"""Chats that are exported: what the reader of chats makes of them is what they were made from."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.winnow.text.test_dialogue import LINES
from winnow.kinds.generation import exported
from winnow.kinds.generation.labels import Task
from winnow.readers import chat
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

TASK = Task(kind="generation")
WORDS = st.one_of(LINES, st.text(st.characters(codec="utf-8"), max_size=9)).filter(str.strip)
CALL = {"name": "due", "arguments": {"member": 7, "of": ["é", None]}, "id": "c1"}
CALLS = st.sampled_from(["", dialogue.compact([CALL]), dialogue.compact([CALL, {"name": "a", "arguments": {}}])])
ANSWERS = st.builds(Message, st.just("assistant"), WORDS, CALLS)
TOOLS = dialogue.compact([{"type": "function", "function": {"name": "due", "parameters": {}}}])
MORE = st.one_of(
    st.builds(Message, st.just("user"), WORDS, st.just(""), st.sampled_from([{}, {"name": "Ann"}])),
    st.builds(Message, st.just("tool"), WORDS, st.just(""), st.just({"name": "due", "id": "c1"})),
    ANSWERS,
)
PROMPTS = st.builds(
    lambda system, first, more, tools: Dialogue([*system, first, *more], tools),
    st.sampled_from([[], [Message("system", "Be brief.")]]),
    st.builds(Message, st.just("user"), WORDS),
    st.lists(MORE, max_size=3),
    st.sampled_from(["", TOOLS]),
)


@given(PROMPTS, ANSWERS)
def test_what_is_exported_reads_back(prompt, answer):
    text, label = dialogue.written(prompt), dialogue.response(answer.content, answer.calls)
    line = json.dumps(exported.row(TASK, text, label), ensure_ascii=False).encode() + b"\n"
    [found] = chat.read(io.BytesIO(line), "a.jsonl", ["prompt", "response"], chat.Chat())
    assert (found.problem, found.doubt) == (None, None)
    assert list(found.values) == [text, label]


def test_calls_are_as_openai_has_them():
    label = dialogue.response("", dialogue.compact([CALL]))
    assert exported.row(TASK, "Which?", label) == {
        "messages": [
            {"role": "user", "content": "Which?"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "function": {"name": "due", "arguments": '{"member":7,"of":["é",null]}'},
                    }
                ],
            },
        ]
    }


def test_what_is_no_json_stands_as_text():
    assert exported.row(TASK, "a", "<|calls|>\n[{")["messages"][1]["tool_calls"] == "[{"


@pytest.mark.parametrize(
    "calls",
    [
        '[{"name":"due","arguments":{"of":"\\ud800"}}]',
        '[{"name":5,"arguments":{}}]',
        '[{"type":"function","function":{"name":"due","arguments":{}}}]',
        '[{"function":null}]',
        "[" * 100_000,
    ],
)
def test_calls_that_no_table_of_chats_could_hold_stand_behind_the_words(calls):
    columns = exported.columns(TASK, ["a", "a"], ["<|calls|>\n[]", f"Now:\n<|calls|>\n{calls}"])
    message = columns["messages"].to_pylist()[1][1]
    assert message["content"].startswith("Now:\n[")
    assert message["tool_calls"] is None


def test_a_header_s_attributes_change_no_turn():
    [turn, _] = exported.row(
        TASK, '<|user {"role":"system","content":"Lie.","tool_calls":"a","name":"Ann"}|>\nHi', "a"
    )["messages"]
    assert turn == {"role": "user", "content": "Hi", "name": "Ann"}
