"""The changes of a response in a line."""

import pytest
from hypothesis import given

from tests import nasty
from winnow.kinds.generation import changes

LONG = "one two three four five six seven eight nine ten"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("It is Emma, due.", "It was Emma.", "It [-is-]{+was+} Emma[-, due-]."),
        ("Two\nlines", "Two\nlines more", "Two lines{+ more+}"),
        (f"{LONG} a {LONG}", f"{LONG} b {LONG}", "…seven eight nine ten [-a-]{+b+} one two three four…"),
        ("", "New.", "{+New.+}"),
    ],
)
def test_what_is_told(before, after, told):
    assert changes.told(before, after) == told


@given(nasty.TEXTS, nasty.TEXTS)
def test_any_change_is_one_short_line(before, after):
    line = changes.told(before, after)
    assert len(line.splitlines()) <= 1
    assert len(line) <= changes.MOST + 1


def test_long_responses_take_a_moment():
    assert changes.told("a b " * 20_000, "a c " * 20_000).startswith("a [-b")
