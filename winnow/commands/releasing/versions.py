"""Versions of a release, MAJOR.MINOR.PATCH (semver.org 2.0.0), and their tags, `dataset@v1.0.0` as GTO has them."""

import re
from pathlib import Path
from typing import NamedTuple

from winnow.base.errors import UserError
from winnow.commands.status.standing import git

LEVELS = ("major", "minor", "patch")
VERSION = re.compile(r"v?(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})")


class Version(NamedTuple):
    """A version."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        """Return it as `1.0.0`."""
        return ".".join(map(str, self))

    def bumped(self, level: str) -> "Version":
        """Return the next version of a level."""
        place = LEVELS.index(level)
        return Version(*self[:place], self[place] + 1, *[0] * (2 - place))

    def level_over(self, before: "Version") -> str:
        """Return the level of the first part that differs from a lower version."""
        return LEVELS[next(place for place in range(3) if self[place] != before[place])]


FIRST = Version(1, 0, 0)


def parsed(text: str) -> Version:
    """Return a version from `1.2.0` or `v1.2.0`.

    Raises:
        UserError: it is none.
    """
    match = VERSION.fullmatch(text)
    if match is None:
        raise UserError(f"version '{text}': must be MAJOR.MINOR.PATCH, such as 1.2.0")
    return Version(*map(int, match.groups()))


def tag(name: str, version: Version) -> str:
    """Return the tag of a release."""
    return f"{name}@v{version}"


def released(root: Path, name: str) -> list[Version]:
    """Return the versions of an artifact that this clone has tags of, the lowest first."""
    names = (git(root, "tag", "--list", f"{name}@v*") or "").split()
    matches = (VERSION.fullmatch(each.removeprefix(f"{name}@")) for each in names)
    return sorted(Version(*map(int, match.groups())) for match in matches if match)
