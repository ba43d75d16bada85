"""What else differs between two revisions: parameters, packages, code, the machine, which stages ran again, and what
their training costs.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from winnow.base import timing
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.diff import cost
from winnow.commands.diff import revision as revisions
from winnow.commands.diff.revision import Revision

PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]{0,200}\])?==([^\s;#]+)")
COMPUTED_ON = "computed_on"  # in the metrics of a stage that trains


def compared(base: Revision, head: Revision) -> dict:
    """Return what differs.

    Raises:
        UserError: params.yaml of a revision cannot be read.
    """
    documents = [_document(side) for side in (base, head)]
    return {
        "params": _changes(*(dict(revisions.flattened(each)) for each in documents)),
        "packages": _changes(*(_pins(side) for side in (base, head))),
        "code": _code(base, head),
        "machine": _other_machines(base, head),
        "stages": _stages(base, head),
        "training": [cost.tokens(*each) for each in zip((base, head), documents, strict=True)],
        "stale": _stale(head, documents[1]),
    }


def _changes(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, list]:
    """Return the values before and after of what differs; None where there is none."""
    keys = sorted(before.keys() | after.keys())
    return {key: [before.get(key), after.get(key)] for key in keys if before.get(key) != after.get(key)}


def _document(side: Revision) -> dict:
    file = side.file("params.yaml")
    try:
        return (YAML(typ="safe").load(file.read_text(encoding="utf-8")) if file else None) or {}
    except (YAMLError, ValueError):
        raise UserError(f"params.yaml of {side.name}: not valid YAML; mend it there") from None


def _pins(side: Revision) -> dict[str, object]:
    file = side.file("requirements.lock")
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file else []
    return {match[1]: match[2] for line in lines if (match := PIN.match(line))}


def _code(base: Revision, head: Revision) -> dict[str, list[str]]:
    """Return the stages whose code is another, with the files that changed."""
    folders = [side.find("code", "out") for side in (base, head)]
    if None in folders:
        return {}
    found = {}
    names = {path.name for folder in folders for path in folder.glob("*.txt")}
    for name in sorted(names):
        before, after = (_fingerprints(folder / name) for folder in folders)
        if changed := list(_changes(before, after)):
            found[Path(name).stem] = changed
    return found


def _fingerprints(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==", 1) if "==" in line else line.rsplit(" ", 1) for line in lines if line.strip(" "))


def _other_machines(base: Revision, head: Revision) -> dict[str, list]:
    """Return what was computed on another machine; what one side alone computed, before a first run, was not."""
    found = _changes(*(_machines(side) for side in (base, head)))
    return {key: both for key, both in found.items() if None not in both}


def _machines(side: Revision) -> dict[str, str]:
    """Return what models were computed on, `adapt: device`; that of several runs of a stage in one word each."""
    found: dict[str, set[str]] = {}
    for path, content in revisions.metrics(side):
        if not isinstance(content.get(COMPUTED_ON), dict):
            continue
        parts = Path(path).with_suffix("").parts
        stage = parts[parts.index("metrics") + 1]
        for key, value in revisions.flattened(content[COMPUTED_ON]):
            found.setdefault(f"{stage}: {key}", set()).add(str(value))
    return {key: ", ".join(sorted(values)) for key, values in found.items()}


def _stages(base: Revision, head: Revision) -> dict[str, dict]:
    """Return the stages that ran again, with why, and what the last run here took; those that came or went, too."""
    times, kept, found = timing.read(), _kept(head), {}
    for name in dict.fromkeys([*head.stages, *base.stages]):
        before, after = base.stages.get(name), head.stages.get(name)
        if before == after:
            continue
        why = ["new"] if before is None else ["gone"] if after is None else list(_why(before, after, kept))
        last = times.get(name)
        if why:
            found[name] = {"why": why, "seconds": last.seconds if last else None}
    return found


def _stale(head: Revision, document: Mapping) -> list[str]:
    """Return the stages whose results are of other parameters or inputs than HEAD's."""
    now, found = dict(revisions.flattened(document)), []
    made = {out["path"]: out.get("md5") for stage in head.stages.values() for out in stage.get("outs", [])}
    decided = head.find("apply_decisions", "decisions")
    if decided:
        made[head.named("apply_decisions", "decisions")] = hashlib.md5(
            decided.read_bytes(), usedforsecurity=False
        ).hexdigest()
    for name, stage in head.stages.items():
        read = (stage.get("params") or {}).get("params.yaml") or {}
        deps = {dep["path"]: dep.get("md5") for dep in stage.get("deps", [])}
        is_other = read and any(now.get(key) != value for key, value in revisions.flattened(read))
        if is_other or any(path in made and made[path] != md5 for path, md5 in deps.items()):
            found.append(name)
    return found


def _kept(head: Revision) -> set[str]:
    """Return the outputs that people write, decisions among them: a stage only makes those that are missing."""
    stages = pipeline.stages(head.folder).values() if head.file(pipeline.FILE.as_posix()) else ()
    outs = [out for stage in stages for out in stage.get("outs", []) if isinstance(out, dict)]
    return {path for out in outs for path, settings in out.items() if (settings or {}).get("persist")}


def _why(before: Mapping, after: Mapping, kept: set[str]) -> Iterator[str]:
    """Yield what of a stage's inputs differs; only results: the machine, or a random number that nobody pinned."""
    if before.get("cmd") != after.get("cmd"):
        yield "command"
    if before.get("params") != after.get("params"):
        yield "parameters"
    deps, outs = (
        [{each["path"]: each.get("md5") for each in side.get(part, [])} for side in (before, after)]
        for part in ("deps", "outs")
    )
    inputs = list(_changes(*deps))
    yield from inputs
    results = [path for path in _changes(*outs) if path not in kept]
    if not inputs and before.get("params") == after.get("params") and results:
        yield "other results of the same inputs"
