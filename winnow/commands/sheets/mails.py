"""E-mails as rows: a message in a file, a folder or a zip archive of such files, an mbox; as `collect` reads them."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from winnow import readers
from winnow.base.errors import UserError
from winnow.commands.sheets.formats import Sheet, is_mail
from winnow.commands.sheets.rows import Block, Source, joined_texts
from winnow.readers import formats, mail, opening
from winnow.readers.layout import Layout
from winnow.readers.opening import Input

WHOLE = ("plain", "html", "headers")  # fields that may be the text, and are too long for a table otherwise


class Mails(Source):
    """Mails, one row each; their fields are the columns, and all of them are text."""

    texts = ("subject", "body")  # what `winnow init` takes

    def __init__(self, sheet: Sheet, layout: Layout) -> None:
        """Look through all messages."""
        self._layout, self._files = layout, files(sheet)
        self.columns = [name for name in mail.FIELDS if name not in WHOLE]
        self.inner = WHOLE
        self.schema = pa.schema([(name, pa.string()) for name in self.columns])
        self.rows = sum(len(block.places) for block in self._read(["file"]))

    def blocks(self, *texts: str) -> Iterator[Block]:
        """Yield the mails; what of them is doubtful is told on standard error when all are read."""
        doubts: list[str] = []
        for block in self._read(list(dict.fromkeys([*self.columns, *texts]))):
            doubts += (f"{block.places[number]}: {doubt}" for number, doubt in block.doubts.items())
            held = [[value or None for value in block.columns[name]] for name in texts]
            cells = [block.columns[name] for name in self.columns]
            plain = self._layout.is_plain(texts)
            yield Block(joined_texts(held), lambda cells=cells: zip(*cells, strict=True), is_plain=plain)
        if doubts:
            print(f"not read for certain: {len(doubts)} of the mails; the first is {doubts[0]}", file=sys.stderr)

    def _read(self, columns: Sequence[str]) -> Iterator[readers.Block]:
        for block in formats.read(self._layout.format, self._files, columns, self._layout.dialect(), _refuse):
            for place, problem in block.problems:
                raise UserError(f"{place}: {problem}; mend it or take it out")
            yield block


def _refuse(name: str) -> None:
    raise UserError(f"{name}: empty; it holds no mail")


def files(sheet: Sheet) -> list[Input]:
    """Return the files that hold the mails, in the order of their names.

    Raises:
        UserError: there is none.
    """
    if not sheet.path.is_dir():
        return opening.inputs(Path(sheet.name).name, sheet.path, None)
    found, others = [], 0
    above = sheet.path.resolve().name
    for folder, _, names in os.walk(sheet.path, onerror=_unreadable):
        for name in names:
            path = Path(folder, name)
            told = opening.told(path.relative_to(sheet.path).as_posix())
            if opening.is_litter(told):
                continue
            if sheet.takes_all or is_mail(name):
                if not path.is_file():
                    raise UserError(f"{path}: no file, or a link to none; take it out of the folder")
                found.append(Input(f"{above}/{told}", path, path.stat().st_size))
            else:
                others += 1
    if not found:
        raise UserError(f"{sheet.name}: a folder without a mail (.eml); --format eml takes every file in it for one")
    if others:
        told = f"{sheet.name}: not read, since not named .eml: {others} of the files; --format eml reads all"
        print(told, file=sys.stderr)
    return sorted(found, key=lambda file: file.name)


def _unreadable(error: OSError) -> None:
    raise UserError(f"{error.filename}: {error.strerror}")
