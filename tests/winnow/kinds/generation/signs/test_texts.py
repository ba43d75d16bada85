"""Signs of a response's words: each is strong where the fault is, and weak where it is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.kinds.generation.signs import texts
from winnow.text.words import words

OWL = words("the owl hunts voles at night in the wet grass of the north")


def test_what_comes_again_is_repetition():
    assert texts.repetition(OWL) == 0
    assert texts.repetition(OWL * 3) > 0.6
    assert texts.repetition(["owl"]) == 0


def test_an_echo_is_told_by_both_sides():
    prompt = [*OWL, *words("what does it hunt in summer and in winter")]
    of_response, of_prompt = texts.echo(OWL, prompt)
    assert of_response == 1
    assert 0.5 < of_prompt < 0.6
    assert texts.echo(words("it hunts mice and moss in old stone walls"), prompt) == (0, 0)
    assert texts.echo([], prompt) == (0, 0)


def test_boilerplate_is_what_many_other_rows_say():
    common = words("feel free to ask if you need anything else")
    said = [[*words(f"owl {number} eats vole {number}"), *common] for number in range(5)] + [OWL]
    shares = texts.boilerplate(said, np.arange(6))
    assert (shares[:5] > 0.4).all()
    assert shares[5] == 0
    assert not texts.boilerplate(said[:3], np.arange(3)).any(), "two others are not many"
    assert not texts.boilerplate([common] * 5, np.zeros(5, dtype=int)).any(), "all are of one row"


@pytest.mark.parametrize("response", ["It does.", "Does it?", "その通り。", "[1, 2]", "```\nx = 1\n```", "ok 😀"])
def test_finished(response):
    assert texts.is_finished(response)


@pytest.mark.parametrize("response", ["It does not", "because of the", "one,", ""])
def test_unfinished(response):
    assert not texts.is_finished(response)


def test_a_last_word_that_ends_no_other_response_is_unusual():
    said = [words(f"the owl of the north hunts the vole {number % 3}") for number in range(30)]
    said += [words("the owl of the"), words("the owl hunts the vole 1")]
    odds = texts.endings(said, range(30))
    assert odds[30] > 2 > 0 > odds[31]
    assert odds[30] > odds[:30].max()


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=8), max_size=6))
def test_signs_are_finite_shares(said):
    rows = np.arange(len(said))
    for shares in (texts.boilerplate(said, rows), np.array([texts.repetition(own) for own in said])):
        assert ((shares >= 0) & (shares <= 1)).all()
    assert np.isfinite(texts.endings(said, range(len(said)))).all()
