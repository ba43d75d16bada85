"""lint: does dvc.yaml say what is true of each stage's code, and does the data leak?

DVC sees the files that dvc.yaml names and no import: a helper edited but not named would leave stale outputs behind.
Where the tables are made, it also proves on them that no row of dev or test gets into training.

winnow lint         prints what is wrong, exit status 1 if anything is
winnow lint --fix   writes each stage's code dependencies into dvc.yaml; parameters stay yours to mend
"""

import argparse
import ast
import re
from pathlib import Path

from winnow import files, params
from winnow.closure import TEMPLATES, calls, closure
from winnow.commands import leaks, pipeline
from winnow.errors import UserError

NAME = "lint"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--fix", action="store_true", help="write the code dependencies into dvc.yaml")


def execute(arguments: argparse.Namespace) -> None:
    """Print the problems, or mend those that can be mended.

    Raises:
        UserError: dvc.yaml and the code differ, or the data leaks or breaks a schema.
    """
    if arguments.fix:
        files.write_text(pipeline.FILE, fixed(files.read_text(pipeline.FILE), pipeline.stages()))
    found = problems(Path())
    for problem in found:
        print(problem)
    if found:
        raise UserError(f"{pipeline.FILE}: {len(found)} differences from the code; `winnow lint --fix` mends deps")
    if faults := [*leaks.problems(Path()), *leaks.broken(Path())]:
        print("\n".join(faults))
        raise UserError(f"{len(faults)} fault(s) in the data; `dvc repro --force` the stages that made the tables")


def problems(root: Path) -> list[str]:
    """Return one line for each stage whose code dependencies or parameter sections dvc.yaml tells wrongly."""
    found = []
    for name, stage in pipeline.stages(root).items():
        file = stage_file(stage)
        needed = closure(Path(file), root)
        declared = {dep for dep in stage["deps"] if _is_code(dep)}
        found += [f"{name}: deps lacks {dep}, which {file} needs" for dep in sorted(needed - declared)]
        found += [f"{name}: deps names {dep}, which {file} does not need" for dep in sorted(declared - needed)]
        used = {section for path in needed if path.endswith(".py") for section in sections(root / path)}
        if any(_reads_all(root / path) for path in needed if path.endswith(".py")):
            used |= set(params.read(root / params.FILE))
        listed = {key.partition(".")[0] for key in stage.get("params", [])}
        found += [f"{name}: params lacks {section}, which its code loads" for section in sorted(used - listed)]
        found += [f"{name}: params names {section}, which its code never loads" for section in sorted(listed - used)]
    return found


def stage_file(stage: dict) -> str:
    """Return the file that a stage's command runs: `python -m stages.clean …` runs stages/clean.py."""
    return stage["cmd"].split()[2].replace(".", "/") + ".py"


def _is_code(path: str) -> bool:
    return path.endswith(".py") or path.startswith(f"{TEMPLATES.as_posix()}/")


def sections(file: Path) -> dict[str, str]:
    """Return the sections of params.yaml that a file loads, `params.load("clean", Params)`, each with its model."""
    found = calls(ast.parse(file.read_text(encoding="utf-8")))
    loads = [call.args for call in found if ast.unparse(call.func) == "params.load"]
    return {section.value: ast.unparse(model) for section, model in loads if isinstance(section, ast.Constant)}


def _reads_all(file: Path) -> bool:
    return any(ast.unparse(call.func) == "params.read" for call in calls(ast.parse(file.read_text(encoding="utf-8"))))


def fixed(text: str, stages: dict[str, dict], root: Path = Path()) -> str:
    """Return dvc.yaml's text with each stage's code dependencies as its code has them, all else untouched."""
    for name, stage in stages.items():
        block = re.search(rf"^  {re.escape(name)}:\n(?:(?:   .*)?\n)*", text, re.MULTILINE)
        others = [dep for dep in stage["deps"] if not _is_code(dep)]
        deps = others + sorted(closure(Path(stage_file(stage)), root))
        lines = "".join(f"      - {dep}\n" for dep in deps)
        mended = re.sub(
            r"^    deps:\n(?:      - .*\n)+", lambda _, lines=lines: f"    deps:\n{lines}", block[0], flags=re.M
        )
        text = text[: block.start()] + mended + text[block.end() :]
    return text
