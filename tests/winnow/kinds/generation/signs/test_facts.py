"""Numbers and names of a response stand where they are said to, and the prompt supports those that it holds."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.kinds.generation.signs import facts


def found(text: str) -> list[str]:
    return [text[start:end] for start, end in facts.facts(text)]


def unsupported(response: str, prompt: str) -> list[str]:
    return [response[start:end] for start, end in facts.unsupported(response, facts.forms(prompt))]


def test_numbers_and_names_are_facts_and_the_first_word_of_a_sentence_is_none():
    text = "The owl of Oslo weighs 1,250.5 g. It hunts with mRNA, IL-6 and 3 voles.\n- Moss grows"
    assert found(text) == ["Oslo", "1,250.5", "mRNA", "IL-6", "3"]


@pytest.mark.parametrize(
    ("response", "prompt", "told"),
    [
        ("In Oslo 12 owls live.", "How many owls live in Oslo? Twelve or 12?", []),
        ("In Oslo 13 owls live.", "How many owls live in Oslo? Twelve or 12?", ["13"]),
        ("There are 1,200.", "Count: 1200.0", []),
        ("There are 1200.", "Count: 1,200", []),
        ("There are 12.50.", "Count: 12.5", []),
        ("There are ٣ here.", "Count: 3", []),
        ("The Japanese owl", "An owl of Japan", []),
        ("The owl of Bergen and of Bergen", "An owl of Oslo", ["Bergen"]),
        ("It is IL-6 of course", "IL 6", []),
        ("An owl in 東京 has no capitals", "An owl", []),
    ],
)
def test_what_the_prompt_does_not_hold_is_unsupported(response, prompt, told):
    assert unsupported(response, prompt) == told


@given(st.text(), st.text())
def test_facts_are_in_order_inside_the_response_and_supported_by_itself(response, prompt):
    places = facts.facts(response)
    assert all(0 <= start < end <= len(response) for start, end in places)
    assert all(first[1] <= second[0] for first, second in pairwise(places))
    assert set(facts.unsupported(response, facts.forms(prompt))) <= set(places)
    assert facts.unsupported(response, facts.forms(response)) == []
