"""Notices: copyright statements, headings and marks of cut texts go, sentences about them stay."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from winnow.text.cleaning.notices import COPYRIGHT, CUT, strip_copyright, strip_truncation_mark


@pytest.mark.parametrize(
    "statement",
    [
        "© 2021 Some Society of Somewhere. Published by Someone & Sons, Ltd.",
        "© 2021 The Authors. The Journal of Things published by Someone Ltd. on behalf of The Society.",
        "© 2021 S. Karger AG, Basel.",
        "(Some Database Record (c) 2021 ABC, all rights reserved).",
        "This article is protected by copyright. All rights reserved.",
        "Copyright © 2020 The Author(s). Published by Someone B.V. All rights reserved.",
        "Copyright 2020 by the authors.",
    ],
)
def test_copyright_statements_are_removed(statement):
    assert strip_copyright(f"We found a thing. It holds in NZ N. {statement}") == "We found a thing. It holds in NZ N."


STATEMENTS = {
    "German": [
        "© 2021 Verlag GmbH. Alle Rechte vorbehalten.",
        "Dieser Artikel ist urheberrechtlich geschützt. Alle Rechte vorbehalten.",
        "Urheberrecht © 2021 Der Verlag. Veröffentlicht von Haus GmbH.",
        "Dies ist ein Open-Access-Artikel unter der Lizenz CC BY.",
    ],
    "French": [
        "© 2021 Société savante. Publié par Maison SAS. Tous droits réservés.",
        "Droits d’auteur © 2021 Les auteurs.",
        "Cet article est protégé par le droit d'auteur. Tous droits réservés.",
        "Cet article est publié en libre accès sous la licence CC BY.",
    ],
    "Spanish": [
        "© 2021 Sociedad. Publicado por Editorial, S.L.U. Todos los derechos reservados.",
        "Este es un artículo Open Access bajo la licencia CC BY-NC-ND.",
        "Derechos de autor © 2021 Los autores. Reservados todos los derechos.",
    ],
    "Portuguese": ["Todos os direitos reservados.", "Este é um artigo de acesso aberto sob uma licença CC BY."],
    "Italian": ["© 2021 Editore. Pubblicato da Casa Srl. Tutti i diritti riservati."],
    "Dutch": ["Dit artikel is auteursrechtelijk beschermd. Alle rechten voorbehouden."],
    "Polish": ["Prawa autorskie © 2021 Wydawca. Wszelkie prawa zastrzeżone."],
    "Russian": ["Авторские права © 2021 Издатель. Все права защищены."],
}


@pytest.mark.parametrize("statement", [one for of in STATEMENTS.values() for one in of])
def test_copyright_statements_in_other_languages_are_removed(statement):
    text = f"Wir fanden es. Es hielt so. {statement}"
    assert strip_copyright(text) == "Wir fanden es. Es hielt so."
    assert pc.match_substring_regex(pa.array([text]), COPYRIGHT)[0].as_py()  # what is not suspected is not looked at


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("我们发现了它。结果很好。版权所有 © 2021 某出版社。保留所有权利。", "我们发现了它。结果很好。"),
        ("我们发现了它。结果很好！版权所有，侵权必究。", "我们发现了它。结果很好！"),
        ("我們發現了它。© 2021 某出版社。保留所有權利。", "我們發現了它。"),
        ("これがわかった。よい結果だ。© 2021 学会。無断転載を禁じます。", "これがわかった。よい結果だ。"),
        ("© 2021 学会。これがわかった。よい結果だ。", "これがわかった。よい結果だ。"),
    ],
)
def test_copyright_statements_without_spaces_are_removed_and_no_space_is_put_in(text, left):
    assert strip_copyright(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "Der Verlag hat sich alle Rechte vorbehalten, sagt das Gericht. So ist es.",
        "Musik ist urheberrechtlich geschützt. Das Urheberrecht von 1965 gilt.",
        "Tous droits réservés ou non, il copie. Le droit d'auteur a changé.",
        "Los derechos de autor cambian. Publicado por primera vez en 1990.",
        "O livro foi publicado por ela. Os direitos autorais são dela.",
        "Il diritto d'autore è nuovo. Pubblicato da lui.",
        "Het auteursrecht is oud. Uitgegeven door hem.",
        "Prawa autorskie są ważne. Wydane przez niego.",
        "Авторские права важны. Опубликовано им.",
        "版权所有者是谁？我们不知道。著作权很重要。",
        "著作権について話す。無断転載は悪い。",
    ],
)
def test_sentences_about_rights_in_other_languages_stay(text):
    assert strip_copyright(text) == text


@pytest.mark.parametrize(
    "statement",
    [
        "(Some Database Record (c) 2021 ABC, all rights reserved).",
        "This article is protected by copyright. All rights reserved.",
        "All rights reserved.",
        "Copyright © 2020 Us.",
    ],
)
def test_a_statement_does_not_take_a_sentence_without_a_full_stop_along(statement):
    assert strip_copyright(f"We found a thing {statement}") == "We found a thing"


def test_a_copyright_statement_in_the_middle_stays():
    body = "One was here. " * 5
    text = f"{body}© 2021 The Society. {body}".strip()
    assert strip_copyright(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "the Outcome Measure (PROM) © was created last year",
        "three groups: (a) old, (b) young, and (c) 2021 births",
        "we ask who holds it. Copyright law changed much. Courts disagree.",
        "I like to read more. [1] And some more",
    ],
)
def test_what_only_looks_like_a_notice_stays(text):
    assert strip_truncation_mark(strip_copyright(text)) == text


@pytest.mark.parametrize(
    "mark",
    [
        "…",
        "...",
        " [truncated]",
        " (more)",
        " (ABSTRACT TRUNCATED AT 250 WORDS)",
        "… Read more",
        " [...]",
        "...[more…]",
        "… Weiterlesen",
        "… lire la suite",
        " (Leer más)",
        "… Leia mais",
        "… Leggi tutto",
        "… Lees meer",
        "… Czytaj dalej",
        "… Читать далее",
        "……阅读全文",
        "…続きを読む",
        " [gekürzt]",
    ],
)
def test_a_mark_of_a_cut_text_is_removed(mark):
    assert strip_truncation_mark(f"The tide turns and{mark} ") == "The tide turns and"
    assert strip_truncation_mark(f"It turned.{mark} It went.") == f"It turned.{mark} It went."


@pytest.mark.parametrize("space", [" ", "\n", "\x1c", "\x85", "\u00a0", "\u2028", "\u3000"])
def test_any_white_space_may_follow_the_mark_of_a_cut_text(space):
    text = f"cut off…{space}"
    assert strip_truncation_mark(text) == "cut off"
    assert pc.match_substring_regex(pa.array([text]), CUT)[0].as_py()
