"""The measure of fidelity: a perfect tool scores one, each kind of damage scores less."""

from collections import Counter

import pytest

from bench import fidelity


def test_the_set_is_large_enough_and_each_fragment_has_its_own_name():
    items = fidelity.fragments()
    kinds = Counter(item["kind"] for item in items)
    assert kinds["html"] >= 60
    assert set(kinds) == {"html", "xml", "plain"}
    assert len({item["name"] for item in items}) == len(items)


def test_the_right_texts_score_one_and_nothing_scores_nearly_none():
    items = fidelity.fragments()
    assert fidelity.score([item["text"] for item in items]) == {"exact": 1.0, "token_f1": 1.0}
    assert fidelity.score([item.get("or", [item["text"]])[-1] for item in items])["exact"] == 1.0
    nothing = fidelity.score([""] * len(items))
    assert nothing["token_f1"] == nothing["exact"] < 0.05  # the fragments without text


def test_leaving_the_markup_in_is_right_for_plain_text_only():
    raw = [item["html"] for item in fidelity.fragments()]
    assert fidelity.score(raw, ("plain",))["exact"] == 1.0
    assert fidelity.score(raw, ("html",))["exact"] < 0.1


def test_what_nobody_sees_does_not_count():
    assert fidelity.normal(" a\u00a0\u200bb\n\u00adc ") == "a b c"
    assert fidelity.normal("e\u0301") == "\u00e9"
    assert fidelity.normal("a\u200db") != fidelity.normal("ab")  # joins letters and emoji: readers see it


@pytest.mark.parametrize(
    ("expected", "text", "f1"),
    [("", "", 1), ("a b", "", 0), ("", "a", 0), ("a b", "b a", 1), ("a a b", "a b", 0.8), ("H2O", "H 2 O", 0)],
)
def test_token_f1(expected, text, f1):
    assert fidelity.token_f1(expected, text) == pytest.approx(f1)
