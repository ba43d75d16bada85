"""What becomes of each file that both branches changed, before anything is changed here."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.base import params
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.init.clear import LIST
from winnow.commands.merge import folders, lockfile, settings, tables, trees
from winnow.commands.merge.trees import Trees, Version
from winnow.validation import looks
from winnow.validation.drift import REFERENCE

if TYPE_CHECKING:
    from dvc.repo import Repo

SHOWN = 5  # names that a line tells


@dataclass
class Plan:
    """What becomes of files.

    Attributes:
        texts: merged, by path.
        ours, theirs, gone: files of one side, whole, and files that nobody has any more.
        open: those of `texts` that somebody must look at before they are committed.
        merged, conflicts: what to tell, a line each.
        objects: names of what came from their branch and is in DVC's cache, or should be.
    """

    texts: dict[str, str] = field(default_factory=dict)
    ours: list[str] = field(default_factory=list)
    theirs: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    merged: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    objects: set[str] = field(default_factory=set)


def make(sides: Trees, repo: "Repo") -> Plan:
    """Return what becomes of the files that both sides changed, and of what stages wrote.

    Raises:
        UserError: a file of a side is broken.
    """
    plan, root = Plan(), sides.root
    written = _lock(plan, sides)
    both = [path for path in sides.changed_by_both() if path not in written and path != lockfile.FILE]
    both.sort(key=lambda path: Path(path).name == LIST)  # the last: it tells the hashes of others
    ways, rounds = _ways(plan, sides), pipeline.find("rounds", "rounds", root)
    drivers = trees.attributes(root, both) if both else {}
    for path in both:
        version = (
            sides.read(path) if path in ways or path.endswith(folders.SUFFIX) or drivers[path] == "union" else None
        )
        if version is None or None in (version.ours, version.theirs):
            if rounds and Path(path).parent == rounds:
                plan.conflicts.append(
                    f"{path}: both branches drew this round; a round has one sample: `git checkout --ours {path}`, or "
                    f"--theirs; the decisions of both stand"
                )
                plan.open.add(path)
        elif path in ways:
            ways[path](path, version)
        elif path.endswith(folders.SUFFIX):
            _folder(plan, path, version, repo)
        else:
            _lines(plan, path, version)
    for path in sides.files[2]:
        if path.endswith(folders.SUFFIX) and path not in both and sides.files[1].get(path) != sides.files[2][path]:
            plan.objects |= folders.objects(sides.read(path).theirs or "")
    return plan


def _ways(plan: Plan, sides: Trees) -> dict[str, Callable[[str, Version], None]]:
    """Return how the files that are of one form only are merged, by path."""
    root = sides.root
    decided, frozen = pipeline.find("inputs", "decisions", root), pipeline.find("split", "frozen", root)
    profile, test = pipeline.find("validate", "frozen", root), pipeline.find("report", "test", root)
    ways: dict[Path, Callable[[str, Version], None]] = {
        params.FILE: lambda path, version: _params(plan, path, version, sides.name)
    }
    if test:
        ways[test / looks.LOG] = lambda path, version: _put(plan, path, tables.looked(path, version), "both logs")
        ways[test / looks.RESULTS] = lambda path, version: _results(plan, path, version, sides)
    if decided:
        ways[decided] = lambda path, version: _put(plan, path, tables.decided(path, version), "both sides' lines")
        ways[decided.with_name(LIST)] = lambda path, version: _hashes(plan, path, version, sides)
    if frozen:
        ways[frozen] = lambda path, version: _put(plan, path, tables.frozen(version), "the groups of both")
    if profile:
        ways[profile / REFERENCE] = lambda path, version: _profile(plan, path, version, sides)
    return {path.as_posix(): way for path, way in ways.items()}


def _put(plan: Plan, path: str, text: str, told: str) -> None:
    plan.texts[path] = text
    plan.merged.append(f"{path}: {told}")


def _params(plan: Plan, path: str, version: Version, name: str) -> None:
    merged = settings.merge(path, version, name)
    moved = "; laid out anew: see whether its comments are where they belong" if merged.moved else ""
    _put(plan, path, merged.text, f"theirs: {shown(merged.taken)}{moved}")
    if merged.conflicts:
        plan.open.add(path)
        plan.conflicts += [f"{path}: {line}" for line in merged.conflicts]


def _results(plan: Plan, path: str, version: Version, sides: Trees) -> None:
    """Of two sets of figures, keep the later look's; the log has both looks, Git's history both figures."""
    log = sides.read(Path(path).with_name(looks.LOG).as_posix())
    dates = {cells[3]: cells[0] for cells in tables.rows(tables.looked(path, log)) if len(cells) == len(looks.HEADER)}
    try:
        ranked = {
            side: (dates.get(json.loads(text)["predictions"], ""), text)
            for side, text in (("ours", version.ours or ""), ("theirs", version.theirs or ""))
        }
    except (ValueError, KeyError, TypeError):
        plan.conflicts.append(f"{path}: a side's is not what `winnow test` writes; restore it there")
        return
    side = max(ranked, key=lambda name: ranked[name])
    _put(plan, path, ranked[side][1], f"{side}, of the later look; `winnow test` writes it anew")


def _profile(plan: Plan, path: str, version: Version, sides: Trees) -> None:
    """Of the profiles of two releases, keep the later one's: the profile of a release is no mixture."""
    ranked = {
        side: (sides.touched_at(getattr(sides, side), path), getattr(version, side) or "")
        for side in ("ours", "theirs")
    }
    side = max(ranked, key=lambda name: ranked[name])
    _put(
        plan, path, ranked[side][1], f"{side}, of the later release; `winnow freeze` after `dvc repro` writes a new one"
    )


def _hashes(plan: Plan, path: str, version: Version, sides: Trees) -> None:
    """Merge the list of the example's files, once these are merged."""

    def of_merged(name: str) -> str | None:
        text = plan.texts.get(name)
        if text is None:
            return None
        own = sides.read(name)
        listed = [f"{tables.sha256(content or '')}  {name}" for content in (own.ours, own.theirs)]
        told = [(side or "").splitlines() for side in (version.ours, version.theirs)]
        return tables.sha256(text) if all(line in lines for line, lines in zip(listed, told, strict=True)) else None

    _put(plan, path, tables.hashes(version, of_merged), "the hashes of what was merged")


def _lines(plan: Plan, path: str, version: Version) -> None:
    text = tables.answers(version) if path.endswith(".jsonl") else tables.lines(version)
    told = "both sides' lines"
    if count := tables.answered_twice(text) if path.endswith(".jsonl") else 0:
        told += f"; {count} questions have two answers, and the last line counts"
    _put(plan, path, text, told)
    if path.endswith(".sha256") and (names := tables.twice(text)):
        plan.open.add(path)
        plan.conflicts.append(f"{path}: two hashes of {shown(names)}; remove the wrong line")


def _folder(plan: Plan, path: str, version: Version, repo: "Repo") -> None:
    try:
        text = folders.merge(repo, path, version)
    except UserError as error:
        plan.conflicts.append(f"{path}: {error}; `git checkout --ours {path}`, or --theirs")
        return
    _put(plan, path, text, "the files of both sides")
    plan.objects |= folders.objects(text) | folders.objects(version.theirs or "")


def _lock(plan: Plan, sides: Trees) -> set[str]:
    """Merge dvc.lock; a stage's files in Git come from the side that its entry is of. Return these files.

    A run's record is so never beside another run's figures.
    """
    if any(lockfile.FILE not in files for files in sides.files[1:]):
        return set()
    merged = lockfile.merge(sides.read(lockfile.FILE))
    _, ours, theirs = sides.files
    kept = set(_persistent(sides.root))
    found: set[str] = set()
    for stage, outs in merged.outs.items():
        wanted = {lockfile.THEIRS: theirs, lockfile.GONE: {}}.get(merged.sides[stage], ours)
        for path in _below(outs - kept, ours.keys() | theirs.keys()):
            if ours.get(path) != theirs.get(path):
                found.add(path)
                taken = plan.gone if path not in wanted else plan.theirs if wanted is theirs else plan.ours
                taken.append(path)
    plan.objects |= merged.objects
    if lockfile.FILE in sides.changed_by_both():
        again = merged.of(lockfile.BOTH)
        told = [f"{len(merged.of(side))} stages {side}" for side in (lockfile.THEIRS, lockfile.OURS)]
        if again:
            told.append(f"{len(again)} changed by both, for `dvc repro`: {shown(again)}")
        _put(plan, lockfile.FILE, merged.text, "; ".join(told))
    if found:
        plan.merged.append(
            f"{len(found)} files that stages wrote: each of the side that its stage in {lockfile.FILE} is of"
        )
    return found


def _persistent(root: Path) -> Iterable[str]:
    """Yield outputs that stages do not make but for the first time: people's own files."""
    for stage in pipeline.stages(root).values():
        for out in stage.get("outs", []):
            if isinstance(out, dict):
                yield from (path for path, settings in out.items() if settings.get("persist"))


def _below(outs: set[str], paths: Iterable[str]) -> list[str]:
    """Return the paths that are one of some outputs, or stand in one."""
    return sorted(path for path in paths if any(part in outs for part in _parts(path)))


def _parts(path: str) -> Iterable[str]:
    yield path
    yield from (parent.as_posix() for parent in Path(path).parents)


def shown(names: list[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "nothing") + more
