"""How a table is written as text: its delimiter, its quotes, and whether its first line names its columns."""

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from winnow.readers import tabular
from winnow.readers.tabular import Dialect

DELIMITERS = (",", ";", "\t", "|")
TABLES = {".csv": None, ".tsv": "\t", ".tab": "\t"}  # what a name tells; .csv is said of semicolons and tabs, too
QUOTES = ('"', "'", None)
ESCAPED = '\\"'
LEAST_EVEN = 0.5  # share of rows that must be equally wide
LONGEST_NAME = 64  # characters of a column's name
NUMBER = re.compile(r"[+-]?(\d{1,3}([., ]\d{3})+|\d+)?([.,]\d+)?([eE][+-]?\d+)?%?", re.ASCII)
DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T].*)?")
RETURN = re.compile("\r(?!\n)")
# Signs that stand in no plain text: Unicode's categories of symbols and control characters, but for the usual ones.
ODD, ODD_KINDS, USUAL = "\\§¶¤", {"Cc", "Sk", "Sm", "So"}, "\t+<=>|`"
NEARLY_ALL = 0.95  # share of lines
LEAST_LINES = 3
# A file of one column is read with a delimiter that stands nowhere in it.
ONE_COLUMN, QUOTED_COLUMN = Dialect("\t", None), Dialect("\t")


def sniff(text: str, whole: bool, suffix: str, declared: str | None = None) -> Dialect:
    """Return the dialect in which most rows of a sample are equally wide.

    Of equal ones: that whose delimiter the file's name tells, or no space follows; then that whose quotes fields
    stand in; then the widest.

    Args:
        text: the beginning of a file.
        whole: whether it is all of it; else the last row is left out.
        suffix: the end of the file's name.
        declared: the delimiter that the file itself or a person names.
    """
    if suffix == ".csv" and not declared and _is_quoted_column(text, whole):
        return QUOTED_COLUMN
    delimiters = (declared,) if declared else DELIMITERS
    dialects = [Dialect(delimiter, quote) for quote in QUOTES for delimiter in delimiters]
    if ESCAPED in text:
        dialects += [Dialect(delimiter, ESCAPED[1], escape=ESCAPED[0]) for delimiter in delimiters]
    scores = [(_evenness(_rows(text, dialect, whole)), dialect) for dialect in dialects]
    able = [(even, width, dialect) for (even, width), dialect in scores if width > 1 and even > LEAST_EVEN]
    if suffix not in TABLES:  # a text of lines has commas, too
        able = [candidate for candidate in able if not _is_prose(text, candidate[2].delimiter)]
    if not able:
        return Dialect(declared) if declared else replace(ONE_COLUMN, is_told='"' in text)

    def rank(candidate: tuple[float, int, Dialect]) -> tuple:
        even, width, dialect = candidate
        unquoted = _rows(text, replace(dialect, quote=None, escape=None), whole)
        quoting = _quoting(unquoted, dialect.delimiter) == dialect.quote
        told = dialect.delimiter == TABLES.get(suffix), not _is_prose(text, dialect.delimiter)
        return round(even, 1), *told, quoting, width, -QUOTES.index(dialect.quote), even

    best = max(able, key=rank)[2]
    return replace(best, is_told=best.quote is not None or '"' in text)


def odd_sign(text: str, whole: bool) -> str | None:
    """Return the sign that stands equally often in nearly all lines of a table of one column; None if none does.

    Letters, digits, space, quotes and the signs of plain texts do not count.
    """
    lines = [line.rstrip("\r") for line in text.split("\n")[: None if whole else -1] if line.strip()]
    if len(lines) < LEAST_LINES:
        return None
    for sign in sorted(set(lines[0])):
        if sign in ODD or (sign not in USUAL and unicodedata.category(sign) in ODD_KINDS):
            times = lines[0].count(sign)
            if sum(line.count(sign) == times for line in lines) >= NEARLY_ALL * len(lines):
                return sign
    return None


def _is_quoted_column(text: str, whole: bool) -> bool:
    """Return whether a text is a table of one column, whose program quotes the texts that hold commas."""
    if not re.search('^"', text, re.MULTILINE):
        return False
    try:
        for _ in tabular.parser(io.StringIO(text, newline="\n"), QUOTED_COLUMN):
            pass
    except csv.Error as error:
        return not whole and str(error) == "unexpected end of data"
    return True


def _quoting(rows: list[list[str]], delimiter: str) -> str | None:
    """Return the quotes that fields stand in, by rows that were split without regard to quotes."""
    fields = [field for row in rows for field in row]
    if delimiter == "\t":
        return _quoting_of_tabs(rows)
    if any(field.startswith('"') for field in fields):
        return '"'
    words = [field for field in fields if not is_number(field)]
    single = sum(len(field) > 1 and field[0] == field[-1] == "'" for field in words)
    if single > len(words) / 2:
        return "'"
    return None if any('"' in field for field in fields) else '"'


def _quoting_of_tabs(rows: list[list[str]]) -> str | None:
    """Return the quotes of a table with tabs, which for the most part has none: a quote there begins what is quoted.

    A program that quotes fields leaves rows of other widths where they are split without regard to quotes, or doubles
    the quotes inside, or quotes all words.
    """
    quoted = [field for row in rows for field in row if field.startswith('"')]
    if not quoted:
        return None
    if not all(map(tabular.QUOTED.fullmatch, quoted)):
        return None if _evenness(rows)[0] == 1 else '"'
    words = sum(not is_number(field) for row in rows for field in row if field)
    return '"' if len(quoted) == words or any('""' in field[1:-1] for field in quoted) else None


def _evenness(rows: list[list[str]]) -> tuple[float, int]:
    """Return the share of rows that are as wide as most, and how wide these are."""
    if not rows:
        return 0.0, 0
    width, count = Counter(map(len, rows)).most_common(1)[0]
    return count / len(rows), width


def _is_prose(text: str, delimiter: str) -> bool:
    """Return whether a space follows the delimiter for the most part, as it follows a comma between words."""
    return text.count(f"{delimiter} ") > text.count(delimiter) / 2


def _rows(text: str, dialect: Dialect, whole: bool) -> list[list[str]]:
    """Return the rows of a sample but for blank ones; none where a quote is misplaced."""
    hidden = RETURN.sub(tabular.RETURN, text)  # as the reader does, for the csv module refuses it outside of quotes
    reader = tabular.parser(io.StringIO(hidden, newline="\n"), dialect)
    rows = []
    try:
        rows.extend([cell.replace(tabular.RETURN, "\r") for cell in row] for row in reader if row)
    except csv.Error as error:
        if whole or str(error) != "unexpected end of data":
            return rows if len(rows) > 20 else []
    return rows if whole or len(rows) < 2 else rows[:-1]


def with_header(text: str, dialect: Dialect, whole: bool) -> tuple[Dialect, list[str]]:
    """Return the dialect, with names for the columns where the first line has none, and the columns' names.

    There is no name where no line can be read.
    """
    rows = _rows(text, dialect, whole)
    if not rows:
        return dialect, []
    first, rest = rows[0], rows[1:]
    if _names_columns(first, rest):
        return dialect, first
    names = [f"column_{number}" for number in range(1, len(first) + 1)]
    return replace(dialect, header=names), names


def _names_columns(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Return whether a line holds names of columns: short, distinct words that stand nowhere below them."""
    named = [cell for cell in first if cell.strip()]
    if len(named) < len(first) - 1 or len(set(first)) < len(first) or not named:
        return False
    if any(len(cell) > LONGEST_NAME or is_number(cell) or DATE.fullmatch(cell) for cell in named):
        return False
    if len(first) == 1:  # a file of one column: a name is one word, a text several
        return bool(re.fullmatch(r"[\w-]+", first[0].strip()))
    below = [set(column) for column in zip(*(row for row in rest if len(row) == len(first)), strict=True)]
    return not any(cell in values for cell, values in zip(first, below, strict=False))


def is_number(text: str) -> bool:
    """Return whether a cell is a number, with a point or a comma for the decimals."""
    return bool(text.strip()) and NUMBER.fullmatch(text.strip()) is not None
