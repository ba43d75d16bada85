"""Profiles: cleaning twice is cleaning once, a search never misses what a rule would change, order and records hold."""

import pickle
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.clean import profiles
from stages.clean.__main__ import Params
from stages.clean.profiles import Profile, clean_column, rules
from tests.conftest import ROOT
from tests.nasty import FOUND, ON, SINGLE, TEXTS, profile
from winnow.base import params

DEFAULTS = params.load("clean", Params, ROOT / "params.yaml").profiles
WHOLE, HTML = DEFAULTS["scientific"].model_dump(), {"collapse_space": "lines"}


def everything() -> Profile:
    mail = {"strip_mail_headers": True, "strip_quotes": True, "strip_signature": True}
    return profile(**(ON | mail | {"urls": "drop", "normalize_unicode": "NFKC"}))


def clean_texts(texts: list[str], chosen: Profile) -> list[str]:
    return clean_column(pa.array(texts, pa.string()), rules(chosen, FOUND)).to_pylist()


def twice(texts: list[str], chosen: Profile) -> None:
    once = clean_texts(texts, chosen)
    assert clean_texts(once, chosen) == once


MANY = st.lists(TEXTS, max_size=8)
ALONE = [profile(**changes) for changes in SINGLE]


@settings(max_examples=40)
@given(MANY)
def test_cleaning_twice_is_cleaning_once_in_every_profile(texts):
    for default in DEFAULTS.values():
        twice(texts, default)


@settings(max_examples=60)
@given(MANY)
def test_each_rule_by_itself_is_idempotent(texts):
    for chosen in ALONE:
        twice(texts, chosen)


@settings(max_examples=200)
@given(MANY)
def test_all_rules_together_are_idempotent(texts):
    twice(texts, everything())


@settings(max_examples=100)
@given(texts=MANY, heading=st.sampled_from([None, "RESULTS", "Method"]))
@example(texts=["http://a\nFrom: x\nFrom: x"], heading=None)
def test_the_search_for_suspects_finds_every_text_that_a_rule_changes(texts, heading):
    headings = pa.array([heading] * len(texts), pa.string())
    for rule in [rule for chosen in ALONE for rule in rules(chosen)]:
        suspects = profiles._suspects(rule, pa.array(texts, pa.string()), headings)
        for number, text in enumerate(texts):
            after = rule.apply(text, heading) if rule.heading else rule.apply(text)
            assert after == text or number in suspects, rule.name


def test_a_text_that_no_rule_suspects_is_not_touched():
    texts = pa.array(["nothing to mend here", "p < 0.05 & q > 1", "naïve café"])
    for rule in rules(everything(), FOUND):
        if rule.name != "normalize_unicode":
            assert not pc.any(pc.match_substring_regex(texts, rule.suspects)).as_py(), rule.name


def test_rules_run_in_their_documented_order():
    names = [rule.name for rule in rules(everything(), FOUND)]
    documented = profiles.__doc__.replace("`urls`", "`drop_urls`")
    assert sorted(names, key=lambda name: documented.index(f"`{name}`")) == names
    assert len(names) == len(Profile.model_fields)


def test_records_link_each_change_to_the_next():
    texts = ["plain", "some <i>marked</i>  &amp;lt;b&amp;gt;text&amp;lt;/b&amp;gt;", "twice  spaced"]
    now, steps = dict(enumerate(texts)), []

    def record(rule, rows: np.ndarray, before: list[str], after: list[str]) -> None:
        for row, old, new in zip(rows.tolist(), before, after, strict=True):
            assert now[row] == old
            now[row] = new
            steps.append((row, rule.name))

    chosen = profile(strip_markup=True, unescape_entities=True, collapse_space="all")
    out = clean_column(pa.array(texts), rules(chosen), None, record)
    assert out.to_pylist() == list(now.values()) == ["plain", "some marked text", "twice spaced"]
    assert steps == [
        (1, "strip_markup"),
        (1, "unescape_entities"),
        (1, "collapse_space"),
        (2, "collapse_space"),
        (1, "strip_markup"),
    ]


@given(st.lists(TEXTS, max_size=6), st.integers(0, 6))
def test_a_texts_result_does_not_depend_on_its_neighbours(texts, cut):
    chosen = everything()
    assert clean_texts(texts[:cut], chosen) + clean_texts(texts[cut:], chosen) == clean_texts(texts, chosen)


def test_rules_travel_to_other_processes():
    active = pickle.loads(pickle.dumps(rules(everything(), FOUND)))
    texts = pa.array(["<p>Read our terms of use. See www.x.org</p>"])
    assert clean_column(texts, active).to_pylist() == ["See"]


HOSTILE = [
    "<a ", "<a x=", '<a x="', "<a " + "x " * 20, "<p>", "<i>", "a<b>", "<!--", "<!-- -->", "<![CDATA[", "<?xml ", "</",
    "<script>", "<script><!--", "<ul x=", "<x:y>", "&amp;", "&", "&#", "© ", "(c) ", "Published by ", "A ",
    "RESULTS, ", "a\u200d", "Ã©", "e\u0301", "\n", " ", "\n> ", ">", "On 1 wrote ", "On 1 @ wrote:\n", "1@ wrote ",
    "From: a\n", "Thanks\n", "--\n", "-- original message --\n", "________\n", "begin forwarded message:\n",
    "http://", "www.a(", "www.a)", "...", "…", "[ ...", "(more) ", "Read our ", "Home | ", ". ", "[(",
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_repetition_stays_fast(hostile):
    text = hostile * (20_000 // len(hostile))
    start = time.process_time()
    clean_texts([text, text + "x", "From: a\nTo: b\n" + text], everything())
    assert time.process_time() - start < 5


def test_a_profile_is_what_it_changes_of_its_base():
    changed = {"base": "html", "urls": "drop"}
    found = params.with_bases({"mine": changed, "html": HTML | {"base": "whole"}, "whole": WHOLE})
    assert found["mine"] == WHOLE | HTML | {"urls": "drop"}
    assert found["whole"] == WHOLE


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"one": {"base": "two"}}, "'one' has the base 'two', which is none of one"),
        ({"one": {"base": "two"}, "two": {"base": "one"}}, "'two' is, by its base, its own base"),
        ({"one": {"base": "one"}}, "'one' is, by its base, its own base"),
        ({"one": {"base": ["one"]}}, "'one' has the base \\['one'\\], which is none of one"),
    ],
)
def test_a_base_that_gives_no_rules_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        params.with_bases(given)
