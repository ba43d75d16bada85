"""Lines below the first of a signature: names and addresses, a company's notice, a list's footer."""

import re

from winnow.text.cleaning.mail.closings import BRANDS, DEVICE, LIST, NOTICE, SENT, SENT_LAST
from winnow.text.cleaning.mail.contacts import COMPANY, LINK, is_contact, is_detail, is_name
from winnow.text.cleaning.mail.folding import Literals, folded
from winnow.text.cleaning.mail.headers import ADDRESS

DELIMITER = re.compile(r"[ \t]{0,9}(?:--|—)[ \t]{0,9}")  # RFC 3676, 4.3
RULE = re.compile(r"[ \t]{0,9}(?:_{5,}|-[-~]{2,}|={5,}|\*{5,})[ \t]{0,9}")
_MARKS = frozenset("-—_=*")  # at the beginning of both
_ON_BEHALF = re.compile(r"[ \t]{0,9}(?:im auftrag|in vertretung|on behalf of)[ \t]{0,9}", re.I)
_MOTTO = re.compile(r"[\"“„«].{1,200}[\"”“»]")
_DEVICE = re.compile(rf"[ \t*]{{0,9}}{DEVICE}[.)]?[ \t*]{{0,9}}", re.I)
_NOTICE = re.compile(NOTICE, re.I)
_LIST = re.compile(LIST, re.I)
_MYSELF = re.compile(
    r"(?<!\w)(?:I|my|me|ich|mein\w*|mir|mich|je|mon|ma|moi|yo|mi|io|mio|mia|eu|meu|minha|ik|mijn|jag|mig|jeg|"
    r"я|мой|мне)(?!\w)|我的?|私"
)
# Without one of these no pattern above matches.
_DEVICE_BEGINS = re.compile(rf"[ \t*]{{0,9}}{folded(SENT)}")
_DEVICE_WORDS, _NOTICE_WORDS, _LIST_WORDS = Literals(f"(?:outlook|{SENT_LAST[3:]}"), Literals(NOTICE), Literals(LIST)
MAX_SIGNATURE_LINES = 12


def first_line(lines: list[str], top: int, end: int) -> int:
    """Return a line, `top` at least, above which none begins a signature that ends before `end`.

    Going up from the end, it is the first that may stand in no signature, as most lines that the author wrote: that
    line may begin one, as a closing does.
    """
    number = end
    while number > top:
        number -= 1
        if lines[number].strip() and not _may_stand(lines[number]):
            above, below = _paragraph(lines, number, top, end)
            if not _may_be_notice(lines[above:below]):
                return min(number, _first_of_footer(lines, top, end))
            number = above
    return top


def _may_stand(line: str) -> bool:
    # Space at an end may part numbers from what would make them none.
    return is_name(line) or is_further(line) or adds_nothing(line) or (line != line.strip() and is_contact(line))


def _paragraph(lines: list[str], number: int, top: int, end: int) -> tuple[int, int]:
    """Return where the paragraph of a line begins and ends, from `top` to `end`."""
    above, below = number, number + 1
    while above > top and lines[above - 1].strip():
        above -= 1
    while below < end and lines[below].strip():
        below += 1
    return above, below


def _may_be_notice(paragraph: list[str]) -> bool:
    text = folded(" ".join(paragraph))
    return _NOTICE_WORDS.stand_in(text) or _LIST_WORDS.stand_in(text)


def _first_of_footer(lines: list[str], top: int, end: int) -> int:
    """Return the first line at which the footer of a list may begin; `end` where there is no footer."""
    filled, number = 0, end
    while number > top and filled <= MAX_SIGNATURE_LINES:
        number -= 1
        filled += bool(lines[number].strip())
    return number if _LIST_WORDS.stand_in(folded(" ".join(lines[number:end]))) else end


def is_device(line: str) -> bool:
    """Tell whether a line is "Sent from my phone"."""
    short = folded(line)
    if not (_DEVICE_BEGINS.match(short) or _DEVICE_WORDS.stand_in(short)):
        return False
    lower = line.lower()
    return any(brand in lower for brand in BRANDS) and _DEVICE.fullmatch(line) is not None


def adds_nothing(line: str) -> bool:
    """Tell whether a line may stand anywhere below a signature's first."""
    if line.lstrip(" \t")[:1] in _MARKS and (DELIMITER.fullmatch(line) or RULE.fullmatch(line)):
        return True
    return _ON_BEHALF.fullmatch(line) is not None or is_device(line)


def is_further(line: str) -> bool:
    """Tell whether a line may stand below a name or an address."""
    return is_detail(line) or _MOTTO.fullmatch(line) is not None


def fit(lines: list[str], plain: int) -> bool:
    """Tell whether a paragraph's lines may stand in a signature, below as many others."""
    if not plain:
        first, others = lines[:1], lines[1:]
        return all(is_name(line) or is_contact(line) for line in first) and all(map(is_further, others))
    # Below the first lines and an empty one the author may have gone on.
    is_plain = any(is_contact(line) or COMPANY.search(line) for line in lines)
    return (is_plain or not lines) and all(map(is_further, lines))


def adds_up(below: list[str], most: int) -> bool:
    """Tell whether lines hold names and addresses, at most so many, and notices of any length."""
    plain = 0
    for paragraph in _paragraphs(below):
        lines = [line for line in paragraph if not adds_nothing(line)]
        if fit(lines, plain):
            plain += len(lines)
        elif not _is_notice(paragraph):
            return False
    return plain <= most


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
    if not _may_be_notice(paragraph) or _MYSELF.search(joined):
        return False  # the author asks for confidence
    return bool(_NOTICE.search(joined) or (_LIST.search(joined) and is_footer(paragraph)))


def is_footer(lines: list[str]) -> bool:
    """Tell whether lines are the footer of a mailing list: they name it and where to leave it."""
    joined = " ".join(lines)
    filled = [line for line in lines if line.strip()]
    return (
        0 < len(filled) <= MAX_SIGNATURE_LINES
        and _LIST_WORDS.stand_in(folded(joined))
        and bool(_LIST.search(joined))
        and bool(LINK.search(joined) or ADDRESS.search(joined))
    )
