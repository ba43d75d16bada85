"""A folder in which the default pipeline's stages run on a generated corpus, by the commands of dvc.yaml."""

import os
import shlex
import sys
from pathlib import Path

from ruamel.yaml import YAML

from bench import corpus, process
from winnow.base import machine, params
from winnow.commands import pipeline

ROOT = Path(__file__).parent.parent
SOURCE = {
    "name": "generated",
    "kind": "file",
    "path": "*.parquet",
    "format": "parquet",
    "licence": "as the base",
    "purpose": "task",
    "columns": {"key": "source_key", "text": "text", "label": "label", "group": "group", "published": "published"},
}


def make(folder: Path, base: Path, megabytes: float) -> int:
    """Fill an empty folder with params.yaml and a generated corpus as the only source; return the number of rows.

    Args:
        base: a table of the pipeline from whose texts the corpus is made, as data/clean.parquet.
        megabytes: 10^6 bytes of text.
    """
    sources = folder / "data/sources"
    sources.mkdir(parents=True)
    (folder / "data/frozen").mkdir()
    (folder / "data/frozen/test_groups.txt").touch()  # no row of the corpus is frozen
    settings = params.read(ROOT / "params.yaml")
    settings["collect"]["sources"] = [SOURCE]
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(settings, file)
    return corpus.write(corpus.read_base(base), sources, int(megabytes * 10**6), seed=1)


def run(stage: str, folder: Path, **settings: object) -> process.Usage:
    """Run a stage in the folder and return what it cost.

    Args:
        settings: of the machine (winnow.base.machine), `processes=2`.

    Raises:
        SystemExit: it failed.
    """
    command = shlex.split(pipeline.stages(ROOT)[stage]["cmd"])
    command[0] = sys.executable  # dvc.yaml says `python`
    told = {machine.variable(name): str(value) for name, value in settings.items()}
    usage = process.measured(command, folder, {**os.environ, **told, "PYTHONPATH": str(ROOT)})
    if usage.status != 0:
        raise SystemExit(f"stage {stage}: {usage.last_line or f'exit status {usage.status}'}")
    return usage


def disk(folder: Path) -> int:
    """Return how many bytes the files below a folder hold."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
