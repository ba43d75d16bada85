"""Overlap by runs of words against a plain count over lists of words, in scripts with and without spaces."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base import params
from winnow.base.errors import UserError
from winnow.text import overlap
from winnow.text.overlap import Runs, Watched
from winnow.text.words import words

THIRTEEN = "a tawny owl hunts mice by night in the old wood near water"
CHINESE = "灰林鸮夜间在河边的老树林里捕食田鼠并在白天躲在树洞中休息"  # 28 characters


def runs(**changes) -> Runs:
    return params.parse(changes, Runs, "params.yaml: split.overlap")


def found(texts: list[str], rows: list[str], batch: int = 100, **changes) -> tuple[Watched, overlap.Overlaps]:
    settings = runs(**changes)

    def batches(of: list[str]):
        return [pa.array(of[start : start + batch], pa.string()) for start in range(0, len(of), batch)]

    watched = Watched(batches(texts), settings)
    return watched, overlap.between(watched, lambda: iter(batches(rows)), settings)


# Few words, so that runs recur; a lone Chinese word among English ones leaves a text one with spaces.
WORDS = st.lists(st.sampled_from(["a", "B", "c'd", "é", "字", "-5", "f"]), max_size=24)
CHARACTERS = st.lists(st.sampled_from(["字", "典", "在", "กี่", "x"]), max_size=40).map("".join)
TEXTS = st.one_of(WORDS.map(" ".join), CHARACTERS)


def is_unspaced(text: str) -> bool:
    return 2 * sum(word[0] in "字典在กี" for word in words(text)) > len(words(text))


def length(text: str, size: int) -> int:
    each, count = (2 if is_unspaced(text) else 1), len(words(text))
    return 0 if count < each * min(8, size) else min(count, each * size)


def covered(text: str, rows: list[str], settings: Runs) -> float:
    own, size = words(text), length(text, settings.words)
    if not size:
        return 0.0
    of = [{tuple(words(row)[at : at + size]) for at in range(len(words(row)) - size + 1)} for row in rows]
    marked = set()
    for at in range(len(own) - size + 1):
        if sum(tuple(own[at : at + size]) in held for held in of) > 0:
            marked |= set(range(at, at + size))
    return len(marked) / len(own)


@given(st.lists(TEXTS, max_size=5), st.lists(TEXTS, max_size=5), st.integers(4, 9), st.integers(1, 3))
def test_shares_are_those_of_a_plain_count(texts, rows, size, batch):
    settings = runs(words=size, share=0.5)
    watched, got = found(texts, rows, batch, words=size, share=0.5)
    assert watched.counts.tolist() == [len(words(text)) for text in texts]
    assert watched.lengths.tolist() == [length(text, size) for text in texts]
    assert got.shares.tolist() == pytest.approx([covered(text, rows, settings) for text in texts])
    each = [[covered(text, [row], settings) for text in texts] for row in rows]
    holds = [
        (row, text, -shares[text])
        for row, shares in enumerate(each)
        for text in range(len(texts))
        if shares[text] >= 0.5
    ]
    holds.sort(key=lambda pair: (pair[0], pair[2], pair[1]))
    assert list(zip(got.rows.tolist(), got.texts.tolist(), strict=True)) == [pair[:2] for pair in holds]
    assert got.held.tolist() == pytest.approx([-pair[2] for pair in holds])


@given(st.lists(TEXTS, max_size=5), st.lists(TEXTS, max_size=5), st.integers(1, 2))
def test_a_run_of_many_texts_is_no_evidence(texts, rows, common):
    many = [f"{row} q{number}" for row in rows for number in range(common + 1)]
    watched, got = found(texts, many, words=4, common=common)
    assert got.shares.tolist() == [0.0] * len(texts)
    assert len(got.rows) == 0
    assert overlap.measure(watched, got, runs(words=4))["covered"] == 0


@given(st.lists(TEXTS, max_size=5), st.lists(TEXTS, max_size=5, unique=True), st.integers(1, 3), st.integers(1, 3))
def test_rows_of_one_text_count_once(texts, rows, common, batch):
    once, many = (found(texts, of, batch, words=4, common=common)[1] for of in (rows, rows * (common + 1)))
    assert once.shares.tolist() == many.shares.tolist()
    assert many.texts.tolist() == once.texts.tolist() * (common + 1)


@pytest.mark.parametrize("text", [THIRTEEN, CHINESE])
def test_a_text_is_found_within_a_longer_row(text):
    rows = ["Nothing of it.", f"A page begins。 {text.upper()}！ And goes on.", text[: len(text) // 3]]
    watched, got = found([text, "Quite another text of more than eight words, I say."], rows)
    assert got.shares.tolist() == [1, 0]
    assert (got.rows.tolist(), got.texts.tolist(), got.held.tolist()) == ([1], [0], [1.0])
    assert overlap.measure(watched, got, runs()) == {
        "texts": 2,
        "too_short": 0,
        "covered": pytest.approx(len(words(text)) / (len(words(text)) + 10)),
        "any": 1,
        "from_20_percent": 1,
        "from_80_percent": 1,
        "found": 1,
        "rows": 1,
    }
    assert overlap.measure(watched, got, runs(), slice(1, 2))["any"] == 0


def test_texts_of_few_words_are_looked_for_whole_down_to_eight():
    eight, seven = "one two three four five six seven eight", "one two three four five six seven"
    _, got = found([eight, seven, f"{eight} nine"], [f"zero {eight} ten"])
    assert got.shares.tolist() == [1, 0, 0]  # of nine words, nine are one run


def test_two_rows_cover_a_text_that_neither_holds():
    text = " ".join(f"w{n}" for n in range(40))
    _, got = found([text], [" ".join(f"w{n}" for n in range(20)), " ".join(f"w{n}" for n in range(20, 40))])
    assert got.shares.tolist() == [1.0]
    assert got.rows.tolist() == []


def test_nothing_is_found_of_nothing():
    for texts, rows in (([], ["a b c"]), (["a"], []), ([], [])):
        watched, got = found(texts, rows)
        assert overlap.measure(watched, got, runs())["covered"] == 0


def test_wrong_settings_are_told():
    for wrong in ({"words": 3}, {"share": 0.0}, {"common": 0}, {"length": 13}):
        with pytest.raises(UserError, match=f"split.overlap.{next(iter(wrong))}"):
            runs(**wrong)
