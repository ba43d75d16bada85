"""What a change makes run, by dvc.yaml and by what the code imports: the tables of docs/reruns.md.

Nothing runs, and DVC is not asked: a table says what holds of the pipeline, whatever has run here.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from winnow.base import closure, params
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.status.reruns import CODE, CONSTANT, FOLLOWS

BLOCK = re.compile(r"(<!-- reruns: (\w+) -->\n).*?(<!-- /reruns -->)", re.DOTALL)
OUTS = ("outs", "metrics", "plots")
PACKAGES = "packages.txt"  # of the stage `code`: the versions of all


@dataclass(frozen=True)
class Runs:
    """What runs after a change.

    Attributes:
        first: stages that read what changed, and run; a text of each, such as `finetune` or what of it runs.
        follow: stages that run if what these wrote has changed, in order.
    """

    first: dict[str, str]
    follow: list[str]


class Pipeline:
    """The pipeline below a folder, as a graph."""

    def __init__(self, root: Path):
        """Read dvc.yaml, and params.yaml for the runs of a matrix; the code is read when it is asked for."""
        self.root, self.stages = root, pipeline.stages(root)
        document = params.read(root / params.FILE)
        self._deps = {name: _filled(stage.get("deps", []), stage, document) for name, stage in self.stages.items()}
        self._outs = {name: _filled(_outs(stage), stage, document) for name, stage in self.stages.items()}

    def parameter(self, section: str) -> Runs:
        """Return what a value of a section of params.yaml makes run; of `task`, but for its kind."""
        first = {}
        for name, stage in self.stages.items():
            keys = [key for key in stage.get("params", []) if key.partition(".")[0] == section]
            if any(value.startswith(f"${{{section}.") for value in stage.get("matrix", {}).values()):
                first[name] = f"{name} (new runs alone)"
            if section in keys:
                first[name] = name
            elif any("${" in key for key in keys):
                first[name] = f"{name} (runs of it alone)"
        return self._runs(first)

    def file(self, path: str) -> Runs:
        """Return what a file or folder makes run that no stage makes, or makes only where it is missing."""
        reading = [name for name, deps in self._deps.items() if any(_touch(path, dep) for dep in deps)]
        making = [name for name, outs in self._outs.items() if path in outs]
        return self._runs({name: name for name in self.stages if name in (*making, *reading)})

    def code(self, path: str) -> Runs:
        """Return what a change of a file of code makes run: of more than its comments and layout."""
        return self._fingerprints([f"{room}.txt" for room, paths in self.closures.items() if path in paths])

    def package(self, name: str) -> Runs:
        """Return what another locked version of a package makes run."""
        rooms = [room for room, imported in self.imports.items() if name in imported]
        return self._fingerprints([f"{room}.txt" for room in rooms] + [PACKAGES] * bool(rooms))

    def follow(self, names: Iterable[str]) -> list[str]:
        """Return the stages that depend on what some write, directly or not, but for what always says the same.

        Of an output that changes with some inputs alone, only where one of these is written.
        """
        found: set[str] = set()
        running, renewed = set(names), set()
        while new := {out for name in running for out in self._renewed(name, renewed)} - renewed:
            renewed |= new
            found |= {name for name, deps in self._deps.items() if any(_touch(out, dep) for out in new for dep in deps)}
            running |= found
        return [name for name in self.stages if name in found]

    def _renewed(self, name: str, changed: Iterable[str]) -> Iterable[str]:
        """Return the outputs of a stage that may say something else; `changed` are files that do."""
        meta = self.stages[name].get("meta", {})
        for out in self._outs[name]:
            inputs = meta.get(FOLLOWS, {}).get(out, [out])
            if out not in meta.get(CONSTANT, []) and (
                inputs == [out] or any(_touch(one, other) for one in inputs for other in changed)
            ):
                yield out

    @cached_property
    def closures(self) -> dict[str, set[str]]:
        """The files that each room's code reads, for any kind of task."""
        rooms = closure.stage_files(self.root)
        return {room: closure.closure(file, self.root) for room, file in rooms.items()}

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """The packages that each room's code imports."""
        return {room: closure.imports(paths, self.root) for room, paths in self.closures.items()}

    def inputs(self) -> list[str]:
        """Return what stages depend on and none makes: files and folders of people, and of the machine's packages."""
        kept = set(self._kept())
        made = {out for outs in self._outs.values() for out in outs} - kept
        deps = {dep for name, deps in self._deps.items() if name != CODE for dep in deps}
        return sorted(dep for dep in deps if not any(_touch(dep, out) for out in made))

    def _kept(self) -> list[str]:
        """Return the outputs that stages make only where they are missing."""
        outs = (out for stage in self.stages.values() for out in stage.get("outs", []) if isinstance(out, dict))
        return [path for out in outs for path, settings in out.items() if settings.get("persist")]

    def _fingerprints(self, names: list[str]) -> Runs:
        folder = pipeline.path(CODE, "out", self.root).as_posix()
        changed = [f"{folder}/{name}" for name in names]
        reading = [name for name, deps in self._deps.items() if folder in deps or set(changed) & set(deps)]
        first = [CODE, *reading] if changed else [CODE]
        return Runs({name: name for name in first}, [name for name in self.follow(first[1:]) if name not in first])

    def _runs(self, first: dict[str, str]) -> Runs:
        return Runs(first, [name for name in self.follow(first) if first.get(name) != name])


def fill(text: str, root: Path, where: str) -> str:
    """Return a page whose blocks, `<!-- reruns: NAME -->` to `<!-- /reruns -->`, hold the tables of `TABLES`.

    Raises:
        UserError: a block has another name.
    """
    graph = Pipeline(root)

    def made(block: re.Match) -> str:
        if block[2] not in TABLES:
            raise UserError(f"{where}: block '{block[2]}' is none of {', '.join(TABLES)}; mend its name")
        return f"{block[1]}{TABLES[block[2]](graph)}\n{block[3]}"

    return BLOCK.sub(made, text)


def _parameters(graph: Pipeline) -> str:
    sections = dict.fromkeys(
        key.partition(".")[0] for stage in graph.stages.values() for key in stage.get("params", [])
    )
    return _table("a value of", {f"`{name}`": graph.parameter(name) for name in sections}, graph)


def _files(graph: Pipeline) -> str:
    return _table("a file", {f"`{path}`": graph.file(path) for path in graph.inputs()}, graph)


def _rooms(graph: Pipeline) -> str:
    rows = {f"`stages/{room}`": graph.code(f"stages/{room}/__main__.py") for room in graph.closures}
    return _table("code of", rows, graph)


def _shared(graph: Pipeline) -> str:
    paths = sorted(set().union(*graph.closures.values()))
    return _grouped("code of", [path for path in paths if not path.startswith("stages/")], graph.code, graph)


def _packages(graph: Pipeline) -> str:
    return _grouped("version of", sorted(set().union(*graph.imports.values())), graph.package, graph)


def _grouped(heading: str, names: list[str], of: Callable[[str], Runs], graph: Pipeline) -> str:
    """Return a table in which what makes the same stages run is one row, without what follows."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        groups.setdefault(tuple(of(name).first), []).append(name)
    lines = [f"| {heading} | runs |", "|---|---|"]
    for stages, members in sorted(groups.items(), key=lambda group: (len(group[0]), group[1])):
        lines.append(f"| {_code(members)} | {_most(stages, graph.stages)} |")
    return "\n".join(lines)


def _following(graph: Pipeline) -> str:
    lines = ["| stage | may make run |", "|---|---|"]
    rows = {name: graph.follow([name]) for name in graph.stages}
    return "\n".join(
        [
            *lines,
            *(f"| `{name}` | {_most(found, [one for one in rows if one != name])} |" for name, found in rows.items()),
        ]
    )


def _table(heading: str, rows: Mapping[str, Runs], graph: Pipeline) -> str:
    lines = [f"| {heading} | runs | then, where an output changed |", "|---|---|---|"]
    for name, runs in rows.items():
        others = [stage for stage in graph.stages if runs.first.get(stage) != stage]
        first = ", ".join(f"`{stage}`{text.removeprefix(stage)}" for stage, text in runs.first.items())
        lines.append(f"| {name} | {first} | {_most(runs.follow, others)} |")
    return "\n".join(lines)


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _most(names: Iterable[str], of: Iterable[str]) -> str:
    """Return names, or which ones of all they are not, whatever is shorter."""
    names, of = list(names), list(of)
    left_out = [name for name in of if name not in names]
    if len(left_out) * 2 >= len(of) or not names:
        return _code(names)
    return f"all others but {_code(left_out)}" if left_out else "all others"


TABLES = {
    "parameters": _parameters,
    "files": _files,
    "rooms": _rooms,
    "shared": _shared,
    "packages": _packages,
    "following": _following,
}


def _outs(stage: Mapping) -> list[str]:
    entries = [entry for kind in OUTS for entry in stage.get(kind, [])]
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def _filled(paths: Iterable[str], stage: Mapping, document: Mapping) -> list[str]:
    """Return paths with those values of params.yaml in them that a stage's matrix names, every run's.

    An axis without values stands as it is: a run of it may be asked for.
    """
    paths = list(paths)
    for axis, source in stage.get("matrix", {}).items():
        value: object = document
        for key in source.removeprefix("${").removesuffix("}").split("."):
            value = value[key]
        paths = [path.replace(f"${{item.{axis}}}", str(one)) for path in paths for one in value or [axis]]
    return list(dict.fromkeys(paths))


def _stands_in(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder}/")


def _touch(one: str, other: str) -> bool:
    return _stands_in(one, other) or _stands_in(other, one)
