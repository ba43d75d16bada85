"""Kinds regex, heading and keyword: what they match, and how parameters that cannot work are named."""

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.winnow.labelling.conftest import TASK, make_rule, row, vote
from winnow.base.errors import UserError
from winnow.text.words import words

REGEX = {"kind": "regex", "field": "meta.heading", "labels": {"FRUIT": "FRUITS?", "STONE": "STONES?|ROCK"}}


def test_regex_is_a_full_match_of_the_upper_cased_field():
    headings = [" fruits ", "Rock", "fruit x", ""]
    rows = [row(heading=heading) for heading in headings] + [row()]
    assert vote(make_rule(**REGEX), *rows) == ["FRUIT", "STONE", None, None, None]
    text = make_rule(kind="regex", field="text", labels={"FRUIT": "SWEET.*"})
    assert vote(text, row("sweet one"), row("a sweet one")) == ["FRUIT", None]


def test_a_rule_that_says_two_labels_of_a_row_says_nothing():
    for kind, labels in (("regex", {"FRUIT": "A.*", "STONE": ".*B"}), ("keyword", {"FRUIT": ["a"], "STONE": ["b"]})):
        rule = make_rule(kind=kind, field="text", labels=labels)
        assert vote(rule, row("a b"), row("a"), row("b")) == [None, "FRUIT", "STONE"]


@pytest.mark.parametrize(
    "heading",
    [
        "Fruits",
        "FRUITS:",
        "2.1 Fruits",
        "(3) Fruits.",
        "4) fruits -",
        "IV. Fruits",
        "  Fruits  ",
        "Ｆｒｕｉｔｓ",
        "fruits —",
        "FRUITS：",
        "fruits।",
        "Fruits؛",
    ],
)
def test_a_heading_loses_numbering_and_punctuation(heading):
    assert vote(make_rule(**REGEX | {"kind": "heading"}), row(heading=heading)) == ["FRUIT"]


@pytest.mark.parametrize(
    "heading",
    ["方法", "方法：", "1.方法", "2．1 方法", "（一）方法", "二、方法", "十二、方法。", "(3)方法", "１　方法"],
)
def test_a_heading_without_spaces_loses_numbering_and_punctuation(heading):
    rule = make_rule(kind="heading", field="meta.heading", labels={"FRUIT": "方法", "STONE": "一般"})
    assert vote(rule, row(heading=heading), row(heading="一般")) == ["FRUIT", "STONE"]


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        (r"\w+", "हिन्दी"),
        (r"\w+", "ภาษาไทย"),
        ("RÉSUMÉ", "re\u0301sume\u0301"),
        ("RE\u0301SUME\u0301", "résumé"),
        ("მეთოდი", "მეთოდი"),
        ("ΜΈΘΟΔΟΣ", "μέθοδος"),
    ],
)
@pytest.mark.parametrize("kind", ["regex", "heading"])
def test_patterns_match_marks_and_letters_of_every_script(kind, pattern, value):
    assert vote(make_rule(kind=kind, field="text", labels={"FRUIT": pattern}), row(value)) == ["FRUIT"]


def test_a_heading_s_ampersand_and_slash_read_and():
    rule = make_rule(kind="heading", field="meta.heading", labels={"FRUIT": "FRUIT AND NUT"})
    headings = ["Fruit & nut", "fruit/nut", "Fruit and  nut", "C. fruit and nut"]
    assert vote(rule, *[row(heading=heading) for heading in headings]) == ["FRUIT"] * 3 + [None]


def test_keywords_are_whole_words_whatever_their_case():
    rule = make_rule(kind="keyword", field="text", labels={"FRUIT": ["ripe apple", "Straße"], "STONE": ["grey"]})
    texts = ["A RIPE\n Apple!", "die STRASSE", "ripe apples", "greyish", "Grey.", ""]
    assert vote(rule, *map(row, texts)) == ["FRUIT", "FRUIT", None, None, "STONE", None]


def test_all_keywords_must_stand_there():
    rule = make_rule(kind="keyword", field="text", match="all", labels={"FRUIT": ["red", "sweet"]})
    assert vote(rule, row("sweet and red"), row("red"), row("sweet")) == ["FRUIT", None, None]


@pytest.mark.parametrize(
    ("keyword", "stands_in", "not_in"),
    [
        ("C++", ["I like C++.", "c++11? No: C++, 11"], ["C", "C+", "C + +"]),
        ("#fail", ["what a #FAIL!"], ["fail", "#failed"]),
        (":)", ["fine :)", "fine:)"], [":(", "(a:b)"]),
        ("👍", ["👍👍", "ok👍"], ["👎"]),
        ("❤", ["I ❤\ufe0f it"], ["💔"]),
        ("5 %", ["5 % of"], ["15 %", "5"]),
        ("don't", ["I don’t", "DONʼT"], ["don t", "dont"]),
        ("well-known", ["well known", "Well‐known", "well-\nknown"], ["well, known", "known well"]),
        ("ripe apple", ["ripe  apple", "‘Ripe apple’"], ["ripe. Apple", "ripe red apple"]),
        ("a b a c", ["a b a b a c"], ["a b a b c"]),
        ("help!", ["help", "Help?"], ["helping"]),
        ("open", ["Status:open"], ["opened"]),
        ("café", ["CAFÉ", "cafe\u0301"], ["cafe"]),
        ("ﬁne", ["fine", "ＦＩＮＥ"], ["ne"]),
        ("किताब", ["यह किताब है", "किताब।"], ["किताबें", "किता"]),
        ("कि", ["कि वह"], ["किताब", "क", "की"]),
        ("كتب", ["هو كتب"], ["كَتَبَ", "كتبت"]),
        ("退款", ["我要退款！", "请退款给我"], ["退。款", "退了款"]),
        ("退款 GPU", ["退款 gpu"], ["退款"]),
        ("返金", ["返金してください"], ["返品と金"]),
        ("データ", ["このデータを", "ﾃﾞｰﾀ"], ["データベース"]),
        ("คืนเงิน", ["ขอคืนเงินด้วย"], ["คืนเงน"]),
        ("ม", ["ม ก"], ["มี"]),
        ("សំណង", ["ខ្ញុំចង់បានសំណង", "សំ\u200bណង"], ["សង"]),
        ("ပြန်အမ်း", ["ငွေပြန်အမ်းပါ"], ["ပြန်မအမ်း"]),
        ("환불", ["환불 요청"], ["환불을"]),
    ],
)
def test_keywords_in_every_script(keyword, stands_in, not_in):
    rule = make_rule(kind="keyword", field="text", labels={"FRUIT": [keyword]})
    assert vote(rule, *map(row, [*stands_in, *not_in])) == ["FRUIT"] * len(stands_in) + [None] * len(not_in)


WORD = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8)


@given(WORD, st.text(max_size=20), st.text(max_size=20))
def test_a_planted_keyword_is_found_between_spaces(word, before, after):
    assume(words(f" {word}"))
    rule = make_rule(kind="keyword", field="text", labels={"FRUIT": [word]})
    assert vote(rule, row(f"{before} {word} {after}"), row(f"{before} {word.casefold()} {after}")) == ["FRUIT", "FRUIT"]


def test_many_keywords_cost_hardly_more_than_one():
    text = row("and then the quick brown fox jumps over the lazy dog again " * 100)

    def seconds(keywords: list[str]) -> float:
        rule = make_rule(kind="keyword", field="text", labels={"FRUIT": keywords}).voter(None, TASK)
        start = time.perf_counter()
        rule.vote([text] * 20)
        return time.perf_counter() - start

    assert seconds([f"word{number} fox" for number in range(5000)]) < 20 * seconds(["fox"]) + 0.5


@given(st.text(max_size=30))
def test_normal_headings_stay_as_they_are(heading):
    rule = make_rule(**REGEX | {"kind": "heading"})
    once = rule.normal(heading)
    assert once == once.strip()
    assert not re.search(r"\s\s|[.:;,]$", once)


def test_what_the_rule_has_read_is_told():
    assert make_rule(**REGEX).reason(row(heading="Rock")) == "label set by rule mine: meta.heading is 'Rock'"
    text = make_rule(kind="keyword", field="text", labels={"FRUIT": ["a"]})
    assert text.reason(row("a")) == "label set by rule mine from the text"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (REGEX | {"labels": {"FRUIT": "("}}, "the pattern of 'FRUIT' is no regular expression"),
        (REGEX | {"labels": {"FRUIT": "(" * 5000 + ")" * 5000}}, "the pattern of 'FRUIT' is no regular expression"),
        (REGEX | {"field": "heading"}, r"rules\[0\].regex.field"),
        (REGEX | {"labels": {}}, r"rules\[0\].regex.labels"),
        (REGEX | {"name": "my/rule"}, r"rules\[0\].regex.name"),
        (REGEX | {"kind": "regexp"}, r"annotate.rules\[0\]: .*'regexp'"),
        ({"kind": "keyword", "field": "text", "labels": {"FRUIT": []}}, r"rules\[0\].keyword.labels.FRUIT"),
        *(
            ({"kind": "keyword", "field": "text", "labels": {"FRUIT": ["a", blank]}}, "a word of 'FRUIT' is blank")
            for blank in (" ", "", "...", "?!", "。", "\u200b", "—")
        ),
    ],
)
def test_bad_parameters_are_named(values, message):
    with pytest.raises(UserError, match=message):
        make_rule(**values)


def test_a_label_outside_the_task_is_named():
    with pytest.raises(UserError, match="'mine': label 'PLANT' is not one of params"):
        make_rule(**REGEX | {"labels": {"PLANT": "PLANT"}}).gives(TASK)
