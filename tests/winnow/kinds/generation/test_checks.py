"""Checks of pairs: each finds what it is for, and passes what only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.kinds.generation import checks
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

SENTENCE = "It was a fine day by the river. "
OPEN = f"{SENTENCE}We walked on until we saw many large white birds that"
GERMAN = "Welche Vögel leben dort am Fluss im Wald und jagen vor allem nachts?"
ENGLISH = "These are tawny owls, which live in the forest near the river."
MANY = " ".join(f"word{number}" for number in range(40))
TOOLS = '[{"type":"function","function":{"name":"due"}}]'


def prompt(*turns: tuple[str, str] | Message, tools: str = "") -> str:
    return dialogue.written(Dialogue([turn if isinstance(turn, Message) else Message(*turn) for turn in turns], tools))


def called(calls: str) -> str:
    return dialogue.response("", calls)


DUE = Message("assistant", "", '[{"name":"due","arguments":{}}]')
FOUND = [
    ("empty_turn", prompt(("system", "Be kind."), ("user", " ")), "ok", "turn 2, the user's, is empty"),
    ("empty_turn", prompt(("user", "\u200b\u3000")), "ok", "turn 1, the user's, is empty"),
    ("role_order", prompt(("user", "a"), ("user", "b")), "ok", "two turns of the user in a row"),
    ("role_order", prompt(("user", "a"), ("system", "b")), "ok", "the system's turn is not the first"),
    ("role_order", prompt(("assistant", "a"), ("user", "b")), "ok", "the first turn is the assistant's"),
    ("role_order", prompt(("user", "a"), ("tool", "b")), "ok", "a tool's turn follows no call"),
    ("role_order", prompt(("user", "a"), ("assistant", "b")), "ok", "the response follows a turn of the assistant"),
    ("truncated", "Tell me.", OPEN, "it ends without an end: '…until we saw"),
    ("truncated", "Tell me.", f"{SENTENCE}We walked on, and then we saw, as always, the …", "it ends without an end"),
    ("echo", "Which owls?", "which owls", "the response is the prompt"),
    (
        "echo",
        "Which owls live by the river?",
        "Which owls live by the river? Tawny owls.",
        "begins with the whole prompt",
    ),
    (
        "echo",
        "Which owls live by the river?",
        "The question: Which owls live by the river? Tawny owls.",
        "begins with the whole prompt",
    ),
    ("refusal", "Help.", "I’m sorry, but I can’t help with that.", "I’m sorry, but I can’t"),
    ("refusal", "Hilf.", "Es tut mir leid, aber ich kann das nicht.", "tut mir leid, aber ich kann"),
    ("refusal", "Aide.", "Je suis désolé, mais je ne peux pas.", "Je suis désolé, mais je"),
    ("refusal", "帮我", "对不起，我无法回答。", "对不起，我无法"),
    ("refusal", "助けて", "申し訳ありませんが、お答えできません。", "申し訳ありませんが"),
    ("assistant_boilerplate", "Who?", "As an AI language model, I read.", "As an AI"),
    ("assistant_boilerplate", "Wer?", "Als KI-Sprachmodell lese ich.", "Als KI-Sprachmodell"),
    ("assistant_boilerplate", "¿Quién?", "Como modelo de lenguaje, leo.", "Como modelo de lenguaje"),
    ("assistant_boilerplate", "Кто?", "Как языковая модель, я читаю.", "Как языковая модель"),
    ("assistant_boilerplate", "谁", "作为一个人工智能，我读书。", "作为一个人工智能"),
    ("placeholder", "Write.", "Dear [Your Name],", "'[Your Name]' in the response"),
    ("placeholder", "Schreibe.", "Sehr geehrte [Ihr Name],", "'[Ihr Name]' in the response"),
    ("placeholder", "写", "尊敬的[您的姓名]：", "'[您的姓名]' in the response"),
    ("placeholder", "About {{topic}}.", "Owls.", "'{{topic}}' in the prompt"),
    ("placeholder", "Write.", "Lorem ipsum dolor.", "'Lorem ipsum' in the response"),
    ("other_language", GERMAN, ENGLISH, "the prompt is in de, the response in en"),
    ("code_fence", "Code.", "```py\nprint(1)", "code in the response is never closed"),
    ("json", "Code.", '```json\n{"a":}\n```', "a block of JSON: Expecting value"),
    ("json", "Return only valid JSON.", "{'a': 1}", "the prompt speaks of JSON: Expecting property name"),
    ("json", "请以JSON返回。", '{"a": 1,}', "the prompt speaks of JSON: "),
    (
        "tool_call",
        prompt(("user", "a"), tools=TOOLS),
        called('[{"name":"dun"}]'),
        "'dun' is none of the declared tools",
    ),
    ("tool_call", "a", called('[{"name":'), "a call does not parse: Expecting value"),
    ("tool_call", "a", called('[{"name":"due","arguments":"{"}]'), "the arguments of 'due' are no object"),
    ("tool_call", "a", called("[{}]"), "a call has no name"),
    ("repetition", "a", "The owl is here.\n" * 4, "a line comes 4 times: 'The owl is here.'"),
    ("repetition", "a", "one two three four five six " * 12, "all of it comes 12 times"),
    ("repetition", "a", "The owl hunts by night. The owl hunts by night.", "all of it comes 2 times"),
    ("repetition", "a", f"{MANY} {MANY} and so on.", "of its runs of 5 words come again"),
    ("encoding", "a", "caf\ufffd", "a character of the response was lost on the way (U+FFFD)"),
]
PASSED = [
    ("role_order", prompt(("system", "s"), ("user", "a"), DUE, ("tool", "b"), ("tool", "c")), "ok"),
    ("truncated", "List.", f"{SENTENCE}\n- one of the owls that we saw at the river yesterday"),
    ("truncated", "Tell me.", f"{SENTENCE}\nYes"),
    ("truncated", "Tell me.", "the title of a paper about owls that live near the river"),
    ("truncated", "Code.", f"{SENTENCE}\n```py\nx = 1\n```"),
    ("truncated", "Tell me.", f"{SENTENCE}See the page on owls that hunt by night: https://example.org/owls"),
    ("echo", "Owls?", "Owls? They live here."),
    ("echo", "Which owls?", "You ask which owls?"),
    ("empty_turn", prompt(("system", " "), ("user", "…")), "ok"),
    ("placeholder", "Write.", "The [data not shown] and [see the table]."),
    ("refusal", "Story.", "“I am sorry,” said the owl, “but winter is here.”"),
    ("refusal", "いくら", "申し訳ありませんが、百円です。"),
    ("assistant_boilerplate", "Story.", "He works as an air traffic controller on AI models."),
    ("placeholder", "Write.", "See [Name](https://example.org), `{{x}}` and\n```html\n{{ y }}\n```"),
    ("placeholder", "Write.", "The array is [1, 2] and [EMAIL] stays."),
    ("other_language", f"Translate this: {GERMAN}", ENGLISH),
    ("other_language", GERMAN, "Tawny owls."),
    ("code_fence", "Code.", "```py\nprint(1)\n```"),
    ("json", "Return only valid JSON.", '{"a": [1, 2]}'),
    ("json", "What is JSON?", "{ opens an object"),
    ("json", "What is JSON?", "[1] It is a format."),
    ("tool_call", prompt(("user", "a"), tools=TOOLS), called('[{"name":"due","arguments":{"a":1}}]')),
    ("repetition", "a", "Row, row, row your boat, row, row, row your boat, and so on."),
    ("repetition", "a", "No, no, no, no!"),
    ("repetition", "a", "- a\n- a\n- a\n- a\n- a\n"),
]


@pytest.mark.parametrize(("name", "text", "label", "reason"), FOUND)
def test_what_each_check_finds(name, text, label, reason):
    found = checks.find(text, label, [name])
    assert list(found) == [name]
    assert reason in found[name]


@pytest.mark.parametrize(("name", "text", "label"), PASSED)
def test_what_each_check_passes(name, text, label):
    assert checks.find(text, label, [name]) == {}


def test_every_check_is_tested_and_can_be_off():
    assert {name for name, *_ in FOUND} == set(checks.DEFAULTS)
    assert checks.find(FOUND[0][1], "", []) == {}


@given(st.text(max_size=200), st.none() | st.text(max_size=200))
def test_no_text_stops_a_check(text, label):
    for reason in checks.find(text, label, checks.DEFAULTS).values():
        assert len(reason) < 200
