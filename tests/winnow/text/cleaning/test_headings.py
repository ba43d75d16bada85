"""Headings of sections are removed wherever they stand; sentences that only look like one stay."""

import time

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nasty import profile
from winnow.text.cleaning.headings import SUSPECTS, SUSPECTS_OF_ALL, strip_headings, strip_headings_of_all
from winnow.text.cleaning.profiles import clean_column, rules

NAMES = ("Background", "AIMS", "Material and methods", "Patients & Methods", "Main outcome measures", "Conclusions")


@pytest.mark.parametrize(
    ("raw", "heading"),
    [
        ("RESULTS: Ten of them did.", ""),
        ("METHODS AND RESULTS: Ten of them did.", ""),
        ("AIMS: Ten of them did.", ""),
        ("Results - Ten of them did.", "RESULTS"),
        ("Results. Ten of them did.", "RESULTS"),
        ("Conclusions:Ten of them did.", "CONCLUSION"),
        ("Aim (main): Ten of them did.", "Aim (main)"),
        ("Material and methods: Ten of them did.", "RESULTS"),
        ("and Purpose: Ten of them did.", "BACKGROUND"),
        ("& Objectives: Ten of them did.", "AIMS"),
        ("The aim: Ten of them did.", ""),
        ("Background/Aims: Ten of them did.", ""),
        ("Main outcome measures. Ten of them did.", ""),
        ("AUTHORS\u2019 CONCLUSIONS: Ten of them did.", ""),
        ("**Results:** Ten of them did.", ""),
        ("__Results__: Ten of them did.", ""),
        ("### Results: Ten of them did.", ""),
        ("RESULTS\uff1a Ten of them did.", ""),
        ("Results; Ten of them did.", ""),
    ],
)
def test_a_leading_heading_is_removed(raw, heading):
    assert strip_headings(raw, heading) == "Ten of them did."


@pytest.mark.parametrize(
    "raw",
    [
        "We asked. Methods: Ten answered.",
        "We asked.Methods: Ten answered.",
        "We asked. MATERIALS AND METHODS: Ten answered.",
        "We asked. LEVEL OF EVIDENCE: Ten answered.",
        "We asked. Methods. Ten answered.",
        "We asked. **Methods:** Ten answered.",
        "Background: We asked. Methods: Ten answered.",
    ],
)
def test_a_heading_within_a_text_is_removed(raw):
    assert strip_headings(raw) == "We asked. Ten answered."


def test_a_heading_needs_no_full_stop_before_it():
    assert strip_headings("It fell (P = 0.03) CONCLUSION: It works") == "It fell (P = 0.03) It works"
    assert strip_headings("as one study of many RESULTS: It works") == "as one study of many It works"


@pytest.mark.parametrize(
    "text",
    [
        "NADPH: a cofactor of many enzymes",
        "Results showed that it works",
        "IN CAPITALS ONLY: A TEXT THAT SHOUTS",
        "We used two methods: one by hand, one by machine.",
        "It worked. NADPH: a cofactor of many enzymes",
        "The odds were low (OR: 2.1). It fell by the number table method. Ten did.",
        "See method: http://example.org",
        "It ends with Methods:",
        "Ziel: Wir fragten zehn. Ergebnisse lagen vor.",
    ],
)
def test_what_only_looks_like_a_heading_stays(text):
    assert strip_headings(text, "RESULTS") == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Hintergrund: Wir fragten. Material und Methoden: Zehn. ERGEBNISSE: Ja.", "Wir fragten. Zehn. Ja."),
        ("Objectif : savoir. Matériel et méthodes : dix. Résultats : oui.", "savoir. dix. oui."),
        ("Antecedentes: Nada. Métodos: Diez. Conclusiones: Sí.", "Nada. Diez. Sí."),
        ("Introdução: Nada. Objetivos: Saber. Conclusões: Sim.", "Nada. Saber. Sim."),
        ("Premessa: Nulla. Materiali e metodi: Dieci. Risultati: Sì.", "Nulla. Dieci. Sì."),
        ("Achtergrond: Niets. Doel: Weten. Resultaten: Ja.", "Niets. Weten. Ja."),
        ("Wstęp: Nic. Cel: Wiedzieć. Materiał i metody: Dziesięć. Wnioski: Tak.", "Nic. Wiedzieć. Dziesięć. Tak."),
        ("Цель: узнать. Материалы и методы: десять. Выводы: да.", "узнать. десять. да."),
        ("目的：了解。方法：十人。结果：好。结论：是。", "了解。十人。好。是。"),
        ("【目的】知る。【方法】十人。【結果】良い。", "知る。十人。良い。"),
        ("**Ergebnisse:** Zehn.\nFazit: Ja.", "Zehn.\nJa."),
    ],
)
def test_headings_in_other_languages_are_removed(text, left):
    assert strip_headings_of_all(text) == left == strip_headings_of_all(left)
    assert pc.match_substring_regex(pa.array([text]), SUSPECTS_OF_ALL)[0].as_py()
    only = profile(strip_headings="all")
    assert clean_column(pa.array([text]), rules(only)).to_pylist() == [left]


@pytest.mark.parametrize(
    "text",
    [
        "Wir fragten zehn. Ergebnisse lagen vor: zehn. Unser Ziel: Klarheit.",
        "Wir fragten zehn. ziel: eine Datei. CEL: ein Gen. But: it is English.",
        "我们的目的：了解。目的是了解。",
        "Es endet. Methoden:",
        "NADPH: a cofactor. See method: http://example.org",
    ],
)
def test_what_only_looks_like_a_heading_in_another_language_stays(text):
    assert strip_headings_of_all(text) == text


@given(
    st.lists(
        st.sampled_from(["Ziel:", "目的：", "【方法】", "RESULTS:", "Ja.", "好。", "；", " ", "\n", "**", "x"]),
        max_size=9,
    )
)
def test_any_text_with_headings_of_all_languages_is_suspected_if_it_changes(parts):
    text = "".join(parts)
    once = strip_headings_of_all(text)
    assert once == text or pc.match_substring_regex(pa.array([text]), SUSPECTS_OF_ALL)[0].as_py()


@given(st.lists(st.tuples(st.sampled_from(("", *NAMES)), st.sampled_from(("Ten did", "we saw it (1)"))), min_size=1))
def test_no_heading_is_left(sentences):
    text = " ".join(f"{name}: {sentence}." if name else f"{sentence}." for name, sentence in sentences)
    left = strip_headings(text)
    assert left == " ".join(f"{sentence}." for _, sentence in sentences)
    # What is not suspected is not looked at.
    assert left == text or pc.match_substring_regex(pa.array([text]), SUSPECTS)[0].as_py()


@given(st.text())
def test_any_text_is_stripped_once(text):
    once = strip_headings(text)
    assert once == text or pc.match_substring_regex(pa.array([text]), SUSPECTS)[0].as_py()
    assert len(once) <= len(text) + 1


@pytest.mark.parametrize("repeated", ["ABCDEF: ", "ABCDEFG. ", "A ", "Study of ", "Results, ", " ", "(RESULTS) and "])
def test_a_hostile_text_takes_seconds(repeated):
    text = repeated * (500_000 // len(repeated))
    began = time.process_time()
    strip_headings(text)
    assert time.process_time() - began < 20, "some 2 s, where a rest of the text that is read for each heading is 150 s"
