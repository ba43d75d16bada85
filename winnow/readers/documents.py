"""Plain-text files: one file, one record."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import IO

from winnow.readers import MAX_DOCUMENT, MEND_ENCODING, UTF_8, Record, check_columns
from winnow.readers.lines import marked

FIELDS = ("file", "folder", "body")


def read_text(stream: IO[bytes], where: str, columns: Sequence[str], encoding: str = UTF_8) -> Iterator[Record]:
    """Yield one record: `file` (its path below the source), `folder` (the name of its parent folder) and `body`.

    Raises:
        UserError: a column is not one of `FIELDS`.
    """
    check_columns(where, columns, FIELDS)
    data = stream.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        yield Record(where, (), f"longer than {MAX_DOCUMENT} bytes")
        return
    encoding = marked(data) or encoding
    try:
        body = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        yield Record(where, (), f"byte {error.start} is not {encoding.upper()}; {MEND_ENCODING}")
        return
    values = {"file": where, "folder": PurePosixPath(where).parent.name, "body": body}
    yield Record(where, [values[name] for name in columns])
