"""What the shipped example left: decisions, rounds, frozen groups, looks, rules, results; it goes, nothing else.

`data/example.sha256` names the example's files that people make, with their hashes, as `sha256sum` writes them. One
that it does not name so is somebody's own work, which only `--force` takes away.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from winnow.base import files
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.init import lockfile
from winnow.people import decisions

LIST = "example.sha256"  # beside the decisions
KEPT = ("README.md", ".gitkeep")
SHOWN = 5


@dataclass(frozen=True)
class Leftovers:
    """Files below a root that a new dataset must not begin with.

    Attributes:
        example: people's files, as the example has them; `own`: those that are not so.
        results: files and folders that stages made.
        runs: names of stages whose entries in dvc.lock are of other data.
    """

    example: tuple[Path, ...]
    own: tuple[Path, ...]
    results: tuple[Path, ...]
    runs: tuple[str, ...]


def leftovers(document: Mapping, root: Path) -> Leftovers:
    """Return what stands there.

    Args:
        document: params.yaml as it will be.

    Raises:
        UserError: dvc.lock cannot be read.
    """
    listed = _listed(root)
    there = [file for file in of_people(root) if not _is_empty(root / file)]
    example = [file for file in there if listed.get(file.as_posix()) == files.sha256(root / file)]
    own = [file for file in there if file not in example]
    made = [pipeline.path("report", option, root) for option in ("metrics", "plots", "summary")]
    # Files of the folder itself are no run.
    models = root / pipeline.path("evaluate", "classifiers", root)
    made += [path.relative_to(root) for path in sorted(models.glob("*")) if path.is_dir()]
    made = [path for path in made if (root / path).exists()]
    stale = lockfile.stale(document, [*there, pipeline.path("collect", "files", root)], root)
    made += [out for out in stale.outs if not any(out.is_relative_to(path) for path in made)]
    return Leftovers(tuple(example), tuple(own), tuple(made), stale.stages)


def of_people(root: Path) -> list[Path]:
    """Return the files that people make: decisions, and those in the folders that `inputs` keeps, but for sources."""
    folders = [pipeline.path("inputs", name, root).parent for name in ("frozen", "rounds", "test", "rules")]
    found = [
        file.relative_to(root)
        for folder in folders
        for file in sorted((root / folder).rglob("*"))
        if file.is_file() and file.name not in KEPT
    ]
    table = pipeline.path("inputs", "decisions", root)
    return [*([table] if (root / table).exists() else []), *found]


def _is_empty(file: Path) -> bool:
    """Return whether a file holds no line but a header or comments."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return False
    told = [line for line in lines if line.strip() and not line.startswith("#")]
    return not told or (file.suffix == ".csv" and len(told) == 1 and told[0].startswith(("id,", "looked_on,")))


def _listed(root: Path) -> dict[str, str]:
    file = root / pipeline.path("inputs", "decisions", root).with_name(LIST)
    if not file.exists():
        return {}
    lines = (line.partition("  ") for line in files.read_text(file).splitlines())
    return {name: sha256 for sha256, _, name in lines}


def refuse_own(found: Leftovers, force: bool) -> None:
    """Raise `UserError` if somebody's own work would be lost."""
    if found.own and not force:
        names = ", ".join(map(str, found.own[:SHOWN])) + (" …" if len(found.own) > SHOWN else "")
        raise UserError(
            f"{names}: not of the example: somebody's own work, which a new dataset cannot use; move it away, or let "
            f"--force remove it"
        )


def remove(found: Leftovers, root: Path) -> None:
    """Remove all of it; the file of decisions keeps its header, the list of the example's files goes last."""
    table = pipeline.path("inputs", "decisions", root)
    for file in (*found.example, *found.own):
        if file != table:
            (root / file).unlink(missing_ok=True)
    if table in (*found.example, *found.own) or not (root / table).exists() or _is_empty(root / table):
        files.write_text(root / table, decisions.EMPTY)
    for path in found.results:
        if (root / path).is_dir():
            shutil.rmtree(root / path, ignore_errors=True)  # another `init` may be at it
        else:
            (root / path).unlink(missing_ok=True)
    (root / table.with_name(LIST)).unlink(missing_ok=True)
