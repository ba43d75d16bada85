"""Tables as people and programs write them: what is read, and the line that says what would mend it."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.readers import tabular
from winnow.readers.tabular import QUOTE, Dialect

USUAL = Dialect()
UNQUOTED = Dialect("\t", None, is_told=False)  # what a TSV is without a word about it


def read(data: bytes | str, dialect: Dialect = USUAL, columns=("text", "label")) -> list[tuple]:
    stream = io.BytesIO(data.encode() if isinstance(data, str) else data)
    return [
        (record.place.removeprefix("f, "), record.problem.split(";")[0]) if record.problem else record.values
        for record in tabular.read_csv(stream, "f", list(columns), dialect)
    ]


ROWS = [("nice film", "pos"), ("bad, long film", "neg")]
HEAD = "text,label\n"


@pytest.mark.parametrize(
    ("data", "dialect", "rows"),
    [
        # Excel in Europe: semicolons, a line that says so, UTF-16 or an old code page.
        ("sep=;\ntext;label\nnice film;pos\nbad, long film;neg\n", Dialect(), ROWS),
        ('"sep=;"\r\ntext;label\r\nnice film;pos\r\nbad, long film;neg\r\n', Dialect(), ROWS),
        ("\ufeffSEP=;\ntext;label\nnice film;pos\nbad, long film;neg\n", Dialect(), ROWS),
        ("sep=\t\ntext\tlabel\nnice film\tpos\nbad, long film\tneg", Dialect(), ROWS),
        ("sep=;\ntext;label\nnice film;pos\nbad, long film;neg\n", Dialect("|"), ROWS),
        ("sep=;\nnice film;pos\n", Dialect(header=["text", "label"]), ROWS[:1]),
        ("text;label\nschön;pos\n".encode("utf-16"), Dialect(";"), [("schön", "pos")]),
        ("text;label\nschön;pos\n".encode("utf-32"), Dialect(";"), [("schön", "pos")]),
        ("sep=;\r\ntext;label\r\nschön;pos\r\n".encode("utf-16-be"), Dialect(encoding="utf-16-be"), [("schön", "pos")]),
        ("text;label\nschön – €;pos\n".encode("cp1252"), Dialect(";", encoding="cp1252"), [("schön – €", "pos")]),
        ("\ufefftext;label\nschön;pos\n".encode(), Dialect(";", encoding="cp1252"), [("schön", "pos")]),
        # Tables of language data: nothing is quoted.
        (
            'text\tlabel\n"Oh no, not again\tneg\nA fine film\tpos\nWhat a film"\tpos\n"Great" film\tpos\n',
            UNQUOTED,
            [("\"Oh no, not again", "neg"), ("A fine film", "pos"), ('What a film"', "pos"), ('"Great" film', "pos")],
        ),
        ('text\tlabel\n"\tpos\n""\tneg\n', UNQUOTED, [('"', "pos"), ('""', "neg")]),
        ('text\tlabel\n"He said ""no"""\tneg\n"Oh\tpos\n', UNQUOTED, [('"He said ""no"""', "neg"), ('"Oh', "pos")]),
        ('text\tlabel\n"He said ""no"""\tneg\n', Dialect("\t", None), [('"He said ""no"""', "neg")]),
        ('text\tlabel\n"He said ""no"""\tneg\n', Dialect("\t"), [('He said "no"', "neg")]),
        ("text|label\na \"b|pos\n", Dialect("|", None), [('a "b', "pos")]),
        ("text\tlabel\r\na\rb\tpos\r\n\r\nc\tneg", UNQUOTED, [("a\rb", "pos"), ("c", "neg")]),
        ("text\tlabel\na\x0bb\x0cc\x85d\u2028e\tpos\n", UNQUOTED, [("a\x0bb\x0cc\x85d\u2028e", "pos")]),
        # Quotes and escapes.
        (HEAD + '"a ""b"" c",pos\n', Dialect(), [('a "b" c', "pos")]),
        (HEAD + '"a \\"b\\" c",pos\n', Dialect(escape="\\"), [('a "b" c', "pos")]),
        (HEAD + "'it''s, fine',pos\n", Dialect(quote="'"), [("it's, fine", "pos")]),
        (HEAD + 'a 5" disk,pos\n', Dialect(), [('a 5" disk', "pos")]),
        (HEAD + '"two\r\nlines\n\n",pos\n', Dialect(), [("two\r\nlines\n\n", "pos")]),
        ("text,label\na\\,b,pos\n", Dialect(quote=None, escape="\\"), [("a,b", "pos")]),
        # Line ends.
        ("text,label\ra,pos\r\"b\rc\",neg\r", Dialect(), [("a", "pos"), ("b\rc", "neg")]),
        ("text,label\ra,pos", Dialect(encoding="mac-roman"), [("a", "pos")]),
        (HEAD + "a\rb,pos\r\nc\r,neg\n", Dialect(), [("a\rb", "pos"), ("c\r", "neg")]),
        ("\r\n\ntext,label\n\na,pos\n\n", Dialect(), [("a", "pos")]),
        # Delimiters at the end, NUL, long fields.
        (HEAD + "a,pos,\nb,neg,,\n", Dialect(), [("a", "pos"), ("b", "neg")]),
        ("text,label,\na,pos,\n", Dialect(), [("a", "pos")]),
        (HEAD + "a\0b,pos\n", Dialect(), [("a\0b", "pos")]),
        (HEAD + "x" * 200_000 + ",pos\n", Dialect(), [("x" * 200_000, "pos")]),
        # Nothing.
        ("", Dialect(), []),
        ("\ufeff", Dialect(), []),
        ("\n\r\n\n", Dialect(), []),
        ("sep=;\n", Dialect(), []),
        (HEAD, Dialect(), []),
        ("", Dialect(header=["text", "label"]), []),
        # Rows that are none.
        (HEAD + "a\nb,c,pos\nd,neg\n", Dialect(), [
            ("line 2", "1 fields, the header has 2"), ("line 3", "3 fields, the header has 2"), ("d", "neg")]),
        ("sep=;\n\ntext;label\n\na\n", Dialect(), [("line 5", "1 fields, the header has 2")]),
        ("text\tlabel\na\n\nb\tpos\n", UNQUOTED, [("line 2", "1 fields, the header has 2"), ("b", "pos")]),
        (HEAD + '"a"b,pos\nc,neg\n', Dialect(), [("line 2", "not valid CSV: ',' expected after '\"'"), ("c", "neg")]),
    ],
)  # fmt: skip
def test_rows(data, dialect, rows):
    assert read(data, dialect) == rows


@pytest.mark.parametrize(
    ("data", "dialect", "parts"),
    [
        ("text;label\na;pos\n", Dialect(), ['it has text;label; give delimiter: ";" in', "to name text, label"]),
        ('"text";"label"\na;pos\n', Dialect(), ['give delimiter: ";" in', "to name text, label"]),
        ("text\tlabel\na\tpos\n", Dialect(), ['give delimiter: "\\t" in']),
        ("text,label\na,pos\n", UNQUOTED, ['give delimiter: "," in']),
        ("text;label\na;pos\n", Dialect("|", None), ['give delimiter: ";" in']),
        ('"text"\t"label"\n"a"\t"pos"\n', Dialect("\t", None), [r'give quote: "\"" in', "to name text, label"]),
        ("text;label\na;pos\n".encode("utf-16-le"), Dialect(), ['give encoding: "utf-16-le"']),
        ("Text,label \na,pos\n", Dialect(), ["'text' is missing; it has Text, 'label '; 'Text' is another name"]),
        ("I love it,pos\na,neg\n", Dialect(), ["it has I love it, pos", "give header"]),
        ("text,text,label\n1,2,3\n", Dialect(), ["line 1: column 'text' stands 2 times; rename one"]),
        ("1,2,3\n", Dialect(header=["text", "text", "label"]), ["column 'text' stands 2 times; rename one"]),
        (HEAD + 'a,pos\n"b,neg\nc,pos\n', Dialect(), ["line 3: a quote is opened and never closed", "quote: null"]),
        ('"text,label\na,pos\n', Dialect(), ["line 1: a quote is opened and never closed"]),
        ('text\tlabel\n"a"\tpos\n"He said ""no"""\tneg\n', UNQUOTED, ["f: line 3", r'give quote: "\"" in']),
        ('text\tlabel\n"say ""no"""\tpos\n"a\tb"\tneg\n', UNQUOTED, ["f: line 2", r'give quote: "\"" in']),
    ],
)  # fmt: skip
def test_the_line_names_the_parameter_and_its_value(data, dialect, parts):
    with pytest.raises(UserError) as error:
        read(data, dialect)
    assert "\n" not in str(error.value)
    assert [part for part in parts if part not in str(error.value)] == []


def test_a_field_beyond_all_documents_is_a_quote_that_is_never_closed(monkeypatch):
    monkeypatch.setattr(tabular, "MAX_FIELD", 100)
    with pytest.raises(UserError, match=r"f: line 3: a field is longer than \d+ characters; close the quote"):
        read(HEAD + 'a,pos\n"' + "b,neg\n" * 100 + '"')


def test_rows_that_are_too_long_for_an_unquoted_table_name_the_quote():
    stream = io.BytesIO(b'text\tlabel\n"a\tb"\tpos\n')
    (record,) = tabular.read_csv(stream, "f", ["text"], UNQUOTED)
    assert 'give quote: "\\"" in its entry' in record.problem


CHARS = st.characters(exclude_categories=["Cs"])
CELLS = st.text(CHARS | st.sampled_from("\"'\\\n\r\t,;|"), max_size=8)
PLAIN = st.text(CHARS.filter(lambda char: char not in "\r\n\t"), max_size=8)


@given(
    rows=st.lists(st.tuples(CELLS, CELLS), max_size=5),
    delimiter=st.sampled_from([",", ";", "\t", "|", "§"]),
    quote=st.sampled_from([QUOTE, "'", "«"]),
    escape=st.sampled_from([None, "\\", "!"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"]),
)
def test_what_the_csv_module_writes_in_any_dialect_is_read(rows, delimiter, quote, escape, encoding):
    text = io.StringIO(newline="")
    marks = {"delimiter": delimiter, "quotechar": quote, "escapechar": escape, "doublequote": escape is None}
    csv.writer(text, **marks, quoting=csv.QUOTE_ALL).writerows([("text", "label"), *rows])
    data = text.getvalue().encode(encoding)
    dialect = Dialect(delimiter, quote, "utf-8" if encoding == "utf-8-sig" else encoding, escape=escape)
    assert read(data, dialect) == rows


@given(rows=st.lists(st.tuples(PLAIN.filter(bool), PLAIN), max_size=5), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_what_is_joined_by_tabs_is_read(rows, end):
    text = "".join(f"{one}\t{other}{end}" for one, other in [("text", "label"), *rows])
    assert read(text, Dialect("\t", None)) == rows


def test_a_header_that_stands_once_more_is_no_row():
    """As where exports were put behind each other; it would be a class of its own."""
    again = "the names of the columns once more, as where files were put behind each other"
    assert read(f"{HEAD}nice film,pos\n{HEAD}a,neg\n") == [("nice film", "pos"), ("line 3", again), ("a", "neg")]
    header = Dialect(header=["text", "label"])
    assert read(f"{HEAD}a,neg\n", header) == [("line 1", again), ("a", "neg")]
    assert read("text,label,more\ntext,label,\n") == [("text", "label")]
    assert read("text\ntext\n", columns=["text"]) == [("text",)]


@given(
    data=st.binary() | st.text(CHARS | st.sampled_from("\"',;\t\r\n\\")).map(str.encode),
    dialect=st.builds(
        Dialect,
        delimiter=st.sampled_from([",", "\t"]),
        quote=st.sampled_from([QUOTE, None]),
        encoding=st.sampled_from(["utf-8", "cp1252", "utf-16", "shift_jis"]),
        header=st.sampled_from([None, ["a", "b"]]),
        escape=st.sampled_from([None, "\\"]),
        is_told=st.booleans(),
    ),
)
def test_any_bytes_are_rows_or_a_line_that_says_why_not(data, dialect):
    names = dialect.header or []
    message, records = "", []
    try:
        records = list(tabular.read_csv(io.BytesIO(data), "f", names, dialect))
    except UserError as error:
        message = str(error)
    assert "\n" not in message
    assert all(record.place.startswith("f, line") for record in records)


@pytest.mark.parametrize(
    "head", ['"text"\t"label"\n', '"text"\t"label"\r\n', '"text"\t"the\n label"\n', '"a ""text"""\t"label"\n']
)
def test_a_tsv_of_which_the_header_is_quoted_has_quotes(head):
    columns = next(csv.reader([head.replace("\n ", "")], delimiter="\t"))[:1]
    assert read(head + '"two\nlines\tof ""it"""\tb\n', UNQUOTED, columns) == [('two\nlines\tof "it"',)]


def test_a_tsv_whose_header_is_not_all_quoted_has_none():
    assert read('"text"\tlabel\n"a"\tb\n', UNQUOTED, ['"text"', "label"]) == [('"a"', "b")]
    assert read('"a"\tb\n', Dialect("\t", None, header=["text", "label"], is_told=False)) == [('"a"', "b")]
    assert read('"text"\t"label"\n"a"\tb\n', Dialect("\t", None), ['"text"', '"label"']) == [('"a"', "b")]
