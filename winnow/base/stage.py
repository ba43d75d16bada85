"""How a stage starts: its paths from the command line, one-line errors, a progress bar for people only."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from winnow.base import storage
from winnow.base.errors import UserError

T = TypeVar("T")


def arguments(doc: str, argv: Sequence[str] | None, *paths: str, **others: type) -> argparse.Namespace:
    """Return a stage's command line: one required `--name` for each path, and for each of `others` with its type.

    A path may be a URL of an object store (`winnow.base.storage`).
    """
    program = f"python -m stages.{doc.partition(':')[0]}"
    parser = argparse.ArgumentParser(program, description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, type_ in {**dict.fromkeys(paths, storage.path), **others}.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type_, required=True)
    return parser.parse_args(argv)


def run(main: Callable[[], None]) -> None:
    """Call `main`; turn a `UserError` into one line on stderr and exit status 1."""
    # Stages never fetch from a model hub: every model comes from a DVC output.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        _under_its_name(main)()
    except UserError as error:
        program = Path(sys.argv[0])
        name = program.parent.name if program.stem == "__main__" else program.stem
        print(f"{name}: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(1)


def _under_its_name(main: Callable[[], None]) -> Callable[[], None]:
    """Return the same function of `stages.<name>`, where `main` is of `__main__`.

    A worker process finds functions and classes by their module's name, and its `__main__` is another one.
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if main.__module__ != "__main__" or spec is None:
        return main
    return getattr(importlib.import_module(spec.name), main.__name__)


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterable[T]:
    """Wrap `items` in a progress bar that is shown on a terminal only."""
    return tqdm(items, desc=what, total=total, disable=not sys.stderr.isatty(), leave=False)
