"""Rules on characters: encoding, control characters, normal forms and white space.

Each rule is a pure function text -> text. The pattern beside it (RE2 syntax, for `pyarrow.compute`) finds every text
that the rule may change, and few others: texts that it does not match never become Python objects.
"""

import re
import unicodedata
from typing import Literal

import ftfy

Form = Literal["NFC", "NFKC"]

# A UTF-8 lead byte and a continuation byte, both read as Windows-1252 or Latin-1: the mark of mojibake ("Ã©", "â€™").
# A no-break space counts after Â and Ã only: after any other letter it is a space that someone typed ("Ð < 1.2").
MOJIBAKE = "[\u00c2-\u00f4][\u0080-\u009f\u00a1-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|[\u00c2\u00c3]\u00a0"
_MOJIBAKE = re.compile(MOJIBAKE)


def fix_encoding(text: str) -> str:
    """Mend mojibake with ftfy, which leaves text alone that is plausible as it stands (3 × 4, "naïve")."""
    if text.isascii() or not _MOJIBAKE.search(text):
        return text
    return ftfy.fix_encoding(text)


# Controls but white space, soft hyphen, zero-width space, direction marks, byte order mark, non-characters.
_INVISIBLE = (
    "\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff"
)
CONTROL = f"[\\x00{_INVISIBLE}\u200c\u200d]"
# Zero-width joiners go only beside ASCII: emoji and Persian or Indic scripts need them. Lone surrogates go too.
_CONTROL = re.compile(
    f"[\\x00{_INVISIBLE}\ud800-\udfff]|(?<![^\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f])"
)


def strip_control(text: str) -> str:
    """Remove characters that nobody sees and that split words for a tokenizer."""
    return text if text.isascii() and text.isprintable() else _CONTROL.sub("", text)


# Below U+0300, where the combining marks begin, every text is in NFC.
UNNORMALIZED = {"NFC": r"[^\x00-\x{2ff}]", "NFKC": r"[^\x00-\x7f]"}


def normalize_unicode(text: str, form: Form) -> str:
    """Return the normal form, so that equal texts are equal strings. NFKC also folds superscripts: x² becomes x2."""
    return unicodedata.normalize(form, text)


# What `str.split` takes for white space, but the space itself.
_BREAKS = r"\t\n\x0b\f\r\x1c-\x1f"
_WIDE = r"\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
SPACE = rf"[ {_BREAKS}{_WIDE}]"
WORD = rf"[^ {_BREAKS}{_WIDE}]+"
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
