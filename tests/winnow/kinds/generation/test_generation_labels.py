"""Responses as labels."""

import pytest

from winnow.base.errors import UserError
from winnow.kinds.generation.labels import BANDS, LONGEST, Task
from winnow.text import dialogue

TASK = Task(kind="generation")


@pytest.mark.parametrize("label", ["a", " a\n\nb ", "```\ncode\n```", "- item", '[{"a": 1}]', "日本語"])
def test_a_response_is_its_own_canonical_form(label):
    assert TASK.check(label, "row 1") == label


@pytest.mark.parametrize("label", ["", " ", "\n\t"])
def test_a_response_of_nothing_is_an_error(label):
    with pytest.raises(UserError, match=r"^row 1: the response is empty"):
        TASK.check(label, "row 1")


@pytest.mark.parametrize(("count", "band"), [*((last, name) for name, last in BANDS.items()), (1001, LONGEST)])
def test_a_response_counts_for_its_length(count, band):
    assert TASK.names(" ".join(["word"] * count)) == [band]


def test_bands_come_from_short_to_long():
    assert TASK.classes(["word " * 60, "word"]) == ["up to 10 words", "51 to 200 words"]


def test_calls_are_no_words():
    assert TASK.names(dialogue.response("one", '[{"name":"' + "a " * 50 + '"}]')) == ["up to 10 words"]
