"""lint: does dvc.yaml say what is true of each stage's code, and does the data leak?

DVC sees the files that dvc.yaml names and no import: a helper edited but not named would leave stale outputs behind.
Where the tables are made, it also proves on them that no row of dev or test gets into training.

winnow lint         prints what is wrong, exit status 1 if anything is
winnow lint --fix   writes each stage's code dependencies into dvc.yaml; parameters stay yours to mend
"""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

from winnow import files, params
from winnow.commands import leaks, pipeline
from winnow.errors import UserError

NAME = "lint"
PACKAGES = ("stages", "winnow")
TEMPLATES = Path("winnow/templates")
INCLUDED = re.compile(r"""\{%-?\s*(?:extends|include|import|from)\s+["']([^"']+)["']""")


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


def closure(file: Path, root: Path) -> set[str]:
    """Return `file` and every file of the repository that its code reads, directly or not, as POSIX paths below `root`.

    Imports inside functions count, those under `if TYPE_CHECKING` do not: they never run. A package's `__init__.py`
    counts if it holds more than a docstring. A template counts where it is named: `get_template("queue.html")`.
    """
    found: set[str] = set()
    waiting = [file]
    while waiting:
        path = waiting.pop()
        if path.as_posix() in found:
            continue
        found.add(path.as_posix())
        text = files.read_text(root / path)
        if path.suffix == ".py":
            tree = ast.parse(text)
            waiting += [file for module in _imported(tree) for file in _files(module, root)]
            names = [call.args[0] for call in _calls(tree) if ast.unparse(call.func).endswith(".get_template")]
            waiting += [TEMPLATES / name.value for name in names if isinstance(name, ast.Constant)]
        else:
            waiting += [TEMPLATES / name for name in INCLUDED.findall(text)]
    return found


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _imported(tree: ast.AST) -> Iterator[str]:
    """Yield dotted names that may be modules: `from winnow import tables` gives winnow and winnow.tables."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise UserError(f"relative import of '{node.module}': name the package, so that readers can find it")
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from _imported(node)


def _files(module: str, root: Path) -> Iterator[Path]:
    """Yield the files that importing a dotted name runs; none for a module from elsewhere."""
    parts = module.split(".")
    if parts[0] not in PACKAGES:
        return
    for end in range(1, len(parts) + 1):
        package = Path(*parts[:end])
        init = package / "__init__.py"
        if (root / init).exists() and _does_something(files.read_text(root / init)):
            yield init
        if (root / package.with_suffix(".py")).exists():
            yield package.with_suffix(".py")


def _does_something(text: str) -> bool:
    tree = ast.parse(text)
    return len(tree.body) > (ast.get_docstring(tree) is not None)


def sections(file: Path) -> dict[str, str]:
    """Return the sections of params.yaml that a file loads, `params.load("clean", Params)`, each with its model."""
    calls = _calls(ast.parse(file.read_text(encoding="utf-8")))
    loads = [call.args for call in calls if ast.unparse(call.func) == "params.load"]
    return {section.value: ast.unparse(model) for section, model in loads if isinstance(section, ast.Constant)}


def _reads_all(file: Path) -> bool:
    return any(ast.unparse(call.func) == "params.read" for call in _calls(ast.parse(file.read_text(encoding="utf-8"))))


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
