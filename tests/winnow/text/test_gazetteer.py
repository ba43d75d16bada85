"""Gazetteers: names are found as whole words in any script, the longest first, and as a plain search finds them."""

import string
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.text import gazetteer
from winnow.text.gazetteer import Gazetteer, inflected, longest


def found(names, text, **options):
    spans = Gazetteer([(name, type_) for type_, own in names.items() for name in own], **options).find(text)
    return [(text[start:end], type_) for start, end, type_ in spans]


@pytest.mark.parametrize(
    ("name", "text", "hit"),
    [
        ("aspirin", "(Aspirin)-coated", "Aspirin"),
        ("aspirin", "aspirins, xaspirin and aspirin2", None),
        ("lung cancer", "a lung-cancer cell", "lung-cancer"),
        ("lung cancer", "lung\ncancer", "lung\ncancer"),
        ("lung cancer", "lung, cancer", None),
        ("IL-2", "the IL - 2 gene", "IL - 2"),
        ("Na+", "Na+ and Na", "Na+"),
        ("糖尿病", "二型糖尿病患者", "糖尿病"),
        ("โรค", "เป็นโรคนี้", "โรค"),
        ("インスリン", "インスリン注射", "インスリン"),
        ("インス", "インスリン注射", None),
        ("हृदय रोग", "यह हृदय रोग है", "हृदय रोग"),
        ("हृद", "हृदय", None),
        ("سرطان", "مرض سرطان الرئة", "سرطان"),
        ("Alzheimer's disease", "ALZHEIMER’S DISEASE", "ALZHEIMER’S DISEASE"),
        ("Straße", "STRASSE", "STRASSE"),
        ("caf\u00e9", "cafe\u0301 noir", "cafe\u0301"),
        ("aspirin", "aspi\u00adrin", "aspi\u00adrin"),
        ("😀", "a😀b", "😀"),
    ],
)
def test_a_name_is_found_as_whole_words_of_its_script(name, text, hit):
    assert found({"t": [name]}, text, case="any") == ([(hit, "t")] if hit else [])


def test_case_is_that_of_names_in_capitals_of_all_or_of_none():
    names, text = {"t": ["ALL", "Aspirin"]}, "all ALL aspirin Aspirin"
    assert [hit for hit, _ in found(names, text)] == ["ALL", "aspirin", "Aspirin"]
    assert [hit for hit, _ in found(names, text, case="any")] == ["all", "ALL", "aspirin", "Aspirin"]
    assert [hit for hit, _ in found(names, text, case="exact")] == ["ALL", "Aspirin"]


def test_plurals_and_singulars_of_the_last_word():
    names = {"t": ["kidney disease", "diagnosis", "tumours", "TIA"]}
    text = "kidney diseases, diagnoses, tumour, TIAs"
    assert [hit for hit, _ in found(names, text, plurals=True)] == text.split(", ")
    assert found(names, text) == []
    assert found({"a": ["fly"], "b": ["flies"]}, "flies", plurals=True) == [("flies", "b")]  # the list goes first
    assert inflected("biopsy") == {"biopsies"}
    assert inflected("糖尿病") == inflected("as") == set()
    assert "mass" not in inflected("masses") or "masse" in inflected("masses")


def test_the_first_and_longest_stays_and_a_name_of_two_types_is_none():
    names = {"a": ["lung cancer", "cancer", "both"], "b": ["lung", "cancer cell line", "BOTH "]}
    assert found(names, "lung cancer cell line; lung; both", case="any") == [("lung cancer", "a"), ("lung", "b")]
    made = Gazetteer([(name, type_) for type_, own in names.items() for name in own], case="any")
    assert (made.names, made.ambiguous) == (6, 1)
    assert longest([(0, 2, "a"), (0, 2, "b"), (1, 3, "a"), (3, 4, "a")]) == [(3, 4, "a")]


def test_of_no_names_and_of_names_of_nothing_none_is_found():
    assert found({}, "text") == []
    assert found({"t": ["", " ", "-"]}, "- text -") == []
    assert found({"t": ["x"]}, "") == []


UNITS = st.sampled_from(["ab", "cd", "ef", "(", "+", "糖", "病", "é"])
NAMES = st.lists(st.lists(UNITS, min_size=1, max_size=3), min_size=1, max_size=8)


@given(NAMES, st.lists(st.tuples(UNITS, st.sampled_from([" ", "-", " - ", "\n"])), max_size=20))
def test_the_automaton_finds_what_a_plain_search_finds(names, parts):
    text = "".join(unit + gap for unit, gap in parts)
    units, at, borders = [unit for unit, _ in parts], 0, []
    for unit, gap in parts:
        borders.append((at, at + len(unit)))
        at += len(unit) + len(gap)
    wanted, place = [], 0
    while place < len(units):
        lengths = [len(name) for name in names if units[place : place + len(name)] == name]
        if lengths:
            wanted.append((borders[place][0], borders[place + max(lengths) - 1][1], "t"))
        place += max(lengths, default=1)
    assert Gazetteer([("-".join(name), "t") for name in names], case="any").find(text) == wanted


@given(st.text(string.printable))
@example("a_b-1\x1c\x0bc")
def test_units_of_ascii_are_those_of_all_scripts(text):
    assert gazetteer._ASCII_UNIT.findall(text) == gazetteer._UNIT.findall(text)


@given(st.text(max_size=30), st.text(max_size=60))
def test_whatever_the_text_spans_lie_in_it_and_do_not_overlap(name, text):
    made = Gazetteer([(name, "t")], plurals=True)
    spans = made.find(f"{text} {name} {text}")
    assert all(start < end <= len(text) * 2 + len(name) + 2 for start, end, _ in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


def test_more_words_than_characters_are_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(gazetteer, "_characters", lambda: iter("abc"))
    assert Gazetteer([("one two three", "x")]).find("one two three") == [(0, 13, "x")]
    with pytest.raises(UserError, match="hold 4 different words, and a gazetteer tells 3 apart; make several"):
        Gazetteer([("one two three", "x"), ("four", "x")])
