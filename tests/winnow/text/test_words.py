"""Words are found in every script."""

import re
import time
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from winnow.text.words import _HIDDEN, fold, places, scripts, terms, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The patients’ CAFÉ, 40 mg_x!", ["the", "patients", "café", "40", "mg_x"]),
        ("It’s 3.5, isn't it?", ["it's", "3.5", "isn't", "it"]),
        ("cafe\u0301 co\u00adop ﬁne", ["café", "coop", "fine"]),
        ("हिन्दी में जाती जाता", ["हिन्दी", "में", "जाती", "जाता"]),
        ("كَتَبَ كُتِبَ", ["كَتَبَ", "كُتِبَ"]),
        ("字", ["字"]),
        ("GPU 加速 of", ["gpu", "加", "速", "of"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("ខ្មែរ\u200bយើង", ["ខ្", "មែ", "រ", "យើ", "ង"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("カタカナ", ["カタカナ"]),
        ("great 👍🏽 👨\u200d👩\u200d👧 ❤\ufe0f 🇩🇪🇫🇷", ["great", "👍🏽", "👨", "👩", "👧", "❤", "🇩🇪", "🇫🇷"]),
        ("Nice :) great:( =D 1:3 https://a.b", ["nice", ":)", "great", ":(", "=d", "1", "3", "https", "a.b"]),
        ("C++, C#, $5 €5 5%", ["c", "+", "+", "c", "#", "$", "5", "€", "5", "5", "%"]),
        ("x < -5, 2-3, −4", ["x", "<", "-", "5", "2", "3", "-", "4"]),
        ("-$5 -.5 –5 (2)-3 5%-6", ["-", "$", "5", "-", "5", "-", "5", "2", "3", "5", "%", "6"]),
        ("'apple' said 'it', 'open", ["apple", "said", "it", "open"]),
        ("l'objectif, d’accord, don´t", ["l'objectif", "d'accord", "don't"]),
        ("_x __init__ ___ a_b `c`", ["_x", "__init__", "a_b", "c"]),
        (":'( :-( (: ): </3 -_- ;_; :P xp:p", [":'(", ":-(", "(:", "):", "</3", "-_-", ";_;", ":p", "xp", "p"]),
        ("(see below): a) b", ["see", "below", "a", "b"]),
        ("a*b 2 * 3 **bold** *em* * item", ["a", "*", "b", "2", "*", "3", "bold", "em", "item"]),
        ("6/2 and/or (a) / (b) 1½ ½", ["6", "/", "2", "and", "or", "a", "/", "b", "1", "1", "/", "2", "1", "/", "2"]),
        ("!ok x!=5 Hi! (!x) Ok!", ["!", "ok", "x", "!", "=", "5", "hi", "!", "x", "ok"]),
        ("5‰ 5٪ ١٢٣", ["5", "‰", "5", "%", "١٢٣"]),
        ("צה\"ל צה״ל צ'יפס", ['צה"ל', 'צה"ל', "צ'יפס"]),
        ("كـــتاب مي\u200cخواهم", ["كتاب", "ميخواهم"]),
        ("ｶﾞｲﾄﾞ ﾃﾚﾋﾞ", ["ガイド", "テレビ"]),
        ("မြန်မာ", ["မြ", "န်", "မာ"]),
        ("བོད་ཡིག།", ["བོད", "ཡིག"]),
        ("ສະບາຍດີ", ["ສ", "ະ", "ບ", "າ", "ຍ", "ດີ"]),
        ("🏴\U000e0067\U000e0062\U000e007f\U000e0067", ["🏴\U000e0067\U000e0062\U000e007f"]),
        ("a\U000e0067b", ["ab"]),
        ("🇩🇪🇫", ["🇩🇪", "🇫"]),
        ("10⁻⁶ 10^-6 H₂O", ["10", "^", "-", "6", "10", "^", "-", "6", "h2o"]),
        ("__init__ _so_ mg_x ___", ["__init__", "_so_", "mg_x"]),
        ("‘apple’ 'bee' l’eau rock'n'roll o’clock dogs'", ["apple", "bee", "l'eau", "rock'n'roll", "o'clock", "dogs"]),
        ("„آب‘ ‘ਅਤੇ’ 'क'", ["آب", "ਅਤੇ", "क"]),
        ("Status:open a:b 字:a :d :d.x", ["status", "open", "a", "b", "字", "a", ":d", "d.x"]),
        ("e.g. 1,000.5 3;4 a,b node.js", ["e.g", "1,000.5", "3;4", "a", "b", "node.js"]),
        ("", []),
        ("…!? — “”", []),
    ],
)
def test_words(text, found):
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("東京都に住む", ["東京", "京都", "都に", "に住", "住む"]),
        ("字 GPU 加速 of", ["字", "gpu", "加速", "of"]),
        ("我，你好", ["我", "你好"]),
        ("สวัสดี", ["สวั", "วัส", "สดี"]),
        ("naïve café", ["naïve", "café"]),
    ],
)
def test_terms_join_neighbours_where_no_space_parts_words(text, found):
    assert terms(text) == found


@given(st.text())
def test_words_are_the_same_however_a_text_is_written(text):
    assert words(unicodedata.normalize("NFD", text)) == words(unicodedata.normalize("NFC", text))
    assert "".join(terms(text)).strip() == "".join(terms(text))
    assert len(terms(text)) <= len(words(text))


def test_scripts():
    assert scripts(["abc", "абв12 !"]) == {"LATIN": 0.5, "CYRILLIC": 0.5}
    assert scripts([]) == {}


def test_hidden_characters_are_those_of_unicode():
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    hidden = set(regex.findall(r"\p{Default_Ignorable_Code_Point}", every)) - {"\u200b"} | {"\u0640"}
    assert set(re.findall(f"[{_HIDDEN}]", every)) == hidden


@given(st.text("aAz09_.,;:'’‘-=()#%@$+<>^`|~!? \n/\\[]{}*dpDéßµøжςά“”»•°±×≤€→²", max_size=12))
def test_words_of_ascii_are_those_of_all_texts(text):
    assert words(text) == [word for word in words(f"{text}\n\u0e01") if word != "\u0e01"]


@given(st.text())
def test_places_are_those_of_the_words(text):
    folded, found = places(text)
    assert [folded[start:end] for start, end in found] == words(text)


@given(st.text())
def test_folding_twice_is_folding_once_but_for_marks_of_raised_digits(text):
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_words_hold_no_space_and_stand_in_the_text(text):
    folded = fold(text)
    at = 0
    for word in words(text):
        assert word
        assert not re.search(r"\s", word)
        at = folded.index(word, at) + len(word)


@pytest.mark.parametrize(
    "unit",
    [
        "_",
        "_\u0301",
        "a'",
        "a:",
        "1,",
        ":(",
        ":",
        "((:",
        "-_",
        ";.",
        "\u0301",
        'א"',
        "א'",
        "🇩",
        "🏴\U000e0067",
        "👍🏽",
        "!",
        "-",
    ]
    + ["* ", "字", "ก", "½1", "⁵", "\u00ad", "</3", "="],
)
def test_no_text_takes_long(unit):
    text = unit * (1_000_000 // len(unit.encode()))
    start = time.process_time()
    words(text)
    words("é" + text)
    assert time.process_time() - start < 4
