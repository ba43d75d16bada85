"""kind folder: a folder of the repository, which DVC tracks: `dvc add` or `dvc import` pins it."""

import shutil
from pathlib import Path
from typing import Literal

from pydantic import Field

from winnow.base.errors import UserError
from winnow.fetching.source import Form, Places, Source

POINTER = b"version https://git-lfs.github.com"


class Folder(Source):
    """A folder below models/local; `dvc add` or `dvc import` pins it."""

    kind: Literal["folder"]
    """A folder of this repository."""

    folder: str = Field(pattern=r"^[\w-][\w.-]*(/[\w-][\w.-]*)*$")
    """The model's folder, below models/local."""

    def fetch(self, into: Path, places: Places, form: Form) -> None:
        """Put the model into an empty folder; see `Source.fetch`."""
        local = Local(places.local / self.folder)
        form.gather(local, into)
        form.prove(into, local.where)


class Local:
    """The files of a folder."""

    def __init__(self, folder: Path):
        self.folder, self.where = folder, str(folder)

    def names(self) -> list[str]:
        """Return the names of the files in the folder.

        Raises:
            UserError: there is no such folder.
        """
        if not self.folder.is_dir():
            raise UserError(f"{self.where}: no such folder; put the model there and run `dvc add {self.where}`")
        return [path.name for path in self.folder.iterdir() if path.is_file()]

    def copy(self, name: str, target: Path) -> None:
        """Write a file to `target`, or raise `UserError`."""
        try:
            shutil.copyfile(self.folder / name, target)
        except FileNotFoundError:
            raise UserError(f"{self.where}: no {name}; copy the whole model") from None
        with target.open("rb") as file:
            if file.read(len(POINTER)) == POINTER:
                raise UserError(f"{self.where}: {name} is a pointer of Git LFS; run `git lfs pull` where it came from")
