"""What spreadsheets make of a CSV file."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.people import decisions
from winnow.review import spreadsheet

HEADER = ",".join(decisions.COLUMNS)
LINE = "aa,sha,FRUIT,keep,,Zoë,2026-01-31,it’s right"
CELLS = dict(zip(decisions.COLUMNS, LINE.split(","), strict=True))
TEXT = f"{HEADER}\r\n{LINE}\r\n"


def read(tmp_path, content: bytes | str, name: str = "queue.csv") -> list[dict]:
    """Return the cells of a file's rows."""
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    rows, problems = spreadsheet.read(path)
    assert problems == []
    return [row.cells for row in rows]


def refusal(tmp_path, content: bytes | str) -> str:
    with pytest.raises(UserError) as error:
        read(tmp_path, content)
    return str(error.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path, encoding):
    assert read(tmp_path, TEXT.encode(encoding)) == [CELLS]


def test_utf_16_of_the_other_byte_order(tmp_path):
    assert read(tmp_path, b"\xfe\xff" + TEXT.encode("utf-16-be")) == [CELLS]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TEXT.encode("utf-16-le"), "neither UTF-8, UTF-16 with a byte-order mark nor Windows-1252"),
        (TEXT.encode("cp1252") + b"\x81", "neither UTF-8"),
        (b"PK\x03\x04 and the rest of an .xlsx", "a workbook, not a CSV file; save it as 'CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0 and the rest of an .xls", "a workbook, not a CSV file"),
    ],
)
def test_bytes_that_are_no_text(tmp_path, content, message):
    assert message in refusal(tmp_path, content)


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("first", ["", "sep={}\r\n", '"sep={}"\r\n'])
def test_separators(tmp_path, delimiter, first):
    assert read(tmp_path, first.format(delimiter) + TEXT.replace(",", delimiter)) == [CELLS]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_blank_lines_and_lines_of_separators(tmp_path, end):
    assert read(tmp_path, f"{TEXT}\r\n,,,,,,,\r\n{LINE}".replace("\r\n", end)) == [CELLS, CELLS]


def test_line_numbers_count_the_sep_line_and_cells_of_several_lines(tmp_path):
    path = tmp_path / "queue.csv"
    path.write_text(f'sep=,\n{HEADER}\n\naa,sha,FRUIT,keep,,ana,2026-01-31,"two\nlines"\n{LINE}\n')
    assert [row.line for row in spreadsheet.read(path)[0]] == [4, 6]


def test_empty_columns_at_the_end_and_missing_cells(tmp_path):
    assert read(tmp_path, f"{HEADER},,,\n{LINE},,,\naa,sha,,keep\n") == [
        CELLS,
        CELLS | {"given_label": "", "reviewer": "", "decided_on": "", "note": ""},
    ]


def test_columns_in_another_order_and_case(tmp_path):
    names = ["Verdict", " NOTE", *(name for name in decisions.COLUMNS if name not in ("verdict", "note"))]
    line = ",".join(CELLS[name.strip().lower()] for name in names)
    assert read(tmp_path, f"{','.join(names)}\n{line}\n") == [CELLS]


def test_a_header_that_came_along_when_files_were_joined_is_no_row(tmp_path):
    assert read(tmp_path, TEXT + TEXT) == [CELLS, CELLS]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (HEADER.replace("verdict", "verdcit"), "column 'verdict' is missing, column 'verdcit' is unknown"),
        (f"{HEADER},mine", "column 'mine' is unknown"),
        (f"{HEADER},note", "column 'note' stands twice"),
        (HEADER.replace("verdict", ""), "column 'verdict' is missing, column '' is unknown"),
        (f'"{HEADER}"', "column 'id' is missing"),
        ("", "column 'id' is missing"),
    ],
)
def test_a_header_that_is_another(tmp_path, header, message):
    assert message in refusal(tmp_path, f"{header}\n{LINE}\n")


def test_an_empty_file_lacks_the_header(tmp_path):
    assert "column 'id' is missing" in refusal(tmp_path, "")


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"queue.csv: not found"):
        spreadsheet.read(tmp_path / "queue.csv")


def test_a_folder(tmp_path):
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        spreadsheet.read(tmp_path)


def test_conflict_markers(tmp_path):
    assert "line 2: Git conflict marker" in refusal(tmp_path, f"{HEADER}\n<<<<<<< HEAD\n{LINE}\n")


def test_an_open_quote(tmp_path):
    assert "line 3: not valid CSV" in refusal(tmp_path, f'{TEXT}aa,"never closed')


def test_a_line_with_too_many_cells(tmp_path):
    path = tmp_path / "queue.csv"
    path.write_text(f"{HEADER}\n{LINE}, and why\n{LINE}\n")
    rows, problems = spreadsheet.read(path)
    assert len(rows) == 1
    assert problems == ["line 2: 9 cells, the header has 8; quote cells with commas"]


@given(
    rows=st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=8, max_size=8).filter(
            lambda cells: cells[0].strip()
        ),
        min_size=1,
    ),
    delimiter=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_whatever_the_cells_they_come_back_without_outer_space(tmp_path_factory, rows, delimiter, encoding):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(decisions.COLUMNS)
    writer.writerows([decisions.guard(cell) for cell in cells] for cells in rows)
    path = tmp_path_factory.mktemp("sheet") / "queue.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    found, problems = spreadsheet.read(path)
    assert problems == []
    # Behind space, an apostrophe that a person wrote may be a guard's.
    for row, cells in zip(found, rows, strict=True):
        for own, cell in zip(row.cells.values(), cells, strict=True):
            assert own in (cell.strip(), decisions.unguard(cell.strip()))


@pytest.mark.parametrize(
    "cell",
    [
        "2026-01-31", "2026/1/31", "2026.01.31", "31.01.2026", "31.1.2026", "1/31/2026", "01/31/2026", "31/01/2026",
        "31-01-2026", "2026-01-31 00:00:00", "2026-01-31T00:00:00Z", "2026-01-31 12:30:01.5", "31.01.2026 00:00",
        "1/31/2026 0:00", "1/31/2026 12:00:00 AM",
    ],
)  # fmt: skip
def test_dates_of_all_countries(cell):
    assert spreadsheet.parse_date(cell) == "2026-01-31"


def test_a_time_in_utc_stays():
    assert spreadsheet.parse_date("2026-01-31T09:30:00Z") == "2026-01-31T09:30:00Z"
    with pytest.raises(ValueError, match="is not a date"):
        spreadsheet.parse_date("2026-02-31T09:30:00Z")


def test_a_date_with_equal_day_and_month_is_clear():
    assert spreadsheet.parse_date("02/02/2026") == "2026-02-02"


@pytest.mark.parametrize("cell", ["02/03/2026", "2-3-2026"])
def test_a_date_that_may_be_two_is_refused(cell):
    with pytest.raises(ValueError, match=f"decided_on '{cell}' may be 2026-02-03 or 2026-03-02; write the one that"):
        spreadsheet.parse_date(cell)


@pytest.mark.parametrize(
    "cell",
    ["31.01.26", "01/31/26", "46053", "yesterday", "2026-02-30", "31/02/2026", "2026-13-01", "31-Jan-26", "1.2.3"],
)
def test_dates_that_are_none(cell):
    with pytest.raises(ValueError, match="is not a date such as 2026-01-31"):
        spreadsheet.parse_date(cell)


@given(st.dates())
def test_every_date_comes_back(date):
    assert spreadsheet.parse_date(date.isoformat()) == date.isoformat()
    assert spreadsheet.parse_date(f"{date.day}.{date.month}.{date.year:04}") == date.isoformat()


@pytest.mark.parametrize("cell", ["Out of scope", "OUT_OF_SCOPE", " out-of-scope ", "out  of\nscope"])
def test_verdicts(cell):
    assert spreadsheet.parse_verdict(cell) == "out_of_scope"


@pytest.mark.parametrize("cell", ["1.23E+12", "1,23E+57", "1.2E-5", "12345678901234", "1234567890123450"])
def test_ids_that_became_numbers(cell):
    assert spreadsheet.is_rounded(cell)


@pytest.mark.parametrize("cell", ["12345678e90123af", "", "aa", "1.2.3"])
def test_ids_that_did_not(cell):
    assert not spreadsheet.is_rounded(cell)


@pytest.mark.parametrize(("cell", "seconds"), [("12,5", 12.5), ("12.5", 12.5), ("3", 3.0), ("", None)])
def test_times(cell, seconds):
    assert spreadsheet.parse_seconds(cell) == seconds
