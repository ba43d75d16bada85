"""What the pipeline measured of models, for kinds of task whose labels depend on it (`winnow.kinds`: decision)."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from winnow import kinds
from winnow.commands import pipeline
from winnow.kinds.task import Task
from winnow.rows import predictions, tables


def of(folders: Sequence[Path], task: Task) -> pa.Table | None:
    """Return what models together predicted of dev and test; None where the kind does not ask, or it is not known.

    Args:
        folders: of the models. Only the pipeline's own have been measured.
    """
    if not kinds.has(task, "decision") or not pipeline.FILE.exists():
        return None
    classifiers, made = pipeline.made("evaluate", "classifiers"), pipeline.made("evaluate", "out")
    if classifiers is None or made is None:
        return None
    files = [made / f"{predictions.of_run(folder.name)}.parquet" for folder in folders]
    own = [folder.resolve().parent == classifiers.resolve() for folder in folders]
    if not all(own) or not all(file.exists() for file in files):
        return None
    told = [tables.read(file).sort_by("id") for file in files]
    return told[0] if len(told) == 1 else kinds.load(task, "ensemble").mean(task, told)


def accompany(folder: Path, task: Task, into: Path) -> None:
    """Write beside a copy of a model what was measured of it, where the kind's labels depend on that."""
    found = of([folder], task)
    if found is not None:
        kinds.load(task, "decision").accompany(task, into, found)
