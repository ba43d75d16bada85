import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import chat_templates as families
from tests import tiny_generator
from winnow.base.errors import UserError
from winnow.generator.template import Template, TooLong
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

SMOL = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
TALK = Dialogue(
    [Message("system", "Be brief."), Message("user", "Which?"), Message("assistant", "Emma."), Message("user", "And?")]
)
# By family: the template, what stands before the response to "Which?", and to TALK, and the token that ends a turn.
FAMILIES = {
    "chatml": (
        families.CHATML,
        SMOL + "<|im_start|>user\nWhich?<|im_end|>\n<|im_start|>assistant\n",
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhich?<|im_end|>\n<|im_start|>assistant\nEmma."
        "<|im_end|>\n<|im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\n",
        "<|im_end|>",
    ),
    "llama 3": (
        families.LLAMA_3,
        "<s><|start_header_id|>user<|end_header_id|>\n\nWhich?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nWhich?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nEmma.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nAnd?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|eot_id|>",
    ),
    "gemma": (
        families.GEMMA,
        "<s><start_of_turn>user\nWhich?<end_of_turn>\n<start_of_turn>model\n",
        "<s><start_of_turn>user\nBe brief.\n\nWhich?<end_of_turn>\n<start_of_turn>model\nEmma.<end_of_turn>\n"
        "<start_of_turn>user\nAnd?<end_of_turn>\n<start_of_turn>model\n",
        "<end_of_turn>",
    ),
    "mistral": (
        families.MISTRAL,
        "<s>[INST] Which? [/INST]",
        "<s>[INST] Be brief.\n\nWhich? [/INST]Emma.</s>[INST] And? [/INST]",
        "</s>",
    ),
    "phi 3": (
        families.PHI_3,
        "<|user|>\nWhich?<|end|>\n<|assistant|>\n",
        "<|system|>\nBe brief.<|end|>\n<|user|>\nWhich?<|end|>\n<|assistant|>\nEmma.<|end|>\n"
        "<|user|>\nAnd?<|end|>\n<|assistant|>\n",
        "<|end|>",
    ),
    "zephyr": (
        families.ZEPHYR,
        "<|user|>\nWhich?</s>\n<|assistant|>\n",
        "<|system|>\nBe brief.</s>\n<|user|>\nWhich?</s>\n<|assistant|>\nEmma.</s>\n<|user|>\nAnd?</s>\n"
        "<|assistant|>\n",
        "</s>",
    ),
    "none": (
        None,
        "Which?\n\n",
        "System: Be brief.\n\nUser: Which?\n\nAssistant: Emma.</s>User: And?\n\nAssistant: ",
        "</s>",
    ),
}
RESPONSES = ["Emma and Persuasion are due.", "(yet)", "Emma\n\nis late\n", "<|im_end|> ends </s> a turn", " Emma", "…!"]
TEMPLATES = {name: Template(families.tokenizer(each[0]), name) for name, each in FAMILIES.items()}
TEXT = st.text(st.characters(codec="utf-8"))


def alone(template: Template, text: str) -> list[int]:
    """Token ids of a text in which nothing is a control token."""
    return template.tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)


@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("talk", [Dialogue([Message("user", "Which?")]), TALK], ids=["one turn", "four turns"])
@pytest.mark.parametrize("family", FAMILIES)
def test_each_token_is_the_prompt_s_or_the_response_s(family, talk, response):
    _, one, four, end = FAMILIES[family]
    template = TEMPLATES[family]
    encoded = template.encode(dialogue.written(talk), dialogue.response(response))

    before = template.tokenizer.encode(four if talk is TALK else one, add_special_tokens=False)
    shown = response.strip() if family in ("llama 3", "gemma") else response
    assert encoded.ids[: encoded.start] == before == template.prompt(dialogue.written(talk))
    tokens = template.tokenizer.convert_ids_to_tokens(encoded.response)
    assert tokens == [*template.tokenizer.convert_ids_to_tokens(alone(template, shown)), end]
    assert template.answer(encoded.response) == (response.strip(), True)


@pytest.mark.parametrize("family", FAMILIES)
@given(prompt=TEXT, response=TEXT.filter(str.strip))
def test_any_text_is_told_from_the_template_s_words(family, prompt, response):
    template = TEMPLATES[family]
    encoded = template.encode(dialogue.written(Dialogue([Message("user", prompt)])), dialogue.response(response))
    end = template.tokenizer.convert_tokens_to_ids(FAMILIES[family][3])
    assert encoded.start > 0
    assert [token for token in encoded.response if token in template.tokenizer.added_tokens_decoder] == [end]
    assert encoded.ids[-1] == end
    words = template.tokenizer.decode(encoded.response[:-1])
    assert words.strip() == response.strip()


def test_a_token_that_would_span_prompt_and_response_is_split():
    template = TEMPLATES["chatml"]
    assert template.tokenizer.tokenize("x\n\n\nEmma")[1] == "ĊĊ"
    encoded = template.encode("Which?", "\n\nEmma")
    assert encoded.ids[: encoded.start] == template.prompt("Which?")
    assert encoded.response == [*alone(template, "\n\nEmma"), template.end]


def test_a_response_follows_a_prompt_that_ends_with_a_thought():
    template = Template(families.tokenizer(families.THINKING), "model")
    encoded = template.encode("Which?", "Emma")
    assert encoded.ids[: encoded.start] == template.prompt("Which?")
    assert template.tokenizer.decode(encoded.ids).endswith("assistant\n<think>\nEmma<|im_end|>")


def test_a_template_that_begins_no_turn_is_helped():
    source = families.CHATML[: families.CHATML.rindex("{% if add")]
    template = Template(families.tokenizer(source), "model")
    assert template.tokenizer.decode(template.prompt("Which?")).endswith("<|im_start|>assistant\n")
    assert template.encode("Which?", "Emma").response == [*alone(template, "Emma"), template.end]


def test_calls_and_tools_are_written_as_the_template_does():
    template = Template(families.tokenizer(families.HERMES), "model")
    tools = dialogue.compact([{"name": "due", "parameters": {"type": "object"}}])
    calls = dialogue.compact([{"name": "due", "arguments": {"member": 7}}])
    asked = Dialogue([Message("user", "Which?")], tools)
    encoded = template.encode(dialogue.written(asked), dialogue.response("", calls))
    told = template.tokenizer.decode(encoded.ids[: encoded.start])
    assert json.loads(told.split("\n")[2].removesuffix("<|im_end|>"))["function"]["name"] == "due"
    assert template.tokenizer.decode(encoded.response) == (
        '<tool_call>\n{"name": "due", "arguments": {"member": 7}}\n</tool_call><|im_end|>'
    )
    answered = [*asked.messages, Message("assistant", "", calls), Message("tool", '["Emma"]', "", {"name": "due"})]
    prompt = template.tokenizer.decode(template.prompt(dialogue.written(Dialogue(answered, tools))))
    assert '<tool_response>\n["Emma"]\n</tool_response>' in prompt


@pytest.mark.parametrize("family", FAMILIES)
def test_calls_and_tools_are_text_where_the_template_has_no_words_for_them(family):
    template = TEMPLATES[family]
    tools, calls = '[{"name":"due"}]', '[{"name":"due","arguments":{}}]'
    turns = [Message("user", "Which?"), Message("assistant", "", calls), Message("tool", '["Emma"]')]
    encoded = template.encode(dialogue.written(Dialogue(turns, tools)), dialogue.response("Now:", calls))
    prompt = template.tokenizer.decode(encoded.ids[: encoded.start])
    assert tools in prompt
    assert calls in prompt
    assert '["Emma"]' in prompt
    assert template.tokenizer.decode(encoded.response[:-1]) == f"Now:\n{calls}"


@pytest.mark.parametrize(
    "calls", ["[{}]", '[{"function":null}]', '[{"name":5,"arguments":{}}]', '[{"name":"\\ud800"}]', "[" * 3000]
)
@pytest.mark.parametrize("family", [families.CHATML, families.HERMES, families.LLAMA_3_1])
def test_calls_that_name_no_function_are_text(family, calls):
    """A template may raise what it likes of them, and one such row would end the run."""
    template = Template(families.tokenizer(family), "a model")
    encoded = template.encode(f"<|tools|>\n{calls}\n<|user|>\nWhich?", dialogue.response("Now:", calls))
    assert template.tokenizer.decode(encoded.response[:-1]) == f"Now:\n{calls}"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_long_prompt_loses_its_oldest_words_and_no_more_than_it_must(family):
    template = TEMPLATES[family]
    turns = [
        Message("user", "Which books? " * 30),
        Message("assistant", "Emma."),
        Message("user", "And? " * 30 + "Now?"),
    ]
    text = dialogue.written(Dialogue([Message("system", "Be brief."), *turns]))
    whole = template.encode(text, "Persuasion")
    for length in (len(whole.ids) - 1, 150, 80):
        short = template.encode(text, "Persuasion", length)
        assert short.response == whole.response
        assert short.cut == len(whole.ids) - len(short.ids) > 0
        words = template.tokenizer.decode(short.ids[: short.start])
        assert "Be brief." in words
        assert "Which books?" not in words
        assert "Now?" in words
        assert len(short.ids) <= length
        assert template.prompt(text, length - len(short.response)) == short.ids[: short.start]
    assert len(short.ids) > 70
    assert template.encode(text, "Persuasion", len(whole.ids)) == whole


def test_a_response_without_room_is_refused():
    template = TEMPLATES["chatml"]
    length = len(template.encode("Which books are due?", "Emma " * 9).ids)
    with pytest.raises(TooLong, match="leave no room"):
        template.encode("Which books are due?", "Emma " * 30, length)
    with pytest.raises(TooLong, match=r"response has \d+ tokens; the model reads"):
        template.alone("Emma " * 90, 50)


def test_a_response_alone_has_the_same_tokens():
    for template in TEMPLATES.values():
        assert template.alone("Emma is due.").response == template.encode("Which?", "Emma is due.").response


def test_what_stopped_without_an_end_is_told():
    template = TEMPLATES["chatml"]
    ids = alone(template, "Emma")
    assert template.answer(ids) == ("Emma", False)
    assert template.answer([*ids, template.tokenizer.eos_token_id, *ids]) == ("Emma", True)
    assert template.answer([]) == ("", False)


def test_a_template_that_tells_the_date_tells_the_same_on_every_day():
    dated = families.CHATML.replace("You are", "Today is {{ '' }}' + strftime_now('%d %b %Y') + '. You are")
    template = Template(families.tokenizer(dated.replace("{{ '' }}", "")), "model")
    assert "26 Jul 2024. You are" in template.tokenizer.decode(template.prompt("Which?"))


def test_turns_of_one_role_are_joined_where_the_template_wants_them_to_alternate():
    turns = [Message("assistant", "Hello."), Message("user", "Which?"), Message("user", "Which, please?")]
    prompt = TEMPLATES["gemma"].prompt(dialogue.written(Dialogue(turns)))
    told = TEMPLATES["gemma"].tokenizer.decode(prompt)
    assert told.count("<start_of_turn>user\n") == 2
    assert "Which?\n\nWhich, please?<end_of_turn>" in told


@pytest.mark.parametrize(
    ("template", "end", "message"),
    [
        (None, None, "model: the tokenizer has neither a chat template nor a token that ends a text"),
        ("{{ messages[0]['content'] }}", "</s>", "model: the chat template does not show an assistant's turn"),
        ("{{ raise_exception('no') }}", "</s>", "model: the chat template refuses a dialogue: no"),
        ("{% for m in messages %}{{ m['content'] }}{% endfor %}", None, "model: no token ends a response"),
    ],
)
def test_templates_that_cannot_be_used_are_told(template, end, message):
    with pytest.raises(UserError, match=message.replace("(", r"\(")):
        Template(families.tokenizer(template, end), "model")


def test_the_tiny_model_s_folder_has_a_template(tmp_path):
    tiny_generator.write(tmp_path / "model")
    assert Template.of(tmp_path / "model").prompt("Which?") == TEMPLATES["chatml"].prompt("Which?")
