"""dvc.lock without the runs that were of other data, so that neither `dvc push` nor `winnow diff` asks for their files.

A stage's run is of other data if it read other parameters than those that params.yaml gets, the sources, or a file
that goes; so is the run of each stage that reads what it wrote. The base encoder's run stays, if the encoder is here
and `fetch_model` stays.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from winnow.base import files
from winnow.base.errors import UserError
from winnow.commands import pipeline

FILE = Path("dvc.lock")
ENTRY = re.compile(r"^  (\S+):\n(?:^ {3,}.*\n|^  - .*\n|^\n)*", re.MULTILINE)


@dataclass(frozen=True)
class Stale:
    """What is of other data.

    Attributes:
        stages: names of entries of dvc.lock, those whose outputs are not here among them.
        outs: files and folders that these stages write, and that are there.
    """

    stages: tuple[str, ...] = ()
    outs: tuple[Path, ...] = ()


def stale(document: Mapping, changed: Iterable[Path], root: Path) -> Stale:
    """Return which runs are of other data.

    Args:
        document: params.yaml as it will be.
        changed: files and folders that the runs may have read, and that change.

    Raises:
        UserError: dvc.lock cannot be read.
    """
    known = pipeline.stages(root)
    touched = [path.as_posix() for path in changed]
    found: list[str] = []
    waiting = _read(root)
    while more := [name for name, entry in waiting.items() if _is_stale(entry, document, touched)]:
        for name in more:
            constant = known.get(name, {}).get("meta", {}).get("constant", [])
            touched += [path for path in _paths(waiting.pop(name), "outs") if path not in constant]
        found += more
    # Of what is not here, a push would warn; the stage makes it again.
    found += [
        name for name, entry in waiting.items() if not all((root / out).exists() for out in _paths(entry, "outs"))
    ]
    outs = [Path(out) for name in found for out in _outs(known.get(name, {}))]
    return Stale(tuple(found), tuple(out for out in outs if (root / out).exists()))


def drop(stages: Iterable[str], root: Path) -> None:
    """Remove entries; the others keep their bytes. A file without any entry goes."""
    gone = set(stages)
    text = files.read_text(root / FILE)
    kept = ENTRY.sub(lambda found: "" if found[1] in gone else found[0], text)
    if ENTRY.search(kept):
        files.write_text(root / FILE, kept)
    else:
        (root / FILE).unlink()


def _read(root: Path) -> dict[str, dict]:
    if not (root / FILE).exists():
        return {}
    try:
        entries = dict((YAML(typ="safe").load(files.read_text(root / FILE)) or {}).get("stages") or {})
        for entry in entries.values():
            list(_paths(entry, "deps", "outs"))
    except (YAMLError, AttributeError, KeyError, TypeError, ValueError):
        raise UserError(
            f"{FILE}: cannot be read; does it hold Git's conflict markers? `git checkout --ours {FILE}` takes one side"
        ) from None
    return entries


def _is_stale(entry: Mapping, document: Mapping, touched: Iterable[str]) -> bool:
    locked = [pair for values in (entry.get("params") or {}).values() for pair in values.items()]
    if any(_value(document, key) != value for key, value in locked):
        return True
    return any(_overlap(path, other) for path in _paths(entry, "deps", "outs") for other in touched)


def _value(document: object, key: str) -> object:
    """Return what stands at a key such as `approaches.transfer`; None where nothing does."""
    for part in key.split("."):
        document = document.get(part) if isinstance(document, Mapping) else None
    return document


def _overlap(one: str, other: str) -> bool:
    """Return whether two paths are the same, or one holds the other."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _paths(entry: Mapping, *kinds: str) -> Iterator[str]:
    for kind in kinds:
        for each in entry.get(kind) or ():
            yield str(each["path"])


def _outs(stage: Mapping) -> Iterator[str]:
    """Yield what a stage of dvc.yaml writes anew at each run; not what its matrix names, nor what people fill."""
    if "matrix" in stage:
        return
    for kind in ("outs", "metrics", "plots"):
        for each in stage.get(kind, []):
            for path, options in (each if isinstance(each, dict) else {each: {}}).items():
                if not options.get("persist"):
                    yield path
