"""Files that appear whole or not at all, and hashes."""

import csv
import errno
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from winnow.base import exchange, scratch, storage
from winnow.base.errors import UserError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path in a scratch folder; on success it replaces `path` (a file or a folder), on error it vanishes.

    A crash leaves the old or the new one. For a path of an object store see `storage.uploading`.

    Raises:
        UserError: the disk is full.
    """
    if not isinstance(path, Path):
        with storage.uploading(path) as new:
            yield new
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch.folder(path) as own:
            new = own / path.name
            with scratch.watched(own):
                yield new
            exchange.put(new, path)
    except Exception as error:
        # Libraries have errors of their own; what they share is the system's words.
        if any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT)):
            raise UserError(f"{path}: the disk is full; free some space and run again") from None
        raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with `\\n` line ends, whole or not at all."""
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: object) -> None:
    """Write JSON with sorted keys and floats rounded to 6 digits, so that equal values are equal bytes."""
    write_text(path, json.dumps(_rounded(value), indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Write a table for plots: floats with 6 significant digits, so that equal values are equal bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row] for row in rows)
    write_text(path, text.getvalue())


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value


def read_text(path: Path) -> str:
    """Return a UTF-8 file's text.

    Raises:
        UserError: the file is missing or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: not found") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8; convert the file to UTF-8") from None


def sha256(path: Path) -> str:
    """Return the hex sha256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
