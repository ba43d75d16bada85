"""Lines that name the author of what a reply repeats: "On Mon, 5 Jan 2026 at 09:12, Ann <ann@example.org> wrote:".

A mail program wrote such a line if all its words are names, parts of a date, or verbs of writing. "On Monday your agent
wrote:" holds other words: its author tells what somebody wrote.
"""

import re
from dataclasses import dataclass

from winnow.text.cleaning.mail.headers import ADDRESS
from winnow.text.cleaning.mail.phrases import DATE_WORD, QUOTING, TELLING, TELLING_UNSPACED, WROTE, either

MAX_LINES = 3
MAX_LENGTH = 400  # characters
# Direction marks stand around addresses in Hebrew and Arabic.
COLON = re.compile(r"[:：][ \t\r\u200e\u200f\u202a-\u202e\u2066-\u2069]{0,9}\Z")
_VERB = re.compile(rf"(?<![^\W_])(?:{WROTE})(?![^\W_])|写道|寫道|のメール|님이 작성|작성", re.I)
_QUOTING = re.compile(rf"\s*{either(QUOTING)}\s", re.I)
_IN_ANGLES = re.compile(r"[<(\[][^\s@<>()\[\]]{1,64}+@[^\s@<>()\[\]]{2,255}[>)\]]")
_DATE = re.compile(r"\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2}|\d{1,2}[.:]\d\d|\d{1,2}時|\d{1,2}시")
# People who tell of a mail write the month in words.
_NUMERIC = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}[月월]")
_TIME = re.compile(r"\d{1,2}[.:h時시点]\s?\d{0,2}")
_WORD = re.compile(r"[^\W_]+(?:['’.][^\W_]+)*")
_DATE_WORD = re.compile(rf"(?:{DATE_WORD})\Z", re.I)
_TELLING = frozenset(TELLING.split("|"))
_TELLING_UNSPACED = re.compile(TELLING_UNSPACED)
_MYSELF = re.compile(r"(?<!\w)I(?![\w.])")
_EVIDENCE = re.compile(r"[\d@]")
# A line that ends so goes on in none below.
_ENDED = re.compile(r"[:：!?。！？]\Z|[^\W\d_]{4}\.\Z")
# "2026-01-05 9:12 GMT+01:00 Ann <ann@example.org>:", as Gmail writes it in languages of which it knows no verb.
_DATE_FIRST = re.compile(r"\W{0,5}(?:[^\W\d_]{1,15}[^\w\s]{0,3}\s){0,3}\W{0,3}\d")


@dataclass(frozen=True)
class Attribution:
    """Its lines, and how sure it is that a mail program wrote it: 0, 1 with a date in numbers, 2 with an address."""

    lines: int
    sure: int


def attribution(lines: list[str], last: int, quoted: bool) -> Attribution | None:
    """Return the attribution that ends at a line with a colon; None where there is none.

    Args:
        quoted: lines that begin with a mark of a quote follow.
    """
    found = None
    if not (quoted or any(map(_EVIDENCE.search, lines[max(0, last + 1 - MAX_LINES) : last + 1]))):
        return None
    for count in range(1, min(MAX_LINES, last + 1) + 1):
        part = lines[last - count + 1 : last + 1]
        if not (above := part[0].strip()) or above[0] == ">" or (count > 1 and _ENDED.search(above)):
            break
        line = " ".join(each.strip() for each in part)
        if len(line) > MAX_LENGTH:
            break
        if (sure := _sure(line, quoted)) is not None:
            # A line above belongs to it if it begins with the date, or holds the name of a bare address.
            if found and not (_DATE_FIRST.match(line) or lines[last - count + 2].lstrip().startswith("<")):
                break
            found = Attribution(count, sure)
    return found


def _sure(line: str, quoted: bool) -> int | None:
    """Return how sure it is that a line names the author of a quote; None where it does not name one."""
    bare, verb = ADDRESS.sub(" ", line), _VERB.search(line)
    addressed, dated = bare != line, _DATE.search(bare)
    if not verb:
        if quoted and _QUOTING.match(line) and _named(_QUOTING.sub("", bare)):
            return 0
        # Of languages without a verb of their own: all of a date, a time and an address in angle brackets.
        sure = addressed and dated and _IN_ANGLES.search(line) and _TIME.search(bare) and _DATE_FIRST.match(bare)
        return 2 if sure and _named(bare) else None
    bare = _VERB.sub(" ", bare)
    # Beside a date and an address in angle brackets, a name may have any words.
    free = bool(dated and (quoted or _DATE_FIRST.match(bare)) and _IN_ANGLES.search(line))
    if not _named(bare, free):
        return None
    if addressed:
        return 2
    if _NUMERIC.search(bare) and _TIME.search(bare):
        return 1
    return 0 if quoted and (dated or 0 < len(_WORD.findall(bare)) <= 4) else None


def _named(line: str, free: bool = False) -> bool:
    """Tell whether all words are names, numbers, or of a date; none is a word for somebody who is no name.

    Args:
        free: names may be of any words.
    """
    words = _WORD.findall(line)
    return (
        _TELLING.isdisjoint(map(str.lower, words))
        and not _TELLING_UNSPACED.search(line)
        and not _MYSELF.search(line)
        and (free or all(map(_may_name, words)))
    )


def _may_name(word: str) -> bool:
    return not word[0].islower() or not word.isalpha() or len(word) == 1 or bool(_DATE_WORD.match(word))
