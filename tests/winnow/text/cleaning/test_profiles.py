"""Profiles: cleaning twice is cleaning once, a search never misses what a rule would change, order and records hold.

Markup is read once. So what reads as markup in a cleaned text is text that people wrote about (`&lt;div&gt;`), and here
alone a second cleaning would go wrong: where the cleaned text is not declared to be plain.
"""

import pickle
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.clean.__main__ import Params
from tests.conftest import ROOT
from tests.nasty import FOUND, ON, SINGLE, TEXTS, profile
from winnow.base import params
from winnow.text.cleaning import profiles
from winnow.text.cleaning.profiles import Profile, clean_column, rules

DEFAULTS = params.load("clean", Params, ROOT / "params.yaml").profiles
WHOLE, HTML = DEFAULTS["scientific"].model_dump(), {"collapse_space": "lines"}


def everything() -> Profile:
    mail = {"strip_mail_headers": True, "strip_quotes": True, "strip_signature": True}
    return profile(**(ON | mail | {"urls": "drop", "normalize_unicode": "NFKC"}))


def clean_texts(texts: list[str], chosen: Profile) -> list[str]:
    return clean_column(pa.array(texts, pa.string()), rules(chosen, FOUND)).to_pylist()


def twice(texts: list[str], chosen: Profile) -> None:
    once, active = clean_texts(texts, chosen), rules(chosen, FOUND)
    plain = pa.array([True] * len(texts), pa.bool_())
    assert clean_column(pa.array(once, pa.string()), active, plain=plain).to_pylist() == once
    unmarked = [text for text in once if all(rule.apply(text) == text for rule in active if rule.markup)]
    assert clean_texts(unmarked, chosen) == unmarked
    if not any(rule.markup for rule in active):
        assert len(unmarked) == len(once)


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
    documented = profiles.__doc__.replace("`urls`", "`drop_urls`")
    found = []
    for chosen in (everything(), everything().model_copy(update={"strip_markup": False})):
        names = [rule.name for rule in rules(chosen, FOUND)]
        assert sorted(names, key=lambda name: documented.index(f"`{name}`")) == names
        found += names
    assert len(set(found)) == len(Profile.model_fields)


def test_rules_that_read_markup_come_first():
    for chosen in (everything(), everything().model_copy(update={"strip_markup": "escaped"})):
        markup = [rule.markup for rule in rules(chosen, FOUND)]
        assert markup == sorted(markup, reverse=True)


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
    assert out.to_pylist() == list(now.values()) == ["plain", "some marked &lt;b&gt;text&lt;/b&gt;", "twice spaced"]
    assert steps == [(1, "strip_markup"), (1, "collapse_space"), (2, "collapse_space")]


ESCAPED = [
    ("<p>How do I center a &lt;div&gt; in a &lt;div&gt;?</p>", "How do I center a <div> in a <div>?"),
    ("<p>It shows &lt;script&gt;alert(1)&lt;/script&gt;.</p>", "It shows <script>alert(1)</script>."),
    ("<pre><code>&lt;ul&gt;\n&lt;li&gt;one&lt;/li&gt;\n&lt;/ul&gt;</code></pre>", "<ul>\n<li>one</li>\n</ul>"),
    ("<p>I put &lt;!-- keep this --&gt; in it</p>", "I put <!-- keep this --> in it"),
    ("<p>I put &#60;br&#62; and &#x3C;hr&#x3E; in it</p>", "I put <br> and <hr> in it"),
    ("<p>write &amp;amp;nbsp; or &amp;lt;b&amp;gt;</p>", "write &amp;nbsp; or &lt;b&gt;"),
    ("&lt;b&gt; is bold", "<b> is bold"),
    ("<textarea>&lt;b&gt;</textarea> <table><tr><td>&lt;td hidden&gt;</table>", "<b>\n\n<td hidden>"),
    ("<td>List&lt;String&gt;</td><td>a &amp;&amp; b</td>", "List<String> a && b"),
    ("<style>p { }</style>&lt;style&gt;p { }&lt;/style&gt;", "<style>p { }</style>"),
    ("<i>x</i> ＆lt;b＆gt;", "x ＆lt;b＆gt;"),
]


@pytest.mark.parametrize(("page", "text"), ESCAPED)
@pytest.mark.parametrize("form", ["html", "email"])
def test_escaped_tags_are_text_that_people_wrote_about(page, text, form):
    assert clean_texts([page], DEFAULTS[form]) == [text]


@pytest.mark.parametrize(("feed", "text"), [
    ("&lt;p&gt;Hello &amp;amp; goodbye&lt;/p&gt;", "Hello & goodbye"),
    ("<![CDATA[<p>Write &lt;br&gt;</p>]]>", "Write <br>"),
    ("&lt;p&gt;Write &amp;lt;br&amp;gt;&lt;/p&gt;", "Write <br>"),
    ("&lt;script&gt;x()&lt;/script&gt;Hello", "Hello"),
])  # fmt: skip
def test_a_feed_that_escapes_its_markup_says_so_in_its_profile(feed, text):
    assert clean_texts([feed], DEFAULTS["html"].model_copy(update={"strip_markup": "escaped"})) == [text]
    assert clean_texts([feed], DEFAULTS["scientific"]) == [text]


PLAIN = [
    "your page shows <br> in the title",
    "<server>\n<port>80</port>\n</server>",
    "A &amp; B <!-- x -->",
    "&lt;p&gt;",
]


@pytest.mark.parametrize("text", PLAIN)
def test_in_a_text_that_is_no_html_nothing_is_markup(text):
    for form in ("html", "scientific", "email"):
        off = DEFAULTS[form].model_copy(
            update={"strip_scripts": False, "strip_markup": False, "unescape_entities": False}
        )
        kept = " ".join(text.split()) if form == "scientific" else text
        assert clean_texts([text], off) == [kept]
        active = rules(DEFAULTS[form], FOUND)
        mixed = clean_column(pa.array([text, "<p>x</p>", text]), active, plain=pa.array([True, False, True]))
        assert mixed.to_pylist() == [kept, "x", kept]


def test_entities_may_be_decoded_once_where_tags_stay():
    chosen = profile(unescape_entities=True)
    assert clean_texts(["<b>R&amp;D</b> &amp;lt;"], chosen) == ["<b>R&D</b> &lt;"]


def test_the_record_of_marked_texts_among_plain_ones_names_the_right_rows():
    seen = []

    def record(rule, rows: np.ndarray, before: list[str], after: list[str]) -> None:
        seen.extend(zip([rule.name] * len(rows), rows.tolist(), before, after, strict=True))

    texts = pa.array(["<b>a</b>", "<b>b</b>", "c", "<b>d</b>"])
    clean_column(texts, rules(profile(strip_markup=True)), None, record, pa.array([True, False, False, False]))
    assert seen == [("strip_markup", 1, "<b>b</b>", "b"), ("strip_markup", 3, "<b>d</b>", "d")]


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
