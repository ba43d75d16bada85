"""Boilerplate: found by share of rows and by groups, named, and removed with nothing else."""

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given
from hypothesis import strategies as st

from stages.clean import boilerplate
from stages.clean.boilerplate import Boilerplate, strip_boilerplate

SETTINGS = Boilerplate(min_share=0.2, min_groups=3, min_words=3, survey_rows=100)


def found(texts: list[str], groups: list[str] | None = None, settings: Boilerplate = SETTINGS) -> dict[str, float]:
    groups = groups or [f"group {number}" for number in range(len(texts))]
    counts = boilerplate.count(texts, groups, settings.min_words)
    shares = boilerplate.shared(counts, len(texts), settings)
    return {unit: shares[hash_] for unit, hash_ in boilerplate.named(texts, shares).items()}


def test_sentences_and_lines_that_many_rows_share_are_found():
    texts = [f"Tide {n} came. Read our terms  of use." for n in range(8)] + [
        "Tide 8 came.",
        "Nothing else.\nIt ebbed 9 times",
    ]
    assert found(texts) == {"Read our terms of use.": 0.8}
    assert found([f"{text}\nHome | News | About" for text in texts])["Home | News | About"] == 1.0


def test_one_groups_habit_short_sentences_and_repetition_within_a_text_are_none():
    texts = [f"Tide {n} came. Read our terms of use." for n in range(10)]
    assert found(texts, ["one"] * 9 + ["other"]) == {}
    assert found([f"Tide {n} came. Oh no." for n in range(10)]) == {}
    assert found(["Read our terms of use. " * 9, *(f"Tide {n} came." for n in range(9))]) == {}


def test_what_is_found_is_removed_and_lines_stay_lines():
    known = {"Read our terms of use.", "Home | News | About"}
    assert (
        strip_boilerplate("Home | News | About\nIt came.  Read our\u00a0terms of use. It went.", known)
        == "It came. It went."
    )
    assert strip_boilerplate("One.\nHome | News | About\nTwo", known) == "One.\nTwo"
    assert strip_boilerplate("One. Read our terms of use.\nTwo", known) == "One.\nTwo"
    assert strip_boilerplate("He said: Read our terms of use.", known) == "He said: Read our terms of use."


UNITS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), min_size=1, max_size=5)


@given(UNITS, st.text(st.sampled_from(" \n\t\u00a0"), min_size=1, max_size=3))
def test_the_pattern_matches_every_text_that_holds_a_unit(units, space):
    units = [" ".join(unit.split()) for unit in units]
    units = [unit for unit in units if unit]
    pattern = boilerplate.pattern(units)
    for unit in units:
        text = pa.array([f"x {space.join(unit.split(' '))} y"])
        assert pc.match_substring_regex(text, pattern)[0].as_py()


def test_too_many_units_for_a_pattern_still_match():
    assert boilerplate.pattern([f"sentence number {number}" for number in range(9999)]) == ""
