"""Words of texts in any script: one definition, which counting, duplicates, vocabularies and models share.

Words are the segments of Unicode's default word segmentation (UAX #29) that hold a letter, a digit, a mark or a symbol.
White space and ordinary punctuation are none; signs that change a text's meaning are words of their own: emoji,
currency, mathematical signs, `#`, `%`, `&`, `@`, the minus before a number, `*` and `/` between operands, `!` before
what it negates, emoticons as `:)`. A colon parts words, as in CLDR: it joins them in Swedish and Finnish alone.

In scripts without spaces (Han, Hiragana, Thai, Lao, Khmer, Burmese) these segments are single characters with their
marks, which suits counting, shingles and reading time. A vocabulary of them says little, so `terms` joins neighbours in
pairs, as Lucene's CJKBigramFilter does.

The rules are patterns over properties that the library `regex` knows. Its own boundary does not serve: under its flag
WORD none stands between an apostrophe and a vowel, and 'a quoted word' would lose its first.
"""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from operator import methodcaller

import numpy as np
import regex

# Characters that show nothing (Default_Ignorable_Code_Point), but the zero-width space, which parts words; and the
# Arabic tatweel, which makes a word longer on paper. The tags behind a black flag say whose it is.
_HIDDEN = (
    "\u00ad\u034f\u0640\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# A class of `regex` under its flag V1: letters and marks beside which addresses and numbers stand without a space,
# since their scripts have none, or, as Korean, put endings right behind a word.
JOINED_LETTERS = (
    r"\p{Ideographic}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー\p{Script=Hangul}\p{Line_Break=SA}"
)
# NFKC would make 10⁶ and 106 one number, and so 1½ and 11/2.
_RAISED, _FRACTIONS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "¼-¾⅐-⅞"
_RARE = re.compile(f"[{_HIDDEN}{_RAISED}{_FRACTIONS}]")
_SPELLED = re.compile(
    f"(?P<flag>🏴[\U000e0030-\U000e007e]{{1,30}}\U000e007f)|[{_HIDDEN}]+|(?P<raised>[{_RAISED}]+)|(?<=\\d)(?P<fraction>[{_FRACTIONS}])"
)
# Apostrophes that look alike; the Hebrew geresh and gershayim; hyphens and the minus; the fraction slash; per cent.
_ALIKE = {"'": "’‘ʼʻ´׳", '"': "״", "-": "−‐‑–", "/": "⁄", "%": "٪"}
_SAME = tuple((other, same) for same, others in _ALIKE.items() for other in others)

# What a character is to the pattern of words, one byte: an ASCII character is itself; another is what stands here,
# `OTHER` if it has none of these properties. A later line overrules those above it.
OTHER, UNSPACED, HEBREW, KATAKANA, EXTEND, FLAG, LETTER, SYMBOL, CURRENCY, MID_LETTER, MID_NUMBER, MID_BOTH = range(
    0x80, 0x8C
)
_CLASSES = (
    (r"\s", ord(" ")),
    (r"\p{S}", SYMBOL),
    (r"‰‱", SYMBOL),
    (r"\p{Sc}", CURRENCY),
    (r"\p{L}\p{N}\p{M}", LETTER),
    (r"\p{Ideographic}\p{Script=Hiragana}\p{Line_Break=SA}", UNSPACED),
    (r"\p{WB=ALetter}", ord("a")),
    (r"\p{WB=Hebrew_Letter}", HEBREW),
    (r"\p{WB=Numeric}", ord("0")),
    (r"\p{WB=Katakana}", KATAKANA),
    (r"\p{WB=ExtendNumLet}", ord("_")),
    (r"\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}", EXTEND),
    (r"\p{WB=Regional_Indicator}", FLAG),
    (r"\p{WB=MidLetter}", MID_LETTER),
    (r"\p{WB=MidNum}", MID_NUMBER),
    (r"\p{WB=MidNumLet}", MID_BOTH),
)
# Sets of classes, by the names that they have in the pattern of words.
SETS = {
    "letter": "abcdefghijklmnopqrstuvwxyz" + chr(HEBREW),
    "hebrew": chr(HEBREW),
    "digit": "0123456789",
    "katakana": chr(KATAKANA),
    "joiner": "_",
    "extend": chr(EXTEND),
    "flag": chr(FLAG),
    "in_word": ".'" + chr(MID_LETTER) + chr(MID_BOTH),
    "in_number": ",;.'" + chr(MID_NUMBER) + chr(MID_BOTH),
    "symbol": "#%&@$+<=>^|~" + "".join(map(chr, (UNSPACED, LETTER, EXTEND, SYMBOL, CURRENCY))),
    "currency": "$" + chr(CURRENCY),
    "blank": "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f ",
    "eyes": ":;=",
    "nose": "-^'",
    "tear": "'",
    "flat_nose": "-^",
    "tongue": "dpo",
    "stop": ".'",
    "mouth": "()[]{}|*/\\",
    "address": "/\\:;=",
    "bracket": "()[]",
    "shut_eye": "-;",
    "shut_mouth": "_.",
    "opening": "([",
    "closing": ")]",
    "shout": "!?.)",
}
SETS["joining"] = SETS["in_word"] + SETS["in_number"] + SETS["joiner"] + '"'  # by which a word may go on
SETS["sign"] = SETS["eyes"] + SETS["bracket"] + SETS["shut_eye"] + "<*/!"  # with what `_SIGNS` begin
SETS["word"] = SETS["letter"] + SETS["digit"] + "_" + "".join(map(chr, (UNSPACED, KATAKANA, EXTEND, LETTER)))
# Signs of more than one character, or that are words in some places only.
_SIGNS = (
    r"(?<![<word>])[<eyes>][<nose>]?[<tongue>](?![<stop>]?[<word>])",  # :D
    r"[<eyes>][<tear>]?[<flat_nose>]?[<mouth>]++(?![<word><address>])",  # :-( and :'(, but no https://
    r"(?<![^<blank>])[<bracket>][<flat_nose>]?[<eyes>](?![^<blank>])",  # (:
    r"(?<![^<blank>])[<shut_eye>][<shut_mouth>]{1,3}[<shut_eye>](?![^<blank>])",  # -_-
    r"</3(?![<digit>])",
    r"(?<![<word><closing>%])-(?=[<currency>]?\.?[<digit>])",  # -5 and -$5, but no range
    r"(?<=[<word><closing>])\*(?=[<word><opening>])|(?<=[<word><closing>] )\*(?= [<word><opening>])",
    r"(?<=[<digit><closing>])/(?=[<digit><opening>])|(?<=[<digit><closing>] )/(?= [<digit><opening>])",
    r"(?<![<word><shout>])!(?=[<word><opening>])|!(?==)",
)
_LETTERS = (
    r"[<letter>][<letter><extend>]*+(?:[<in_word>][<extend>]*+[<letter>][<letter><extend>]*+"
    r"|(?<=[<hebrew>])(?:\x22[<extend>]*+[<hebrew>][<letter><extend>]*+|'[<extend>]*+))*+"
)
_NUMBER = r"[<digit>][<digit><extend>]*+(?:[<in_number>][<extend>]*+[<digit>][<digit><extend>]*+)*+"
_PART = rf"(?:(?:{_LETTERS}|{_NUMBER})++|[<katakana>][<katakana><extend>]*+)"
_JOINER = r"[<joiner>][<joiner><extend>]*+"
LEADING = 32  # low lines and marks before the first letter, at most: more is no name, and would be read once a line
_LEADING = rf"[<joiner>][<joiner><extend>]{{0,{LEADING - 1}}}+"
_SINGLE = r"[<flag>][<extend>]*+(?:[<flag>][<extend>]*+)?+|[<symbol>][<extend>]*+"
# `re` is faster, but errs in possessive groups before Python 3.11.5.
_WORD = (re if sys.version_info >= (3, 11, 5) else regex).compile(
    re.sub(
        r"<(\w+)>",
        lambda match: re.escape(SETS[match[1]]),
        f"(?:{_LEADING})?+{_PART}(?:{_JOINER}{_PART})*+(?:{_JOINER})?+|{'|'.join(_SIGNS)}|{_SINGLE}",
    )
)
_SPAN = methodcaller("span")


@lru_cache(maxsize=1)
def classes() -> np.ndarray:
    """Return each code point's class, (code points,) uint8."""
    found = np.full(0x110000, OTHER, np.uint8)
    found[:0x80] = range(0x80)
    end = 0x20000  # beyond stand ideographs, and the tags behind a black flag
    every = "".join(map(chr, [*range(0x80, 0xD800), *range(0xE000, end)]))
    for properties, value in _CLASSES:
        for run in regex.findall(f"(?V1)[{properties}]++", every):
            found[ord(run[0]) : ord(run[-1]) + 1] = value
    found[end:0x40000] = UNSPACED
    found[0xE0020:0xE0080] = EXTEND
    found.flags.writeable = False
    return found


def fold(text: str) -> str:
    """Return a text in the form in which words are compared: NFKC without case and invisible characters.

    As Unicode's NFKC_Casefold, but raised digits stay apart from others: 10⁶ becomes 10^6. Apostrophes that look alike
    are one, and so are hyphens and the minus.
    """
    if text.isascii():
        return text.lower()
    for other, same in _SAME:
        if other in text:
            text = text.replace(other, same)
    if _RARE.search(text):
        text = _SPELLED.sub(_spell, text)
    # Twice, since the case of some letters hides in their compatibility form, and lower case may compose.
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return text.replace("⁄", "/").replace("−", "-")


def _spell(match: re.Match) -> str:
    if raised := match["raised"]:
        return f"^{raised}"
    return f" {match['fraction']}" if match["fraction"] else match["flag"] or ""


def words(text: str) -> list[str]:
    """Return a text's words in their order, each as `fold` has it."""
    folded = fold(text)
    if folded.isascii():
        return _WORD.findall(folded)
    return [folded[start:end] for start, end in map(_SPAN, _WORD.finditer(_classified(folded)))]


def places(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a text as `fold` has it, and where each of its words begins and ends there."""
    folded = fold(text)
    return folded, [match.span() for match in _WORD.finditer(_classified(folded))]


def terms(text: str) -> list[str]:
    """Return a text's words, but in scripts without spaces the pairs of neighbouring characters; a lone one stays."""
    folded = fold(text)
    if folded.isascii():
        return _WORD.findall(folded)
    found: list[str] = []
    run: list[str] = []  # neighbouring characters of a script without spaces
    last = 0
    classified = _classified(folded)
    for start, end in map(_SPAN, _WORD.finditer(classified)):
        unspaced = classified[start] == chr(UNSPACED)
        if run and not (unspaced and start == last):
            found += _pairs(run)
            run = []
        if unspaced:
            run.append(folded[start:end])
            last = end
        else:
            found.append(folded[start:end])
    return found + _pairs(run)


def _classified(folded: str) -> str:
    """Return a text with each character's class in its place."""
    if folded.isascii():
        return folded
    codes = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), np.uint32)
    return classes()[codes].tobytes().decode("latin-1")


def _pairs(run: list[str]) -> list[str]:
    return [first + second for first, second in pairwise(run)] if len(run) > 1 else run


def scripts(texts: Iterable[str]) -> dict[str, float]:
    """Return the share of each script among the letters of texts, the most frequent first: LATIN, CYRILLIC, CJK."""
    counts: Counter = Counter()
    for text in texts:
        counts.update(script for script in map(_script, text) if script)
    total = sum(counts.values())
    return {script: count / total for script, count in counts.most_common()}


@lru_cache(maxsize=1 << 16)
def _script(character: str) -> str:
    return unicodedata.name(character, "UNKNOWN").split()[0] if character.isalpha() else ""
