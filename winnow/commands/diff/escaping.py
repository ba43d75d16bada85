"""Text of others in Markdown and HTML: shown as it is, never obeyed, and nothing in it hidden.

GitHub and GitLab read Markdown, then HTML, then look for mentions, references, emoji and addresses in what is left, but
not inside of `<code>`. So text of others stands there, with every sign that Markdown or HTML knows as an entity. What
nobody sees (zero-width signs, marks that turn the direction of what follows) is spelled out, and a text that runs from
right to left stays within its own bounds.
"""

import re
import unicodedata

LONGEST = 160  # characters of a text in a line
MARKS = 4  # combining marks on one sign; more would be drawn over the neighbouring lines
HIDDEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
SELECTORS = range(0xFE00, 0xFE10)
TAGS = range(0xE0000, 0xE1000)
# Drawn as nothing, though Unicode calls them letters or symbols: Hangul fillers and the blank of Braille.
BLANK = "\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5"
RIGHT_TO_LEFT = ("R", "AL", "AN")
ISOLATE, END = "\u2068", "\u2069"
SIGNS = re.compile(r"[^\w .,;%/=+→−…()'?\-]|_")  # those of a text that are written as entities
OURS = re.compile(r"[&<>\"'`*_\[\]|~$\\{}]")  # those of a sentence, where brackets and colons of ours stay readable
# What begins a mention, a reference (`#1`, `GH-1`) or an emoji where a word follows; a word joiner, which is not drawn,
# ends it there. A commit is referred to by seven digits of its hash or more.
BEGINS = re.compile(r"([@#!:^%$~&]|(?<=[A-Za-z])-(?=\d))(?=\w)")
COMMIT = re.compile(r"\b[0-9a-f]{7,40}\b")
ADDRESS = re.compile(r"(www)\.|(:)(?=//)", re.IGNORECASE)
JOINER = "\u2060"


def visible(text: str, longest: int = LONGEST) -> str:
    """Return a text on one line, cut, in which what nobody sees is spelled `\\u200b`."""
    text = text[: 8 * longest]  # of which at most `longest` are kept
    shown, marks = [], 0
    for sign in " ".join(text.split()):
        marks = marks + 1 if unicodedata.combining(sign) else 0
        hidden = unicodedata.category(sign) in HIDDEN or ord(sign) in SELECTORS or ord(sign) in TAGS or sign in BLANK
        if hidden or marks > MARKS:
            sign = f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
        shown.append(sign)
        if len(shown) > longest:
            return "".join(shown[: longest - 1]) + " …"
    return "".join(shown)


def fitting(text: str, columns: int) -> str:
    """Return a text on one line of so many columns; a sign of Chinese, Japanese or Korean takes two."""
    shown = visible(text, columns)
    while sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in shown) > columns:
        shown = shown.removesuffix(" …")[:-1] + " …"
    return shown


def isolated(text: str) -> str:
    """Return a text that does not turn its neighbours' direction."""
    turns = any(unicodedata.bidirectional(sign) in RIGHT_TO_LEFT for sign in text)
    return f"{ISOLATE}{text}{END}" if turns else text


def foreign(text: str) -> str:
    """Return text of others for Markdown, in a table's cell too."""
    inner = SIGNS.sub(_entity, isolated(visible(text)))
    return f"<code>{_address(inner)}</code>" if inner else "<code>(empty)</code>"


def ours(text: str) -> str:
    """Return a sentence of ours for Markdown, in which names of others may stand."""
    inner = COMMIT.sub(_parted, BEGINS.sub(rf"\1{JOINER}", visible(text, 600)))
    return _address(OURS.sub(_entity, inner))


def _parted(match: re.Match) -> str:
    return JOINER.join(match[0][start : start + 6] for start in range(0, len(match[0]), 6))


def _entity(match: re.Match) -> str:
    return f"&#{ord(match[0])};"


def _address(text: str) -> str:
    return ADDRESS.sub(lambda match: f"{match[1]}&#46;" if match[1] else "&#58;", text)
