"""Rules on characters: encoding, control characters, normal forms and white space.

Each rule is a pure function text -> text. The pattern beside it (RE2 syntax, for `pyarrow.compute`) finds every text
that the rule may change, and few others: texts that it does not match never become Python objects.
"""

import re
import unicodedata
from typing import Literal

import ftfy
import regex
from ftfy import badness, chardata

Form = Literal["NFC", "NFKC"]

# What `str.split` takes for white space, but the space itself.
_BREAKS = r"\t\n\x0b\f\r\x1c-\x1f"
_WIDE = r"\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
SPACE = rf"[ {_BREAKS}{_WIDE}]"


def _re2(verbose: str) -> str:
    """Return a verbose pattern of Python in RE2's syntax, whose `\\w` and `\\s` know ASCII alone."""
    parts = re.findall(r"\[(?:\\.|[^\]\\])*\]|\\.|#[^\n]*|\s+|.", verbose, re.S)
    unicode = {r"\w": r"[\p{L}\p{N}_]", r"\s": SPACE}
    return "".join(unicode.get(part, part) for part in parts if not part.isspace() and part[0] != "#")


# The pairs of characters by which ftfy tells mojibake ("Ã©", "â€™", "вЂ”", "√©"); a control character U+0080 to U+009F
# is one of them.
MOJIBAKE = _re2(badness.BADNESS_RE.pattern)
# Spaces that somebody typed ("Ð < 1.2"), though they might be the second byte of a letter.
_TYPED = re.compile("(?<=[ÎÐ])\u00a0")

# Characters of UTF-8 read as Latin-1. Two in a row are no chance; nor is Â, Ã, â or ð with what must follow it.
_UTF8 = "(?:[\u00c2-\u00df][\u0080-\u00bf]|[\u00e0-\u00ef][\u0080-\u00bf]{2}|[\u00f0-\u00f4][\u0080-\u00bf]{3})"
_SURE = f"{_UTF8}{{2,}}+|[\u00c2\u00c3][\u0080-\u00bf]|\u00e2[\u0080-\u00bf]{{2}}|\u00f0[\u0080-\u00bf]{{3}}"
_BYTES = re.compile(f"(?P<sure>{_SURE})|(?P<doubtful>{_UTF8})|[\u0080-\u009f]")
# First bytes of letters that stand alone among letters of ASCII: ğ, ł, œ, π, Δ.
_ALONE = "\u00c4\u00c5\u00ce\u00cf"
# As browsers read these bytes; five have no meaning in Windows-1252.
_WINDOWS_1252 = {code: bytes([code]).decode("windows-1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}


def fix_encoding(text: str) -> str:
    """Mend text that was decoded with the wrong encoding.

    Control characters U+0080 to U+009F become what these bytes are in Windows-1252 (\x92 is ’, \x80 is €, \x85 is …).
    ftfy mends UTF-8 that was read as another encoding, however often, and leaves text alone that is plausible as it
    stands (3 × 4, "naïve").
    """
    if text.isascii():
        return text
    text = _without_c1(text)
    return ftfy.fix_encoding(text) if badness.is_bad(_TYPED.sub(" ", text)) else text


def _without_c1(text: str) -> str:
    """Replace control characters that are Windows-1252, and leave those that are bytes of UTF-8.

    "Spaß\x93" might be either. Its last two are UTF-8 if the text has characters that begin alike and are UTF-8 for
    sure; or if they are a letter of an alphabet of which letters stand alone, and no other control character in the
    text is Windows-1252 for sure, or a letter follows.
    """
    if not _C1.search(text) or _is_utf8_of_other(text):
        return text
    kinds = [(match.lastgroup, match[0][0]) for match in _BYTES.finditer(text)]
    leads = {lead for kind, lead in kinds if kind == "sure"}
    windows = any(kind is None for kind, _ in kinds)

    def mended(match: re.Match) -> str:
        if match["sure"]:
            return match[0]
        if lead := match["doubtful"]:
            follows = text[match.end() : match.end() + 1].isalpha()
            if lead[0] in leads or (lead[0] in _ALONE and (follows or not windows)):
                return match[0]
        return match[0].translate(_WINDOWS_1252)

    return _BYTES.sub(mended, text)


_C1 = re.compile("[\u0080-\u009f]")


def _is_utf8_of_other(text: str) -> bool:
    """Return whether a text as a whole is UTF-8 that was read as another encoding than Latin-1 (as ISO 8859-2)."""
    if max(text) <= "\u00ff":
        return False
    for encoding in chardata.CHARMAP_ENCODINGS:
        try:
            text.encode(encoding).decode()
        except UnicodeError:
            continue
        return True
    return False


# Controls but white space, soft hyphen, direction marks, word joiner, invisible operators, byte order mark, a language
# tag, non-characters.
_INVISIBLE = (
    "\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff\U000e0001"
)
# Invisible too, but needed in some places: joiners, the space without width, fillers, tags.
_AT_TIMES = "\u034f\u200b-\u200d\u3164\uffa0\U000e0020-\U000e007f"
CONTROL = f"[\\x00{_INVISIBLE}{_AT_TIMES}]"
_CONTROL = re.compile(f"[\\x00{_INVISIBLE}\ud800-\udfff]+")
_SOME = re.compile(f"[{_AT_TIMES}\ufff9\u2062-\u2064]")

_ANNOTATED = re.compile("\ufff9([^\ufff9-\ufffb]*+)\ufffa([^\ufff9-\ufffb]*+)\ufffb")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\u2062-\u2064](?=\d)")
# Flags of England, Scotland and Wales, and of other parts of countries.
_TAGS = re.compile("(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f)|[\U000e0020-\U000e007f]+")
_HIDDEN_RUN = re.compile("[\u034f\u200b-\u200d]+")
# Scripts whose letters joiners shape or part (Arabic, Indic and others), and emoji.
_SHAPED = regex.compile(
    r"(?V1)[[\u0590-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe00-\ufe0f\ufe70-\ufefe]\p{Emoji}--[0-9#*]]|[\U00010000-\U0010ffff]"
)
_UNSPACED = regex.compile(r"[\p{Ideographic}\p{Script=Hiragana}\p{Script=Katakana}\p{Line_Break=SA}\p{Script=Tibetan}]")


def strip_control(text: str) -> str:
    """Remove characters that nobody sees and that split words for a tokenizer.

    What shapes letters or parts words stays: zero-width joiners beside scripts that know them and in emoji, one
    zero-width space between words of scripts without spaces, variation selectors, the tags of a flag. Fillers of Hangul
    look like spaces and become some. An interlinear annotation becomes text in brackets, as in `漢(かん)`.
    """
    if text.isascii() and text.isprintable():
        return text
    some = _SOME.search(text)
    if some:
        text = _ANNOTATED.sub(r"\1(\2)", text)
        text = _BETWEEN_DIGITS.sub(" ", text)
        text = _TAGS.sub(lambda match: match[1] or "", text)
        text = text.replace("\u3164", " ").replace("\uffa0", " ")
    text = _CONTROL.sub("", text)
    return _HIDDEN_RUN.sub(_needed, text) if some else text


def _needed(match: re.Match) -> str:
    """Return what a run of joiners and zero-width spaces has to leave between its neighbours."""
    text, run = match.string, match[0]
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    kept = ""
    if _SHAPED.match(before) or _SHAPED.match(after):
        kept = run.replace("\u200b", "")
    elif "\u034f" in run and min(before, after) > "\u02ff":
        kept = "\u034f"
    parted = before.strip() and after.strip() and (_UNSPACED.match(before) or _UNSPACED.match(after))
    return kept + "\u200b" if "\u200b" in run and parted else kept


# Below U+0300, where the combining marks begin, every text is in NFC.
UNNORMALIZED = {"NFC": r"[^\x00-\x{2ff}]", "NFKC": r"[^\x00-\x7f]"}
# What NFKC would run together with a number: 10⁶ and 106, 1½ and 11/2.
_RAISED = re.compile(r"(?<=\d)(?=[⁰¹²³⁴-⁹⁺⁻])")
_FRACTION = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞])")


def normalize_unicode(text: str, form: Form) -> str:
    """Return the normal form, so that equal texts are equal strings.

    NFKC also folds superscripts and fractions: x² becomes x2. Where this would make another number, a mark stands
    between: 10⁶ becomes 10^6, and 1½ becomes 1 1⁄2.
    """
    if form == "NFKC":
        text = _FRACTION.sub(" ", _RAISED.sub("^", text))
    return unicodedata.normalize(form, text)


UNEVEN = {
    "all": rf"  |^ | $|[{_BREAKS}{_WIDE}]",
    "lines": rf"  |^{SPACE}|{SPACE}$| \n|\n |\n\n\n|[\t\x0b\f\r\x1c-\x1f{_WIDE}]",
}


def collapse_space(text: str) -> str:
    """Replace every run of white space, line breaks included, by one space."""
    return " ".join(text.split())


def collapse_lines(text: str) -> str:
    """Replace every run of white space within a line by one space, and every run of empty lines by one empty line."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
