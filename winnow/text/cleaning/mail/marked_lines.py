"""Lines that begin with `>`: quotes of a mail, or figures, prompts and code of its author."""

import re
from itertools import takewhile

_MARKS = re.compile(r"[\s>]{0,200}")
# "> 5 kg", "> 0.05", ">= 3 months"; not "> 1. Is the size right?".
_FIGURE = re.compile(r"[=≥≤<~≈±+−-]{0,2}\s?[$€£¥]?\s?\d")
_NUMBERED = re.compile(r"\d{1,2}[.)]\s+[^\W\d]")
_CODE = re.compile(
    r"[;{}=$\\|`]|\w\(|<-|->|\s>{1,2}\s|^[^\s?!]*[./_\\][^\s?!]*\w\Z|^(?:SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|FROM|WHERE|SHOW|JOIN)\b|"
    r"^(?:cd|ls|dir|git|npm|npx|pip3?|python3?|sudo|docker|kubectl|make|curl|wget|ping|ssh|scp|echo|cat|node|yarn|"
    r"cargo|brew|apt|apt-get|java|go|mvn|ipconfig|ifconfig|tracert|traceroute|import|print|def|mkdir|rm|cp|mv|dvc|"
    r"ftp|telnet|netstat|nslookup|systemctl|psql|mysql)(?:\s|\Z)"
)
_SENTENCE_END = (".", "?", "!", "。", "？", "！")
MAX_COMMAND_WORDS = 3
MAX_FIGURE_WORDS = 8
MIN_LONG = 60  # characters: a line that a mail program may have wrapped
MAX_REMAINDER_WORDS = 3


def is_quoted(line: str) -> bool:
    """Tell whether a line begins with `>`."""
    return line.lstrip().startswith(">")


def is_own(lines: list[str], named: bool, led_to: bool) -> bool:
    """Tell whether the author wrote lines that begin with `>`.

    Args:
        lines: a run of such lines.
        named: somebody was named as the author of a quote, further up.
        led_to: the author's own line above ends with a colon.
    """
    if named and not led_to:
        return False
    bare = [line.lstrip() for line in lines]
    contents = [_MARKS.sub("", line, count=1).rstrip() for line in bare]
    if not any(contents):
        return False
    if all(line.startswith((">>> ", "...")) for line, content in zip(bare, contents, strict=True) if content):
        return True
    # mbox writes ">From " for "From " at the start of a line.
    if len(lines) == 1 and bare[0].startswith(">From "):
        return True
    contents = [content for content in contents if content]
    if led_to and not named and all(len(content.split()) <= MAX_COMMAND_WORDS for content in contents):
        return not any(content.endswith(_SENTENCE_END) for content in contents)
    if len(contents) == 1 and _FIGURE.match(contents[0]):
        return not _NUMBERED.match(contents[0])
    return not is_prose(contents[0]) and not any(map(is_sentence, contents))


def is_prose(content: str) -> bool:
    """Tell whether a line is words rather than figures or code."""
    return not (_CODE.search(content) or (_FIGURE.match(content) and not _NUMBERED.match(content)))


def is_sentence(content: str) -> bool:
    """Tell whether a line is a sentence, or so long that it is part of one."""
    words = len(content.split())
    if _CODE.search(content):
        return False
    return words > MAX_FIGURE_WORDS or (words >= 3 and content.endswith(_SENTENCE_END))


def remainders(lines: list[str]) -> frozenset[int]:
    """Return lines that a mail program wrapped off the quoted lines above them, without a mark of their own.

    An answer may stand there as well; so two of them make it sure.
    """
    found = [
        number + 1
        for number, line in enumerate(lines[:-2])
        if len(line) >= MIN_LONG and is_quoted(line) and _is_remainder(line, *lines[number + 1 : number + 3])
    ]
    return frozenset(found if len(found) > 1 else ())


def _is_remainder(above: str, line: str, below: str) -> bool:
    return (
        line[:1].islower()
        and len(line.split()) <= MAX_REMAINDER_WORDS
        and not above.rstrip().endswith((*_SENTENCE_END, ":", ","))
        and is_quoted(below)
    )


def run_end(lines: list[str], first: int) -> int:
    """Return where the run of lines that begin with `>` ends, which begins at `first`."""
    return first + sum(1 for _ in takewhile(is_quoted, (lines[number] for number in range(first, len(lines)))))
