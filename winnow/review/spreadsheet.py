"""What Excel, LibreOffice and Google Sheets make of a CSV file when they save it, read back as what was meant.

Undone is what they do unasked: other encodings and separators, a `sep=` line, CRLF, empty columns at the end, cells
missing at a line's end, columns in another order, dates in the country's form, decimal commas, the case of TRUE and
FALSE. What cannot be undone (digits that are lost, a date that may be read in two ways) is refused.
"""

import codecs
import csv
import datetime
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from winnow.base.errors import UserError
from winnow.people import decisions

DELIMITERS = (",", ";", "\t")
KNOWN = (*decisions.EDITED_QUEUE_COLUMNS, decisions.SECONDS)
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods, .xls

SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[^\S\r\n]*(\r\n|\n|\r)')
ROUNDED = re.compile(r"\d+([.,]\d+)?(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
TIME = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AP]M)?Z?)?"
YEAR_FIRST = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){TIME}", re.ASCII)
YEAR_LAST = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}){TIME}", re.ASCII)


@dataclass(frozen=True)
class Row:
    """One line of a file; `cells` has a text for each of the header's columns."""

    line: int
    cells: dict[str, str]


def read(path: Path) -> tuple[list[Row], list[str]]:
    """Return a file's lines that are not blank, and the problems of those that do not fit the header.

    Raises:
        UserError: the file is missing, a workbook, in no known encoding, no CSV, or its header lacks a column of a
            decision, has one twice or has one that is unknown.
    """
    text = _decode(path)
    decisions.check_merged(text, path)
    delimiters, skipped = DELIMITERS, 0
    if separator := SEPARATOR_LINE.match(text):
        text, delimiters, skipped = text[separator.end() :], (separator[1],), 1
    lines = _lines(text, _delimiter(text, delimiters), skipped, path)
    columns = _columns(lines[0][1] if lines else [], path)
    rows, problems = [], []
    for line, cells in lines[1:]:
        if any(cells[len(columns) :]):
            problems.append(f"line {line}: {len(cells)} cells, the header has {len(columns)}; quote cells with commas")
        elif cells[: len(columns)] != lines[0][1][: len(columns)]:
            padded = cells + [""] * (len(columns) - len(cells))
            rows.append(Row(line, dict(zip(columns, padded, strict=False))))
    return rows, problems


def parse_date(cell: str) -> str:
    """Return a date as 2026-01-31; a time of day is dropped, unless it is in UTC as Winnow writes it.

    Days, months and years that dots separate are in this order everywhere; with strokes or hyphens the order
    depends on the country.

    Raises:
        ValueError: it is no date, or may be read as two.
    """
    if decisions.is_moment(cell) and not cell.endswith("T00:00:00Z"):  # midnight: a tool's form of a day
        return cell
    if found := YEAR_FIRST.fullmatch(cell):
        return _date(cell, *(int(found[group]) for group in (1, 3, 4)))
    if not (found := YEAR_LAST.fullmatch(cell)):
        raise ValueError(f"decided_on '{cell}' is not a date such as 2026-01-31")
    first, second, year = (int(found[group]) for group in (1, 3, 4))
    if found[2] == "." or first > 12:
        return _date(cell, year, second, first)
    if second > 12 or first == second:
        return _date(cell, year, first, second)
    days = _date(cell, year, first, second), _date(cell, year, second, first)
    raise ValueError(f"decided_on '{cell}' may be {days[0]} or {days[1]}; write the one that you mean in this form")


def parse_seconds(cell: str) -> float | None:
    """Return a time of column `seconds`, None for an empty cell; raise `ValueError` if it is no number."""
    return decisions.parse_seconds(cell.replace(",", "."))


def parse_verdict(cell: str) -> str:
    """Return `out_of_scope` for `Out of scope`."""
    return "_".join(re.split(r"[\s_-]+", cell.strip().casefold()))


def is_rounded(cell: str) -> bool:
    """Return whether a spreadsheet has a number in a cell, as when 12345678e9012345 became 1.23E+12."""
    return bool(ROUNDED.fullmatch(cell))


def _decode(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: not found") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    advice = "save it as 'CSV UTF-8 (comma delimited)' and import that"
    if data.startswith(WORKBOOKS):
        raise UserError(f"{path}: a workbook, not a CSV file; {advice}")
    marked = next((encoding for mark, encoding in MARKS.items() if data.startswith(mark)), None)
    # Windows-1252 takes nearly any bytes, so it comes last.
    for encoding in (marked,) if marked else ("utf-8", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text.partition("\n")[0]:  # UTF-16 without a mark
            return text
    raise UserError(f"{path}: neither UTF-8, UTF-16 with a byte-order mark nor Windows-1252; {advice}")


def _delimiter(text: str, delimiters: Sequence[str]) -> str:
    """Return the one by which the header falls into the most known columns."""
    header = next((line for line in text.splitlines() if line.strip()), "")

    def known(delimiter: str) -> int:
        return sum(name.strip().casefold() in KNOWN for name in next(csv.reader([header], delimiter=delimiter), ()))

    return max(delimiters, key=known)


def _lines(text: str, delimiter: str, skipped: int, path: Path) -> list[tuple[int, list[str]]]:
    """Return each line that is not blank, with its number (a quoted cell may run over several)."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines, line = [], 1 + skipped
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append((line, list(map(decisions.meant, cells))))
            line = reader.line_num + 1 + skipped
    except csv.Error as error:
        raise UserError(f"{path}: line {line}: not valid CSV: {error}") from None
    return lines


def _columns(header: list[str], path: Path) -> list[str]:
    """Return the header's names, without the empty columns at its end."""
    names = [name.casefold() for name in header]
    while names and not names[-1]:
        names.pop()
    problems = [f"column '{name}' is missing" for name in decisions.COLUMNS if name not in names]
    problems += [f"column '{name}' is unknown" for name in dict.fromkeys(names) if name not in KNOWN]
    problems += [f"column '{name}' stands twice" for name in KNOWN if names.count(name) > 1]
    if problems:
        raise UserError(
            f"{path}: header: {', '.join(problems)}; it must have the columns {','.join(decisions.COLUMNS)}"
        )
    return names


def _date(cell: str, year: int, month: int, day: int) -> str:
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        raise ValueError(f"decided_on '{cell}' is not a date such as 2026-01-31") from None
