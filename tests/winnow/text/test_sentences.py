"""Sentences end where their script says."""

import re
import time

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.text import sentences


@pytest.mark.parametrize(
    "parts",
    [
        ["It came. ", "It went! ", "Why?\n", "So"],
        ["Read e.g. this, p. 5 or 3.5 of it. ", "Then v1.2."],
        ["Das sind inkl. 5 bzw. sechs, vgl. dort Nr. 3. ", "Das usw. ", "Dann"],
        ["Son env. 5, cfr. sopra, pág. 5. ", "Sí"],
        ["Zie bijv. blz. 5. ", "Ja"],
        ["To np. tak, tzw. cel. ", "Nie"],
        ["См. рис. 5 на стр. 7. ", "Да"],
        ["“So.” ", "(It went.) ", "‘Why?’ ", "He asked."],
        ["Wait… ", "it goes ... ", "on"],
        ["one\n\n  ", "two. \n", "three"],
        ["本邮件机密。", "请勿转发！", "「好。」", "他说……走了？！", "谢谢!", "请回 3.5 次"],
        ["以上です。", "よろしく！ ", "では"],
        ["यह है। ", "वह था।", "फिर॥ ", "अंत"],
        ["هل وصل؟ ", "نعم. ", "اچھا۔ ", "ٹھیک"],
        ["ខ្ញុំមក។ ", "គាត់ទៅ៕ ", "បាទ"],
        ["ကျွန်တော်လာ။ ", "သူသွား။", "ဟုတ်"],
        ["ሰላም። ", "እንዴት፧ ", "ደህና"],
        ["Բարեւ։ ", "Ոչ"],
        ["𑄌𑄋𑄴𑅁 ", "𑄟𑄧𑅁", "ok. ", "So"],
        ["ไทยไม่มีจุด แต่มีบรรทัด\n", "สอง"],
        [""],
    ],
)
def test_split(parts):
    found, between = sentences.split("".join(parts))
    assert found == [part.rstrip(" \n") for part in parts]
    assert between == [re.search(r"\s*$", part)[0] for part in parts[:-1]]


@given(st.text(st.sampled_from("a5.!?…。」”\"'字\n ।"), max_size=12))
def test_nothing_is_lost(text):
    found, between = sentences.split(text)
    assert "".join(part for pair in zip(found, [*between, ""], strict=True) for part in pair) == text
    assert all(map(str.isspace, filter(None, between)))


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("It came.", True),
        ("“It came!”", True),
        ("他来了。」", True),
        ("वह आया।", True),
        ("هل وصل؟", True),
        ("သူသွား။", True),
        ("and so on…", True),
        ("it ca", False),
        ("他来", False),
        ("so: ", False),
    ],
)
def test_ended(text, ended):
    assert pc.match_substring_regex(pa.array([text]), sentences.ENDED)[0].as_py() is ended


@pytest.mark.parametrize("piece", [".", ". ", "。", "。'", "a. ", "!字", " ", "\n", "…”", "_"])
def test_hostile_repetition_stays_fast(piece):
    start = time.perf_counter()
    sentences.split(piece * (1_000_000 // len(piece)))
    assert time.perf_counter() - start < 5
