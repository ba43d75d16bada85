"""Delimiter-separated values, CSV and TSV. Text is UTF-8 if nothing else is said; a byte-order mark says it."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import itemgetter
from typing import IO, NamedTuple

import regex

from winnow.base.errors import UserError
from winnow.readers import MEND_ENCODING, MEND_MAPPING, UTF_8, Record, check_columns, check_once, listed
from winnow.readers.lines import lines

# The csv module's own limit of 128 KiB a field refuses long documents; without one, a stray quote swallows a file.
MAX_FIELD = 16 * 2**20
# Excel's line before the header, which other programs write for it, too.
DECLARED = re.compile(r'(?:"(?=sep=[^\r\n]"))?sep=([^\r\n])"?(?:\r\n?|\n|\Z)', re.IGNORECASE)
USUAL = (",", ";", "\t", "|")  # delimiters that a message thinks of
QUOTE = '"'
QUOTED = regex.compile(r'"(?:[^"]++|"")*+"')  # as spreadsheets and pandas write a field
# A header of which each name stands in quotes; the last may go on in the next line. No plain TSV begins so.
_ALL_QUOTED = '(?:"(?:[^"]++|"")*+"{sign})*+"(?:[^"]++|"")*+(?:"\r?\n?)?'
# What the csv module says of a quote that swallows the rest of a file.
PROBLEMS = {
    "unexpected end of data": "a quote is opened and never closed",
    "field larger": f"a field is longer than {MAX_FIELD} characters",
}
HEADER_AGAIN = "the names of the columns once more, as where files were put behind each other; remove the line"
RETURN = "\udc0d"  # half a surrogate pair, which no decoded text holds


class Words(NamedTuple):
    """How a message names what a person may say of a file.

    Attributes:
        given: a key and a value, as they are given.
        where: the place of the keys, behind them.
        encoding: what to do about bytes of another encoding.
    """

    given: Callable[[str, str | None], str]
    where: str
    encoding: str


IN_PARAMS = Words(
    lambda key, value: f"{key}: {json.dumps(value)}",
    " in its entry of params.yaml",
    MEND_ENCODING,
)


@dataclass(frozen=True)
class Dialect:
    """How a table is written as text.

    Attributes:
        delimiter: what stands between two fields, unless the file's first line says it (`sep=;`).
        quote: what stands around a field that holds a delimiter, itself doubled inside; None where nothing does.
        encoding: a text encoding's name in Python, unless a byte-order mark says it.
        header: the names of the columns of a file whose first line does not name them.
        escape: what stands before a quote inside a quoted field, where quotes are not doubled there.
        is_told: somebody said so; else a file whose header is quoted has quotes where `quote` is None, and one that
            plainly has quotes further down is an error.
    """

    delimiter: str = ","
    quote: str | None = QUOTE
    encoding: str = UTF_8
    header: Sequence[str] | None = None
    escape: str | None = None
    is_told: bool = True


class Row(NamedTuple):
    """One row of a table, and the lines that it begins and ends on."""

    first: int
    last: int
    cells: list[str]
    problem: str | None = None  # why it cannot be read; `cells` is empty then


def parser(text: Iterable[str], dialect: Dialect) -> Iterator[list[str]]:
    """Return what parses lines, which keep their ends, into lists of fields; it raises `csv.Error`."""
    csv.field_size_limit(MAX_FIELD)
    quoting = csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE
    escape = {"escapechar": dialect.escape, "doublequote": dialect.escape is None}
    marks = {"delimiter": dialect.delimiter, "quotechar": dialect.quote}
    return csv.reader(text, **marks, **escape, quoting=quoting, strict=True)


class Table:
    """A table as text.

    Attributes:
        header: the names of its columns; none of a file without a line.
        dialect: how it is written, by its first line, too.
    """

    def __init__(self, stream: IO[bytes], where: str, dialect: Dialect, words: Words = IN_PARAMS) -> None:
        """Read the header; raises `UserError` where it is none of a table."""
        self._where, self._words = where, words
        text = lines(stream, where, dialect.encoding, words.encoding)
        self._start = next(text, "")
        self._before, self._first = 0, 1  # lines above the first row, and the line of the header
        if declared := DECLARED.fullmatch(self._start):
            dialect = replace(dialect, delimiter=declared[1])
            self._before, self._start = 1, next(text, "")
        while self._start and not self._start.strip("\r\n"):
            self._before, self._start = self._before + 1, next(text, "")
        if dialect.quote is dialect.escape is dialect.header is None and not dialect.is_told:
            all_quoted = regex.fullmatch(_ALL_QUOTED.format(sign=re.escape(dialect.delimiter)), self._start)
            dialect = replace(dialect, quote=QUOTE) if all_quoted else dialect
        self.dialect, self.header = dialect, []
        text = chain([self._start], text) if self._start else iter(())
        self._parsed = self._split(text) if dialect.quote is dialect.escape is None else self._by_csv(text)
        if self._start:
            self.header = list(dialect.header or self._named())

    def rows(self, blanks: bool = False) -> Iterator[Row]:
        """Yield the rows; blank lines are none.

        Args:
            blanks: in a table of one column they are rows.

        Raises:
            UserError: what follows a line cannot be told, since a quote is never closed, or bytes are of no text.
        """
        width = len(self.header)
        for row in self._parsed:
            cells = row.cells
            if row.problem:
                yield row._replace(problem=f"{row.problem}; {self._mend([])}")
            elif len(cells) == width:
                yield row
            elif not cells:
                if blanks and width == 1:
                    yield Row(row.first, row.last, [""])
            elif len(cells) > width and not any(cells[width:]):  # the delimiter ends the line
                yield Row(row.first, row.last, cells[:width])
            else:
                yield Row(row.first, row.last, [], f"{len(cells)} fields, the header has {width}; {self._mend(cells)}")

    def check(self, wanted: Sequence[str]) -> None:
        """Raise `UserError` if a column is not there, or stands twice."""
        mend = self._fitting(wanted) if not self.dialect.header else ""
        check_columns(self._where, wanted, self.header, mend or f"{MEND_MAPPING}, or give header if no line has names")
        check_once(f"{self._where}: line {self._first}", wanted, self.header, "rename one")

    def _named(self) -> list[str]:
        """Return the names in the first row."""
        row = next(self._parsed)
        self._first = row.first
        if row.problem:
            mend = self._fitting(()) or self._mend([])
            raise UserError(f"{self._where}: line {row.first}: the header is {row.problem}; {mend}")
        return row.cells

    def _fitting(self, wanted: Sequence[str]) -> str:
        """Return what would make the first line name columns; "" where nothing is known to do it."""
        if "\0" in self._start:
            return f"the text looks like UTF-16: give {self._words.given('encoding', 'utf-16-le')}, or utf-16-be"
        for quote in dict.fromkeys((self.dialect.quote, QUOTE, None)):
            for delimiter in dict.fromkeys((self.dialect.delimiter, *USUAL)):
                try:
                    cells = next(parser([self._start], Dialect(delimiter, quote)))
                except csv.Error:
                    continue
                if len(cells) > (delimiter != self.dialect.delimiter) and set(wanted) <= set(cells):
                    changes = {"delimiter": (self.dialect.delimiter, delimiter), "quote": (self.dialect.quote, quote)}
                    given = [self._words.given(key, new) for key, (old, new) in changes.items() if new != old]
                    return f"give {' and '.join(given)}{self._words.where}, for line 1 to name {listed(cells)}"
        return ""

    def _mend(self, cells: Sequence[str]) -> str:
        """Return what may mend a row of another width than the header's."""
        if self.dialect.quote is None and any(cell.startswith(QUOTE) for cell in cells):
            return f"if the field is quoted, give {self._words.given('quote', QUOTE)}{self._words.where}"
        return f"mend the row, or delimiter, quote or escape{self._words.where}"

    def _by_csv(self, text: Iterable[str]) -> Iterator[Row]:
        hidden: list[int] = []
        reader = parser(_hiding(text, hidden), self.dialect)
        while True:
            first = self._before + reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                what = next((words for start, words in PROBLEMS.items() if str(error).startswith(start)), None)
                if what:  # one bad row here would stand for all that follow it
                    raise UserError(
                        f"{self._where}: line {first}: {what}; close the quote, or give "
                        f"{self._words.given('quote', None)}{self._words.where} if nothing is quoted"
                    ) from None
                yield Row(first, self._before + reader.line_num, [], f"not valid CSV: {error}")
            else:
                if hidden:
                    hidden.clear()
                    cells = [cell.replace(RETURN, "\r") for cell in cells]
                yield Row(first, self._before + reader.line_num, cells)

    def _split(self, text: Iterable[str]) -> Iterator[Row]:
        """Yield the rows of a table in which nothing is quoted: each line is one."""
        delimiter, is_told = self.dialect.delimiter, self.dialect.is_told
        # The first line with doubled quotes in a quoted field; quotes that do not pair; fields of the first line.
        doubled, other, width = 0, False, 0
        for number, line in enumerate(text, self._before + 1):
            line = line.removesuffix("\n").removesuffix("\r")
            cells = line.split(delimiter) if line else []
            width = width or len(cells)
            if not is_told and QUOTE in line:
                quoted = [cell for cell in cells if cell.startswith(QUOTE)]
                other = other or not (all(map(QUOTED.fullmatch, quoted)) or _fits(line, delimiter, width))
                doubled = doubled or (number if any('""' in cell[1:-1] for cell in quoted) else 0)
            yield Row(number, number, cells)
        if doubled and not other:
            raise UserError(
                f"{self._where}: line {doubled}: its quotes look like those that a spreadsheet or pandas puts around "
                f"fields; give {self._words.given('quote', QUOTE)}{self._words.where} if so, "
                f"{self._words.given('quote', None)} if they are text"
            )


def _fits(line: str, delimiter: str, width: int) -> bool:
    """Tell whether a line that is too long has its width where a quoted field may hold the delimiter."""
    try:
        return line.count(delimiter) >= width == len(next(parser([line], Dialect(delimiter))))
    except csv.Error:
        return False


def _hiding(text: Iterable[str], hidden: list[int]) -> Iterator[str]:
    """Yield lines; carriage returns within them, which the csv module refuses outside of quotes, become `RETURN`.

    Args:
        hidden: gets an item for each line that was changed.
    """
    for line in text:
        if -1 < line.find("\r") < len(line) - 2:
            end = "\r\n" if line.endswith("\r\n") else "\n" if line.endswith("\n") else ""
            line = line[: len(line) - len(end)].replace("\r", RETURN) + end
            hidden.append(1)
        yield line


def read_csv(stream: IO[bytes], where: str, columns: Sequence[str], dialect: Dialect = Dialect()) -> Iterator[Record]:
    """Yield the rows of delimiter-separated values (RFC 4180); quoted fields may span lines. No line is no row.

    Raises:
        UserError: a column is missing or stands twice, a quote is never closed, or a byte is not of the encoding.
    """
    table = Table(stream, where, dialect)
    if not table.header:
        return
    table.check(columns)
    pick = _picker([table.header.index(name) for name in columns])
    for first, last, cells, problem in table.rows():
        if cells == table.header and len(cells) > 1:
            yield Record(f"{where}, line {first}", (), HEADER_AGAIN)
        elif problem is None:
            yield Record(f"{where}, line {first}", pick(cells))
        else:
            place = f"line {first}" if first == last else f"lines {first}-{last}"
            yield Record(f"{where}, {place}", (), problem)


def _picker(indices: list[int]) -> Callable[[list], tuple]:
    """Return a function that picks a row's fields as a tuple; `itemgetter` gives one for two and more alone."""
    return itemgetter(*indices) if len(indices) > 1 else lambda row: tuple(row[index] for index in indices)
