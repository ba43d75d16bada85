"""What the review page's script counts: places in UTF-16 and in code points, words, and what one label changes."""

import json
import re
import shutil
import subprocess
import sys
import unicodedata

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.kinds.token_classification.labels import Task, canonical
from winnow.review import page

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")

TASK = Task(kind="token_classification", labels=["drug", "ill"])
SIGNS = st.sampled_from(
    "ab1 \n\t\u00a0\u2003.,-_'\u0301\u200d\u200c😀👩👍\U0001f3fd🇩🇪\u05d0\u0627\u0628\u0651京東ไนำ้한"
    "\u1100\u1161क्ष\ufeff\x1c\x85\u0378"
)
TEXTS = st.lists(st.text(SIGNS | st.characters(codec="utf-8"), max_size=40), min_size=1, max_size=60)
# Reads one JSON value a line from the standard input, and answers each with one.
LOOP = """
const asked = require("readline").createInterface({ input: process.stdin });
asked.on("line", (line) => console.log(JSON.stringify(answer(JSON.parse(line)))));
"""


def ask(answer: str, *questions: object) -> list:
    """Return what a function of the page's script, `(question) => …`, says of each question."""
    script = re.search(r'<script type="module">(.*)</script>', page.served("x", TASK), re.DOTALL)[1]
    source = script[script.index("const EMPTY") : script.index("/** Returns a change as an element")]
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    code = f"{source}const answer = {answer};{LOOP}"
    done = subprocess.run(["node", "-e", code], input=lines, check=True, capture_output=True, encoding="utf-8")
    return [json.loads(line) for line in done.stdout.split("\n")[:-1]]


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@settings(max_examples=8, deadline=None)
@given(TEXTS)
def test_places_in_code_points_and_in_utf_16_are_each_other_s(texts):
    found = ask(
        """text => { const places = new Places(text), points = [];
        for (let at = 0; at <= [...text].length; at++) points.push(places.units(at));
        const before = points.map((at) => text.slice(0, at));
        return [points, points.map((at) => places.points(at)), before]; }""",
        *texts,
    )
    for text, (there, back, before) in zip(texts, found, strict=True):
        assert there == [units(text[:place]) for place in range(len(text) + 1)]
        assert back == list(range(len(text) + 1))
        assert before == [text[:place] for place in range(len(text) + 1)]


@settings(max_examples=8, deadline=None)
@given(TEXTS)
def test_words_hold_whole_characters_all_that_is_visible_and_no_space(texts):
    found = ask(
        "text => [wordsOf(text), characters(text)].map((all) => all.map(([start, end]) => text.slice(start, end)))",
        *texts,
    )
    for text, (words, characters) in zip(texts, found, strict=True):
        chunks = "".join(text.split())
        assert "".join(words) == "".join(characters) == chunks
        assert not any(sign.isspace() for word in words for sign in word)


def test_words_are_those_on_which_models_are_scored():
    words = pytest.importorskip("winnow.kinds.token_classification.words")
    texts = [
        "The 3.5-mg dose, Straße_x don't!",
        "يعالج الأسبرين",
        "東京大学 カタカナ x2",
        "ภาษาไทย",
        "한국어는 a",
        "e\u0301t 👍🏽.",
        "नमस्ते",
    ]
    found = ask("text => wordsOf(text).map(([start, end]) => text.slice(start, end))", *texts)
    for text, own in zip(texts, found, strict=True):
        assert own == [text[start:end] for start, end in words.offsets(text)]


def test_white_space_is_python_s():
    spaces = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
    [found] = ask(
        """() => { const other = new RegExp(`[^${SPACE}]`, "u");
        return [...Array(0x110000).keys()].filter((code) => !other.test(String.fromCodePoint(code))); }""",
        0,
    )
    assert [chr(code) for code in found] == spaces


def test_each_character_is_one_of_unicode_s():
    texts = ["👩‍👩‍👧‍👦🇩🇪🇫", "e\u0301\u0302x", "\u1100\u1161\u11a8한", "क्षत्रि"]
    found = ask("text => characters(text).map(([start, end]) => text.slice(start, end))", *texts)
    assert found == [regex.findall(r"\X", text) for text in texts]
    assert unicodedata.normalize("NFC", found[1][0]) != found[1][0]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([(0, 2, "drug")], [(0, 2, "drug")], []),
        ([(0, 2, "drug")], [], [[[0, 2, "drug"], None]]),
        ([], [(0, 2, "drug")], [[None, [0, 2, "drug"]]]),
        ([(0, 2, "drug")], [(0, 2, "ill")], [[[0, 2, "drug"], [0, 2, "ill"]]]),
        ([(0, 2, "drug"), (4, 6, "ill")], [(1, 5, "ill")], [[[0, 2, "drug"], [1, 5, "ill"]], [[4, 6, "ill"], None]]),
    ],
)
def test_what_leads_from_one_label_to_another(before, after, found):
    assert ask("([one, other]) => changes(spansOf(one), spansOf(other))", [canonical(before), canonical(after)]) == [
        found
    ]


def test_a_label_is_written_canonically_and_told_in_words():
    text, label = "😀 aspirin for\nheart failure", '[[2,9,"drug"],[14,27,"ill"]]'
    assert canonical([(2, 9, "drug"), (14, 27, "ill")]) == label
    many = canonical([(place, place + 1, "ill") for place in range(9)])
    asked = [[label, text], ["[]", text], [label], ["drug"], [many, text]]
    told = ask("([label, text]) => shownLabel(label, text)", *asked)
    assert told == ["drug: aspirin; ill: heart failure", "no entity", "1 drug, 1 ill", "drug", "9 ill"]
    assert ask("spans => labelOf(spans)", [[14, 27, "ill"], [2, 9, "drug"]]) == [label]
