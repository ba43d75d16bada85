"""A three-way merge of texts, by lines and then by words, in which changes of neighbours do not conflict.

Git wants an unchanged line between two changes: nothing else tells it what belongs together. Whoever uses this knows:
a merged params.yaml must say what its keys, merged one by one, say.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

SIZE = 7  # of Git's marks
WORD = re.compile(r"#.*|[\w.+-]+|\s|.")  # a comment is one


class Clash(NamedTuple):
    """Parts that both sides changed, and what they were."""

    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    base: tuple[str, ...]


class _Edit(NamedTuple):
    """Parts `start` to `end` of the base become others."""

    start: int
    end: int
    parts: tuple[str, ...]


def weave(base: str, ours: str, theirs: str) -> list[str | Clash]:
    """Return the merged lines, with their ends, and what clashes between them.

    Where both insert at one place, both stand there, in the order of what they insert.
    """
    merged: list[str | Clash] = []
    for part in _woven(*(text.splitlines(keepends=True) for text in (base, ours, theirs))):
        if isinstance(part, str):
            merged.append(part)
            continue
        words = _woven(*(WORD.findall("".join(lines)) for lines in (part.base, part.ours, part.theirs)))
        lines = [tuple(resolved(words, side).splitlines(keepends=True)) for side in Clash._fields]
        merged += lines[0] if lines[0] == lines[1] else [Clash(*lines)]
    return merged


def apart(ours: str, theirs: str) -> list[str | Clash]:
    """Return the lines that two texts begin and end with alike, and one clash between."""
    sides = [text.splitlines(keepends=True) for text in (ours, theirs)]
    begin = _alike(*sides)
    end = _alike(*(side[begin:][::-1] for side in sides))
    one, other = (tuple(side[begin : len(side) - end]) for side in sides)
    return [*sides[0][:begin], Clash(one, other, ()), *sides[0][len(sides[0]) - end :]]


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many parts two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (mine, yours) in pairs if mine != yours), min(len(one), len(other)))


def resolved(merged: Sequence[str | Clash], side: str) -> str:
    """Return the text with each clash as one side has it, `ours` or `theirs`."""
    return "".join(word for part in merged for word in ([part] if isinstance(part, str) else getattr(part, side)))


def marked(merged: Sequence[str | Clash], name: str) -> str:
    """Return the text with Git's marks around what clashes; `name` is that of their branch."""
    out = []
    for part in merged:
        if isinstance(part, str):
            out.append(part)
        else:
            out += [f"{'<' * SIZE} ours\n", *part.ours, f"{'=' * SIZE}\n", *part.theirs, f"{'>' * SIZE} {name}\n"]
    return "".join(out)


def _woven(before: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> list[str | Clash]:
    left, right = list(_edits(before, ours)), list(_edits(before, theirs))
    merged: list[str | Clash] = []
    place = 0
    while left or right:
        mine, yours = (side[0] if side else None for side in (left, right))
        if mine and yours and _meet(mine, yours):
            start, ends = min(mine.start, yours.start), _together(left, right)
            merged += [*before[place:start], *_both(before, start, *ends)]
            place = max(edit.end for side in ends for edit in side)
            continue
        edit = (left if yours is None or (mine and mine[:2] <= yours[:2]) else right).pop(0)
        merged += [*before[place : edit.start], *edit.parts]
        place = edit.end
    return [*merged, *before[place:]]


def _edits(before: Sequence[str], after: Sequence[str]) -> Iterator[_Edit]:
    """Yield what changes; as many parts for as many are a change of each."""
    for tag, start, end, first, last in SequenceMatcher(None, before, after, False).get_opcodes():
        if tag == "equal":
            continue
        if end - start == last - first:
            yield from (_Edit(start + n, start + n + 1, (after[first + n],)) for n in range(end - start))
        else:
            yield _Edit(start, end, tuple(after[first:last]))


def _meet(one: _Edit, other: _Edit) -> bool:
    """Return whether two edits are of the same parts: an insertion is of none, and meets one at its place."""
    if one.start == one.end or other.start == other.end:
        inside = one.start < other.start < one.end or other.start < one.start < other.end
        return one[:2] == other[:2] or inside
    return one.start < other.end and other.start < one.end


def _together(left: list[_Edit], right: list[_Edit]) -> tuple[list[_Edit], list[_Edit]]:
    """Take the edits that meet, one through another, off the front of both lists; return them."""
    taken: tuple[list[_Edit], list[_Edit]] = ([left.pop(0)], [right.pop(0)])
    grown = True
    while grown:
        grown = False
        for waiting, own, other in ((left, *taken), (right, *taken[::-1])):
            while waiting and any(_meet(waiting[0], edit) for edit in other):
                own.append(waiting.pop(0))
                grown = True
    return taken


def _both(before: Sequence[str], start: int, left: list[_Edit], right: list[_Edit]) -> list[str | Clash]:
    """Return what becomes of a stretch from `start` on that both sides changed."""
    end = max(left[-1].end, right[-1].end)
    if left == right:
        return list(_applied(before, start, left, end))
    if all(edit.start == edit.end for edit in (*left, *right)):
        return [part for parts in sorted(edit.parts for edit in (*left, *right)) for part in parts]
    sides = (_applied(before, start, edits, end) for edits in (left, right))
    return [Clash(*sides, tuple(before[start:end]))]


def _applied(before: Sequence[str], start: int, edits: list[_Edit], end: int) -> tuple[str, ...]:
    out: list[str] = []
    for edit in edits:
        out += [*before[start : edit.start], *edit.parts]
        start = edit.end
    return (*out, *before[start:end])
