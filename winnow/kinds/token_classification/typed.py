"""Spans as people type them into a cell: `aspirin = drug; heart failure = illness`, found in the row's text.

Words that stand in the text several times are told apart by their number: `aspirin #2 = drug` is the second,
`aspirin #all = drug` each of them.
"""

import re

from winnow.base.errors import UserError
from winnow.kinds import widget
from winnow.kinds.token_classification.labels import SHOWN, Task
from winnow.kinds.token_classification.span import Span
from winnow.kinds.token_classification.words import offsets

NUMBERED = re.compile(r"(.*\S)\s*#\s*(\d{1,9}|all)", re.DOTALL | re.IGNORECASE)


def read(cell: str, task: Task, text: str) -> list[Span]:
    """Return the spans that a cell tells.

    Args:
        cell: words, `=`, a type; semicolons between.
        text: the row's.

    Raises:
        UserError: a part is no such pair, its type is none of the task's, or its words do not stand in the text, or
            several times and it does not say which.
    """
    found: list[Span] = []
    for part in filter(None, map(str.strip, cell.split(";"))):
        words, sign, name = (each.strip() for each in part.rpartition("="))
        if not sign or not words or not name:
            raise UserError(
                f"""'{_short(part)}' is no span; write its words and its type, as in: aspirin = {task.labels[0]}; or """
                f"""all spans as JSON: [[0, 7, "{task.labels[0]}"]]"""
            )
        kind = task.check_name(widget.match(name, task.labels), f"'{_short(part)}'")
        found += [(start, end, kind) for start, end in _places(words, text)]
    return found


def _places(words: str, text: str) -> list[tuple[int, int]]:
    """Return where the words that a person typed stand in a text."""
    number, found = "", _all(words, text)
    if not found and (numbered := NUMBERED.fullmatch(words)):
        words, number = numbered[1], numbered[2].casefold()
        found = _all(words, text)
    if not found:
        raise UserError(f"'{_short(words)}' does not stand in the row's text")
    if number == "all":
        return found
    if number:
        if not 0 < int(number) <= len(found):
            raise UserError(f"'{_short(words)}' stands {len(found)} times in the row's text; there is no #{number}")
        return [found[int(number) - 1]]
    if len(found) > 1:
        raise UserError(
            f"'{_short(words)}' stands {len(found)} times in the row's text; write which one, as in "
            f"'{_short(words)} #2', or '{_short(words)} #all'"
        )
    return found


def _all(words: str, text: str) -> list[tuple[int, int]]:
    """Return where words stand: as they are written, else in any case; as whole words, else anywhere."""
    pattern = r"\s+".join(map(re.escape, words.split()))
    for flags in (re.NOFLAG, re.IGNORECASE):
        if found := [match.span() for match in re.finditer(pattern, text, flags)]:
            borders = offsets(text)
            starts, ends = set(borders[:, 0].tolist()), set(borders[:, 1].tolist())
            return [place for place in found if place[0] in starts and place[1] in ends] or found
    return []


def _short(words: str) -> str:
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}…"
