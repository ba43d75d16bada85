"""kind file: files of the sources' folder by a glob, or one file elsewhere that is pinned by its hash."""

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import Field

from stages.collect.sources import Reading
from stages.collect.sources.formats import FileSource, reading
from winnow.base.download import Sha256
from winnow.base.errors import UserError
from winnow.base.files import sha256
from winnow.readers.layout import left_out, local
from winnow.readers.opening import inputs

# More files have one hash in the manifest: that of their list.
MAX_LISTED = 20


class LocalFiles(FileSource):
    """Files of this machine."""

    kind: Literal["file"]
    path: str = Field(min_length=1)
    """A file below data/sources, or a glob: `*` within a folder, `**` through folders. A file of just this name is
    meant before a glob; hidden files, those of systems and the backups of editors are left out of one."""

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
        hidden = left_out(self.path, files, found)
        parts = [part for name, path in found.items() for part in inputs(name, path, self.member)]
        return reading(self, parts, {"kind": self.kind, **listed(hashes)}, hidden)


def listed(hashes: dict[str, str]) -> dict:
    """Return a pin of files: each one's sha256 or, of many, that of the list as `sha256sum` prints it."""
    if len(hashes) <= MAX_LISTED:
        return {"sha256": hashes}
    lines = "".join(f"{hash_}  {name}\n" for name, hash_ in hashes.items())
    return {"files": len(hashes), "sha256_of_list": hashlib.sha256(lines.encode()).hexdigest()}
