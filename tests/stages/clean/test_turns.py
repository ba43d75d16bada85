"""Dialogues are cleaned turn by turn, and their responses with them: headers, calls and fenced code stay."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean import __main__ as stage
from stages.clean import checks
from tests.conftest import make_rows
from tests.nasty import OFF, ON, TEXTS
from tests.stages.clean.test_clean import TASK as OF_CLASSES
from tests.stages.clean.test_clean import options
from winnow.base.errors import UserError
from winnow.base.params import parse
from winnow.kinds.generation import turns
from winnow.kinds.generation.labels import Task
from winnow.text import dialogue, fences
from winnow.text.cleaning import pieces, saved
from winnow.text.cleaning.profiles import Profile, rules
from winnow.text.dialogue import Dialogue, Message

TASK = Task(kind="generation")
PAGE = OFF | {"strip_markup": True, "collapse_space": "all"}
CODE = "```html\n<b>  two  spaces </b>\n```"
MASK = {"action": "mask", "kinds": ["email"], "regions": [], "names": None}


def cleaned(*pairs: tuple[str, str | None], **changes) -> tuple[list[dict], list[dict]]:
    table = make_rows([{"id": f"{n}", "text": text, "label": label} for n, (text, label) in enumerate(pairs)])
    settings = options(**{"min_words": 1, "default_profile": "page", "profiles": {"page": PAGE}} | changes)
    result = stage.clean_batch(table, stage.Cleaning(settings, TASK, {}, {}))
    ledger = result["ledger"].to_pylist()
    assert table.num_rows == result["rows"].num_rows + sum(entry["action"] == "drop" for entry in ledger)
    return result["rows"].to_pylist(), ledger


def written(*messages: Message, tools: str = "") -> str:
    return dialogue.written(Dialogue(messages, tools))


def test_each_turn_is_cleaned_and_the_rest_stays():
    call = '[{"name":"due","arguments":{"a":"<i>  x"}}]'
    text = written(
        Message("system", "You are <b>kind</b>."),
        Message("user", f"See:\n{CODE}\n<i>Which   owls?</i>"),
        Message("assistant", "", call),
        Message("tool", '{"a":  "<i>"}', "", {"name": "due"}),
        tools='[{"name":"due"}]',
    )
    (found,), ledger = cleaned((text, f"<p>Tawny   owls:</p>\n\n{CODE}"))
    read = dialogue.read(found["text"])
    assert [turn.content for turn in read.messages] == [
        "You are kind.",
        f"See:\n{CODE}\nWhich owls?",
        "",
        '{"a":  "<i>"}',
    ]
    assert read.messages[2].calls == call
    assert read.tools == '[{"name":"due"}]'
    assert found["label"] == f"Tawny owls:\n\n{CODE}"
    told = {(entry["rule"], entry["before_sha"] is None, "in the response" in entry["reason"]) for entry in ledger}
    assert {("strip_markup", False, False), ("strip_markup", True, True)} <= told


def test_a_response_of_which_nothing_is_left_is_none():
    (found,), ledger = cleaned(("Which owls?", "<br>"))
    assert (found["label"], found["label_origin"]) == (None, None)
    assert "nothing is left of the response" in [entry["reason"] for entry in ledger]


@pytest.mark.parametrize(
    ("pair", "rule", "reason"),
    [
        ((written(Message("system", ""), Message("user", "")), "Tawny owls."), "empty_text", "no text is left"),
        (("Which?", "Tawny owls, most of all."), "too_few_words", "1 words, the least is 3"),
        (("Which of the owls?", "Yes."), "too_few_words", "1 words in the response, the least is 3"),
        (("Which of the owls?", "..."), "too_few_words", "0 words in the response, the least is 3"),
    ],
)
def test_prompt_and_response_each_have_enough_words(pair, rule, reason):
    good = ("Which of the owls?", "Tawny owls, most of all.")
    rows, ledger = cleaned(good, pair, good, ("Which of the owls?", None), min_words=3)
    assert [found["id"] for found in rows] == ["0", "2", "3"]
    assert [(entry["id"], entry["rule"], entry["reason"]) for entry in ledger] == [("1", rule, reason)]


@pytest.mark.parametrize("action", ["mask", "report", "drop"])
def test_personal_data_of_every_turn_and_of_the_response(action):
    call = '[{"name":"mail","arguments":{"to":"ann@example.org"}}]'
    text = written(Message("user", "Write to bob@example.org"), Message("assistant", "", call), Message("tool", "ok"))
    rows, ledger = cleaned(
        (text, "I wrote to ann@example.org"), ("Which owls?", "Tawny."), personal_data=MASK | {"action": action}
    )
    assert [found["id"] for found in rows] == (["1"] if action == "drop" else ["0", "1"])
    if action == "mask":
        assert "example.org" not in rows[0]["text"] + rows[0]["label"]
        assert sorted(entry["reason"] for entry in ledger) == ["1 email, in the response", "2 email"]
    else:
        assert [entry["reason"] for entry in ledger] == ["2 email; 1 email, in the response"]


def test_the_language_is_that_of_the_words():
    german = "Welche Eulen leben hier im Wald?"
    language = {"action": "drop", "keep": ["en"], "min_confidence": 0.5}
    rows, _ = cleaned(
        (german, "Der Waldkauz lebt hier im Wald."), ("Which owls live here?", "Tawny owls."), language=language
    )
    assert [found["id"] for found in rows] == ["1"]


def test_as_a_model_is_asked():
    cleaning = saved.Cleaning(
        default="page",
        profiles={"page": saved.Rules(profile=parse(PAGE, Profile, "p"), boilerplate=[])},
        personal_data=parse(MASK, stage.PersonalData, "p"),
    )
    text = written(Message("system", "Be <b>kind</b>."), Message("user", f"Mail <i>a@example.org</i>\n{CODE}"))
    (found,) = cleaning.clean(pa.array([text]), turns=turns).to_pylist()
    assert found == written(Message("system", "Be kind."), Message("user", f"Mail [EMAIL]\n{CODE}"))


FENCED = st.sampled_from(["```py\n<b>  x\n```", "~~~\n\n  a   b\n~~~", "````\n```\n <i>\n````"])
CONTENT = st.lists(TEXTS | FENCED, min_size=1, max_size=3).map("\n".join)
TURN = st.builds(Message, st.sampled_from(dialogue.ROLES), CONTENT)


@given(st.lists(TURN, min_size=1, max_size=4), CONTENT)
def test_headers_and_code_survive_every_rule(messages, answer):
    active = rules(parse(ON, Profile, "p"))
    text = written(*messages)
    column = pieces.Column.of([text], turns.prompt)
    (found,) = pieces.clean(column, active)
    read = dialogue.read(found)
    assert [turn.role for turn in read.messages] == [turn.role for turn in messages]
    for before, after in zip(messages, read.messages, strict=True):
        code = [before.content[block.start : block.end] for block in fences.blocks(before.content)]
        assert all(part in after.content for part in code)
        assert before.role != "tool" or after.content == before.content
    said = dialogue.response(answer)
    (label,) = pieces.clean(pieces.Column.of([said], turns.response), active)
    code = [answer[block.start : block.end] for block in fences.blocks(answer)]
    assert all(part in dialogue.answered(label)[0] for part in code)


@given(st.lists(TURN, min_size=1, max_size=4), CONTENT)
def test_what_nothing_changes_comes_back_by_the_letter(messages, answer):
    text, label = written(*messages), dialogue.response(answer, "[{}]")
    for split, given_ in ((turns.prompt, text), (turns.whole_prompt, text), (turns.response, label)):
        found = split(given_)
        assert found.joined(found.pieces) == given_
        assert found.joined([f"{piece}" + "x" for piece in found.pieces]) != given_ or not found.pieces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n```py\nx\n```\nb", [("py", "x\n", True)]),
        ("```\nx", [("", "x", False)]),
        ("~~~ r\n```\n~~~", [("r", "```\n", True)]),
        ("a `b` ``c``", []),
        ("```a```", []),
        ("    ```\nx", []),
        ("```\n```\n```\n```\n", [("", "", True), ("", "", True)]),
    ],
)
def test_fences(text, expected):
    assert [(block.language, block.code, block.closed) for block in fences.blocks(text)] == expected


def test_findings_of_checks_are_noted_or_drop_their_rows():
    empty = written(Message("system", "Be kind."), Message("user", " "))
    pairs = [
        ("Who?", "As an AI model, I read."),
        (empty, "Owls."),
        ("Write.", "Dear [Your Name],"),
        ("Which?", "Owls."),
    ]
    rows, ledger = cleaned(*pairs)
    assert [found["id"] for found in rows] == ["0", "2", "3"]
    told = {(entry["id"], entry["action"], entry["rule"]) for entry in ledger}
    usual = {("0", "note", "assistant_boilerplate"), ("1", "drop", "empty_turn"), ("2", "note", "placeholder")}
    assert told == usual
    rows, ledger = cleaned(*pairs, checks={"empty_turn": "note", "placeholder": "drop", "assistant_boilerplate": "off"})
    assert [found["id"] for found in rows] == ["0", "1", "3"]
    assert {(entry["id"], entry["action"]) for entry in ledger} == {("1", "note"), ("2", "drop")}


def test_a_check_that_the_kind_has_not_is_named():
    with pytest.raises(
        UserError, match=r"clean\.checks: 'x' is no check of task\.kind generation; it has empty_turn, "
    ):
        checks.refuse_unknown({"x": "drop"}, TASK)
    with pytest.raises(UserError, match=r"'x' is no check of task\.kind classification; it has none"):
        checks.refuse_unknown({"x": "drop"}, OF_CLASSES)
