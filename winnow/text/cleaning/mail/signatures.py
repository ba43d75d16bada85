"""What stands below a mail's last words: a closing and a name, a signature, a device's line, a notice, a list's footer.

A closing begins one only if names and addresses follow, up to the end: "Thanks," at the start of an answer does not.
"""

import re

from winnow.text.cleaning.mail.armor import strip_armor
from winnow.text.cleaning.mail.closings import (
    CLOSINGS,
    CLOSINGS_BEGIN,
    DEVICE_HINT,
    POSTSCRIPT,
    SUBSCRIBED,
    THANKS,
)
from winnow.text.cleaning.mail.contacts import ENDED, SENTENCE_END, is_contact, is_name
from winnow.text.cleaning.mail.folding import folded
from winnow.text.cleaning.mail.signed_lines import (
    DELIMITER,
    MAX_SIGNATURE_LINES,
    RULE,
    adds_nothing,
    adds_up,
    first_line,
    fit,
    is_device,
    is_footer,
)
from winnow.text.cleaning.unicode import SPACE


def _widened(pattern: str) -> str:
    """Return a pattern for RE2, where Python's `re.I` takes the two letters of Turkish for an i as well."""
    return re.sub("[iıİ]", "[iıİ]", pattern)


_HINTS = "|".join(map(_widened, (CLOSINGS_BEGIN, THANKS, DEVICE_HINT, SUBSCRIBED)))
SIGNED = rf"(?im)^{SPACE}*(?:--|—|_{{5}}|={{5}}|\*{{5}}|\*?{SPACE}*(?:{_HINTS}))"
# "Danke und Gruß", "Best regards / Beste Grüße".
_BEFORE = rf"(?:{THANKS} (?:und|and|et|y|e|og|och|en|&) |{CLOSINGS} ?[/|] ?)?"
_CLOSING = re.compile(
    rf"(?:{_BEFORE}{CLOSINGS}|(?P<thanks>{THANKS}))(?!\w)(?P<mark>[ \t]?[,.!、，。！]?)"
    r"(?:[ \t]{1,9}-)?[ \t]{0,9}(?P<name>[^\n]{0,40})",
    re.I,
)
_CLOSING_BEGINS = re.compile(folded(f"(?:{CLOSINGS_BEGIN}|{THANKS})"))
_POSTSCRIPT = re.compile(rf"[ \t]{{0,9}}{POSTSCRIPT}[ \t]?[:：,.\-– ]", re.I)
_POSTSCRIPT_BEGINS = frozenset(
    form(word[0]) for word in POSTSCRIPT.removeprefix("(?:").split("|") for form in (str.lower, str.upper)
)
_LECTURER = re.compile(r"[ \t]{0,9}P\.? ?D\.? (?:Dr|Prof|habil)")  # a German title, in Spanish a postscript's mark
_SUBSCRIBED = re.compile(rf"[ \t]{{0,9}}{SUBSCRIBED}", re.I)
MAX_NAME_LINES = 6  # below a closing
MAX_LINES = 60  # of notices and all
MAX_LAYERS = 20


def strip_signature(text: str) -> str:
    """Remove a signature from the end: below `--`, from a closing phrase on, "Sent from my …", a list's footer.

    A postscript below it stays. A text that is nothing else stays. OpenPGP's frame around a signed mail goes.
    """
    text = strip_armor(text)
    lines = text.replace("\r\n", "\n").rstrip().split("\n")
    changed = False
    for _ in range(MAX_LAYERS):
        shorter = _shorter(lines)
        if shorter is None:
            break
        lines, changed = shorter, True
    return "\n".join(lines) if changed else text


def _shorter(lines: list[str]) -> list[str] | None:
    """Return the lines without the longest signature at their end; None where there is none."""
    start = _start(lines, len(lines))
    first = max(0, len(lines) - MAX_LINES) if start is None else start + 1
    postscript = next((number for number in range(first, len(lines)) if _is_postscript(lines[number])), None)
    if postscript is None:
        return None if start is None else _bare(lines[:start])
    start = _start(lines, postscript)
    return None if start is None else [*_bare(lines[:start]), "", *lines[postscript:]]


def _is_postscript(line: str) -> bool:
    begins = line.lstrip(" \t")[:1] in _POSTSCRIPT_BEGINS
    return begins and _POSTSCRIPT.match(line) is not None and not _LECTURER.match(line)


def _bare(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines.pop()
    if lines:
        lines[-1] = lines[-1].rstrip()
    return lines


def _start(lines: list[str], end: int) -> int | None:
    """Return the first of the last lines before `end` that begins a signature which ends there."""
    for number in range(first_line(lines, max(0, end - MAX_LINES), end), end):
        if lines[number].strip() and _begins(lines, number, end) and _has_words(lines, number):
            return number
    return None


def _has_words(lines: list[str], number: int) -> bool:
    return any(lines[above].strip() for above in range(number - 1, -1, -1))


def _begins(lines: list[str], number: int, end: int) -> bool:
    line, below = lines[number], lines[number + 1 : end]
    if len(line) > 200:
        return False
    if is_device(line):
        return adds_up(below, 0)
    if _SUBSCRIBED.match(line):
        return is_footer(lines[number:end])
    if DELIMITER.fullmatch(line):
        above = _above(lines, number)
        if above.endswith((":", "：")) or any(map(DELIMITER.fullmatch, lines[max(0, number - MAX_LINES) : number])):
            return is_footer(below)
        return is_footer(below) or adds_up(below, MAX_SIGNATURE_LINES)
    if RULE.fullmatch(line):
        return is_footer(below) or (any(map(is_contact, below)) and adds_up(below, MAX_NAME_LINES))
    return _closes(lines, number, end)


def _above(lines: list[str], number: int) -> str:
    return next((lines[n].strip() for n in range(number - 1, -1, -1) if lines[n].strip()), "")


def _closes(lines: list[str], number: int, end: int) -> bool:
    """Tell whether a line is a closing phrase, with a name on it or below, or nothing."""
    line, below = lines[number].strip(), lines[number + 1 : end]
    # The pattern is slow: few lines begin as it does, and have one below that may be a name.
    if line[0].islower() or not _CLOSING_BEGINS.match(folded(line)):
        return False
    first = next(filter(str.strip, below), None)
    if not (first is None or adds_nothing(first) or fit([first], 0)):
        return False
    if not (found := _CLOSING.fullmatch(line)) or not adds_up(below, MAX_NAME_LINES):
        return False
    name, blank_above = found["name"].strip(), not lines[number - 1].strip()
    # "Best Western" is no closing; "Best, Ann" and "Best regards Ann" are.
    parted = found["mark"].strip() or " " in found[0][: found.start("name")].strip()
    if name and not (parted and is_name(name)):
        return False
    if found["thanks"] and not _says_more(lines[max(0, number - MAX_LINES) : number]):
        return False
    above = _above(lines, number)
    if above.endswith((":", "：")):
        return False  # it is what the author tells of
    ended = above.endswith(SENTENCE_END)
    return ended or blank_above or first is not None


def _says_more(above: list[str]) -> bool:
    """Tell whether a mail says more than its thanks: a subject, which the reader puts above, and a greeting do not."""
    filled = [line.strip() for line in above if line.strip()]
    if any(line.endswith(ENDED) for line in filled):
        return True
    return len(filled) > 1 and any(len(line.split()) > 4 or (len(line) > 7 and " " not in line) for line in filled)
