"""Three-way merges by name: of mappings, of lists whose items have names, and of the order of their names.

What it makes does not depend on which side is called ours, but for what is in conflict.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

NAME = "name"  # the key by which the items of a list are told apart: a source's, a rule's


class Missing:
    """There is no such key."""

    def __repr__(self) -> str:
        """Return what people are told."""
        return "nothing"


MISSING = Missing()


class Conflict(NamedTuple):
    """A value that both sides changed, each in its way."""

    key: str
    ours: object
    theirs: object
    base: object


@dataclass
class Merger:
    """Merges values.

    Attributes:
        pick: what to take where there is a conflict.
        conflicts: all so far.
        taken: keys, with dots, whose value is theirs alone.
    """

    pick: Callable[[Conflict], object] = lambda conflict: conflict.ours
    conflicts: list[Conflict] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    def merge(self, base: object, ours: object, theirs: object, key: str = "") -> object:
        """Return the merged value of a key; mappings and lists are made anew.

        What both sides add under one name, each its own, is a conflict: half of each is what nobody wanted.
        """
        if same(ours, theirs) or same(theirs, base):
            return ours
        if same(ours, base):
            self.taken.append(key)
            return theirs
        sides = base, ours, theirs
        if all(isinstance(side, dict) for side in sides):
            return self._by_name(*sides, key)
        if all(map(is_named, sides)) and any(sides):
            mappings = ({item[NAME]: item for item in side} for side in sides)
            return list(self._by_name(*mappings, key).values())
        conflict = Conflict(key, ours, theirs, base)
        self.conflicts.append(conflict)
        return self.pick(conflict)

    def _by_name(self, base: Mapping, ours: Mapping, theirs: Mapping, key: str) -> dict:
        merged = {}
        for name in order(list(base), list(ours), list(theirs)):
            values = (side.get(name, MISSING) for side in (base, ours, theirs))
            value = self.merge(*values, f"{key}.{name}".lstrip("."))
            if value is not MISSING:
                merged[name] = value
        return merged


def same(one: object, other: object) -> bool:
    """Return whether two values are equal and of one type (1 is not True), mappings in any order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and (one == other or one is other)


def is_named(value: object) -> bool:
    """Return whether a value is a list of mappings that have names, each its own."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return False
    names = [item.get(NAME) for item in value]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def by_name(value: object) -> object:
    """Return a value in which lists of named items are mappings, whose order says nothing."""
    if is_named(value) and value:
        return {NAME: {item[NAME]: by_name(item) for item in value}}
    if isinstance(value, dict):
        return {key: by_name(item) for key, item in value.items()}
    return list(map(by_name, value)) if isinstance(value, list) else value


def order(base: Sequence, ours: Sequence, theirs: Sequence) -> list:
    """Return all names: the order of the side that changed it; if both did, what stood in the base, then the new ones.

    Of the new ones of both, those come first whose names do.
    """
    if base == ours or ours == theirs:
        return list(dict.fromkeys([*theirs, *base]))
    if base == theirs:
        return list(dict.fromkeys([*ours, *base]))
    added = [[name for name in side if name not in base] for side in (ours, theirs)]
    return list(dict.fromkeys([*base, *(name for group in sorted(added, key=_texts) for name in group)]))


def _texts(names: Sequence) -> list[str]:
    return list(map(str, names))
