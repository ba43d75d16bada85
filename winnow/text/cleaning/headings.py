"""The rule on headings of sections that stand in a text: `RESULTS:` before a sentence gives its label away."""

import re
from functools import cache, partial
from itertools import chain

# What parts of a scientific paper are called, and the words that stand beside these in a heading.
_PARTS = (
    "aims?|backgrounds?|conclusions?|contexts?|designs?|discussions?|findings?|goals?|hypothes[ei]s|implications?"
    "|interpretations?|interventions?|introductions?|keywords?|limitations?|methods?|methodology|objectives?|outcomes?"
    "|purposes?|rationales?|results?|settings?|significance|summary"
)
_BESIDE = (
    "and|or|of|the|this|our|in|study|studies|research|review|work|trial|main|key|primary|secondary|principal|clinical"
    "|overall|expected|experimental|authors?['’]|new|approach|innovation|measures?|measurements?|materials?|patients?"
    "|participants?|subjects?|sample|data|sources?|statement|points?|strengths?|relevance|practice"
)
_BREAK = r"[\s,/&-]{1,5}"
_NAMED = rf"(?:(?:{_BESIDE}){_BREAK}){{0,5}}(?:{_PARTS})(?:{_BREAK}(?:{_PARTS}|{_BESIDE})){{0,5}}"
# Up to five words in capitals. One of six letters or more, or AIM: shorter ones are acronyms ("NADPH:").
_CAPITALS = r"[^\W\d_a-z]+(?:[\s,/&-]+[^\W\d_a-z]+){0,4}"
_LONG_WORD = re.compile(r"[^\W\d_]{6}|\bAIMS?\b")
_MARK = r"[*_#]{0,3}"  # Markdown's: **Results:**
_START = (
    r"\s*(?:&\s*)?(?:[*_#]{1,3}\s*)?"  # a joint heading may have lost its first half: "& Objectives:", "and Purpose:"
)
_END = r"[.!?)\]]"  # of a sentence
_NAME = (
    rf"(?:(?P<named>(?i:{_NAMED})){_MARK}\s*(?:[:：]|(?P<stop>\.(?=\s+[A-Z])|;(?=\s)|[–—](?=\s)|\s-(?=\s)))"
    rf"|(?P<capitals>{_CAPITALS}){_MARK}\s*[:：])(?!//){_MARK}\s*"
)
_FIRST = re.compile(rf"(?P<before>{_START}){_NAME}")
# It begins with one character of a few: Python then looks at nothing but these.
_WITHIN = re.compile(rf"(?P<before>[.!?)\]\s](?:(?P<end>(?<={_END}))\s*|(?<=\s)){_MARK}(?=[A-Z])){_NAME}")
# RE2 of texts that may hold one. After a space only the last word is looked at: all of `_NAMED`, which may begin at
# any word, makes an automaton that takes two and a half times as long.
SUSPECTS = (
    rf"(?:^{_START}|{_END}\s*{_MARK})(?:(?i:{_NAMED}){_MARK}\s*[:：;.–—-]|[^\p{{Ll}}:]+[:：])"
    rf"|[\s,/&*_#-](?i:{_PARTS}|{_BESIDE}){_MARK}\s*[:：]"
)
# The same in other languages, whole headings alone: before a colon, where a text or a sentence begins.
_OTHER_NAMES = (
    "Hintergrund|Einleitung|Ziele?|Zielsetzung|Zielstellung|Fragestellung|Methoden?|Methodik|Material und Methoden?"
    "|Patienten und Methoden?|Ergebnis(?:se)?|Resultate?|Schlussfolgerung(?:en)?|Diskussion|Fazit|Zusammenfassung"
    "|Contexte|Introduction et objectifs?|Objectifs?|Méthodes?|Matériels? et méthodes?|Patients et méthodes?"
    "|Résultats?|Conclusions?|Antecedentes|Introducción|Introducción y objetivos?|Fundamento|Objetivos?|Métodos?"
    "|Materiales? y métodos?|Pacientes y métodos?|Resultados?|Conclusi(?:ón|ones)|Discusión|Resumen"
    "|Introdução|Contexto|Materia(?:l|is) e métodos?|Pacientes e métodos?|Conclus(?:ão|ões)|Discussão|Resumo"
    "|Introduzione|Premessa|Obiettiv[oi]|Scopo|Metod[oi]|Materiali e metodi|Pazienti e metodi|Risultat[oi]"
    "|Conclusion[ei]|Discussione|Riassunto|Achtergrond|Inleiding|(?-i:Doel)|Doelstelling(?:en)?|Methoden?|Opzet"
    "|Resultaten|Conclusies?|Discussie|Samenvatting|Wstęp|Wprowadzenie|(?-i:Cele?)|Cel pracy|Metod[ay]"
    "|Materiał i metod[ay]|Wyniki?|Wnioski|Wniosek|Dyskusja|Streszczenie|Введение|Актуальность|Цел[ьи]"
    "|Цель исследования|Методы?|Материалы? и методы?|Результаты?|Выводы?|Заключение|Обсуждение"
)
_OTHER_SIGNS = (
    "目的|目标|目標|背景|(?:对象与|材料与|资料与|材料與|対象と)?方法|结果|結果|结论|結論|讨论|討論|対象|考察|まとめ"
)
_BEGINS = r"\A\s*|(?<=[.!?)\]])\s+|(?<=[。！？；;])\s*|(?<=\n)[ \t]*+"
_OTHER = re.compile(
    rf"(?P<before>{_BEGINS})(?:(?P<letters>{_MARK}(?i:{_OTHER_NAMES}){_MARK})\s*[:：](?!//){_MARK}"
    rf"|(?:{_OTHER_SIGNS})[:：]|【(?:{_OTHER_SIGNS})】[:：]?|\[(?:{_OTHER_SIGNS})\][:：]?)\s*"
)
SUSPECTS_OF_ALL = (
    rf"{SUSPECTS}|"
    r"(?:^\s*|[.!?)\]]\s+|[。！？；;]\s*|\n[ \t]*)"
    rf"(?:{_MARK}(?i:{_OTHER_NAMES}){_MARK}\s*[:：]|[【\[]?(?:{_OTHER_SIGNS})[:：】\]])"
)


def strip_headings(text: str, own: str | None = None) -> str:
    """Remove headings of sections from a text.

    A heading is what parts of a paper are called ("Material and methods"), before a colon: in any case at the start,
    with a capital elsewhere. At the start of the text or of a sentence a full stop or a dash may stand in the colon's
    place, and up to five words in capitals are a heading too. At the start it may be the row's own heading, singular
    or plural. "Results showed that …" is a sentence and stays.

    Args:
        own: the row's own heading.
    """
    last_of_case = cache(partial(_last_of_case, text))  # few texts need it

    def in_capitals(start: int) -> bool:
        capital, small = last_of_case()
        return small < start <= capital

    def blank(match: re.Match) -> str:
        at_sentence = not match.start() or match["end"] is not None
        capitals = match["capitals"]
        heading = not capitals or (capitals.isupper() and _LONG_WORD.search(capitals) and not in_capitals(match.end()))
        if match.end() == len(text) or not heading or not (at_sentence or (match["named"] and not match["stop"])):
            return match[0]
        before = match["before"].strip().strip("&*_# ")
        return f"{before} " if match.start() else ""

    first = _FIRST.match(text)
    parts, position = [], 0
    for match in chain([first] if first else [], _WITHIN.finditer(text, first.end() if first else 0)):
        parts += [text[position : match.start()], blank(match)]
        position = match.end()
    stripped = "".join([*parts, text[position:]])
    stem = (own or "").strip().rstrip(":.").rstrip("sS")
    if stem and stripped.lstrip()[: len(stem)].casefold() == stem.casefold():
        own_heading = rf"^\s*{re.escape(stem)}s?\s*(?::|\.(?!\d)|[–—-](?=\s|$))\s*"
        stripped = re.sub(own_heading, "", stripped, flags=re.I)
    return stripped


def strip_headings_of_all(text: str, own: str | None = None) -> str:
    """Remove headings as `strip_headings` does, and those of ten other languages.

    These are whole headings of a list (`Material und Methoden:`, `【方法】`) where the text or a sentence begins:
    German, French, Spanish, Portuguese, Italian, Dutch, Polish, Russian, Chinese and Japanese ones.
    """
    return _OTHER.sub(_without_other, strip_headings(text, own))


def _without_other(match: re.Match) -> str:
    """Return what stays of a heading in another language than English."""
    letters = (match["letters"] or "").strip("*_#")
    # Within a text a heading has a capital; one at the very end heads nothing.
    if match.end() == len(match.string) or (match.start() and letters[:1].islower()):
        return match[0]
    return match["before"] if match.start() else ""


def _last_of_case(text: str) -> tuple[int, int]:
    """Return the places of the last capital and of the last other letter with case; -1 where there is none.

    What follows a place is all in capitals if only a capital stands there: to ask each rest of a text anew takes
    minutes of a megabyte.
    """
    chars = set(text)
    capitals = (char for char in chars if char.isupper())
    small = (char for char in chars if char.islower() or (char.istitle() and not char.isupper()))
    return max(map(text.rfind, capitals), default=-1), max(map(text.rfind, small), default=-1)
