"""A grid of experiments, a file of `experiments/`: values for all, and axes of which every combination is one.

Of two axes `budget` (100, 300) and `dapt` (with, without) there are four experiments, `<grid>-100-with` and so on. A
label stands for keys of params.yaml and their values; `~` before a key takes it out.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from pydantic import Field

from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.params import Section
from winnow.commands import overlay, pipeline, values

FOLDER = Path("experiments")
SUFFIX = ".yaml"
LABEL = re.compile(r"[A-Za-z0-9]+([._-][A-Za-z0-9]+)*(?<!\.lock)")  # what Git, DVC and a shell take as part of a name
GONE = "~"
CODE = ("stages", "winnow")  # what says which parameters there are


class Grid(Section):
    """A file of `experiments/`."""

    description: str = Field(min_length=1)
    """What it asks, and what to make of the answer."""

    cost: str = Field(min_length=1)
    """What it is expected to take, and on what."""

    overlay: str | None = None
    """A file of values for every experiment, such as params/gpu.yaml."""

    values: dict[str, object] = Field(default_factory=dict)
    """Values of every experiment, by keys of params.yaml with dots; they win over those of the overlay."""

    axes: dict[str, dict[str, dict[str, object]]] = Field(min_length=1)
    """By name of the axis and label: the values that the label stands for."""


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes:
        name: by which DVC knows it.
        overrides: what `dvc exp run -S` is given.
    """

    name: str
    overrides: list[str]

    @property
    def arguments(self) -> list[str]:
        """Return the arguments of `dvc` that queue it."""
        return ["exp", "run", "--queue", "-n", self.name, *(word for each in self.overrides for word in ("-S", each))]


def names() -> list[str]:
    """Return the names of the grids that there are."""
    return sorted(file.stem for file in FOLDER.glob(f"*{SUFFIX}"))


def read(name: str) -> Grid:
    """Return a grid.

    Raises:
        UserError: there is none of this name, or it is wrong.
    """
    file = _file(name)
    if name not in names():
        raise UserError(f"{file}: not found; there are {', '.join(names()) or 'none'}")
    document = {key: _texts(value) if key == "axes" else value for key, value in params.read(file).items()}
    grid = params.parse(document, Grid, str(file))
    for axis, labels in grid.axes.items():
        for label in labels:
            if not LABEL.fullmatch(label):
                raise UserError(
                    f"{file}: axes.{axis}: label {label!r} becomes part of a name; use letters, digits, . _ -"
                )
        if not labels:
            raise UserError(f"{file}: axes.{axis}: has no label; give it one, or take it out")
    return grid


def _file(name: str) -> Path:
    return FOLDER / f"{name}{SUFFIX}"


def _texts(value: object) -> object:
    """Return axes whose labels are texts: YAML reads the label of a budget as a number."""
    if not isinstance(value, dict):
        return value
    return {
        axis: {str(label): keys for label, keys in labels.items()} if isinstance(labels, dict) else labels
        for axis, labels in value.items()
    }


def experiments(name: str, grid: Grid) -> list[Experiment]:
    """Return the experiments of a grid, each checked as the stages would check it.

    Raises:
        UserError: a key or value is none that the stages accept, or two experiments have one name.
    """
    found: dict[str, Experiment] = {}
    common = (params.read(Path(grid.overlay)) if grid.overlay else {}) | grid.values
    for labels in product(*grid.axes.values()):
        changes = dict(common)
        for axis, label in zip(grid.axes, labels, strict=True):
            changes |= grid.axes[axis][label]
        one = Experiment("-".join([name, *labels]), list(_overrides(changes, f"{_file(name)}: {' '.join(labels)}")))
        if one.name in found:
            raise UserError(f"{_file(name)}: two experiments would be named {one.name}; mend the labels")
        found[one.name] = one
    with _trial() as folder:
        for one in found.values():
            _check(one, folder, f"{_file(name)}: {one.name}")
    return list(found.values())


def _overrides(changes: dict[str, object], where: str) -> Iterator[str]:
    for key, value in changes.items():
        if key.startswith(GONE):
            if value is not None:
                raise UserError(f"{where}: {key}: takes the key out, and so has no value; remove it")
            yield key
        else:
            yield f"++{key}={overlay.word(value, f'{where}: {key}')}"


@contextmanager
def _trial() -> Iterator[Path]:
    """Yield a folder with the project's code and pipeline, where params.yaml of an experiment can be checked."""
    with tempfile.TemporaryDirectory(prefix="winnow-experiments-") as folder:
        for name in (*CODE, pipeline.FILE.as_posix()):
            Path(folder, name).symlink_to(Path(name).resolve())
        yield Path(folder)


def _check(one: Experiment, folder: Path, where: str) -> None:
    """Apply an experiment's values as DVC does, and check all of params.yaml.

    Raises:
        UserError: DVC or a stage would refuse them.
    """
    from dvc.exceptions import InvalidArgumentError
    from dvc.utils.hydra import apply_overrides

    file = folder / params.FILE
    shutil.copyfile(params.FILE, file)
    try:
        apply_overrides(file, one.overrides)
    except InvalidArgumentError as error:
        raise UserError(f"{where}: {' '.join(str(error.__cause__ or error).split())}") from None
    if found := values.problems(folder, params.read(file)):
        raise UserError(f"{where}: {found[0].replace(str(file), params.FILE.as_posix())}")
