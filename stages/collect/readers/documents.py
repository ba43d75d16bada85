"""Plain-text files: one file, one record."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import IO

from stages.collect.readers import MAX_DOCUMENT, Record, check_columns

FIELDS = ("file", "folder", "body")


def read_text(stream: IO[bytes], where: str, columns: Sequence[str]) -> Iterator[Record]:
    """Yield one record: `file` (its path below the source), `folder` (the name of its parent folder) and `body`.

    Raises:
        UserError: a column is not one of `FIELDS`.
    """
    check_columns(where, columns, FIELDS)
    data = stream.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        yield Record(where, (), f"longer than {MAX_DOCUMENT} bytes")
        return
    try:
        body = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield Record(where, (), f"byte {error.start} is not UTF-8; convert the file to UTF-8")
        return
    values = {"file": where, "folder": PurePosixPath(where).parent.name, "body": body}
    yield Record(where, [values[name] for name in columns])
