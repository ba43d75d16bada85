"""Spans through cleaning: each is the cleaned form of what it was, or gone where its text is."""

import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.clean.__main__ import Params
from tests.nasty import FOUND, ON, PIECES, SINGLE, profile
from winnow.base import params
from winnow.kinds.task import Change
from winnow.kinds.token_classification import carrying
from winnow.kinds.token_classification.carrying import moved
from winnow.kinds.token_classification.labels import Task, canonical, spans
from winnow.text.cleaning import markup, notices, personal, unicode
from winnow.text.cleaning.links import drop_links, replace_links
from winnow.text.cleaning.mail import strip_quotes
from winnow.text.cleaning.profiles import clean_column, rules

TASK = Task(kind="token_classification", labels=["a", "b"])
PROFILES = [*params.load("clean", Params).profiles.values(), profile(**ON), *(profile(**rule) for rule in SINGLE)]
# Each has a place for a code by which it is known again in whatever is left of it.
ENTITIES = ["aspirin {}", "Marie{}", "нога{}", "東京{}都", "مرض{}", "โรค{}", "😀{}", "naïve{}", "p53-{}", "IL-{} (a)"]
ENTITIES += ["&beta;{}q", "H<sub>2</sub>O{}", "cafe\u0301{}", "cafÃ©{}", "{}", "{}5"]
CODE = re.compile("v[vwk]{3}q")  # no mark joins a q


def code(number: int) -> str:
    return "v" + "".join("vwk"[number // 3**place % 3] for place in range(3)) + "q"


@st.composite
def marked(draw) -> tuple[str, list[tuple[int, int, str]]]:
    """Draw a text of nasty pieces with entities between them, each with a code of its own, and their spans."""
    text, found = "", []
    for number in range(draw(st.integers(1, 6))):
        text += draw(PIECES) + draw(st.sampled_from(["", " ", "\n"]))
        entity = draw(st.sampled_from(ENTITIES)).format(code(number))
        found.append((len(text), len(text) + len(entity), TASK.labels[number % 2]))
        text += entity + draw(st.sampled_from(["", " ", ". ", "\n"]))
    return text + draw(PIECES), found


def followed(text, found, chosen):
    """Yield each step of cleaning: before, after, the rule, the spans before and after."""
    steps = []

    def record(rule, hits, before, after):
        steps.append((before[0], after[0], (lambda text: rule.apply(text, None)) if rule.heading else rule.apply))

    clean_column(pa.array([text]), rules(chosen, FOUND), None, record)
    for before, after, rule in steps:
        new = moved(Change(before, after, rule), found)
        yield before, after, rule, found, new
        found = sorted(filter(None, new))


@settings(max_examples=60, deadline=None)
@given(marked(), st.sampled_from(PROFILES))
def test_a_span_is_the_cleaned_form_of_its_text_or_gone_with_it(drawn, chosen):
    text, found = drawn
    for before, after, rule, old, new in followed(text, found, chosen):
        for (start, end, name), span in zip(old, new, strict=True):
            known = CODE.search(before[start:end])
            if known is None:  # an earlier rule left a part of it
                continue
            if span is None:
                assert known[0] not in after
                continue
            assert known[0] in after[span[0] : span[1]]
            assert span[2] == name
            # Beside what a rule takes away, a part of the text may go with it; a mark may join the letter before it.
            assert bare(after[span[0] : span[1]]) in bare(rule(before[start:end]))
        kept = [span for span in new if span]
        TASK.fits(TASK.check(canonical(kept), "x"), after, "x")


def bare(text: str) -> str:
    """Return a text without what a neighbour can change: white space, marks, signs."""
    return "".join(filter(str.isalnum, text))


@settings(max_examples=40, deadline=None)
@given(marked(), st.sampled_from(PROFILES))
def test_of_equal_words_the_one_is_followed_that_stays(drawn, chosen):
    text, found = drawn
    for before, after, rule, old, _ in followed(text, found, chosen):
        twin = CODE.sub("vvvvq", before)
        if rule(twin) != CODE.sub("vvvvq", after):
            return  # the rule tells the words from one another
        places = {match[0]: match.start() for match in CODE.finditer(after)}
        for span, new in zip(old, moved(Change(twin, rule(twin), rule), old), strict=True):
            known = CODE.search(before[span[0] : span[1]])
            if known is not None:
                assert (new is None) == (known[0] not in places)
                assert new is None or new[0] <= places[known[0]] < new[1]


def carry(label, before, rule):
    """Return the texts of the spans after a rule, with their types, and what is lost."""
    after = rule(before)
    carried = TASK.carry(label, Change(before, after, rule))
    return [(after[start:end], name) for start, end, name in spans(carried.label)], list(carried.lost)


def masked(text: str) -> str:
    return personal.mask(text, ["email"])[0]


@pytest.mark.parametrize(
    ("text", "entity", "rule", "kept"),
    [
        ("<i>iris</i> is", "iris", markup.strip_markup, ["iris"]),
        ("the <b>β</b>-blocker", "<b>β</b>-blocker", markup.strip_markup, ["β-blocker"]),
        ("10<sup>6</sup> cells", "6", markup.strip_markup, ["6"]),
        ("&lt;x&gt; &amp; y", "&amp;", markup.decode_entities, ["&"]),
        ("x<script>aspirin</script> aspirin", "aspirin", markup.strip_scripts, [None, "aspirin"]),
        ("aspirin  at  last", "aspirin  at", unicode.collapse_space, ["aspirin at"]),
        ("e\u0301 e\u0301", "e\u0301", lambda text: unicode.normalize_unicode(text, "NFC"), ["é", "é"]),
        ("see http://x.org/aspirin or aspirin", "aspirin", replace_links, [None, "aspirin"]),
        ("see http://x.org/a or b", "http://x.org/a", replace_links, ["[URL]"]),
        ("see http://x.org/a or b", "http://x.org/a", drop_links, [None]),
        ("ann@x.org wrote of ann", "ann", masked, [None, "ann"]),
        ("ann@x.org (Ann) wrote", "ann@x.org (Ann)", masked, ["[EMAIL] (Ann)"]),
        ("Aspirin helps. © 2020 Aspirin Ltd.", "Aspirin", notices.strip_copyright, ["Aspirin", None]),
        ("aspirin\n\nOn 3 May 2020, Ann <a@b.c> wrote:\n> aspirin", "aspirin", strip_quotes, ["aspirin", None]),
        ("© 2020 Us. The aspirin.", "© 2020 Us", notices.strip_copyright, [None]),
        ("qxz and qxzx", "qxz", lambda text: text.replace(" and ", "-"), ["qxz", "qxz"]),
    ],
)
def test_what_rules_leave_of_a_span(text, entity, rule, kept):
    found = [(match.start(), match.end(), "a") for match in re.finditer(re.escape(entity), text)]
    new, lost = carry(canonical(found), text, rule)
    assert new == [(form, "a") for form in kept if form is not None]
    assert len(lost) == kept.count(None)
    for told in lost:
        assert re.fullmatch(r'span \[\d+, \d+, "a"\], ".*"', told)


def test_a_text_with_another_in_its_place_has_no_label():
    assert TASK.carry('[[0,1,"a"]]', Change("x", "xy", None)) == (None, ())
    assert TASK.carry("[]", Change("x", "xy", None)) == (None, ())
    assert TASK.carry("[]", Change("x y", "x", str.split)) == ("[]", ())


def test_a_rule_that_rewrites_a_whole_text_is_not_asked_about_all_of_it_for_each_span():
    """Of a text of four times the length and the spans, the rule would else read sixteen times as much."""
    asked = []

    def shift(text: str) -> str:
        asked.append(len(text))
        return text.translate({code: code + 7 for code in range(ord("a"), ord("n"))})

    text = " ".join(f"word{number:04}" for number in range(2500))
    found = [(start, start + 8, "drug") for start in range(0, len(text), 90)]
    places = moved(Change(text, shift(text), shift), found)
    assert sum(asked) < carrying.MOST_ASKED + 10 * len(text)
    assert places == found  # a digit of each word stays, and says where it stands
