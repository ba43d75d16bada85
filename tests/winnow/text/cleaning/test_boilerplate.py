"""Boilerplate: found by share of rows and by groups, named, and removed with nothing else."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.text.cleaning import boilerplate
from winnow.text.cleaning.boilerplate import Boilerplate, strip_boilerplate

SETTINGS = Boilerplate(min_share=0.2, min_groups=3, min_words=3, survey_rows=100)


def found(texts: list[str], groups: list[str] | None = None, settings: Boilerplate = SETTINGS) -> dict[str, float]:
    groups = groups or [f"group {number}" for number in range(len(texts))]
    counts = boilerplate.count(texts, groups, settings.min_words)
    shares = boilerplate.shared(counts, len(texts), settings)
    return {unit: shares[hash_] for unit, hash_ in boilerplate.named(texts, shares).items()}


def test_sentences_and_lines_that_many_rows_share_are_found():
    texts = [f"Tide {n} came. Read our terms  of use." for n in range(8)] + [
        "Tide 8 came.",
        "Nothing else.\nIt ebbed 9 times",
    ]
    assert found(texts) == {"Read our terms of use.": 0.8}
    assert found([f"{text}\nHome | News | About" for text in texts])["Home | News | About"] == 1.0


@pytest.mark.parametrize(
    "notice",
    [
        "This mail is for its addressee only, delete it.",
        "本邮件及其附件仅供收件人使用，如有误发请立即删除。",
        "このメールは宛先の方のみを対象としています。",
        "อีเมลนี้มีไว้สำหรับผู้รับเท่านั้น",
        "ອີເມວນີ້ສຳລັບຜູ້ຮັບເທົ່ານັ້ນ",
        "អ៊ីមែលនេះសម្រាប់អ្នកទទួលតែប៉ុណ្ណោះ។",
        "ဤအီးမေးလ်သည် လက်ခံသူအတွက်သာဖြစ်သည်။",
        "यह मेल केवल प्राप्तकर्ता के लिए है।",
        "هذه الرسالة للمرسل إليه فقط، هل وصلتك خطأ؟",
        "이 메일은 수신인만 볼 수 있습니다.",
        "ይህ መልእክት ለተቀባዩ ብቻ ነው።",
    ],
)
def test_a_notice_in_any_script_is_found_and_removed(notice):
    texts = [f"Nr. {n}{n + 7}!\n{notice}" for n in range(40)]
    assert found(texts, settings=SETTINGS.model_copy(update={"min_words": 4})) == {notice: 1.0}
    assert {strip_boilerplate(text, {notice}) for text in texts} == {text.partition("\n")[0] for text in texts}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("货已收到。请勿转发本邮件。谢谢！", "货已收到。谢谢！"),
        ("货已收到！「请勿转发本邮件。」", "货已收到！「请勿转发本邮件。」"),
        ("OK. 请勿转发本邮件。Bye", "OK. Bye"),
        ("请勿转发本邮件。好", "好"),
        ("माल मिला। इसे आगे न भेजें।धन्यवाद।", "माल मिला। धन्यवाद।"),
        ("وصلت؟ لا تعد إرسالها الآن. شكرا", "وصلت؟ شكرا"),
    ],
)
def test_sentences_end_as_their_script_has_it(text, left):
    assert strip_boilerplate(text, {"请勿转发本邮件。", "इसे आगे न भेजें।", "لا تعد إرسالها الآن."}) == left


def test_rulers_and_marks_alone_are_no_words():
    assert found([f"Tide {n} came.\n- - - - - -\n* * * * *" for n in range(9)]) == {}


def test_one_groups_habit_short_sentences_and_repetition_within_a_text_are_none():
    texts = [f"Tide {n} came. Read our terms of use." for n in range(10)]
    assert found(texts, ["one"] * 9 + ["other"]) == {}
    assert found([f"Tide {n} came. Oh no." for n in range(10)]) == {}
    assert found(["Read our terms of use. " * 9, *(f"Tide {n} came." for n in range(9))]) == {}


def test_what_is_found_is_removed_and_lines_stay_lines():
    known = {"Read our terms of use.", "Home | News | About"}
    assert (
        strip_boilerplate("Home | News | About\nIt came.  Read our\u00a0terms of use. It went.", known)
        == "It came. It went."
    )
    assert strip_boilerplate("One.\nHome | News | About\nTwo", known) == "One.\nTwo"
    assert strip_boilerplate("One. Read our terms of use.\nTwo", known) == "One.\nTwo"
    assert strip_boilerplate("He said: Read our terms of use.", known) == "He said: Read our terms of use."


UNITS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), min_size=1, max_size=5)


@given(UNITS, st.text(st.sampled_from(" \n\t\u00a0"), min_size=1, max_size=3))
def test_the_pattern_matches_every_text_that_holds_a_unit(units, space):
    units = [" ".join(unit.split()) for unit in units]
    units = [unit for unit in units if unit]
    pattern = boilerplate.pattern(units)
    for unit in units:
        text = pa.array([f"x {space.join(unit.split(' '))} y"])
        assert pc.match_substring_regex(text, pattern)[0].as_py()


def test_too_many_units_for_a_pattern_still_match():
    assert boilerplate.pattern([f"sentence number {number}" for number in range(9999)]) == ""
