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


def paths(named: list, stage: dict, params: dict) -> set[Path]:
    """The paths of a stage's list, of which some have options, for each entry of its matrix."""
    plain = [next(iter(path)) if isinstance(path, dict) else path for path in named]
    return {Path(path) for written in plain for path in filled(written, stage, params)}


def commands(last: str | None = None) -> dict[str, list[str]]:
    """The commands of each stage, by its name, each after those that make what it reads; of one stage, these alone."""
    params, stages = (YAML(typ="safe").load(Path(name).read_text("utf-8")) for name in ("params.yaml", "dvc.yaml"))
    waiting = dict(stages["stages"])
    made = {
        path: name
        for name, stage in waiting.items()
        for key in ("outs", "metrics", "plots")
        for path in paths(stage.get(key, []), stage, params)
    }
    needs = {
        name: {
            own for path in paths(stage.get("deps", []), stage, params) for out, own in made.items() if is_of(out, path)
        }
        - {name}
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
                stage = waiting.pop(name)
                ordered[name] = filled(stage["cmd"], stage, params)
                break
        else:
            raise ValueError(f"a circle of {', '.join(waiting)}")
    return ordered


def is_of(out: Path, wanted: Path) -> bool:
    """Whether an output is, holds or lies in a path."""
    return out == wanted or out in wanted.parents or wanted in out.parents


def filled(text: str, stage: dict, params: dict) -> list[str]:
    """A text of a stage, once for each entry of its matrix."""
    axes = stage.get("matrix", {})
    values = [value_of(params, str(axis)[2:-1]) if isinstance(axis, str) else axis for axis in axes.values()]
    found = []
    for chosen in product(*values):
        made = text
        for name, value in zip(axes, chosen, strict=True):
            made = made.replace(f"${{item.{name}}}", str(value))
        found.append(made)
    return list(dict.fromkeys(found))


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
