"""Headings of sections are removed wherever they stand; sentences that only look like one stay."""

import time

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.text.cleaning.headings import SUSPECTS, strip_headings

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
