"""versions: write the pinned versions that each kind of stage depends on, so that a bump reruns only what it touches.

python -m stages.versions --lock requirements.lock --out data/versions

Input: the lock file, one `name==version` a line. Output: `<out>/<group>.txt` for each group of params.yaml: versions,
the group's lines of the lock file, sorted.
"""

import re
from collections.abc import Sequence

from winnow import files, params
from winnow.errors import UserError
from winnow.stage import arguments, run


class Params(params.Section):
    """Names of packages, one list a group; each group is an output of its own in dvc.yaml."""

    tables: list[str]
    text: list[str]
    statistics: list[str]
    neural: list[str]
    pages: list[str]


def pins(lock: str, where: str) -> dict[str, str]:
    """Return the lock file's lines by normalized package name (PEP 503).

    Raises:
        UserError: a line is neither `name==version` nor a comment.
    """
    lines = {}
    for number, raw in enumerate(lock.splitlines(), 1):
        line = raw.split("#")[0].strip()
        if not line:
            continue
        name, equals, version = line.partition("==")
        if not (name and equals and version) or re.search(r"\s", line):
            raise UserError(f"{where}: line {number}: '{line}' is not of the form name==version")
        lines[normalized(name)] = line
    return lines


def group_lines(names: Sequence[str], pinned: dict[str, str], group: str) -> list[str]:
    """Return the sorted lock lines of one group.

    Raises:
        UserError: a package is not in the lock file.
    """
    for name in names:
        if normalized(name) not in pinned:
            raise UserError(f"params.yaml: versions.{group}: '{name}' is not pinned in the lock file; add it there")
    return sorted({pinned[normalized(name)] for name in names}, key=str.lower)


def normalized(name: str) -> str:
    """Return a package name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    paths = arguments(__doc__, argv, "lock", "out")
    groups = dict(params.load("versions", Params))
    pinned = pins(files.read_text(paths.lock), str(paths.lock))
    lines = {group: group_lines(names, pinned, group) for group, names in groups.items()}
    for group in groups:
        files.write_text(paths.out / f"{group}.txt", "".join(f"{line}\n" for line in lines[group]))


if __name__ == "__main__":
    run(main)
