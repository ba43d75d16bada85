"""dvc.yaml as the commands read it: which stages there are, and where their files stand. No command knows a path."""

from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from winnow.base.errors import UserError

FILE = Path("dvc.yaml")
ELSEWHERE = f"{FILE}: not found; run from the repository's root"


def check_here() -> None:
    """Raise a `UserError` unless the current folder is a project's root, whatever its dvc.yaml holds."""
    if not FILE.exists():
        raise UserError(ELSEWHERE)


def stages(root: Path = Path()) -> dict[str, dict]:
    """Return dvc.yaml's stages by name, in order.

    Raises:
        UserError: there is no dvc.yaml below `root`.
    """
    file = (root / FILE).resolve()
    try:
        return _read(file, file.stat().st_mtime_ns)
    except FileNotFoundError:
        raise UserError(ELSEWHERE) from None


@cache
def _read(file: Path, modified: int) -> dict[str, dict]:
    """Return the stages of a file; read anew when it was modified."""
    return YAML(typ="safe").load(file.read_text(encoding="utf-8"))["stages"]


def room(stage: dict) -> str:
    """Return the folder of `stages/` that a stage's command runs: `python -m stages.clean …` runs stages/clean."""
    return stage["cmd"].split()[2].removeprefix("stages.")


def find(stage: str, option: str, root: Path = Path()) -> Path | None:
    """Return what follows an option in a stage's command, a path below `root`; None where the pipeline has none.

    `find("balance", "out")` is the training table, for the stage balance runs with `--out data/training.parquet`.
    """
    words = stages(root).get(stage, {"cmd": ""})["cmd"].split()
    return Path(words[words.index(f"--{option}") + 1]) if f"--{option}" in words else None


def path(stage: str, option: str, root: Path = Path()) -> Path:
    """Return what `find` does.

    Raises:
        UserError: the pipeline has no such stage, or its command no such option.
    """
    file = find(stage, option, root)
    if file is None:
        raise UserError(f"{FILE}: there is no stage {stage} with --{option}, which this command reads")
    return file


def made(stage: str, option: str, root: Path = Path()) -> Path | None:
    """Return what `find` does, where there is such a file or folder."""
    file = find(stage, option, root)
    return file if file is not None and (root / file).exists() else None
