"""Paths of a stage: of this machine, or of an object store by URL (s3://bucket/key), read and written as the same.

A stage on a cluster may have no DVC beside it: `python -m stages.clean --raw s3://corpus/raw …`. A URL becomes a
`UPath` (universal-pathlib over fsspec), which reads as `pathlib.Path` does. Credentials, region and endpoint come from
the environment alone (AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_ENDPOINT_URL, a role), as for any AWS tool.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from winnow.base import scratch
from winnow.base.errors import UserError

if TYPE_CHECKING:
    from upath import UPath


def path(name: str) -> "Path | UPath":
    """Return a command line's path.

    Raises:
        UserError: the URL holds credentials, its kind of store is unknown, or the store cannot be reached.
    """
    if "://" not in name:
        return Path(name)
    url = urlsplit(name)
    if "@" in url.netloc or url.query:
        raise UserError(
            f"a path at {url.scheme}://{url.netloc.rpartition('@')[2]} holds credentials or a query; "
            f"take them out and give credentials by the environment"
        )
    from upath import UPath  # here, so that a run without URLs does not wait for fsspec

    try:
        remote = UPath(name)
        remote.exists()  # now, before hours of work
    except Exception as error:  # every store has its own
        raise UserError(
            f"{name}: cannot be reached: {error}; credentials, region and endpoint come from the environment"
        ) from None
    return remote


@contextmanager
def opened(path: "Path | UPath") -> Iterator["Path | IO[bytes]"]:
    """Yield what pyarrow reads a file from: a local path as it is, a remote one as a stream that can seek."""
    if isinstance(path, Path):
        yield path
    else:
        with path.open("rb") as file:
            yield file


@contextmanager
def uploading(path: "UPath") -> Iterator[Path]:
    """Yield a local scratch path; on success it is uploaded to `path`, on error nothing is.

    A store shows an object when its upload is complete, so a file appears whole or not at all. Of a folder each file
    does: they are uploaded in the order of their names, and objects of the old folder that the new one lacks go last.

    Raises:
        UserError: the store refuses the upload.
    """
    with scratch.folder(None) as own:
        new = own / path.name
        yield new
        try:
            _upload(new, path)
        except Exception as error:
            raise UserError(f"{path}: cannot be written: {error}; check the bucket and its permissions") from None


def _upload(new: Path, path: "UPath") -> None:
    if new.is_file():
        path.fs.put_file(str(new), path.path)
        return
    names = sorted(file.relative_to(new).as_posix() for file in new.rglob("*") if file.is_file())
    targets = [f"{path.path}/{name}" for name in names]
    old = path.fs.find(path.path) if path.exists() else []
    for name, target in zip(names, targets, strict=True):
        path.fs.put_file(str(new / name), target)
    if stale := sorted(set(old) - set(targets)):
        path.fs.rm(stale)
