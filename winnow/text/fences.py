"""Fenced code blocks of Markdown, as CommonMark has them."""

from collections.abc import Iterator
from typing import NamedTuple

import regex

_OPENING = regex.compile(r" {0,3}(?P<fence>`{3,}+(?=[^`\n]*+$)|~{3,}+)(?P<language>[^\n]*+)")


class Block(NamedTuple):
    """A fenced block: where it starts and ends in its text, its fences included.

    Attributes:
        language: what stands behind the opening fence.
        code: what stands between the fences.
        closed: whether a closing fence is there; if not, the block is the rest of the text.
    """

    start: int
    end: int
    language: str
    code: str
    closed: bool


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a text, in their order."""
    if "```" not in text and "~~~" not in text:
        return
    place, opened = 0, None
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n")
        if opened is None:
            if match := _OPENING.fullmatch(bare):
                opened = (place, match["fence"], match["language"].strip(), place + len(line))
        elif _closes(bare, opened[1]):
            start, _, language, code = opened
            yield Block(start, place + len(bare), language, text[code:place], True)
            opened = None
        place += len(line)
    if opened is not None:
        start, _, language, code = opened
        yield Block(start, len(text), language, text[code:], False)


def _closes(line: str, fence: str) -> bool:
    mark = line.strip(" \t")
    return len(mark) >= len(fence) and not mark.strip(fence[0]) and len(line) - len(line.lstrip(" ")) < 4
