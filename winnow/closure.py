"""Which files of the repository a file's code reads, directly or not."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from winnow import files
from winnow.errors import UserError

PACKAGES = ("stages", "winnow")
TEMPLATES = Path("winnow/templates")
INCLUDED = re.compile(r"""\{%-?\s*(?:extends|include|import|from)\s+["']([^"']+)["']""")


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
            names = [call.args[0] for call in calls(tree) if ast.unparse(call.func).endswith(".get_template")]
            waiting += [TEMPLATES / name.value for name in names if isinstance(name, ast.Constant)]
        else:
            waiting += [TEMPLATES / name for name in INCLUDED.findall(text)]
    return found


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield every call of a syntax tree."""
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
