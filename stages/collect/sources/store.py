"""Where fetched files stay between runs: a folder outside the outputs, each in a folder named by its pin."""

import os
from collections.abc import Callable
from pathlib import Path

from winnow.base.errors import UserError
from winnow.base.files import sha256 as sha256_of


def stored(path: Path, sha256: str | None, fetch: Callable[[Path], None], where: str) -> Path:
    """Return `path`; unless it is there, `fetch` is called with the path of a partial file, which becomes it.

    A partial file stays if `fetch` fails, so that it can go on from there; one with a wrong hash goes.

    Raises:
        UserError: the hash differs, also that of a file begun by an earlier run.
    """
    partial = path.with_name(f"{path.name}.part")
    if path.exists() and sha256 in (None, sha256_of(path)):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    resumed = partial.exists()
    fetch(partial)
    got = sha256_of(partial)
    if sha256 not in (None, got):
        partial.unlink()
        if resumed:  # what an earlier run left may be of another file
            return stored(path, sha256, fetch, where)
        raise UserError(
            f"{where}: wrong sha256: expected {sha256}, got {got}; if the pin is right, do not trust this download, "
            f"else mend the pin in params.yaml"
        )
    os.replace(partial, path)
    return path
