"""Planted errors of prompts and responses are of the sort that they are said to be, and never what was there."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.kinds.evidence import NOISES
from winnow.kinds.generation import plants
from winnow.kinds.generation.signs import facts
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

PROMPT = dialogue.written(Dialogue([Message("system", "Be brief."), Message("user", "What weighs an owl? Tell me.")]))
RESPONSE = "An owl of Oslo weighs 1,250 g. It hunts voles at night, and mice in summer."
NEAR = ["A vole of Bergen weighs 30 g.", "A mouse of Trondheim weighs 20 g.", "A bat weighs 9 g."]
ROW = plants.Row(PROMPT, RESPONSE, NEAR, ["Moss grows on stone."])


def made(sort: str, way: str, seed: int = 1, row: plants.Row = ROW) -> str | None:
    return plants.of_sort(sort, row, way, Random(seed))


def test_a_swap_is_the_response_to_another_prompt():
    assert made("swap", "instance") == NEAR[0]
    assert made("swap", "class") in NEAR[1:]
    assert made("swap", "uniform") == "Moss grows on stone."


@pytest.mark.parametrize("way", NOISES)
def test_a_cut_takes_the_ending_at_a_word_s_end(way):
    cut = made("cut", way)
    assert RESPONSE.startswith(cut)
    assert cut != RESPONSE
    assert RESPONSE[len(cut)] == " "
    low, high = plants.LEFT[way]
    assert low - 0.1 <= len(cut.split()) / len(RESPONSE.split()) <= high + 0.1


def test_one_fact_is_changed_or_all():
    before = [RESPONSE[start:end] for start, end in facts.facts(RESPONSE)]

    def changes(way: str, seed: int) -> int:
        changed = made("fact", way, seed)
        after = [changed[start:end] for start, end in facts.facts(changed)]
        return sum(one != other for one, other in zip(before, after, strict=True))

    assert {changes("instance", seed) for seed in range(9)} == {1}
    assert changes("uniform", 1) == len(before)


def test_a_changed_number_keeps_its_form_and_by_instance_all_digits_but_one():
    row = plants.Row(PROMPT, "It weighs 1,250 g.", [], [])
    number = made("fact", "instance", 3, row).split()[2]
    assert len(number) == len("1,250")
    assert sum(one != other for one, other in zip(number, "1,250", strict=True)) == 1


def test_an_echo_holds_the_last_turn_of_the_prompt_alone():
    assert made("echo", "uniform") == "What weighs an owl? Tell me."
    assert made("echo", "class") == f"What weighs an owl? {RESPONSE}"
    assert made("echo", "instance") in ("What weighs an owl?", "Tell me.")


@pytest.mark.parametrize("way", NOISES)
def test_boilerplate_holds_one_of_the_phrases(way):
    assert any(phrase in made("boilerplate", way) for phrase in plants.PHRASES)


def test_what_cannot_be_made_is_none():
    bare = plants.Row("Owl?", "vole", [], [])
    assert made("cut", "uniform", 1, bare) is None
    assert made("fact", "uniform", 1, bare) is None
    assert made("swap", "uniform", 1, bare) is None
    assert made("echo", "uniform", 1, plants.Row("vole", "vole", [], [])) is None


@given(st.text(min_size=1), st.text(min_size=1), st.sampled_from(NOISES), st.integers(0, 99))
def test_a_planted_response_says_something_else_and_a_draw_gives_it_again(prompt, response, way, seed):
    prompt = dialogue.written(Dialogue([Message("user", prompt)]))
    row = plants.Row(prompt, response, NEAR, NEAR)
    planted = plants.plant(row, way, Random(seed))
    assert planted is not None
    assert planted.response.strip()
    assert planted.response.split() != response.split()
    assert planted == plants.plant(row, way, Random(seed))
