"""Spans of a clean text stand in the given text where its characters came from."""

import html
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import assume
from hypothesis import given as drawn
from hypothesis import strategies as st

from winnow.kinds.token_classification import given, predictions
from winnow.kinds.token_classification.labels import Task, spans
from winnow.kinds.token_classification.span import trimmed

TASK = Task(kind="token_classification", labels=["a"])
NOISE = "<>#%\n"
CLEAN = st.text("bcdé😀 ع\u0301", min_size=1, max_size=40)


@drawn(CLEAN, st.lists(st.text(NOISE, max_size=4), min_size=41, max_size=41), st.data())
def test_a_span_has_its_text_where_cleaning_only_took_away(clean, noise, data):
    text = "".join(extra + sign for extra, sign in zip(noise, clean, strict=False)) + noise[-1]
    start = data.draw(st.integers(0, len(clean) - 1))
    span = trimmed((start, data.draw(st.integers(start + 1, len(clean))), "a"), clean)
    assume(span)
    [found] = given.restored([span], clean, text)
    assert "".join(sign for sign in text[found[0] : found[1]] if sign not in NOISE) == clean[span[0] : span[1]]
    assert text[found[0]] not in NOISE
    assert text[found[1] - 1] not in NOISE


@drawn(CLEAN, st.text("bcd&é; 😀", max_size=40), st.lists(st.integers(0, 40), max_size=8, unique=True))
def test_spans_are_in_any_text_in_order_or_left_out(clean, text, borders):
    borders = sorted(border for border in borders if border <= len(clean))
    found = given.restored([(*each, "a") for each in zip(borders[::2], borders[1::2], strict=False)], clean, text)
    kept = [span for span in found if span is not None]
    assert all(0 <= start < end <= len(text) for start, end, _ in kept)
    assert all(one[1] <= other[0] for one, other in pairwise(kept))


def test_predictions_count_the_characters_of_the_text_that_was_given():
    texts = ["<p>Tom &amp; Ann\u00a0saw  👩‍🔬 Zoë</p>", "same", "made"]
    clean = ["Tom & Ann saw 👩‍🔬 Zoë", "same", "anew"]
    found = [[((0, 9, "a"), 0.9), ((18, 21, "a"), 0.5)], [((0, 4, "a"), 1.0)], [((0, 4, "a"), 0.7)]]
    said = [predictions.Told(np.array([0]), np.array([[0, 1]]), np.array([[0.5, 0.5, 0]]))] * 3
    nothing = pa.nulls(3, pa.string())
    rows = pa.table({"id": ["0", "1", "2"], "group": nothing, "split": nothing, "label": nothing})
    told, lost = given.told(TASK, predictions.table(TASK, rows, found, said), clean, texts)
    cut = [
        [html.unescape(text[start:end]) for start, end, _ in spans(label)]
        for text, label in zip(texts, told["predicted"].to_pylist(), strict=True)
    ]
    assert cut[:2] == [["Tom & Ann", "Zoë"], ["same"]]
    assert [len(each) for each in told["confidence"].to_pylist()] == [len(each) for each in cut]
    assert sum(lost.values()) == 3 - sum(map(len, cut)) + 1
    assert "p" not in told.column_names
