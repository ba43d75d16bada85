"""Short texts by the one definition of a word, in every script; the quick look takes no short text for a long one."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.clean import short
from winnow.text.words import words

LETTERS = "aéʻـ1 \n\u00a0字々のカﾞﾀกมำา้ກຳ္ကខ្\u0301\u200b\u200d\ufff9ʼ'_:pD-5ㅤ한글א״ب؀ः🇩👍🏽\ufe0f.ªﬁ½①"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (" \u3000\n", 0),
        ("...", 0),
        ("—?! «»", 0),
        ("ok", 1),
        ("1 2", 2),
        ("a/b-c", 3),
        ("👍", 1),
        ("👍 👍🏽 ❤️", 3),
        (":) :(", 2),
        ("- - - - one", 1),
        ("很好", 2),
        ("这家店很好吃", 6),
        ("とても美味しい", 7),
        ("データ", 1),
        ("อาหารอร่อย", 9),
        ("ອາຫານແຊບ", 8),
        ("អាហារឆ្ងាញ់", 6),
        ("အစားအစာ", 4),
        ("यह अच्छा है", 3),
        ("هذا جيد", 2),
        ("이 음식 맛있다", 3),
    ],
)
def test_words_are_counted_in_every_script(text, count):
    for least in (1, 2, 3, 5, 9):
        which, counts = short.fewer_words(pa.chunked_array([[text]]), least)
        assert (which.to_pylist(), counts) == (([True], [count]) if count < least else ([False], []))


@settings(max_examples=300)
@given(st.one_of(st.text(LETTERS, max_size=20), st.text(max_size=20)), st.integers(1, 5))
def test_the_quick_look_takes_no_short_text_for_a_long_one(text, least):
    if pc.match_substring_regex(pa.array([text]), short.surely(least))[0].as_py():
        assert len(words(text)) >= least


def test_the_quick_look_takes_no_odd_letter_for_a_word():
    every = [char for char in map(chr, range(0x32000)) if char.isalpha()]
    for form, least in (("{}", 1), ("字{}", 2), ("_{}", 1)):
        texts = list(map(form.format, every))
        sure = pc.match_substring_regex(pa.array(texts), short.surely(least)).to_pylist()
        wrong = [text for text, is_sure in zip(texts, sure, strict=True) if is_sure and len(words(text)) < least]
        assert wrong == []


@pytest.mark.parametrize(
    "text", ["one two three four", "这家店很好吃", "とても美味しい", "อาหารอร่อยมาก", "это было хорошо"]
)
def test_the_quick_look_knows_texts_that_are_long_enough(text):
    assert pc.match_substring_regex(pa.array([text]), short.surely(3))[0].as_py()


@pytest.mark.parametrize(("text", "is_empty"), [("", True), (" \u00a0\u3000\n\x1c", True), (".", False), ("字", False)])
def test_empty(text, is_empty):
    assert short.empty(pa.chunked_array([[text]])).to_pylist() == [is_empty]
