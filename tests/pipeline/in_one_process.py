"""Runs every stage of dvc.yaml once, in the order of their files, in this process: what DVC does, without its caches.

python -m tests.pipeline.in_one_process          in the folder of a clone; prints the name of each stage that ran
python -m tests.pipeline.in_one_process audit    that stage alone, and those that make what it reads
"""

import importlib
import shlex
import sys
from itertools import product
from pathlib import Path

from ruamel.yaml import YAML


def paths(named: list) -> set[Path]:
    """The paths of a stage's list, of which some have options."""
    return {Path(next(iter(path)) if isinstance(path, dict) else path) for path in named}


def commands(last: str | None = None) -> dict[str, list[str]]:
    """The commands of each stage, by its name, each after those that make what it reads; of one stage, these alone."""
    params, stages = (YAML(typ="safe").load(Path(name).read_text("utf-8")) for name in ("params.yaml", "dvc.yaml"))
    waiting = dict(stages["stages"])
    made = {
        path: name
        for name, stage in waiting.items()
        for key in ("outs", "metrics", "plots")
        for path in paths(stage.get(key, []))
    }
    needs = {
        name: {own for path in paths(stage.get("deps", [])) for out, own in made.items() if is_of(out, path)} - {name}
        for name, stage in waiting.items()
    }
    if last:
        wanted = {last}
        while more := {own for name in wanted for own in needs[name]} - wanted:
            wanted |= more
        waiting = {name: stage for name, stage in waiting.items() if name in wanted}
    ordered: dict[str, list[str]] = {}
    while waiting:
        for name in list(waiting):
            if needs[name] <= ordered.keys():
                ordered[name] = each(waiting.pop(name), params)
                break
        else:
            raise ValueError(f"a circle of {', '.join(waiting)}")
    return ordered


def is_of(out: Path, wanted: Path) -> bool:
    """Whether an output is, holds or lies in a path; the plain part of a template stands for it."""
    out, wanted = (Path(str(path).partition("${")[0]) for path in (out, wanted))
    return out == wanted or out in wanted.parents or wanted in out.parents


def each(stage: dict, params: dict) -> list[str]:
    """A stage's command, once for each entry of its matrix."""
    axes = stage.get("matrix", {})
    values = [value_of(params, str(axis)[2:-1]) if isinstance(axis, str) else axis for axis in axes.values()]
    found = []
    for chosen in product(*values):
        command = stage["cmd"]
        for name, value in zip(axes, chosen, strict=True):
            command = command.replace(f"${{item.{name}}}", str(value))
        found.append(command)
    return found


def value_of(params: dict, dotted: str) -> list:
    for name in dotted.split("."):
        params = params[name]
    return params


def main() -> None:
    for name, lines in commands(*sys.argv[1:2]).items():
        for line in lines:
            _, _, module, *arguments = shlex.split(line)
            importlib.import_module(f"{module}.__main__").main(arguments)
        print(f"Ran stage {name}", flush=True)


if __name__ == "__main__":
    main()
