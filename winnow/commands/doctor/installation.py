"""Python, the installed packages against the lock file, and params.yaml against the stages."""

import platform
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from winnow.base import files, params
from winnow.base.errors import UserError
from winnow.commands import pipeline, values
from winnow.commands.doctor.finding import Finding

OLDEST = (3, 11)
SHOWN = 4  # packages or parameters that a finding names
INSTALL = "`make repro` installs requirements.lock, or: pip install -r requirements.lock"


def python() -> Iterator[Finding]:
    """Yield whether stages will run by this Python."""
    told = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info[:2] < OLDEST:
        yield Finding("python", "fail", f"{told} is older than 3.11", "make PYTHON=/path/to/python3.11")
        return
    found = shutil.which("python")  # what dvc.yaml's commands call
    if found is not None and Path(found).parent.resolve() == Path(sys.executable).parent.resolve():
        yield Finding("python", "ok", told)
        return
    other = f"by {found}, not by {sys.executable}" if found else "by no Python at all: there is none on the PATH"
    mend = f'`make repro` does it itself; for `dvc repro`: export PATH="{Path(sys.executable).parent}:$PATH"'
    yield Finding("python", "warn", f"{told}, but `dvc repro` would run stages {other}", mend)


def packages(root: Path) -> Iterator[Finding]:
    """Yield how the installed packages differ from the lock file.

    Raises:
        UserError: the lock file is missing.
    """
    lock = root / pipeline.path("code", "lock", root)
    pinned = dict(line.split("==", 1) for line in files.read_text(lock).split() if "==" in line)
    there = {name: _version(name) for name in pinned}
    missing = [f"{name} {pinned[name]}" for name, version in there.items() if version is None]
    # A build's local version (+cpu) depends on the machine.
    others = [
        f"{name} {version} (locked: {pinned[name]})"
        for name, version in there.items()
        if version is not None and version.partition("+")[0] != pinned[name]
    ]
    if missing:
        needed = _needed(root) & {_normal(name) for name, version in there.items() if version is None}
        told = f"{_first(missing)} of {lock.name} not installed"
        if needed:
            yield Finding("packages", "fail", told, INSTALL)
        else:
            yield Finding("packages", "warn", f"{told}; only tests, or an extra, need them", INSTALL)
    if others:
        yield Finding("packages", "warn", f"{_first(others)}: outputs may differ from others' in their bytes", INSTALL)
    if not missing and not others:
        yield Finding("packages", "ok", f"all {len(pinned)} are those of {lock.name}")


def _needed(root: Path) -> set[str]:
    """Return the packages that pyproject.toml says Winnow runs with, by their normalized names."""
    told = tomllib.loads(files.read_text(root / "pyproject.toml"))["project"]["dependencies"]
    return {_normal(re.match(r"[\w.-]+", requirement)[0]) for requirement in told}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def parameters(root: Path) -> Iterator[Finding]:
    """Yield what a stage would refuse of params.yaml."""
    try:
        found = values.problems(root, params.read(root / params.FILE))
    except UserError as error:
        found = [str(error)]
    if found:
        yield Finding("parameters", "fail", _first(found), f"edit {params.FILE}; docs/parameters.md lists every key")
    else:
        yield Finding("parameters", "ok", f"{params.FILE} is as the stages read it")


def _first(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
