"""lint: does dvc.yaml say what is true of each stage, is params.yaml laid out as DVC writes it, does the data leak?

A stage that does not depend on its fingerprint of `data/code`, or that reads a section of params.yaml which dvc.yaml
does not name, would leave stale outputs behind. In a params.yaml of another layout than DVC's, `dvc exp run -S` changes
all lines that DVC would write otherwise. Where the tables are made, lint also proves on them that no row of dev or test
gets into training, and that no text says its label in a heading.

winnow lint          prints what is wrong, exit status 1 if anything is
winnow lint --lock   also whether dvc.lock was made by this tree, with or without its data: is there a stage to run?
"""

import argparse
import ast
from pathlib import Path

from winnow.base import closure, params
from winnow.base.errors import UserError
from winnow.commands import layout, leaks, lock, pipeline

NAME = "lint"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--lock", action="store_true", help="also: was dvc.lock made by this tree?")


def execute(arguments: argparse.Namespace) -> None:
    """Print the problems; raises what `check` does."""
    check(arguments.lock)


def check(with_lock: bool) -> None:
    """Print the problems.

    Args:
        with_lock: also of dvc.lock.

    Raises:
        UserError: dvc.yaml and the code differ, params.yaml is laid out otherwise than DVC writes it, or the data leaks
            or breaks a schema, or dvc.lock is of another tree.
    """
    if found := problems(Path()):
        print("\n".join(found))
        raise UserError(f"{pipeline.FILE}: {len(found)} difference(s) from the code; mend {pipeline.FILE}")
    if found := layout.problems(Path()):
        print("\n".join(found))
        raise UserError(f"{params.FILE}: {len(found)} part(s) are not as DVC writes them; lay them out so")
    if faults := [*leaks.problems(Path()), *leaks.told(Path()), *leaks.broken(Path())]:
        print("\n".join(faults))
        raise UserError(f"{len(faults)} fault(s) in the data; `dvc repro --force` the stages that made the tables")
    if with_lock:
        stale, mend = lock.problems(Path())
        if stale:
            print("\n".join(stale))
            raise UserError(f"{lock.FILE}: made otherwise than by this tree in {len(stale)} stage(s); {mend}")


def problems(root: Path) -> list[str]:
    """Return one line for each stage whose code or parameter sections dvc.yaml tells wrongly."""
    found = []
    rooms = closure.stage_files(root)
    for name, stage in pipeline.stages(root).items():
        room = pipeline.room(stage)
        if room not in rooms:
            found.append(f"{name}: runs stages/{room}/__main__.py, which does not exist")
            continue
        if room != "code" and not any(dep.endswith(f"/code/{room}.txt") for dep in stage["deps"]):
            found.append(f"{name}: deps lacks the fingerprint of its code, {room}.txt, an output of the stage code")
        found += [
            f"{name}: deps names {dep}; the fingerprint stands for code" for dep in stage["deps"] if _is_code(dep)
        ]
        needed = [root / path for path in closure.closure(rooms[room], root) if path.endswith(".py")]
        used = {section for path in needed for section in sections(path)}
        if any(_calls_of(path, "kinds.read_task") for path in needed):
            used.add("task")
        if any(_calls_of(path, "params.read") for path in needed if (root / "stages") in path.parents):
            used |= set(params.read(root / params.FILE))
        listed = {key.partition(".")[0] for key in stage.get("params", [])}
        found += [f"{name}: params lacks {section}, which its code loads" for section in sorted(used - listed)]
        found += [f"{name}: params names {section}, which its code never loads" for section in sorted(listed - used)]
    return found


def _is_code(path: str) -> bool:
    return path.endswith(".py") or "/templates/" in path


def sections(file: Path) -> dict[str, str]:
    """Return the sections of params.yaml that a file loads, `params.load("clean", Params)`, each with its model."""
    loads = [call.args[:2] for call in _calls_of(file, "params.load")]
    return {section.value: ast.unparse(model) for section, model in loads if isinstance(section, ast.Constant)}


def _calls_of(file: Path, function: str) -> list[ast.Call]:
    text = file.read_text(encoding="utf-8")
    if not all(part in text for part in function.split(".")):
        return []  # without the seconds of parsing the hundreds of files that cannot call it
    return [call for name, call in closure.calls(text) if name == function]
