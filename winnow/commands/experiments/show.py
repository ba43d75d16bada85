"""The few columns of `dvc exp show` by which experiments are compared."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from winnow.base import files, params
from winnow.commands import pipeline
from winnow.commands.diff import revision

HEADS = ("Experiment", "State", "Executor", "rev", "typ", "parent")
COUNTS = ("labels.labelled", "labels.suspected", "trained_on", "leaks")


def arguments(further: Iterable[str] = ()) -> list[str]:
    """Return the arguments of `dvc` that show the headline on dev, some counts, and parameters that differ.

    DVC shows every metric of every stage, every parameter and every dependency. It can only be told what to drop, by
    names, which it shortens where they are of one file alone.

    Args:
        further: of `dvc exp show`, such as `--md`.
    """
    metrics = pipeline.path("report", "summary")
    kept = [*HEADS, *(_of(metrics, name) for name in _headline(metrics)), *(_of(params.FILE, key) for key in _keys())]
    return ["exp", "show", "--only-changed", "--drop", f"(?!(?:{'|'.join(kept)})$)", *further]


def _of(file: Path, name: str) -> str:
    """Return the pattern of a column, whose name begins with its file's where two files have it."""
    return f"(?:{re.escape(file.as_posix())}:)?{re.escape(name)}"


def _headline(file: Path) -> list[str]:
    made = json.loads(files.read_text(file)) if file.exists() else {}
    dev = [name for name, _ in revision.flattened(made) if name.startswith("dev.") and not name.startswith("dev.gain.")]
    return [*dev, *COUNTS]


def _keys() -> list[str]:
    return [name for name, _ in revision.flattened(params.read())]
