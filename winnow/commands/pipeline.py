"""dvc.yaml as the commands read it."""

from pathlib import Path

from ruamel.yaml import YAML

from winnow.base.errors import UserError

FILE = Path("dvc.yaml")


def stages(root: Path = Path()) -> dict[str, dict]:
    """Return dvc.yaml's stages by name, in order.

    Raises:
        UserError: there is no dvc.yaml below `root`.
    """
    try:
        return YAML(typ="safe").load((root / FILE).read_text(encoding="utf-8"))["stages"]
    except FileNotFoundError:
        raise UserError(f"{FILE}: not found; run from the repository's root") from None


def room(stage: dict) -> str:
    """Return the folder of `stages/` that a stage's command runs: `python -m stages.clean …` runs stages/clean."""
    return stage["cmd"].split()[2].removeprefix("stages.")
