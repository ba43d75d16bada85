"""Parts of labels: what spans say of each word, and back."""

from hypothesis import given
from hypothesis import strategies as st

from winnow.kinds.token_classification import parts, words
from winnow.kinds.token_classification.labels import Task, canonical

TASK = Task(kind="token_classification", labels=["drug", "illness"])
TEXTS = st.text(st.sampled_from("ab 糖é́(-\n😀"), max_size=30)


@st.composite
def labelled(draw):
    """Return a text and spans whose borders are borders of words."""
    text = draw(TEXTS)
    offsets, spans, place = words.offsets(text).tolist(), [], 0
    while place < len(offsets):
        length = draw(st.integers(1, 3))
        if draw(st.booleans()) and place + length <= len(offsets):
            spans.append((offsets[place][0], offsets[place + length - 1][1], draw(st.sampled_from(TASK.labels))))
        place += length
    return text, canonical(spans)


@given(labelled())
def test_what_is_said_of_words_joins_to_the_same_label(found):
    text, label = found
    (said,) = parts.split(TASK, text, [label])
    assert parts.joined(TASK, text, said, [label]) == label
    assert (said == 0).all() == (label == "[]")
    assert parts.split(TASK, text, []).shape == (0, len(said))


def test_neighbours_are_apart_only_where_all_who_mark_them_say_so():
    text, apart, whole = "one two", '[[0,3,"drug"],[4,7,"drug"]]', '[[0,7,"drug"]]'
    (said,) = parts.split(TASK, text, [apart])
    assert parts.joined(TASK, text, said, [apart, apart]) == apart
    assert parts.joined(TASK, text, said, [apart, whole]) == whole
    assert parts.joined(TASK, text, said, []) == whole
    assert parts.joined(TASK, text, said, [apart, '[[0,7,"illness"]]']) == apart
