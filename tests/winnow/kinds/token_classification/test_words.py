"""Words of a text and their tags: every visible character is in a word, and tags tell spans again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.kinds.token_classification import words
from winnow.kinds.token_classification.labels import Task, canonical

TASK = Task(kind="token_classification", labels=["a", "b"])
SIGNS = "ab1é\u0301 \n-.(ह\u093fक्ष中ไทยเ한국\u200c\u200d👩🏽🔬🇩🇪אب\u064e\ud800\ufeff"
TEXTS = st.text(st.sampled_from(SIGNS), max_size=30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n", []),
        ("IL-2 (10mg).", ["IL", "-", "2", "(", "10mg", ")", "."]),
        ("caffe\u0301 x", ["caffe\u0301", "x"]),
        ("👩🏽‍🔬!🇩🇪", ["👩🏽‍🔬", "!", "🇩🇪"]),
        ("東京のBRCA1", ["東", "京", "の", "BRCA1"]),
        ("한국은", ["한", "국", "은"]),
        ("می‌خواهم، كِتَاب", ["می‌خواهم", "،", "كِتَاب"]),
        ("हिन्दी", ["हिन्दी"]),
        ("ที่นี่", ["ที่", "นี่"]),
    ],
)
def test_words_are_runs_of_letters_and_single_signs(text, expected):
    assert [text[start:end] for start, end in words.offsets(text)] == expected


@given(TEXTS)
def test_every_visible_character_is_in_one_word(text):
    offsets = words.offsets(text)
    assert offsets.dtype == np.int32
    assert offsets.shape == (len(offsets), 2)
    assert (offsets[:, 0] < offsets[:, 1]).all()
    assert (offsets[1:, 0] >= offsets[:-1, 1]).all()
    covered = {place for start, end in offsets for place in range(start, end)}
    assert {place for place, sign in enumerate(text) if not sign.isspace()} <= covered
    assert not any(text[start].isspace() for start, _ in offsets)


@given(TEXTS, st.data())
def test_tags_tell_spans_again_whose_borders_are_those_of_words(text, data):
    offsets = words.offsets(text)
    tags = data.draw(st.lists(st.integers(0, 4), min_size=len(offsets), max_size=len(offsets)))
    label = words.spans_of(TASK, tags, offsets)
    assert TASK.check(label, "") == label
    again = words.tags(TASK, label, offsets)
    assert words.spans_of(TASK, again, offsets) == label
    assert ((again > 0) == (np.array(tags, dtype=int) > 0)).all()


@given(TEXTS.filter(bool), st.data())
def test_any_span_comes_back_with_the_words_that_it_overlaps(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    offsets = words.offsets(text)
    inside = offsets[(offsets[:, 1] > start) & (offsets[:, 0] < end)]
    found = words.spans_of(TASK, words.tags(TASK, canonical([(start, end, "b")]), offsets), offsets)
    expected = [(int(inside[0, 0]), int(inside[-1, 1]), "b")] if len(inside) else []
    assert found == canonical(expected)


def test_neighbours_of_one_type_stay_apart_and_an_inside_without_a_beginning_begins():
    offsets = words.offsets("p q r s t")
    assert TASK.tags == ["O", "B-a", "I-a", "B-b", "I-b"]
    label = canonical([(0, 1, "a"), (2, 5, "a"), (6, 7, "b")])
    assert words.tags(TASK, label, offsets).tolist() == [1, 1, 2, 3, 0]
    assert words.spans_of(TASK, [2, 4, 2, 0, 2], offsets) == canonical(
        [(0, 1, "a"), (2, 3, "b"), (4, 5, "a"), (8, 9, "a")]
    )


def test_a_word_belongs_to_the_first_span_that_overlaps_it():
    offsets = words.offsets("antibody B")
    assert words.tags(TASK, canonical([(0, 4, "a"), (4, 10, "b")]), offsets).tolist() == [1, 3]
    assert words.tags(TASK, canonical([(0, 4, "a"), (4, 8, "b")]), offsets).tolist() == [1, 0]
