"""brat's standoff: a text in `name.txt`, and its spans in `name.ann` beside it.

Of an annotation file, lines `T…` are spans: `T1<tab>Type 0 7<tab>the text`; relations, events and notes are left out.
Offsets count the characters of the text as it stands, line ends of Windows as two. A text without an annotation file
has no label.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import IO, Literal

from winnow.base.errors import UserError
from winnow.readers import MAX_DOCUMENT, Record, check_columns
from winnow.readers.lines import MARK
from winnow.readers.opening import Input

FIELDS = ("text", "spans", "file", "folder")
SPAN = re.compile(r"T\S*\t(\S+) ([0-9]+ [0-9]+(?:;[0-9]+ [0-9]+)*)(?:\t(.*))?")
SUFFIXES = (".ann", ".txt")
Fragments = Literal["refuse", "whole", "parts"]


def paired(files: Sequence[Input]) -> list[Input]:
    """Return the files of texts and annotations, each text right behind its annotations.

    Raises:
        UserError: an annotation file has no text.
    """
    found = [file for file in files if PurePosixPath(file.name).suffix in SUFFIXES]
    names = {file.name for file in found}
    for file in found:
        if file.name.endswith(".ann") and f"{file.name[:-4]}.txt" not in names:
            raise UserError(f"{file.name}: no text beside it, {file.name[:-4]}.txt; add it, or take the file out")
    if not any(name.endswith(".txt") for name in names):
        raise UserError(f"{files[0].name}: no .txt file; brat has texts in name.txt, and spans in name.ann beside them")
    # Files of one archive stay together.
    return sorted(found, key=lambda file: (str(file.path) if file.member else "", file.name[:-4], file.name))


class Reader:
    """Reads a text with the annotations that were read before it."""

    def __init__(self, fragments: Fragments) -> None:
        """Begin without annotations.

        Args:
            fragments: what becomes of a span in several pieces: its row is refused, it is one from the first piece to
                the last, or each piece is one.
        """
        self._fragments = fragments
        self._spans: dict[str, str] = {}  # of the text that follows, by its name

    def __call__(self, stream: IO[bytes], where: str, columns: Sequence[str]) -> Iterator[Record]:
        """Yield a text's record: those of `FIELDS` that `columns` names; an annotation file yields none.

        Raises:
            UserError: a column is not one of `FIELDS`.
        """
        check_columns(where, columns, FIELDS)
        data = stream.read(MAX_DOCUMENT + 1)
        name = where[:-4]
        try:
            if len(data) > MAX_DOCUMENT:
                raise ValueError(f"longer than {MAX_DOCUMENT} bytes")
            text = data.decode().removeprefix(MARK)
        except ValueError as error:
            reason = f"byte {error.start} is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            if where.endswith(".ann"):
                raise UserError(f"{where}: {reason}") from None
            yield Record(where, (), reason)
            return
        if where.endswith(".ann"):
            self._spans = {name: text}
            return
        noted = self._spans.pop(name, None)
        try:
            spans = None if noted is None else self._read(noted, text)
        except ValueError as error:
            yield Record(where, (), f"{PurePosixPath(name).name}.ann, {error}")
            return
        values = {"text": text, "spans": spans, "file": where, "folder": PurePosixPath(where).parent.name}
        yield Record(where, [values[column] for column in columns])

    def _read(self, noted: str, text: str) -> list[dict]:
        found = []
        for number, line in enumerate(noted.split("\n"), 1):
            line = line.rstrip("\r")
            if not line.startswith("T"):
                continue
            match = SPAN.fullmatch(line)
            if not match:
                raise ValueError(
                    f"line {number}: no span, {line[:60]!r}; brat writes T1, a tab, the type, start and end"
                )
            pieces = [tuple(map(int, piece.split())) for piece in match[2].split(";")]
            if len(pieces) > 1 and self._fragments == "refuse":
                raise ValueError(
                    f"line {number}: the span is in {len(pieces)} pieces; set fragments: whole or parts in its entry "
                    f"of params.yaml, which says what becomes of them"
                )
            told = match[3] if len(pieces) == 1 else None
            if self._fragments == "whole":
                pieces = [(pieces[0][0], pieces[-1][1])]
            found += [{"start": start, "end": end, "label": match[1], "text": told} for start, end in pieces]
        return found
