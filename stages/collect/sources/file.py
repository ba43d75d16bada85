"""kind file: files of the sources' folder by a glob, or one file elsewhere that is pinned by its hash."""

import glob
import hashlib
import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from stages.collect.sources import Reading
from stages.collect.sources.formats import FileSource, inputs, reading
from winnow.base.download import Sha256
from winnow.base.errors import UserError
from winnow.base.files import sha256

# More files have one hash in the manifest: that of their list.
MAX_LISTED = 20


class LocalFiles(FileSource):
    """Files of this machine."""

    kind: Literal["file"]
    path: str = Field(min_length=1)
    """A file below data/sources, or a glob: `*` within a folder, `**` through folders."""

    sha256: Sha256 | None = None
    """SHA-256 of the file, if `path` names one. Null: DVC alone pins the files."""

    def open(self, files: Path, downloads: Path) -> Reading:
        """Return the rows of all files that `path` matches, by name; see `Source.open`."""
        where = f"source '{self.name}': path '{self.path}'"
        found = local(where, self.path, files, self.sha256 is not None)
        hashes = {name: sha256(path) for name, path in found.items()}
        if self.sha256 is not None and list(hashes.values()) != [self.sha256]:
            if len(hashes) > 1:
                raise UserError(
                    f"{where}: sha256 pins one file, the path matches {len(hashes)}; name one or drop sha256"
                )
            raise UserError(f"{where}: wrong sha256: expected {self.sha256}, got {next(iter(hashes.values()))}")
        parts = [part for name, path in found.items() for part in inputs(name, path, self.member)]
        return reading(self, parts, {"kind": self.kind, **listed(hashes)})


def local(where: str, pattern: str, folder: Path, pinned: bool) -> dict[str, Path]:
    """Return the files that a glob matches below `folder`, by name.

    Raises:
        UserError: there is none, or it lies outside `folder` and is not `pinned`.
    """
    # By name, not by target: DVC may link a file of the folder to its cache.
    inside = not os.path.isabs(pattern) and Path(os.path.normpath(pattern)).parts[:1] != ("..",)
    if not inside and not pinned:
        raise UserError(f"{where} leaves {folder}: put the file under {folder}/ or give its sha256")
    names = sorted(glob.glob(pattern, root_dir=folder, recursive=True))
    found = {name if inside else Path(name).name: folder / name for name in names if (folder / name).is_file()}
    if not found:
        raise UserError(f"{where}: no such file in {folder}; mend the path or add the file")
    return found


def listed(hashes: dict[str, str]) -> dict:
    """Return a pin of files: each one's sha256 or, of many, that of the list as `sha256sum` prints it."""
    if len(hashes) <= MAX_LISTED:
        return {"sha256": hashes}
    lines = "".join(f"{hash_}  {name}\n" for name, hash_ in hashes.items())
    return {"files": len(hashes), "sha256_of_list": hashlib.sha256(lines.encode()).hexdigest()}
