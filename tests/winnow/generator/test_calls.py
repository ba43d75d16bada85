"""Calls of tools in the forms of several families of models: what a model writes is read back as the response was."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import chat_templates as families
from winnow.generator import calls
from winnow.generator.template import Template
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

# By family: the template, what a model writes that calls two tools, and whether it writes words before them.
CALLS = [{"name": "due", "arguments": {"member": 7}}, {"name": "re-new.all", "arguments": {}}]
FORMS = {
    "hermes": (
        families.HERMES,
        '<tool_call>\n{"name": "due", "arguments": {"member": 7}}\n</tool_call>\n'
        '<tool_call>\n{"name": "re-new.all", "arguments": {}}\n</tool_call>',
        True,
    ),
    "mistral 0.3": (
        families.MISTRAL_3,
        '[TOOL_CALLS] [{"name": "due", "arguments": {"member": 7}, "id": "call00000"}, '
        '{"name": "re-new.all", "arguments": {}, "id": "call00001"}]',
        False,
    ),
    "mistral small 3": (
        families.MISTRAL_11,
        '[TOOL_CALLS]due[ARGS]{"member": 7}[TOOL_CALLS]re-new.all[ARGS]{}',
        True,
    ),
    "deepseek": (
        families.DEEPSEEK,
        '<|calls_begin|><|call_begin|>function<|sep|>due\n```json\n{"member": 7}\n```<|call_end|>\n'
        "<|call_begin|>function<|sep|>re-new.all\n```json\n{}\n```<|call_end|><|calls_end|>",
        True,
    ),
    "granite": (
        families.TAGGED,
        '<|tool_call|>[{"name": "due", "arguments": {"member": 7}}, '
        '{"name": "re-new.all", "arguments": {}}]<|/tool_call|>',
        True,
    ),
    "no words for calls": (families.PHI_3, dialogue.compact(CALLS), True),
}
TEMPLATES = {name: Template(families.tokenizer(each[0]), name) for name, each in FORMS.items()}
LLAMA = Template(families.tokenizer(families.LLAMA_3_1), "llama 3.1")
PYTHONIC = Template(families.tokenizer(families.PYTHONIC), "pythonic")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text('ab字 "\n', max_size=3), inner, max_size=2),
    max_leaves=4,
)
ARGUMENTS = st.dictionaries(st.sampled_from(["name", "arguments", "parameters", "q", "夏"]), VALUES, max_size=3)
CALL = st.builds(lambda name, of: {"name": name, "arguments": of}, st.sampled_from(["due", "re-new.all"]), ARGUMENTS)


def ids(template: Template, text: str) -> list[int]:
    return template.tokenizer.encode(text, add_special_tokens=False)


@pytest.mark.parametrize("family", FORMS)
def test_calls_are_written_as_the_maker_s_template_does_and_read_back(family):
    template, (_, written, _) = TEMPLATES[family], FORMS[family]
    response = dialogue.response("", dialogue.compact(CALLS))
    encoded = template.alone(response)
    assert template.tokenizer.decode(encoded.response[:-1]).strip() == written
    assert template.answer(encoded.response) == (response, True)
    assert template.answer(ids(template, written)) == (response, False)


@pytest.mark.parametrize("family", FORMS)
@settings(max_examples=50)
@given(
    content=st.sampled_from(
        ["", "I look it up.", 'It says {"a": [1]} and [2]', "Two\nlines: <tool_call>?", "夏 \U0001f642"]
    ),
    called=st.lists(CALL, min_size=1, max_size=3),
)
def test_any_calls_come_back_with_the_words_before_them(family, content, called):
    template, shows = TEMPLATES[family], FORMS[family][2]
    response = dialogue.response(content, dialogue.compact(called))
    told = dialogue.response(content if shows else "", dialogue.compact(called))
    assert template.answer(template.alone(response).response) == (told, True)


@settings(max_examples=50)
@given(call=CALL)
def test_a_template_of_one_call_without_a_tag_is_read(call):
    response = dialogue.response("", dialogue.compact([call]))
    encoded = LLAMA.alone(response)
    assert LLAMA.tokenizer.decode(encoded.response[:-1]).startswith('{"name": ')
    assert LLAMA.answer(encoded.response) == (response, True)


def test_more_calls_than_a_template_takes_are_text_and_read_back():
    response = dialogue.response("Now:", dialogue.compact(CALLS))
    encoded = LLAMA.alone(response)
    assert LLAMA.tokenizer.decode(encoded.response[:-1]) == f"Now:\n{dialogue.compact(CALLS)}"
    assert LLAMA.answer(encoded.response) == (response, True)
    before = [Message("user", "Due?"), Message("assistant", "", dialogue.compact(CALLS)), Message("user", "And?")]
    asked = LLAMA.encode(dialogue.written(Dialogue(before)), dialogue.response("", dialogue.compact(CALLS[:1])))
    assert dialogue.compact(CALLS) in LLAMA.tokenizer.decode(asked.ids[: asked.start])
    assert LLAMA.tokenizer.decode(asked.response[:-1]) == '{"name": "due", "parameters": {"member": 7}}'


@pytest.mark.parametrize("family", FORMS)
@given(text=st.text(st.characters(codec="utf-8"), max_size=30))
def test_what_calls_nothing_stays_text(family, text):
    for template in (TEMPLATES[family], LLAMA):
        said, _ = template.answer(template.tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))
        assert said == dialogue.response(text.strip())


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (TEMPLATES["hermes"], '<tool_call>\n{"name": "due", "arguments": {"member": 7}'),
        (TEMPLATES["hermes"], '<tool_call>\n{"name": "due"}\n</tool_call>'),
        (TEMPLATES["hermes"], '<tool_call>\n{"name": "due", "arguments": {}}\n</tool_call> and words behind it'),
        (TEMPLATES["no words for calls"], 'A list: [{"name": "due"}]'),
        (LLAMA, '{"name": "due", "arguments": {}}'),
        (LLAMA, 'Look: {"name": "due", "parameters": {}}'),
        (PYTHONIC, "[due(member=7)]"),
    ],
)
def test_what_is_not_wholly_in_the_form_stays_text(template, text):
    assert template.answer(ids(template, text)) == (text, False)


def test_a_form_that_is_not_known_stays_text_as_the_template_writes_it():
    response = dialogue.response("Now:", dialogue.compact(CALLS[:1]))
    assert PYTHONIC.answer(PYTHONIC.alone(response).response) == ("Now:[due(member=7)]", True)


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name":"due","arguments":{"member":7}}</tool_call>',
        '\n\n<tool_call>\n\n{"arguments": {"member": 7}, "name": "due"}</tool_call>  \n',
        '<tool_call>{"name": "due", "arguments": "{\\"member\\": 7}"}</tool_call>',
    ],
)
def test_white_space_and_order_of_a_form_do_not_matter(text):
    template = TEMPLATES["hermes"]
    assert template.answer(ids(template, text))[0] == dialogue.response("", dialogue.compact(CALLS[:1]))


def test_nothing_is_learnt_of_a_template_that_hides_calls():
    assert calls.learnt(lambda called: "I call it.") is None
    assert calls.learnt(lambda called: json.dumps([call["name"] for call in called])) is None


def test_a_call_with_half_a_surrogate_pair_stays_text():
    """Tables hold UTF-8: such a call would end the evaluation of the model that writes it."""
    template = TEMPLATES["hermes"]
    wrote = '<tool_call>\n{"name": "due", "arguments": {"of": "\\ud83d"}}\n</tool_call>'
    answer, _ = template.answer([*template.tokenizer.encode(wrote, add_special_tokens=False), template.end])
    assert answer.encode()
    assert dialogue.answered(answer)[1] == ""
