"""Rules on notices: copyright statements, marks of a text that was cut off."""

import re

from winnow.text.cleaning.unicode import SPACE

# "All rights reserved", which ends a sentence where it states something.
RESERVED = (
    "Alle Rechte vorbehalten",
    "Tous droits réservés",
    "Todos los derechos reservados",
    "Reservados todos los derechos",
    "Todos os direitos reservados",
    "Tutti i diritti riservati",
    "Tutti i diritti sono riservati",
    "Alle rechten voorbehouden",
    "Wszelkie prawa zastrzeżone",
    "Все права защищены",
    "版权所有",
    "版權所有",
    "保留所有权利",
    "保留所有權利",
    "保留一切权利",
    "無断転載を禁じます",
    "無断複写・転載を禁じます",
    "無断転載禁止",
)
# What stands for "Copyright" before ©, (c) or a year.
_RIGHT = (
    "Urheberrecht|Droits? d['’]auteur|Derechos de autor|Direitos autorais|Direitos de autor|Diritti d['’]autore"
    "|Auteursrecht|Prawa autorskie|Авторские права|Авторское право|版权(?:所有)?|版權(?:所有)?|著作権(?:所有)?"
)
# "This article is protected by copyright." and no other sentence on such law: somebody may write about it.
_PROTECTED = (
    r"Dieser (?:Artikel|Beitrag|Text) ist urheberrechtlich geschützt",
    r"Cet article est protégé par (?:le droit d['’]auteur|copyright)",
    r"Este artículo está protegido por (?:derechos de autor|copyright)",
    r"Este artigo (?:está|é) protegido por (?:direitos autorais|direitos de autor|copyright)",
    r"Questo articolo è protetto da (?:copyright|diritto d['’]autore)",
    r"Dit artikel is auteursrechtelijk beschermd",
    r"Ten artykuł jest chroniony prawem autorskim",
    r"Эта статья защищена авторским правом",
    r"本文受(?:版权|版權|著作权|著作權)(?:法)?保[护護]",
    r"版[权權]所有[,，、;；\s]{1,3}.{0,30}(?:不得|禁止|勿|必究).{0,20}",
    r"本(?:記事|論文|稿)は著作権(?:法)?(?:で|により|によって)保護されています",
)
# "This is an open access article under the … licence": as Elsevier has it in other languages.
_OPEN = (
    r"Dies ist ein Open[- ]Access[- ]Artikel.{0,40}\bLizenz",
    r"(?:Cet article est (?:publié )?en|Article en) (?:open access|libre accès)\b.{0,40}\blicence",
    r"Este es un artículo (?:open access|de acceso abierto)\b.{0,40}\blicencia",
    r"Este é um artigo (?:open access|de acesso aberto)\b.{0,40}\blicença",
    r"Questo è un articolo (?:open access|ad accesso aperto)\b.{0,40}\blicenza",
    r"Dit is een open[- ]access[- ]artikel\b.{0,40}\blicentie",
    r"Artykuł (?:opublikowany )?w otwartym dostępie\b.{0,40}\blicencj",
)
# After a full stop and before a capital (unless the stop is an initial's, as in "S. Karger") or a mark; or before a
# set phrase. It begins with the space, not with what stands before: Python then looks at nothing but spaces.
_SPACED = re.compile(
    r"\s(?:(?:(?<=[.!?].)|(?<=[.!?][)\]].))\s*(?:(?<![\s(][A-Z]\.\s)(?=[^\W\d_a-z])|(?=[©(\[]|Copyright\b))"
    r"|\s*(?=This article is protected by copyright|All rights reserved|Copyright ©"
    rf"|\([^()]{{0,40}}\(c\)\s(?:19|20)\d\d|{'|'.join(RESERVED)}))",
    re.S,
)
_UNSPACED = ("。", "！", "？")
_SENTENCE = re.compile(rf"{_SPACED.pattern}|(?<=[{''.join(_UNSPACED)}])\s*(?=\S)", re.S)
MAX_STATEMENT = 400  # characters; longer sentences hold more than a statement
_HINTS = (
    "©",
    "(c)",
    "copyright",
    "rights reserved",
    "rights are reserved",
    "published by",
    "open access",
    "open-access",
    # Words of the patterns below in other languages; a statement with © needs none.
    *map(str.lower, RESERVED),
    *("urheberrecht", "d'auteur", "d’auteur", "derechos de autor", "direitos autorais", "direitos de autor"),
    *(
        "d'autore",
        "d’autore",
        "diritto d",
        "auteursrecht",
        "praw autorsk",
        "prawa autorsk",
        "prawem autorsk",
        "авторск",
    ),
    *("版权", "版權", "著作权", "著作權", "著作権"),
    *("libre accès", "acceso abierto", "acesso aberto", "accesso aperto", "otwartym dostępie"),
)
COPYRIGHT = "(?i)" + "|".join(map(re.escape, _HINTS))
_COPYRIGHT = re.compile(
    r"^[\s(\[]*(?:©|\(c\)\s*(?:19|20)\d\d|copyright[\s,:]*(?:©|\(c\)|by\b|(?:19|20)\d\d))"
    r"|^.{0,80}\ball rights (?:are )?reserved\b|\b(?:is|are) protected by copyright\b"
    r"|^published by(?:\s+\S+){1,10}$"
    r"|^(?:this is an )?open[- ]access article\b.{0,80}\b(?:licen[cs]e|distributed|published|under)\b"
    rf"|^.{{0,80}}(?<!\w)(?:{'|'.join(RESERVED)})[\W\d]*$"
    rf"|^[\s(\[]*(?:{_RIGHT})[\s,:]*(?:©|\(c\)|(?:19|20)\d\d)"
    rf"|^(?:{'|'.join(_PROTECTED)})\W*$|^(?:{'|'.join(_OPEN)})",
    re.I,
)
# What may follow a statement: "The Journal of X published by Y Ltd. on behalf of Z."
_PUBLISHER = re.compile(
    r"\bpublished by\b|\bon behalf of\b"
    r"|^(?:Herausgegeben von|Veröffentlicht von|Publié par|Publicado por|Pubblicato da|Uitgegeven door"
    r"|Gepubliceerd door|Wydan[eya] przez|Opublikowan[eya] przez|Опубликовано)\b",
    re.I,
)


def strip_copyright(text: str, first: int = 1, last: int = 4) -> str:
    """Remove sentences that state a copyright among the first and the last ones; a mid-text discussion stays.

    Args:
        text: any text.
        first: how many sentences at the start may be a statement.
        last: how many at the end; publishers add up to four ("© 2021 X. Published by Y. All rights reserved. …").
    """
    lower = text.lower()
    if not any(hint in lower for hint in _HINTS):
        return text
    pattern = _SENTENCE if any(mark in text for mark in _UNSPACED) else _SPACED
    breaks = list(pattern.finditer(text))
    starts, ends = [0, *(match.end() for match in breaks)], [*(match.start() for match in breaks), len(text)]
    sentences = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    kept, after_statement = [], False
    for position, sentence in enumerate(sentences):
        at_edge = position < first or position >= len(sentences) - last
        after_statement = (
            at_edge
            and len(sentence) <= MAX_STATEMENT
            and bool(_COPYRIGHT.search(sentence) or (after_statement and _PUBLISHER.search(sentence)))
        )
        if not after_statement:
            # Where no space parts sentences, none is put in.
            kept += [" " if kept and text[starts[position] - 1].isspace() else "", sentence]
    return text if len(kept) == 2 * len(sentences) else "".join(kept)


# At the very end only: "[truncated]", "(more)", "(ABSTRACT TRUNCATED AT 250 WORDS)", "… Read more", "…", "...".
_WHAT = "(?:abstract|article|comment|content|message|output|post|summary|text)"
_MORE = (  # "read more"
    "read more|more|continue reading|weiterlesen|mehr lesen|lire la suite|leer más|seguir leyendo|ler mais|leia mais"
    "|continuar a ler|leggi tutto|continua a leggere|lees (?:meer|verder)|czytaj (?:więcej|dalej)"
    "|читать (?:далее|дальше)|阅读更多|阅读全文|查看全文|閱讀更多|続きを読む|もっと読む"
)
_REMARK = rf"(?:{_WHAT} )?(?:truncated|clipped|cut off|continued|snip(?:ped)?|gekürzt|{_MORE})(?: at [0-9]+ [a-z]+)?"
_DOTS = r"(?:…|\.\.\.+)"
_MARK = rf"(?:{_DOTS} ?(?:{_MORE})?|[\[(] ?{_DOTS}? ?{_REMARK} ?{_DOTS}? ?[\])]|\[ ?{_DOTS} ?\])"
CUT = rf"(?i){_MARK}{SPACE}*$"
_CUT = re.compile(rf"{_MARK}\Z", re.I)
_LONGEST_MARK = 80  # characters


def strip_truncation_mark(text: str) -> str:
    """Remove what tells at the end of a text that it goes on elsewhere."""
    short = text.rstrip()
    while match := _CUT.search(short, max(0, len(short) - _LONGEST_MARK)):
        text = short = short[: match.start()].rstrip()
    return text
