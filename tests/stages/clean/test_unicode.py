import pytest

from stages.clean.unicode import collapse_lines, collapse_space, fix_encoding, normalize_unicode, strip_control


def test_mojibake_is_mended_and_plausible_text_is_not_touched():
    assert fix_encoding("the patientsâ€™ cafÃ© visits") == "the patients’ café visits"
    for text in ("3\N{NO-BREAK SPACE}× 4 naïve “quotes” – straße", "Ð\N{NO-BREAK SPACE}< 1.2", "plain"):
        assert fix_encoding(text) == text


def test_control_and_zero_width_characters_vanish():
    raw = "zero\u200bwidth so\u00adft \x00nul \x07bell \ud800lone a\u200db \ufeffmark"
    assert strip_control(raw) == "zerowidth soft nul bell lone ab mark"


def test_joiners_stay_where_scripts_and_emoji_need_them():
    text = "👩\N{ZERO WIDTH JOINER}🔬 and می\N{ZERO WIDTH NON-JOINER}خواهم"
    assert strip_control(text) == text


@pytest.mark.parametrize(("form", "text"), [("NFC", "café x²"), ("NFKC", "café x2")])
def test_unicode_is_normalized_as_asked(form, text):
    assert normalize_unicode("cafe\u0301 x²", form) == text


def test_white_space_becomes_one_line_or_even_lines():
    raw = "\n  one\ttwo\u00a0 three \r\n\n \n\nfour\x0bfive\n"
    assert collapse_space(raw) == "one two three four five"
    assert collapse_lines(raw) == "one two three\n\nfour\nfive"
