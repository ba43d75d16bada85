"""What stands below a mail's last words: a closing and a name, a signature, a device's line, a notice, a list's footer.

A closing begins one only if names and addresses follow, up to the end: "Thanks," at the start of an answer does not.
"""

import re

from winnow.text.cleaning.mail.armor import strip_armor
from winnow.text.cleaning.mail.closings import (
    BRANDS,
    CLOSINGS,
    CLOSINGS_BEGIN,
    DEVICE,
    DEVICE_HINT,
    LIST,
    NOTICE,
    POSTSCRIPT,
    SUBSCRIBED,
    THANKS,
)
from winnow.text.cleaning.mail.contacts import COMPANY, ENDED, LINK, SENTENCE_END, is_contact, is_detail, is_name
from winnow.text.cleaning.mail.headers import ADDRESS
from winnow.text.cleaning.unicode import SPACE


def _folded(pattern: str) -> str:
    """Return a pattern for RE2, where Python's `re.I` takes the two letters of Turkish for an i as well."""
    return re.sub("[iıİ]", "[iıİ]", pattern)


_HINTS = "|".join(map(_folded, (CLOSINGS_BEGIN, THANKS, DEVICE_HINT, SUBSCRIBED)))
SIGNED = rf"(?im)^{SPACE}*(?:--|—|_{{5}}|={{5}}|\*{{5}}|\*?{SPACE}*(?:{_HINTS}))"
_DELIMITER = re.compile(r"[ \t]{0,9}(?:--|—)[ \t]{0,9}")  # RFC 3676, 4.3
_RULE = re.compile(r"[ \t]{0,9}(?:_{5,}|-[-~]{2,}|={5,}|\*{5,})[ \t]{0,9}")
# "Danke und Gruß", "Best regards / Beste Grüße".
_BEFORE = rf"(?:{THANKS} (?:und|and|et|y|e|og|och|en|&) |{CLOSINGS} ?[/|] ?)?"
_CLOSING = re.compile(
    rf"(?:{_BEFORE}{CLOSINGS}|(?P<thanks>{THANKS}))(?!\w)(?P<mark>[ \t]?[,.!、，。！]?)"
    r"(?:[ \t]{1,9}-)?[ \t]{0,9}(?P<name>[^\n]{0,40})",
    re.I,
)
_DEVICE = re.compile(rf"[ \t*]{{0,9}}{DEVICE}[.)]?[ \t*]{{0,9}}", re.I)
_POSTSCRIPT = re.compile(rf"[ \t]{{0,9}}{POSTSCRIPT}[ \t]?[:：,.\-– ]", re.I)
_LECTURER = re.compile(r"[ \t]{0,9}P\.? ?D\.? (?:Dr|Prof|habil)")  # a German title, in Spanish a postscript's mark
_NOTICE = re.compile(NOTICE, re.I)
_MYSELF = re.compile(
    r"(?<!\w)(?:I|my|me|ich|mein\w*|mir|mich|je|mon|ma|moi|yo|mi|io|mio|mia|eu|meu|minha|ik|mijn|jag|mig|jeg|"
    r"я|мой|мне)(?!\w)|我的?|私"
)
_LIST = re.compile(LIST, re.I)
_SUBSCRIBED = re.compile(rf"[ \t]{{0,9}}{SUBSCRIBED}", re.I)
_ON_BEHALF = re.compile(r"[ \t]{0,9}(?:im auftrag|in vertretung|on behalf of)[ \t]{0,9}", re.I)
_MOTTO = re.compile(r"[\"“„«].{1,200}[\"”“»]")
MAX_SIGNATURE_LINES = 12
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
    return bool(_POSTSCRIPT.match(line)) and not _LECTURER.match(line)


def _bare(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines.pop()
    if lines:
        lines[-1] = lines[-1].rstrip()
    return lines


def _start(lines: list[str], end: int) -> int | None:
    """Return the first of the last lines before `end` that begins a signature which ends there."""
    for number in range(max(0, end - MAX_LINES), end):
        if lines[number].strip() and _begins(lines, number, end) and _has_words(lines, number):
            return number
    return None


def _has_words(lines: list[str], number: int) -> bool:
    return any(lines[above].strip() for above in range(number - 1, -1, -1))


def _begins(lines: list[str], number: int, end: int) -> bool:
    line, below = lines[number], lines[number + 1 : end]
    if len(line) > 200:
        return False
    if _is_device(line):
        return _adds_up(below, 0)
    if _SUBSCRIBED.match(line):
        return _is_footer(lines[number:end])
    above = _above(lines, number)
    if _DELIMITER.fullmatch(line):
        if above.endswith((":", "：")) or any(map(_DELIMITER.fullmatch, lines[max(0, number - MAX_LINES) : number])):
            return _is_footer(below)
        return _is_footer(below) or _adds_up(below, MAX_SIGNATURE_LINES)
    if _RULE.fullmatch(line):
        return _is_footer(below) or (any(map(is_contact, below)) and _adds_up(below, MAX_NAME_LINES))
    return _closes(lines, number, end)


def _is_device(line: str) -> bool:
    lower = line.lower()  # the search for a word is much faster than the pattern
    return any(brand in lower for brand in BRANDS) and _DEVICE.fullmatch(line) is not None


def _above(lines: list[str], number: int) -> str:
    return next((lines[n].strip() for n in range(number - 1, -1, -1) if lines[n].strip()), "")


def _closes(lines: list[str], number: int, end: int) -> bool:
    """Tell whether a line is a closing phrase, with a name on it or below, or nothing."""
    line, below = lines[number].strip(), lines[number + 1 : end]
    # The pattern is slow: few lines have one below that may be a name.
    first = next(filter(str.strip, below), None)
    if line[0].islower() or not (first is None or _adds_nothing(first) or _fit([first], 0)):
        return False
    if not (found := _CLOSING.fullmatch(line)) or not _adds_up(below, MAX_NAME_LINES):
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


def _adds_up(below: list[str], most: int) -> bool:
    """Tell whether lines hold names and addresses, at most so many, and notices of any length."""
    plain = 0
    for paragraph in _paragraphs(below):
        lines = [line for line in paragraph if not _adds_nothing(line)]
        if _fit(lines, plain):
            plain += len(lines)
        elif not _is_notice(paragraph):
            return False
    return plain <= most


def _fit(lines: list[str], plain: int) -> bool:
    """Tell whether a paragraph's lines may stand in a signature, below as many others."""
    if not plain:
        first, others = lines[:1], lines[1:]
        return all(is_name(line) or is_contact(line) for line in first) and all(map(_is_further, others))
    # Below the first lines and an empty one the author may have gone on.
    is_plain = any(is_contact(line) or COMPANY.search(line) for line in lines)
    return (is_plain or not lines) and all(map(_is_further, lines))


def _is_further(line: str) -> bool:
    return is_detail(line) or _MOTTO.fullmatch(line) is not None


def _adds_nothing(line: str) -> bool:
    """Tell whether a line may stand anywhere below a signature's first."""
    return any(each.fullmatch(line) for each in (_DELIMITER, _RULE, _ON_BEHALF)) or _is_device(line)


def _paragraphs(lines: list[str]) -> list[list[str]]:
    made: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            made[-1].append(line)
        elif made[-1]:
            made.append([])
    return [paragraph for paragraph in made if paragraph]


def _is_notice(paragraph: list[str]) -> bool:
    joined = " ".join(paragraph)
    if _MYSELF.search(joined):
        return False  # the author asks for confidence
    return bool(_NOTICE.search(joined) or (_LIST.search(joined) and _is_footer(paragraph)))


def _is_footer(lines: list[str]) -> bool:
    """Tell whether lines are the footer of a mailing list: they name it and where to leave it."""
    joined = " ".join(lines)
    filled = [line for line in lines if line.strip()]
    return (
        0 < len(filled) <= MAX_SIGNATURE_LINES
        and bool(_LIST.search(joined))
        and bool(LINK.search(joined) or ADDRESS.search(joined))
    )
