"""Scratch folders: what is not finished stands where neither Git nor DVC looks, and goes after a kill.

They stand in `.dvc/tmp/scratch` of the DVC repository. Where there is none, or it lies on another file system, or must
not be written, they stand in `.winnow-scratch` beside what is made; .gitignore and .dvcignore name it.

The owner of a folder holds a lock on `<folder>.lock` (flock: the kernel frees it when the process dies, and containers
that share a disk share it). Whoever makes a folder first removes those whose lock is free.
"""

import errno
import fcntl
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from winnow.base.errors import UserError

BESIDE = ".winnow-scratch"
OLD, HOME = ".old", ".home"  # in a scratch folder: what was taken from its place, and a file with that place
# A lock that another machine holds may be unseen here; what it has left must be this old to go.
FOREIGN_SECONDS = 7 * 24 * 3600


@contextmanager
def folder(near: Path | None) -> Iterator[Path]:
    """Yield an empty folder, from which files and folders can be renamed into that of `near`; it goes at the end.

    Args:
        near: what is to be made; its folder exists. None: something of an object store.

    Raises:
        OSError: no folder can be made.
    """
    root = _root(near)
    if root is None:
        with TemporaryDirectory(prefix="winnow-") as plain:
            yield Path(plain)
        return
    _sweep(root)
    lock, path = _locked(root)
    try:
        path.mkdir(mode=0o700)
        yield path
    finally:
        _discard(path)
        Path(lock.name).unlink(missing_ok=True)
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_UN)  # a forked process may hold the file open
        lock.close()
        if root.name == BESIDE:
            with suppress(OSError):
                root.rmdir()  # while nobody else has a folder in it


@contextmanager
def watched(own: Path) -> Iterator[None]:
    """Raise `UserError` at the end of the block if a scratch folder was removed meanwhile.

    Who writes a file makes its folder where that is missing: without this, a part would be taken for the whole.
    """
    held = os.open(own, os.O_RDONLY)  # while it is open, no other folder gets its number
    try:
        yield
        if not own.exists() or not os.path.samestat(os.fstat(held), own.stat()):
            raise UserError(f"{own}: another program removed what was not finished yet; run again")
    finally:
        os.close(held)


def _root(near: Path | None) -> Path | None:
    """Return the folder of scratch folders; None: the system's."""
    target = Path.cwd() if near is None else Path(os.path.abspath(near)).parent
    repository = next((parent for parent in (target, *target.parents) if (parent / ".dvc").is_dir()), None)
    if repository:
        root = repository / ".dvc" / "tmp" / "scratch"
        with suppress(OSError):
            root.mkdir(parents=True, exist_ok=True)
            if os.access(root, os.W_OK | os.X_OK) and (near is None or _can_rename(root, target)):
                return root
    return None if near is None else target / BESIDE


def _can_rename(one: Path, other: Path) -> bool:
    """Return whether files of one folder can be renamed into another; one disk may be mounted twice."""
    try:
        os.rename(one / "nothing", other / "nothing")
    except OSError as error:
        return error.errno == errno.ENOENT
    return True


def _locked(root: Path) -> tuple[IO, Path]:
    """Return the locked file of a new scratch folder, and the folder's path."""
    while True:
        path = root / f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}"
        with suppress(FileExistsError):  # not exist_ok: another may remove it while that is found out
            root.mkdir(parents=True)
        try:
            lock = Path(f"{path}.lock").open("xb")  # noqa: SIM115 (`folder` closes it)
        except FileNotFoundError:  # another has just removed the empty root
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # a sweep was quicker
            lock.close()
            continue
        except OSError:
            return lock, path  # a disk without locks: here nothing is ever swept
        if _is_in_place(lock):
            return lock, path
        lock.close()


def _is_in_place(lock: IO) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), os.stat(lock.name))
    except FileNotFoundError:
        return False


def _sweep(root: Path) -> None:
    """Remove scratch folders whose owners are dead."""
    locks: list[Path] = []
    with suppress(FileNotFoundError):  # another has just removed the empty root
        locks += root.glob("*.lock")
    for path in locks:
        with suppress(OSError), path.open("rb+") as lock:  # for writing: NFS locks nothing else
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_own = path.name.rsplit(".", 3)[0] == socket.gethostname()
            is_old = time.time() - os.fstat(lock.fileno()).st_mtime > FOREIGN_SECONDS
            if (is_own or is_old) and _is_in_place(lock):
                _discard(path.with_suffix(""))
                path.unlink()


def _discard(path: Path) -> None:
    """Remove a scratch folder; what it took from its place and did not replace goes back there first."""
    with suppress(OSError):
        home = path / os.fsdecode((path / HOME).read_bytes())
        if not os.path.lexists(home):
            os.rename(path / OLD, home)
    shutil.rmtree(path, ignore_errors=True)
