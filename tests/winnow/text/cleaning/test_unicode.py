"""Rules on characters: what was decoded wrongly is mended, what nobody sees goes, what shapes or parts words stays."""

import unicodedata

import ftfy
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from ftfy import badness
from hypothesis import given
from hypothesis import strategies as st

from winnow.text.cleaning import unicode
from winnow.text.cleaning.unicode import collapse_lines, collapse_space, fix_encoding, normalize_unicode, strip_control

TEXTS = {
    "Russian": "Привет, как дела? Это просто проверка.",
    "Czech": "Příliš žluťoučký kůň úpěl",
    "Polish": "Zażółć gęślą jaźń",
    "Hungarian": "árvíztűrő tükörfúrógép",
    "German": "Größe — „Straße“",
    "French": "L’été déjà à Noël…",
    "Greek": "Καλημέρα κόσμε",
    "Turkish": "Türkçe İstanbul ğüş",
    "quotes": "don’t say “quote” – it’s",
    "Chinese": "你好，世界",
    "Arabic": "مرحبا بالعالم",
    "Hebrew": "שלום עולם",
    "Hindi": "नमस्ते दुनिया",
    "emoji": "well 😀 done 👍",
}
# What ftfy cannot know again, since the wrong reading looks like words.
LOST = {("Russian", "macroman"), ("emoji", "macroman"), ("quotes", "cp437")} | {
    (name, f"sloppy-windows-{page}") for page in (1251, 1253) for name in ("Polish", "Hungarian", "Arabic")
} | {(name, "sloppy-windows-1251") for name in ("Czech", "Greek", "Turkish", "Hebrew")}  # fmt: skip
READ_AS = (
    "latin-1",
    *(f"sloppy-windows-{page}" for page in (1250, 1251, 1252, 1253, 1254, 1257)),
    "iso-8859-2",
    "macroman",
    "cp437",
)


def suspected(text: str, pattern: str) -> bool:
    return pc.match_substring_regex(pa.array([text], pa.string()), pattern)[0].as_py()


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("encoding", READ_AS)
def test_utf8_that_was_read_as_another_encoding_is_mended(name, encoding):
    text = TEXTS[name]
    wrong = text.encode().decode(encoding)
    assert (fix_encoding(wrong) == text) == ((name, encoding) not in LOST)
    assert suspected(wrong, unicode.MOJIBAKE) or (name, encoding) in LOST


@pytest.mark.parametrize("name", TEXTS)
def test_what_was_read_wrongly_twice_is_mended(name):
    once = TEXTS[name].encode().decode("sloppy-windows-1252")
    assert fix_encoding(once.encode().decode("sloppy-windows-1252")) == TEXTS[name]


@pytest.mark.parametrize("text", [*TEXTS.values(), "CAFÉ” ß… Ä”", "ÇA VA?", "ΑΒΓ", "Ärzte", "100 £/µg", "Œuvre", "Þór"])
def test_plausible_text_is_not_touched(text):
    assert fix_encoding(text) == text
    assert not suspected(text, unicode.MOJIBAKE)


def test_mojibake_is_mended_and_plausible_text_is_not_touched():
    assert fix_encoding("the patientsâ€™ cafÃ© visits") == "the patients’ café visits"
    for text in ("3\N{NO-BREAK SPACE}× 4 naïve “quotes” – straße", "Ð\N{NO-BREAK SPACE}< 1.2", "plain"):
        assert fix_encoding(text) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("I don\x92t know \x93what\x94 this\x97that costs 20 \x80\x85", "I don’t know “what” this—that costs 20 €…"),
        ("\x84Größe\x93 passt nicht \x96 20 \x80 zurück", "„Größe“ passt nicht – 20 € zurück"),
        ("\x84Das macht Spaß\x93, das muß\x85", "„Das macht Spaß“, das muß…"),
        ("Das muß\x85", "Das muß…"),
        ("\x93CAFÉ\x94 \x8cuvre \x9c\x99", "“CAFÉ” Œuvre œ™"),
        ("« Qué\x85\x94", "« Qué…”"),
        ("“real” don\x92t 日本", "“real” don’t 日本"),
        ("cafÃ© don\x92t", "café don’t"),
        ("itâ\x80\x99s \x93so\x94", "it’s “so”"),
        ("itâ€™s \x93so\x94", "it’s “so”"),
        ("\x93cÅ\x93ur\x94", "“cœur”"),
        ("ErdoÄ\x9fan", "Erdoğan"),
        ("Ï\x80 is 3, Î\x94 is not", "π is 3, Δ is not"),
        ("Ð\x98 Ð¾Ð½", "И он"),
        ("don\x92t â\x80\x94 Ð\x98 Ð¾Ð½", "don’t — И он"),
    ],
)
def test_windows_1252_that_was_read_as_latin_1_is_mended(raw, text):
    assert fix_encoding(raw) == text
    assert suspected(raw, unicode.MOJIBAKE)


def test_bytes_without_a_meaning_in_windows_1252_are_controls():
    assert fix_encoding("a\x81b\x8dc\x8fd\x90e\x9df") == "a\x81b\x8dc\x8fd\x90e\x9df"
    assert strip_control("a\x81b\x8dc\x8fd\x90e\x9df") == "abcdef"


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
BROKEN = st.builds(
    lambda text, encoding: text.encode().decode(encoding), ANY, st.sampled_from([*READ_AS, "sloppy-windows-1252"])
)
LATIN = st.text(st.characters(min_codepoint=0x70, max_codepoint=0x17F), max_size=30)


@given(st.one_of(ANY, BROKEN, LATIN, st.builds(str.__add__, BROKEN, LATIN)))
def test_the_pattern_for_mojibake_is_the_one_by_which_ftfy_tells_it(text):
    assert suspected(text, unicode.MOJIBAKE) == badness.is_bad(text)
    once = fix_encoding(text)
    assert once == text or badness.is_bad(text)
    assert fix_encoding(once) == once


@given(BROKEN)
def test_without_windows_1252_ftfy_alone_decides(text):
    if not any("\x80" <= char <= "\x9f" for char in text) and "\u00a0" not in text:
        assert fix_encoding(text) == ftfy.fix_encoding(text)


def test_control_and_zero_width_characters_vanish():
    raw = "zero\u200bwidth so\u00adft \x00nul \x07bell \ud800lone a\u200db \ufeffmark"
    assert strip_control(raw) == "zerowidth soft nul bell lone ab mark"


ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "text",
    [
        "👩\N{ZERO WIDTH JOINER}🔬 and 🏳️\N{ZERO WIDTH JOINER}🌈",
        "می\N{ZERO WIDTH NON-JOINER}خواهم",
        "क्\N{ZERO WIDTH JOINER}ष क्\N{ZERO WIDTH NON-JOINER}ष",
        "അവന്\N{ZERO WIDTH JOINER} വന്നു",  # a chillu before a space
        "শ্র\N{ZERO WIDTH JOINER}্য",
        "ප්\N{ZERO WIDTH JOINER}රජා",
        "ไทย\N{ZERO WIDTH SPACE}คำ",
        "ខ្ញុំ\N{ZERO WIDTH SPACE}ទៅ\N{ZERO WIDTH SPACE}ផ្សារ",
        "ພາສາ\N{ZERO WIDTH SPACE}ລາວ",
        "မြန်မာ\N{ZERO WIDTH SPACE}စာ",
        "日本\N{ZERO WIDTH SPACE}語です",
        "ไทย\N{ZERO WIDTH SPACE}iPhone",
        "❤\N{VARIATION SELECTOR-16} 葛\U000e0100 1️⃣",
        "ᠠ\N{MONGOLIAN VOWEL SEPARATOR}ᠠ ᠭ\N{MONGOLIAN FREE VARIATION SELECTOR ONE}",
        "\N{HANGUL CHOSEONG KIYEOK}\N{HANGUL JUNGSEONG FILLER}",
        f"{ENGLAND} plays",
        "יְרוּשָׁלַ\N{COMBINING GRAPHEME JOINER}ִם",
    ],
)
def test_what_shapes_letters_or_parts_words_stays(text):
    assert strip_control(text) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("word\N{ZERO WIDTH SPACE}press", "wordpress"),
        ("слово\N{ZERO WIDTH SPACE}форма", "словоформа"),
        ("ไทย\N{ZERO WIDTH SPACE}\N{ZERO WIDTH SPACE}คำ", "ไทย\N{ZERO WIDTH SPACE}คำ"),
        ("ไทย\N{ZERO WIDTH SPACE} คำ\N{ZERO WIDTH SPACE}", "ไทย คำ"),
        ("naïve\N{ZERO WIDTH JOINER} a\N{ZERO WIDTH NON-JOINER}b", "naïve ab"),
        ("שלום\N{RIGHT-TO-LEFT MARK} \N{ARABIC LETTER MARK} \u2066x\u2069 \u202ay\u202c", "שלום  x y"),
        ("con\N{SOFT HYPHEN}tin\N{WORD JOINER}ue\N{ZERO WIDTH NO-BREAK SPACE}", "continue"),
        ("안녕\N{HANGUL FILLER}하세요 a\N{HALFWIDTH HANGUL FILLER}b", "안녕 하세요 a b"),
        ("\ufff9漢\ufffaかん\ufffb字", "漢(かん)字"),
        ("\ufff9open \ufffa\ufffb", "open ()"),
        ("a\ufff9b\ufffbc", "abc"),
        ("2\N{INVISIBLE TIMES}3x\N{INVISIBLE SEPARATOR}y", "2 3xy"),
        ("hi\U000e0001\U000e0068\U000e0069 🏴\U000e0068 there", "hi 🏴 there"),
        ("sale\N{COMBINING GRAPHEME JOINER} \N{ZERO WIDTH NON-JOINER} today", "sale  today"),
        ("\ufdd0x\uffff", "x"),
    ],
)  # fmt: skip
def test_what_nobody_sees_goes_and_joins_nothing_wrongly(raw, text):
    assert strip_control(raw) == text
    assert suspected(raw, unicode.CONTROL)


@pytest.mark.parametrize(("form", "text"), [("NFC", "café x²"), ("NFKC", "café x2")])
def test_unicode_is_normalized_as_asked(form, text):
    assert normalize_unicode("cafe\u0301 x²", form) == text


@pytest.mark.parametrize(
    ("raw", "nfc", "nfkc"),
    [
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", "한글", "한글"),  # conjoining Jamo
        ("\u314e\u314f", "\u314e\u314f", "하"),  # compatibility Jamo
        ("Vie\u0302\u0323t Tiê\u0301ng", "Việt Tiếng", "Việt Tiếng"),
        ("\ufa19 \uf900", "神 豈", "神 豈"),  # compatibility ideographs
        ("ﻣﺮﺣﺒﺎ ﷺ", "ﻣﺮﺣﺒﺎ ﷺ", "مرحبا صلى الله عليه وسلم"),  # Arabic presentation forms
        ("ｶﾞ Ａ１ ￥", "ｶﾞ Ａ１ ￥", "ガ A1 ¥"),  # half and full width
        ("ﬁne ﬆ", "ﬁne ﬆ", "fine st"),
        ("Ω Å K", "Ω Å K", "Ω Å K"),  # the signs ohm, angstrom and kelvin
        ("नि क़", "नि क\u093c", "नि क\u093c"),
        ("שּׁ", "ש\u05bc\u05c1", "ש\u05bc\u05c1"),
        ("№ ™ ㎏ Ⅻ", "№ ™ ㎏ Ⅻ", "No TM kg XII"),
        ("10⁶ 10⁻³ 2⁺ x² H₂O", "10⁶ 10⁻³ 2⁺ x² H₂O", "10^6 10^−3 2^+ x2 H2O"),
        ("1½ ½ 3⅔", "1½ ½ 3⅔", "1 1⁄2 1⁄2 3 2⁄3"),
    ],
)
def test_normal_forms_in_each_script(raw, nfc, nfkc):
    assert normalize_unicode(raw, "NFC") == nfc
    assert normalize_unicode(raw, "NFKC") == nfkc
    assert normalize_unicode(nfkc, "NFKC") == nfkc
    for form, text in (("NFC", nfc), ("NFKC", nfkc)):
        assert raw == text or suspected(raw, unicode.UNNORMALIZED[form])


@given(ANY)
def test_a_normal_form_is_one(text):
    for form in ("NFC", "NFKC"):
        assert unicodedata.is_normalized(form, normalize_unicode(text, form))


def test_white_space_becomes_one_line_or_even_lines():
    raw = "\n  one\ttwo\u00a0 three \r\n\n \n\nfour\x0bfive\n"
    assert collapse_space(raw) == "one two three four five"
    assert collapse_lines(raw) == "one two three\n\nfour\nfive"
