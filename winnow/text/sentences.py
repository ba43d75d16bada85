"""Sentences of texts in any script: where they end."""

import re
import unicodedata
from itertools import chain

import regex

_EVERY = "".join(map(chr, chain(range(0xD800), range(0xE000, 0x20000))))
# Marks that end a sentence (UAX #44), and the ellipsis. A class of RE2 and of Python's patterns.
TERMINAL = "".join(regex.findall(r"[\p{Sentence_Terminal}…]", _EVERY))
ENDED = rf"[{TERMINAL}][\"'\p{{Pe}}\p{{Pf}}\p{{Pi}}]*$"
"""RE2 pattern of a text without space at its end whose last sentence has an end."""

# Behind the mark may stand: „So.“ (So.) “So.” 「そう。」
_CLOSING = re.escape("\"'" + "".join(regex.findall(r"[\p{Pe}\p{Pf}\p{Pi}]", _EVERY)))


def _end(marks: str) -> re.Pattern:
    return re.compile(rf"(?P<marks>[{marks}]++)[{_CLOSING}]{{0,4}}+(?P<space>\s*+)|(?P<lines>\n\s*+)")


# Python's patterns are slow on classes with characters beyond U+FFFF, which few texts have.
_NEAR, _FAR = ("".join(mark for mark in TERMINAL if (mark > "\uffff") is far) for far in (False, True))
_BEYOND = re.compile(f"[{_FAR[0]}-{_FAR[-1]}]")
_END, _END_BEYOND = _end(_NEAR), _end(TERMINAL)
# Marks of scripts that put no space behind them; and scripts that may do so behind ASCII marks too.
_TIGHT = frozenset(TERMINAL) - frozenset(".!?…․﹒．")
_TIGHT_SCRIPT = regex.compile(r"[\p{Ideographic}\p{Hiragana}\p{Katakana}]")


# Abbreviations that are no words, and none of English: German, French, Spanish, Portuguese, Italian, Dutch, Polish and
# Russian ones.
ABBREVIATIONS = frozenset(
    "bzw usw vgl evtl ggf inkl exkl nr abb bspw sog zzgl insb "
    "env pág núm aprox ej cfr pag bijv blz enz "
    "np tzw wg tj tzn стр рис см им ул напр ср др".split()
)
_LONGEST_ABBREVIATION = max(map(len, ABBREVIATIONS))


def split(text: str) -> tuple[list[str], list[str]]:
    """Return a text's sentences and lines, one at least, and the white space between them, one fewer."""
    sentences, between, start = [], [], 0
    for match in (_END_BEYOND if _BEYOND.search(text) else _END).finditer(text):
        if match["marks"] and not _ends(text, match):
            continue
        gap = match.span(match.lastgroup)
        sentences.append(text[start : gap[0]])
        between.append(text[slice(*gap)])
        start = gap[1]
    return [*sentences, text[start:]], between


def _ends(text: str, match: re.Match) -> bool:
    """Return whether a sentence ends with these marks, and something follows."""
    marks, following = match["marks"], text[match.end() : match.end() + 1]
    if match["space"]:
        # No sentence ends after a letter that stands alone or an abbreviation, if it goes on so: "e.g. this", "Nr. 5".
        goes_on = following.islower() or following.isdigit()
        return not (goes_on and marks == "." and (_alone(text, match.start()) or _abbreviated(text, match.start())))
    if not following:
        return False
    return not _TIGHT.isdisjoint(marks) or (marks[-1] in "!?" and bool(_TIGHT_SCRIPT.match(following)))


def _alone(text: str, end: int) -> bool:
    """Return whether the character before a place is a letter with no other before it."""
    if not text[max(end - 1, 0) : end].isalpha():
        return False
    before = text[max(end - 2, 0) : end - 1]
    return not before or unicodedata.category(before)[0] not in "LMN"


def _abbreviated(text: str, end: int) -> bool:
    """Return whether the word before a place is one of `ABBREVIATIONS`."""
    short = text[max(end - _LONGEST_ABBREVIATION - 1, 0) : end]
    word = re.search(r"(?<!\w)[^\W\d_]+\Z", short)
    return word is not None and word[0].lower() in ABBREVIATIONS
