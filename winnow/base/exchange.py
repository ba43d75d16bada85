"""Put a finished file or folder in the place of another, such that a crash or a power cut leaves the old or the new."""

import ctypes
import errno
import os
import shutil
import sys
from pathlib import Path

from winnow.base.scratch import HOME, OLD

ATTEMPTS = 100  # others may put theirs at the same time
CAME_BETWEEN = {errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR}
# What systems and disks answer that cannot exchange two names: network disks, old kernels, an overlay's lower layer.
CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EXDEV, errno.EPERM}
AT_FDCWD, RENAME_EXCHANGE, RENAME_SWAP = -100, 2, 2  # Linux: fcntl.h, fs.h; macOS: stdio.h


def put(new: Path, path: Path) -> None:
    """Rename `new` to `path`; a file or folder that is there takes its place or goes.

    Args:
        new: in a scratch folder (`winnow.base.scratch`) on the same file system.

    Raises:
        OSError: it cannot be renamed.
    """
    _sync(new)
    for attempt in range(ATTEMPTS):
        try:
            if not _is_folder(path) and not (_is_folder(new) and os.path.lexists(path)):
                os.replace(new, path)
            else:
                _exchange(new, path)
            break
        except OSError as error:
            if error.errno not in CAME_BETWEEN or attempt == ATTEMPTS - 1 or not os.path.lexists(new):
                raise
    _sync_one(path.parent)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _exchange(new: Path, path: Path) -> None:
    """Let two names change places at once; where the system cannot, one after the other."""
    try:
        _swap(new, path)
    except OSError as error:
        if error.errno not in CANNOT:
            raise
        _rename_both(new, path)


def _swap(one: Path, other: Path) -> None:
    library, names = ctypes.CDLL(None, use_errno=True), (os.fsencode(one), os.fsencode(other))
    try:
        if sys.platform == "darwin":
            failed = library.renamex_np(*names, RENAME_SWAP)
        else:
            failed = library.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE)
    except AttributeError:  # a C library without it
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from None
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one), None, str(other))


def _rename_both(new: Path, path: Path) -> None:
    """Rename one after the other; after a crash in between, the next sweep puts the old one back."""
    old, home = new.with_name(OLD), new.with_name(HOME)
    way = os.path.relpath(os.path.realpath(path.parent), os.path.realpath(new.parent))
    home.write_bytes(os.fsencode(os.path.join(way, path.name)))  # not text: a name is bytes, whatever the locale
    _sync(home)
    try:
        os.rename(path, old)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.rmtree(path)  # an overlay's lower layer: it cannot be moved
    try:
        os.rename(new, path)
    except OSError:
        if os.path.lexists(path):  # another's has come between
            shutil.rmtree(old, ignore_errors=True)
        elif os.path.lexists(old):
            os.rename(old, path)
        raise


def _sync(path: Path) -> None:
    """Have a file, or a folder and all in it, on the disk."""
    if _is_folder(path):
        for child in path.iterdir():
            _sync(child)
    if not path.is_symlink():
        _sync_one(path)


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in CANNOT:  # some disks sync no folder
            raise
    finally:
        os.close(descriptor)
