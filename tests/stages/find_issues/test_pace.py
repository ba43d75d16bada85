"""pace: the time for a decision is learnt from decisions, and one coffee break changes nothing."""

import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stages.find_issues.pace import _WHOLE_WORDS, LAST, Pace, length, lengths

PACE = Pace(seconds=8.0, words_per_minute=200.0, min_decisions=30)


def decided(rows: int, seed: int = 1) -> tuple[list[int], list[float]]:
    """Four seconds and 300 words a minute, with some noise."""
    random = np.random.default_rng(seed)
    words = random.integers(10, 200, rows)
    return words.tolist(), (4 + words / 5 + random.normal(scale=2, size=rows)).tolist()


def test_time_grows_with_length():
    assert PACE.of(0) == 8
    assert PACE.of(100) == 38


def test_it_is_learnt_from_enough_decisions():
    words, seconds = decided(200)
    found = PACE.measured(words, seconds)
    assert found.words_per_minute == pytest.approx(300, rel=0.05)
    assert found.seconds == pytest.approx(4, abs=1)
    assert PACE.measured(words[:29], seconds[:29]) == PACE
    assert PACE.measured([], []) == PACE


def test_a_coffee_break_changes_little():
    words, seconds = decided(200)
    seconds[::10] = [3600.0] * 20
    found = PACE.measured(words, seconds)
    assert found.of(100) == pytest.approx(24, rel=0.2)


def test_texts_of_one_length_tell_the_rest_alone():
    found = PACE.measured([100] * 40, [40.0] * 40)
    assert found.words_per_minute == 200
    assert found.of(100) == pytest.approx(40)


def test_time_that_shrinks_with_length_tells_no_speed():
    found = PACE.measured(list(range(100, 140)), [float(60 - n) for n in range(40)])
    assert found.words_per_minute == 200
    assert found.seconds >= 1


def test_the_last_decisions_count():
    slow = decided(50)[0], [500.0] * 50
    words, seconds = decided(LAST)
    assert PACE.measured(slow[0] + words, slow[1] + seconds) == PACE.measured(words, seconds)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("The cat's 3.5 kg.", 4),
        ("यह अच्छी किताब है।", 4),
        ("이 책은 좋다.", 3),
        ("这家店很好吃。", 6 * 0.9),
        ("東京に行く", 3 * 0.9 + 2 * 0.6),
        ("データを読む", 1 + 0.9 + 2 * 0.6),
        ("อาหารดี", 6 / 3),
        ("GPU 加速", 1 + 2 * 0.9),
    ],
)
def test_reading_is_counted_in_words_of_every_script(text, words):
    assert length(text) == pytest.approx(words)


@given(st.lists(st.text(max_size=40), max_size=4))
@example(["㈱ ㊀ ㋀ ﾊﾝ", "5 °C ± 2 µm, α-actin", "กา ๏", "a\u0304 ﬁ Ｗ"])
def test_many_are_counted_as_each_is(texts):
    assert lengths(texts) == [length(text) for text in texts]


def test_a_character_of_a_text_of_whole_words_is_no_part_of_one():
    signs = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    signs = [sign for sign in signs if _WHOLE_WORDS.fullmatch(sign)]
    assert len(signs) > 2000
    assert lengths(signs) == [length(sign) for sign in signs]
