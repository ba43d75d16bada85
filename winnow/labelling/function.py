"""Kind python: a function of the user's, from a row to a label or None."""

import importlib
import importlib.util
import traceback
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import ModuleType
from typing import Literal

from pydantic import Field

from winnow.base.errors import UserError
from winnow.base.files import sha256
from winnow.kinds.task import Task
from winnow.labelling.rule import Row, Rule, Voter, hashes, inside

# Folders of installed packages, which may stand inside the repository's (.venv).
INSTALLED = ("site-packages", "dist-packages")
README = "README.md"


class Python(Rule):
    """`file.py:function`, a file of the folder of rules, or `package.module:function`, an installed package."""

    kind: Literal["python"]
    function: str = Field(pattern=r"^[^:]+:[A-Za-z_]\w*$")
    """`file.py:function`, a file below rules/; or `package.module:function` of an installed package."""

    whole_row = True

    def reads(self, files: Path, recorded: Collection[str]) -> Iterator[str]:
        """Yield the function's file and what it may read: all of rules/ but recorded answers; see `Rule.reads`."""
        module_name, _, _ = self.function.partition(":")
        if module_name.endswith(".py"):
            inside(files, module_name, self.where)
            ignored = {README, *recorded}
            yield from (found for found in hashes(files) if found.rpartition(" ")[0] not in ignored)
        else:
            file = _import(self.where, module_name).__file__
            yield sha256(Path(file)) if file else module_name

    def voter(self, files: Path, task: Task) -> Voter:
        """Return the rule at work; see `Rule.voter`."""
        module_name, _, name = self.function.partition(":")
        path = inside(files, module_name, self.where) if module_name.endswith(".py") else None
        module = _import(self.where, path or module_name)
        function = getattr(module, name, None)
        if not callable(function):
            raise UserError(f"{self.where}: {module.__file__} has no function '{name}'")
        return Voter(lambda rows: [self._vote(function, module, row, task) for row in rows])

    def _vote(self, function: Callable[[Row], str | None], module: ModuleType, row: Row, task: Task) -> str | None:
        try:
            # A copy: what one rule does to a row must not reach the next.
            label = function(row | {"meta": dict(row["meta"])})
        except Exception as error:
            raise UserError(
                f"{self.where}: {self.function} failed on row {row['id']}: {_line(error, module)}: "
                f"{type(error).__name__}: {error}"
            ) from None
        where = f"{self.where}: {self.function} returned {label!r} for row {row['id']}"
        if not isinstance(label, str | None):
            raise UserError(f"{where}; return None or a label as a string")
        if label is None:
            return None
        label = task.check(label, where)
        task.fits(label, row["text"], where)
        return label


def _import(where: str, module: Path | str) -> ModuleType:
    """Return a user's module.

    Raises:
        UserError: there is none, it cannot be imported, or it is a file of the repository that DVC would not see.
    """
    try:
        if isinstance(module, str):
            return _checked(where, importlib.import_module(module))
        spec = importlib.util.spec_from_file_location(f"winnow_rules_{module.stem}", module)
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
    except UserError:
        raise
    except Exception as error:
        name = module if isinstance(module, str) else module.as_posix()
        raise UserError(f"{where}: {name} cannot be imported: {type(error).__name__}: {error}") from None
    return loaded


def _checked(where: str, module: ModuleType) -> ModuleType:
    path = Path(module.__file__ or ".").resolve()
    if path.is_relative_to(Path.cwd()) and not set(INSTALLED) & set(path.parts):
        raise UserError(
            f"{where}: {module.__name__} is a file of this repository that the stage does not depend on; move it to "
            f"rules/ and write `{path.name}:…`"
        )
    return module


def _line(error: Exception, module: ModuleType) -> str:
    """Return where an error came from: the user's own line, not one of a library that it calls."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = next(frame for frame in frames if frame.filename == module.__file__ or frame is frames[-1])
    return f"{Path(frame.filename).name}, line {frame.lineno}"
