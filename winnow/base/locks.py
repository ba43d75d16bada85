"""A file that several processes read, change and replace, one after the other."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from winnow.base import scratch


@contextmanager
def locked(path: Path, beginning: bytes) -> Iterator[None]:
    """Hold a file against all others that come through here; the kernel frees it when a process dies.

    Args:
        beginning: content of the file that is made where it is missing.

    Raises:
        OSError: the file cannot be made or written.
    """
    while True:
        _make(path, beginning)
        with path.open("rb+") as file:  # for writing: NFS locks nothing else
            fcntl.flock(file, fcntl.LOCK_EX)
            # Whoever held it before us has put another file in its place.
            if _is(path, file.fileno()):
                yield
                return


def _is(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _make(path: Path, beginning: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch.folder(path) as own:
        new = own / path.name
        new.write_bytes(beginning)
        with suppress(FileExistsError):
            os.link(new, path)  # a rename would replace what another writer has just made
