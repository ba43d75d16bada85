"""Responses as labels."""

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.kinds.generation.labels import BANDS, LONGEST, LONGEST_BRIEF, LONGEST_SHOWN, Task
from winnow.text import dialogue

TASK = Task(kind="generation")


@pytest.mark.parametrize("label", ["a", " a\n\nb ", "```\ncode\n```", "- item", '[{"a": 1}]', "日本語"])
def test_a_response_is_its_own_canonical_form(label):
    assert TASK.check(label, "row 1") == label


@pytest.mark.parametrize("label", ["", " ", "\n\t", "<|calls|>", "\n<|calls|>\n "])
def test_a_response_of_nothing_is_an_error(label):
    with pytest.raises(UserError, match=r"^row 1: the response is empty"):
        TASK.check(label, "row 1")


@pytest.mark.parametrize(("count", "band"), [*((last, name) for name, last in BANDS.items()), (1001, LONGEST)])
def test_a_response_counts_for_its_length(count, band):
    assert TASK.names(" ".join(["word"] * count)) == [band]


FLAG = "\U0001f3f3\ufe0f\u200d\U0001f308"


SIGNS = st.one_of(st.sampled_from([" ", "\n", FLAG, "e\u0301"]), st.characters(codec="utf-8"))


@given(st.lists(SIGNS, max_size=300).map("".join))
def test_a_response_is_told_in_one_line_of_its_first_signs(label):
    line = " ".join(label.split())
    for told, most in ((TASK.shown(label, ""), LONGEST_SHOWN), (TASK.brief(label, "")[1:-1], LONGEST_BRIEF)):
        signs = regex.findall(r"\X", line)
        assert told == (line if len(signs) <= most else "".join(signs[:most]).rstrip() + "…")


def test_no_sign_is_cut_in_two_and_code_is_one_line():
    assert TASK.brief(f"a\n\tb {FLAG * 80}", "") == f"“a b {FLAG * 56}…”"
    assert TASK.brief("short", "") == "“short”"


def test_bands_come_from_short_to_long():
    assert TASK.classes(["word " * 60, "word"]) == ["up to 10 words", "51 to 200 words"]


def test_calls_are_no_words():
    assert TASK.names(dialogue.response("one", '[{"name":"' + "a " * 50 + '"}]')) == ["up to 10 words"]
