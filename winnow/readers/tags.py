"""Tags of words, and the spans that they are: IOB1, IOB2, IOBES, BILOU, BMEWO, and names of types without a prefix."""

import re
from collections.abc import Iterable, Sequence

TAG = re.compile(r"(?:([BIMELSUW])-)?(\S(?:.*\S)?)", re.S)  # the place in a span, and its type
OUTSIDE = "O"
FIRST, LAST, ALONE = "B", frozenset("EL"), frozenset("SUW")
SHOWN = 5  # broken tags that a message names


def are_tags(cells: Iterable[object]) -> bool:
    """Return whether these are tags of words as one expects them: `O`, or a type behind a place in a span."""
    return all(isinstance(cell, str) and (cell == OUTSIDE or re.match(r"[BIMELSUW]-\S", cell)) for cell in cells)


def begin(tags: Sequence[str]) -> bool:
    """Return whether a `B-` stands where IOB1 has an `I-`: only in IOB2 and its kin does every span begin with one."""
    before = OUTSIDE
    for tag in tags:
        if tag.startswith("B-") and before[2:] != tag[2:]:
            return True
        if tag.startswith(("S-", "U-", "W-")):
            return True
        before = tag
    return False


def spans(
    tags: Sequence[str], offsets: Sequence[tuple[int, int]], begins: bool
) -> tuple[list[tuple[int, int, str]], str | None]:
    """Return the spans of tagged words, and what of the tags was mended, in words.

    A tag within a span that follows no word of a span of its type begins one.

    Args:
        tags: one a word.
        offsets: where each word begins and ends.
        begins: every span should begin with a `B-`; else, as in IOB1, an `I-` may begin one.
    """
    found: list[list] = []
    is_open = False
    broken = []
    for number, (tag, (start, end)) in enumerate(zip(tags, offsets, strict=True), 1):
        place, name = (None, None) if tag == OUTSIDE else TAG.fullmatch(tag).groups()
        if name is None:
            is_open = False
            continue
        goes_on = is_open and found[-1][2] == name and place not in (FIRST, *ALONE)
        if goes_on:
            found[-1][1] = end
        else:
            found.append([start, end, name])
            if place not in (None, FIRST, *ALONE) and (begins or (is_open and place != "I")):
                broken.append(f"word {number} has {tag}, and no span of {name} goes on")
        is_open = place not in LAST and place not in ALONE
    more = f" and {len(broken) - SHOWN} more" if len(broken) > SHOWN else ""
    told = f"{'; '.join(broken[:SHOWN])}{more}: a span begins there" if broken else None
    return [tuple(span) for span in found], told


def problem(tags: Sequence[object]) -> str | None:
    """Return what is wrong with the tags of a text by themselves; None if nothing is."""
    for number, tag in enumerate(tags, 1):
        if not isinstance(tag, str) or not TAG.fullmatch(tag):
            return f"the tag of word {number} is {'missing' if tag in (None, '') else repr(tag)}"
    return None
