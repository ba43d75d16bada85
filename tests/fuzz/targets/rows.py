"""Files of rows as `collect` reads them: every row counts or is refused, and what was written is read back."""

import bz2
import csv
import gzip
import io
import json
import lzma
import sqlite3
import tempfile
import zipfile
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stages.collect.sources import mapping
from stages.collect.sources.file import LocalFiles
from stages.collect.sources.labels import Labels
from stages.collect.sources.sql import Query
from tests.fuzz.targets import Target, answered, expect
from winnow import kinds
from winnow.base import params
from winnow.kinds import task as tasks
from winnow.kinds.classification.labels import Task
from winnow.kinds.multilabel import labels as multilabel
from winnow.kinds.token_classification import labels as spans
from winnow.readers import charsets, dates, tabular
from winnow.readers.tabular import Dialect

TASK = Task(kind="classification", labels=["A", "B"])
SETS = multilabel.Task(kind="multilabel", labels=["A", "B"], delimiter="|", unlisted="leave_out")
SPANS = spans.Task(kind="token_classification", labels=["A", "B"], overlap="longest")
YEARS = (1900, 2100)
COLUMNS = {"text": "text", "key": "id", "label": "label", "published": "date", "group": "who", "meta": ["more"]}
PLAIN = {"text": ["text", "more"], "label": "label"}
SMALL = {"text": "text"}

ROWS = [
    ["id", "text", "label", "date", "who", "more"],
    ["1", "A first text, with a comma", "A", "2021-03-05", "ann", "1,5"],
    ["2", 'A "quoted" text\nof two lines', "B", "5 Mar 2021", "bo", ""],
    ["3", "Größe: 3 €; naïve", "A", "2021-03-05T23:30:00-05:00", "ann", "x"],
    ["4", "", "", "", "", ""],
    ["5", "日本語の文章 と 한국어", "B", "20210305", "李", "=1+1"],
]


def table(delimiter: str = ",", end: str = "\n", encoding: str = "utf-8", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    """Return rows as a table of text."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows(ROWS)
    return out.getvalue().encode(encoding, "replace")


def lines(rows: list[list[str]] = ROWS) -> bytes:
    """Return rows as JSON Lines."""
    head, *body = rows
    return b"".join(json.dumps(dict(zip(head, row, strict=True))).encode() + b"\n" for row in body)


def parquet(**columns: pa.Array) -> bytes:
    """Return columns as Parquet."""
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def zipped(content: dict[str, bytes]) -> bytes:
    """Return files as a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def collect(entry: dict, model: type, folder: Path, task: tasks.Task = TASK) -> int | None:
    """Read a source to its end; return its rows and refusals, None where it says what is wrong."""

    def read() -> int:
        source = params.parse({"name": "s", "licence": "x", "purpose": "task", **entry}, model, "source")
        cells = kinds.load(task, "cells") if kinds.has(task, "cells") else None
        labels, count = Labels(task, cells), 0
        for block in source.open(folder, folder).blocks:
            kept, refused = mapping.rows(block, source, labels, YEARS)
            kept.validate(full=True)
            expect(kept.num_rows + len(refused) == len(block.places), "a row is neither kept nor refused")
            count += len(block.places) + len(block.problems) + len(block.superseded)
        list(labels.alike())
        counts.append(count)
        labels.check(source)
        return count

    counts: list[int] = []  # labels that are none raise after all rows were read
    found = answered(read)
    return counts[0] if found is None and counts else found


def file(name: str, layouts: list[dict], data: bytes, folder: Path) -> int | None:
    """Read a file in one of several ways, which its first byte chooses."""
    layout = layouts[data[0] % len(layouts)] if data else layouts[0]
    (folder / name).write_bytes(data[1:])
    return collect({"kind": "file", "path": name, "columns": PLAIN, **layout}, LocalFiles, folder)


CSV = [
    {"format": "csv", "columns": COLUMNS},
    {"format": "csv", "columns": PLAIN, "delimiter": ";", "decimal": ","},
    {"format": "tsv", "columns": PLAIN},
    {"format": "tsv", "columns": PLAIN, "quote": '"'},
    {"format": "csv", "columns": PLAIN, "quote": "'", "escape": "\\"},
    {"format": "csv", "columns": PLAIN, "quote": None},
    {"format": "csv", "columns": PLAIN, "encoding": "utf-16"},
    {"format": "csv", "columns": PLAIN, "encoding": "cp1252"},
    {"format": "csv", "columns": PLAIN, "encoding": "gb18030"},
    {"format": "csv", "columns": {"text": "a", "label": "b"}, "header": ["a", "b", "c", "d", "e", "f"]},
    {"format": "csv", "columns": COLUMNS | {"published_format": ["%d.%m.%Y", "unix", "excel", "quarter"]}},
    {"format": "csv", "columns": PLAIN, "encoding": "utf-7"},
    {"format": "csv", "columns": PLAIN, "encoding": "iso2022_jp"},
]
JSONL = [
    {"format": "jsonl", "columns": COLUMNS},
    {"format": "jsonl", "columns": {"text": ["text", "in.er"], "label": "label", "meta": ["in.a.b"]}},
    {"format": "jsonl", "columns": PLAIN, "encoding": "cp1252"},
]
NESTED = b'{"text": "a", "in": {"er": "b", "a": {"b": 1}}, "label": "A", "more": 1.5}\n'


def jsonl(data: bytes, folder: Path) -> None:
    """Read JSON Lines: each line that is not blank is a row or a refusal."""
    found = file("rows.jsonl", JSONL, data, folder)
    body = data[1:]
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return
    if (
        found is not None
        and data
        and data[0] % len(JSONL) < 2
        and "\r" not in text
        and not body.startswith((b"\xff", b"\xfe"))
    ):
        there = sum(bool(line.removeprefix("\ufeff").strip()) for line in text.split("\n"))
        expect(found == there, f"{there} lines gave {found} rows")


LISTED = [
    {"text": "one two three", "of": ["A", "B"]},
    {"text": "one two three", "of": '["A", "C"]'},
    {"text": "one two three", "of": "A|B"},
    {"text": "one two three", "of": [[0, 3, "A"], [4, 7, "B"]]},
    {"text": "one two three", "of": [{"start": 0, "end": 3, "label": "A", "text": "one"}]},
    {"text": ["one", "two", "three"], "of": ["B-A", "I-A", "O"]},
    {"text": "one two three", "of": "O B-A I-A"},
    {"text": "one two three", "of": {"start": [0], "end": [3], "label": ["B"]}},
    {"text": "one two three", "of": [{"result": [{"value": {"start": 0, "end": 3, "labels": ["A"]}}]}]},
]


def listed(data: bytes, folder: Path) -> None:
    """Read labels that are lists: sets of them, and spans."""
    task = SPANS if data[:1] >= b"\x80" else SETS
    layout = {"kind": "file", "path": "rows.jsonl", "format": "jsonl", "columns": {"text": "text", "label": "of"}}
    if task is SPANS and data[0] % 4:
        layout["offsets"] = ("characters", "utf16", "bytes")[data[0] % 4 - 1]
    (folder / "rows.jsonl").write_bytes(data[1:])
    collect(layout, LocalFiles, folder, task)


PARQUET = [
    parquet(text=["a", None, "c"], label=["A", "B", None], more=[1, 2, 3]),
    parquet(text=pa.array(["a", "b"]).dictionary_encode(), label=["A", "B"], more=[[1], [2]]),
    parquet(text=pa.array([b"a", b"\xff"]), label=[True, False], more=[1.5, float("nan")]),
    parquet(text=pa.array(["x"] * 3000), label=["A"] * 3000, more=pa.array([2**62] * 3000, pa.timestamp("ns"))),
    parquet(text=[{"a": "x"}], label=[None], more=pa.array([1], pa.date32())),
]
ARCHIVES = {
    "zip": lambda data: zipped({"a.csv": data, "b/c.csv": table()}),
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: pa.compress(data, "zstd", asbytes=True),
}


def archive(data: bytes, folder: Path) -> None:
    """Read what an archive holds, by its name and by its bytes alone."""
    names = [f"rows.csv.{end}" if end != "zip" else "rows.zip" for end in ARCHIVES] + ["rows"]
    layouts = [{"format": "csv"}, {"format": "text", "columns": {"text": "body"}}, {"format": "jsonl"}]
    layouts += [{"format": "eml", "columns": {"text": "body"}}, {"format": "parquet"}]
    number = data[0] if data else 0
    layout = layouts[number // 6 % len(layouts)]
    file(names[number % 6], [layout], data, folder)


def repacked(data: bytes) -> bytes:
    """Return changed bytes in an archive of the kind that their first byte chooses."""
    number = data[0] if data else 0
    kinds = list(ARCHIVES.values())
    return bytes([number]) + kinds[number % 6 % len(kinds)](data[1:])


def database() -> bytes:
    """Return a SQLite file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.db"
        connection = sqlite3.connect(path)
        connection.execute("create table rows (id, text, label, date, who, more)")
        connection.executemany("insert into rows values (?, ?, ?, ?, ?, ?)", ROWS[1:])
        connection.execute("insert into rows values (7, x'ff', 1.5, 5, null, x'00')")
        connection.commit()
        connection.close()
        return path.read_bytes()


QUERIES = (
    "select * from rows order by id",
    "select text as text, label, more from rows",
    "select cast(x'ff' as text) as text, 1 as label, 1 as more",
    "select 1 as text, 1e999 as label, 9223372036854775807 as more",
    "drop table rows",
    "select text, text, label, more from rows",
    "",
)


def sql(data: bytes, folder: Path) -> None:
    """Read a query: one of ours of a changed database, or a changed one of a sound database."""
    number = data[0] if data else 0
    if number % 2:
        (folder / "rows.db").write_bytes(data[1:])
        query = QUERIES[number // 2 % len(QUERIES)]
    else:
        (folder / "rows.db").write_bytes(DATABASE)
        query = data[1:].decode("utf-8", "replace")
    if len(query) < 2000:  # of a long one the database says that it is long
        collect({"kind": "sql", "url": "sqlite:///rows.db", "query": query, "columns": PLAIN}, Query, folder)


DATABASE = database()


def cells(data: bytes) -> list[list[str]]:
    """Return bytes as rows of texts, as wide as the first."""
    rows = [line.split("\x1f") for line in data.decode("utf-8", "replace").split("\x1e")]
    return [(row + [""] * len(rows[0]))[: len(rows[0])] for row in rows]


CELLS = b"\x1e".join("\x1f".join(row).encode() for row in ROWS)


def round_trip(data: bytes, folder: Path) -> None:
    """Write rows as the csv module does, and read them back."""
    number, (_, *rows) = data[0] if data else 0, cells(data[1:])
    if not rows:
        return
    header = [f"c{place}" for place in range(len(rows[0]))]
    delimiter, end = (",", ";", "\t", "|")[number % 4], ("\n", "\r\n")[number // 4 % 2]
    # The csv module writes a return in a cell without quotes, where it cannot be told from a line's end.
    returns = any("\r" in cell for row in rows for cell in row)
    quoting = csv.QUOTE_ALL if returns else (csv.QUOTE_ALL, csv.QUOTE_MINIMAL)[number // 8 % 2]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows([header, *rows])
    stream = io.BytesIO(out.getvalue().encode())
    found = list(tabular.read_csv(stream, "rows.csv", header, Dialect(delimiter)))
    expect(not any(one.problem for one in found), "a row that csv wrote is refused")
    expect([list(one.values) for one in found] == rows, "what csv wrote is read as something else")


def date(data: bytes, folder: Path) -> None:
    """Read a date, and check the form that follows it."""
    value, _, form = data.decode("utf-8", "surrogateescape").partition("\n")
    dates.hint(value)
    for name in dates.FORMS:
        found = dates.read(value, [name])
        expect(found is None or found.isoformat() == found.strftime("%Y-%m-%d").rjust(10, "0"), "no day")
    try:
        dates.check(form)
    except ValueError:
        return
    dates.read(value, [form])


def charset(data: bytes, folder: Path) -> None:
    """Decode bytes of the charset that the first line names."""
    label, _, body = data.partition(b"\n")
    found = charsets.decode(body, label.decode("latin-1") or None, ["koi8-r"])
    found.text.encode("utf-8", "surrogatepass")
    expect(
        bool(found.text) or len(body) < 8 or not body.strip(b"\0\x1b\x0e\x0f+-~{}$()@AB[JH \r\n"),
        "no character of a text",
    )


LABELS = (
    b"utf-8",
    b"iso-8859-1",
    b"iso-2022-jp",
    b"gb2312",
    b"utf-7",
    b"big5",
    b"hz",
    b"iso-2022-kr",
    b"utf-16",
    b"utf-32",
    b"cp037",
    b"x",
    b"shift_jis",
    b"euc-jp",
    b"windows-874",
    b"ibm866",
    b"base64",
    b"rot13",
    b"idna",
    b"punycode",
    b"unicode_escape",
    b"mbcs",
    b"undefined",
    b"zlib",
    b"utf-8-sig",
)
JAPANESE = "日本語".encode("iso-2022-jp")

TARGETS = {
    "csv": Target(
        partial(lambda data, folder: file("rows.csv", CSV, data, folder)),
        [
            bytes([0]) + table(),
            bytes([1]) + table(";"),
            bytes([2]) + table("\t", quoting=csv.QUOTE_ALL),
            bytes([6]) + table(encoding="utf-16"),
            bytes([7]) + table(encoding="cp1252"),
            bytes([0]) + table(end="\r"),
            bytes([9]) + table(),
            bytes([10]) + table(end="\r\n"),
            bytes([0]) + b"sep=;\r\n" + table(";", "\r\n"),
        ],
        [b"sep=;\n", b'""', b'",', b"text", b"label", b"id"],
    ),
    "jsonl": Target(
        jsonl,
        [bytes([0]) + lines(), bytes([1]) + NESTED * 3, bytes([2]) + lines()],
        [b'"text": ', b"\n", b'"in": {"er": ', b"{", b'"a":1,"a":2'],
    ),
    "listed": Target(
        listed,
        [
            bytes([number]) + b"".join(json.dumps(row).encode() + b"\n" for row in rows)
            for number, rows in ((0, LISTED[:3]), (128, LISTED[3:5]), (129, LISTED[5:7]), (130, LISTED[7:]))
        ],
        [b'"of": ', b'"start": ', b'["A"]', b'[[0,3,"A"]]', b'"B-A"', b"\\ud83d\\ude00"],
    ),
    "parquet": Target(
        lambda data, folder: file(
            "rows.parquet", [{"format": "parquet"}, {"format": "parquet", "columns": {"text": "text.a"}}], data, folder
        ),
        [bytes([0]) + one for one in PARQUET] + [bytes([1]) + PARQUET[-1]],
        [b"PAR1"],
    ),
    "text": Target(
        lambda data, folder: file(
            "rows.txt",
            [
                {"format": "text", "columns": {"text": "body", "label": "folder"}, "encoding": encoding}
                for encoding in ("utf-8", "cp1252", "utf-16", "gb18030")
            ],
            data,
            folder,
        ),
        [bytes([number]) + b"A text.\n" for number in range(4)],
    ),
    "archive": Target(
        archive,
        [bytes([number]) + pack(table()) for number, pack in enumerate(ARCHIVES.values())]
        + [bytes([6 * number]) + ARCHIVES["zip"](b"a") for number in range(5)],
        [b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"],
        repacked,
    ),
    "sql": Target(
        sql,
        [bytes([1 + 2 * number]) + DATABASE for number in range(3)]
        + [bytes([0]) + query.encode() for query in QUERIES],
        [b"select ", b" from rows", b"union all select ", b" order by ", b"pragma ", b"--", b":a", b"%s", b"?"],
    ),
    "round_trip": Target(
        round_trip, [bytes([number]) + CELLS for number in range(8)], [b"\x1e", b"\x1f", b"\x1e\x1f", b"sep=;"]
    ),
    "dates": Target(
        date,
        [
            b"2021-03-05\n%d.%m.%Y",
            b"5 Mar 2021\n%b %d, %Y",
            b"2021-Q1\nunix",
            b"44260.5\n%Y%j",
            b"1614902400\n%G-W%V-%u",
        ],
        [b"%Y", b"%m", b"%U", b"%z", b"%s", b"%%", b"W01", b"T24:00", b"+14:00", b"e99"],
    ),
    "charsets": Target(
        charset,
        [label + b"\n" + "Größe 日本語 €".encode() for label in LABELS]
        + [label + b"\n" + JAPANESE + b" a +AGE- ~{VPND~}" for label in LABELS],
        [*LABELS, b"\x1b$B", b"\x1b(B", b"\x0e", b"\x0f", b"~{", b"~}", b"+AGE-"],
    ),
}
