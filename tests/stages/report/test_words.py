"""Texts on the page."""

import pytest

from stages.report.words import EXCERPT, listed, shorten


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("short", "short"),
        ("word " * 100, "word " * (EXCERPT // 5 - 1) + "word …"),
        ("GPU " + "字" * 400, "GPU " + "字" * (EXCERPT - 4) + " …"),
        ("字" * EXCERPT, "字" * EXCERPT),
    ],
)
def test_a_text_is_cut_near_its_limit_in_every_script(text, left):
    assert shorten(text) == left


def test_a_list_reads_as_one():
    assert [listed(list("abc")[:count]) for count in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
