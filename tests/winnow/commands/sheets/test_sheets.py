"""People's tables: what is read comes back as it was, in any format, and what is no table is named."""

import argparse
import bz2
import csv
import datetime
import decimal
import gzip
import io
import itertools
import json
import lzma
import os
import threading
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.commands import predict
from winnow.commands.sheets import cells, formats, options, rows, sink, source
from winnow.readers import lines, values

FURTHER = pa.schema([pa.field("said", pa.string()), pa.field("sure", pa.float64())])


def copy(path, out, text="text", guarded=True, **layout) -> list[str | None]:
    """Copy a file with two more columns; return the texts that were read."""
    found = []
    with formats.reading(str(path), None) as read, formats.writing(str(out), None) as written:
        rows = source.look(read, layout, [text])
        with sink.opened(written, rows, FURTHER, guarded) as sheet:
            for block in rows.blocks(text):
                found += block.texts
                said = [None if text is None else f"={len(text)}" for text in block.texts]
                sheet.add(block, {"said": said, "sure": [None if text is None else -0.5 for text in block.texts]})
        assert rows.rows == len(found)
    return found


NASTY = ["=1+1", "'=1+1", "-5", "+49 30 1", "@x", "\tx", "a;b", 'say "hi"', "two\nlines", "", "NULL", "1e5", "ß漢😀"]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "csv.gz"])
def test_separated_values_come_back_as_they_were(tmp_path, suffix):
    rows = [[text, other] for text, other in zip(NASTY, reversed(NASTY), strict=True)]
    path, out = (tmp_path / f"{name}.{suffix}" for name in ("in", "out"))
    made = io.StringIO(newline="")
    csv.writer(made, delimiter="\t" if suffix == "tsv" else ",").writerows([["text", "n"], *rows])
    data = made.getvalue().encode()
    path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    quoted = {"quote": '"'} if suffix == "tsv" else {}
    assert copy(path, out, **quoted) == [text or None for text in map(cells.unguard, NASTY)]

    opened = gzip.open if suffix.endswith("gz") else open
    with opened(out, "rt", encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file, delimiter="\t" if suffix == "tsv" else ",")
    assert header == ["text", "n", "said", "sure"]
    assert [[cells.unguard(cell) for cell in line[:2]] for line in lines] == [
        [cells.unguard(cell) for cell in row] for row in rows
    ]
    # No cell that a spreadsheet would run, and numbers stay numbers.
    assert not [cell for line in lines for cell in line if cell[:1] in tuple("=@\t\r") and cell[:1]]
    assert "-5" in [line[0] for line in lines]
    assert "'=1+1" in [line[0] for line in lines]
    assert {line[3] for line in lines} == {"", "-0.5"}
    assert texts_of(out, **quoted) == [text or None for text in map(cells.unguard, NASTY)]


def texts_of(path, **layout) -> list[str | None]:
    """What is written is read as what it was made of."""
    with formats.reading(str(path), None) as read:
        return [text for block in source.look(read, layout).blocks("text") for text in block.texts]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_guarded_cell_is_not_run_and_stands_for_what_it_was(cell):
    guarded = cells.guard(cell)
    assert cells.unguard(guarded) == cell
    assert guarded[:1] not in ("=", "@", "\t", "\r")
    assert guarded[:1] not in ("+", "-") or not set(guarded) & set("=(!|@ABCDEFXYZabcdfghijxyz")


def test_what_a_file_holds_beyond_cells_stays(tmp_path):
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    path.write_bytes("\ufefftext;n\r\neins;1\r\n\r\n;2\r\n".encode())
    assert copy(path, out) == ["eins", None]
    assert out.read_bytes() == b"text;n;said;sure\neins;1;'=4;-0.5\n;2;;\n"
    copy(path, out, guarded=False)
    assert b"eins;1;=4;-0.5" in out.read_bytes()
    path.write_bytes("text\nümläut\n".encode("utf-16"))
    assert copy(path, out) == ["ümläut"]
    path.write_bytes("text\nümläut\n".encode("cp1252"))
    assert copy(path, out, encoding="cp1252") == ["ümläut"]
    path.write_bytes(b"text\none\n\nthree\n")  # of one column: an empty text is a row
    assert copy(path, out) == ["one", None, "three"]


def test_a_line_of_json_stands_as_it_was(tmp_path):
    path, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = ['{"text": "a \\u00e9", "n": 1.50, "big": 123456789012345678901234567890}', '{"n":{"a":[1]}}', "", "{}"]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert copy(path, out) == ["a é", None, None]
    assert out.read_text(encoding="utf-8").splitlines() == [
        lines[0][:-1] + ', "said": "=3", "sure": -0.5}',
        '{"n":{"a":[1]}, "said": null, "sure": null}',
        '{"said": null, "sure": null}',
    ]
    copy(path, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        first, second, third = csv.DictReader(file)
    assert first == {"text": "a é", "n": "1.5", "big": "123456789012345678901234567890", "said": "'=3", "sure": "-0.5"}
    assert second["n"] == '{"a": [1]}'
    assert set(third.values()) == {""}


def test_json_gets_types_in_parquet(tmp_path):
    path, out = tmp_path / "in.jsonl", tmp_path / "out.parquet"
    rows = [
        {"text": "a", "i": 1, "f": 1, "b": True, "mixed": 1, "list": [1]},
        {"text": "half \ud800", "i": -2, "f": 0.5, "b": None, "mixed": "x"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    copy(path, out)
    table = pq.read_table(out)
    assert table.schema.field("i").type == pa.int64()
    assert table.schema.field("f").type == pa.float64()
    assert table.schema.field("b").type == pa.bool_()
    assert table["mixed"].to_pylist() == ["1", "x"]
    assert table["list"].to_pylist() == ["[1]", None]
    assert table["text"].to_pylist() == ["a", "half ?"]


def test_parquet_keeps_its_types(tmp_path):
    path, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    table = pa.table(
        {
            "text": pa.array(["a", None, "ccc"]).dictionary_encode(),
            "when": pa.array([datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)] * 3, pa.timestamp("ms", "UTC")),
            "money": pa.array([decimal.Decimal("1.10")] * 3),
            "nested": [[{"a": 1}], [], None],
            "bytes": [b"\x00\xff", b"", None],
            "small": pa.array([1, 2, 3], pa.int8()),
        }
    )
    pq.write_table(table, path, row_group_size=2)
    assert copy(path, out) == ["a", None, "ccc"]
    made = pq.read_table(out)
    assert made.drop_columns(["said", "sure"]).equals(table)
    assert made["said"].to_pylist() == ["=1", None, "=3"]
    for suffix in ("csv", "jsonl"):
        copy(path, tmp_path / f"out.{suffix}")
    first = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["nested"] == [{"a": 1}]
    assert first["when"].startswith("2020-01-01T00:00:00")
    assert first["money"] == "1.10"


def test_blocks_are_small_whatever_the_rows(tmp_path, monkeypatch):
    for module in (source, rows):
        monkeypatch.setattr(module, "BLOCK_CHARACTERS", 100)
        monkeypatch.setattr(module, "BLOCK_ROWS", 5)
    texts = ["x" * (number % 60) for number in range(40)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "in.parquet")
    (tmp_path / "in.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    (tmp_path / "in.csv").write_text("\n".join(["text", *texts]), encoding="utf-8")
    for name in ("in.parquet", "in.jsonl", "in.csv"):
        with formats.reading(str(tmp_path / name), None) as read:
            blocks = [block.texts for block in source.look(read).blocks("text")]
        assert [text or "" for block in blocks for text in block] == texts
        assert all(sum(len(text or "") for text in block[:-1]) < 100 and len(block) <= 5 for block in blocks)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (
            "in.csv",
            b"text,n\na,1\nb\n",
            r"in\.csv: line 3: 1 fields, the header has 2; mend the row, or delimiter, quote",
        ),
        (
            "in.csv",
            b'text,n\n"a,1\nb,2\n',
            r"in\.csv: line 2: a quote is opened and never closed; .*--quote none",
        ),
        ("in.csv", b"text\n\xff\xfa\n", r"in\.csv: byte 5 is not UTF-8; convert the file to UTF-8, or give --encoding"),
        ("in.csv", b"", r"in\.csv: line 1: there is no header"),
        ("in.csv", b"a,b\n1,2\n", r"in\.csv: there is no column 'text'; there are: a, b"),
        ("in.csv", b"text,text\n1,2\n", r"column 'text' stands 2 times"),
        ("in.csv.gz", b"text\n", r"in\.csv\.gz: cannot be read"),
        ("in.jsonl", b'{"text": "a"}\n{"text": \n', r"in\.jsonl: line 2: not valid JSON"),
        ("in.jsonl", b"[1]\n", r"in\.jsonl: line 1: not a JSON object"),
        ("in.jsonl", b'{"text": "\xff"}\n', r"in\.jsonl: byte 10 is not UTF-8; .*--encoding"),
        ("in.jsonl", b'{"text": "a"}\n{"text": 5}\n', r"in\.jsonl: row 2: 'text' is no text but 5"),
        ("in.parquet", b"PAR1", r"in\.parquet: truncated or damaged"),
        ("in.txt", b"a", r"in\.txt: which format\? give --format"),
        ("in.parquet.gz", b"a", r"in\.parquet\.gz: Parquet is compressed inside"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, name, data, message):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UserError, match=message), formats.reading(str(path), None) as read:  # noqa: PT012
        rows = source.look(read, texts=["text"])
        list(rows.blocks(*source.columns_of_texts(rows, ["text"], [], read.name)))


def test_a_line_without_end_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_DOCUMENT", 1000)
    for name, data in (("in.csv", "text\n" + "x" * 2000), ("in.jsonl", '{"text": "' + "x" * 2000)):
        (tmp_path / name).write_text(data, encoding="utf-8")
        with (
            pytest.raises(UserError, match=r"line \d is longer than 1000"),
            formats.reading(str(tmp_path / name), None) as read,
        ):
            source.look(read)


def test_a_file_that_is_cut_short_is_named(tmp_path):
    whole = gzip.compress(b"text\n" + b"a row of it\n" * 10_000)
    (tmp_path / "in.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cannot be read"), formats.reading(str(tmp_path / "in.csv.gz"), None) as read:
        source.look(read)


def test_a_parquet_file_of_fewer_rows_than_it_says_is_named(tmp_path):
    path, told = tmp_path / "in.parquet", ""
    pq.write_table(pa.table({"text": ["one", "two", None]}), path)
    sound = path.read_bytes()
    footer = len(sound) - 8 - int.from_bytes(sound[-8:-4], "little")
    for place, bit in itertools.product(range(footer, len(sound)), range(8)):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1 << bit]) + sound[place + 1 :])
        with suppress(UserError), formats.reading(str(path), None) as read:
            rows = source.look(read)
            try:
                assert sum(len(block.texts) for block in rows.blocks(rows.columns[0])) == rows.rows
            except UserError as error:
                told = str(error)
        if "3 rows, and 0" in told:
            break
    assert told == (
        f"{path}: truncated or damaged (it says that it has 3 rows, and 0 can be read); fetch or export it again"
    )


def test_moments_that_python_has_no_date_for_lose_no_digit(tmp_path):
    path, out = tmp_path / "in.parquet", tmp_path / "out.csv"
    far, fine = pa.array([2**62, 0], pa.timestamp("ms")), pa.array([1001, None], pa.timestamp("ns"))
    # A column that stands twice comes back twice.
    pq.write_table(pa.Table.from_arrays([pa.array(["a", "b"]), far, far, fine], ["text", "n", "n", "ns"]), path)
    assert copy(path, out) == ["a", "b"]
    first, second = f"{2**62}", "1970-01-01T00:00:00"
    assert out.read_text(encoding="utf-8") == (
        f"text,n,n,ns,said,sure\na,{first},{first},{second}.000001001,'=1,-0.5\nb,{second},{second},,'=1,-0.5\n"
    )


def of_columns(*names, inner=()) -> source.Source:
    rows = source.Source()
    rows.columns, rows.inner = list(names), list(inner)
    return rows


def test_the_columns_of_texts():
    assert source.columns_of_texts(of_columns("a", "text"), None, [], "f") == ["text"]
    assert source.columns_of_texts(of_columns("a", "body"), None, [["body"]], "f") == ["body"]
    assert source.columns_of_texts(of_columns("a"), None, [], "f") == ["a"]
    assert source.columns_of_texts(of_columns("a", "b", inner=["b.c"]), None, [["b.c"]], "f") == ["b.c"]
    with pytest.raises(UserError, match=r"f: which column holds the texts.*there are: a, b"):
        source.columns_of_texts(of_columns("a", "b"), None, [], "f")
    with pytest.raises(UserError, match="no column 'text'; there are: a, b"):
        source.columns_of_texts(of_columns("a", "b"), ["a", "text"], [], "f")
    assert source.columns_of_texts(of_columns("a", "b"), None, [["a", "c"], ["b"]], "f") == ["b"]
    assert source.columns_of_texts(of_columns("a", "b"), ["b"], [["a", "b"]], "f") == ["b"]
    assert source.columns_of_texts(of_columns("a", "b", "c"), None, [["b", "a"]], "f") == ["b", "a"]


def test_a_line_of_names_is_no_column_of_texts(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("Nr~Nachricht\n1~the a red one\n", encoding="utf-8")

    def columns(told, mapped, **layout):
        with formats.reading(str(path), None) as read:
            return source.columns_of_texts(source.look(read, layout, told), told, mapped, "odd.csv")

    said = r"odd\.csv: is read as one column, 'Nr~Nachricht', and 'Nachricht' stands in its name; give --delimiter SIGN"
    with pytest.raises(UserError, match=said):
        columns(None, [["a"], ["Betreff", "Nachricht"]])
    with pytest.raises(UserError, match=said):
        columns(["Nachricht"], [])
    assert columns(["Nachricht"], [], delimiter="~") == ["Nachricht"]
    assert columns(["Nr~Nachricht"], [["Nachricht"]]) == ["Nr~Nachricht"]
    assert columns(None, [["richt"]]) == ["Nr~Nachricht"]


CELLS = st.none() | st.sampled_from(["", " ", "a", "\n\n", "x'y", "ünï"])


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), st.sampled_from(["f.jsonl", "f.parquet", "f.csv"]))
def test_columns_are_joined_as_collect_joins_them(tmp_path_factory, rows, name):
    path = tmp_path_factory.mktemp("joined") / name
    table = pa.table(
        {"n": list(map(str, range(len(rows)))), "subject": [a for a, _ in rows], "body": [b for _, b in rows]}
    )
    if name.endswith("parquet"):
        pq.write_table(table, path)
    elif name.endswith("jsonl"):
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    else:
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([table.column_names, *zip(*table.to_pydict().values(), strict=True)])
    with formats.reading(str(path), None) as read:
        found = [text for block in source.look(read).blocks("subject", "body") for text in block.texts]
    columns = [values.strings(list(cells), "c", None) for cells in zip(*rows, strict=True)]
    assert [text or "" for text in found] == values.joined(columns).to_pylist()


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ("{text: body}", [["body"]]),
        ("{text: [subject, body]}", [["subject", "body"]]),
        ("{text: [3]}", []),
        ("{text: []}", []),
        ("{key: id}", []),
        ("text", []),
    ],
)
def test_what_the_sources_call_their_texts(columns, names, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(f"collect: {{sources: [{{name: a, columns: {columns}}}, b]}}\n")
    assert predict.mapped(None) == names


def test_a_tsv_without_quotes_is_read_and_written_as_it_is(tmp_path):
    path, out = tmp_path / "in.tsv", tmp_path / "out.tsv"
    path.write_bytes(b'text\tn\n"Oh no\t1\nno"\t2\n"a" b\t"3"\n')
    assert copy(path, out, guarded=False) == ['"Oh no', 'no"', '"a" b']
    assert out.read_bytes() == (b'text\tn\tsaid\tsure\n"Oh no\t1\t=6\t-0.5\nno"\t2\t=3\t-0.5\n"a" b\t"3"\t=5\t-0.5\n')
    path.write_bytes(b'text\tn\n"a ""b"""\t1\n')
    assert copy(path, out, quote='"') == ['a "b"']
    assert copy(path, out, quote=None) == ['"a ""b"""']
    with pytest.raises(UserError, match=r"line 2: its quotes look like .* give --quote '\"' if so, --quote none"):
        copy(path, out)


@pytest.mark.parametrize(
    ("name", "data", "layout", "texts"),
    [
        ("in.csv", b"sep=|\ntext|n\na;b|1\n", {}, ["a;b"]),
        ("in.csv", b"text!n\n'a!b'!1\n", {"delimiter": "!", "quote": "'"}, ["a!b"]),
        ("in.csv", b'text,n\n"a \\"b\\"",1\n', {"escape": "\\"}, ['a "b"']),
        ("in.csv", b"a,1\nb,2\n", {"header": ["text", "n"]}, ["a", "b"]),
        ("in.csv", b"text,n\ra,1\rb,2\r", {}, ["a", "b"]),
        ("in.csv", "text\tn\nä\t1\n".encode("utf-16"), {}, ["ä"]),
        ("in.jsonl", '{"text": "ä"}\n'.encode("utf-16"), {}, ["ä"]),
        ("in.jsonl", '{"text": "ä"}\n'.encode("cp1252"), {"encoding": "cp1252"}, ["ä"]),
        ("in.csv.xz", lzma.compress(b"text,n\na,1\n"), {}, ["a"]),
        ("IN.CSV.BZ2", bz2.compress(b"text,n\na,1\n"), {}, ["a"]),
        ("in.csv", gzip.compress(b"text,n\na,1\n", mtime=0), {}, ["a"]),
        ("in.csv.zst", pa.compress(b"text,n\na,1\n", "zstd", asbytes=True), {}, ["a"]),
    ],
)
def test_what_collect_reads_is_read(tmp_path, name, data, layout, texts):
    (tmp_path / name).write_bytes(data)
    assert copy(tmp_path / name, tmp_path / "out.jsonl", **layout) == texts


def test_texts_within_columns(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text('{"post": {"body": "owls", "by": {"name": "Ann"}}}\n{"post": {}}\n{"post": null}\n')
    assert copy(path, tmp_path / "out.jsonl", text="post.body") == ["owls", None, None]
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["post"]["by"] == {"name": "Ann"}
    pq.write_table(pa.table({"post": [{"body": "owls"}, None, {"body": ""}]}), tmp_path / "in.parquet")
    assert copy(tmp_path / "in.parquet", tmp_path / "out.parquet", text="post.body") == ["owls", None, None]


def test_a_key_that_stands_twice_is_named(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n{"text": "b", "text": "c"}\n')
    with pytest.raises(UserError, match=r'in\.jsonl: line 2: not valid JSON: key "text" stands twice in an object'):
        copy(tmp_path / "in.jsonl", tmp_path / "out.csv")


def test_what_is_said_of_a_file_on_the_command_line(tmp_path, monkeypatch):
    parser = argparse.ArgumentParser()
    options.configure(parser)
    monkeypatch.chdir(tmp_path)

    def told(*words: str) -> dict:
        return options.told(parser.parse_args(words))

    assert told() == {}
    assert told("--delimiter", "\\t", "--quote", "none", "--header", 'a,"b, c"', "--encoding", "cp1252") == {
        "delimiter": "\t", "quote": None, "header": ["a", "b, c"], "encoding": "cp1252",
    }  # fmt: skip
    entries = [
        {"name": "x", "kind": "file", "path": "x.csv", "format": "csv", "delimiter": ";", "columns": {"text": "t"}},
        {"name": "y", "base": "x", "quote": "'"},
    ]
    (tmp_path / "params.yaml").write_text(json.dumps({"collect": {"sources": entries}}))
    assert told("--source", "y", "--delimiter", "|") == {"format": "csv", "delimiter": "|", "quote": "'"}
    with pytest.raises(UserError, match=r"--source z: none of collect\.sources; there are x, y"):
        told("--source", "z")


def test_what_no_file_of_its_format_has_is_refused(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n')
    with pytest.raises(UserError, match="delimiter: only formats csv, tsv and conll have a delimiter"):
        copy(tmp_path / "in.jsonl", tmp_path / "out.csv", delimiter=";")
    with pytest.raises(UserError, match=r"out\.csv\.xz: written are plain files and \.gz; give another name"):
        copy(tmp_path / "in.jsonl", tmp_path / "out.csv.xz")


def test_no_device_and_no_pipe_is_replaced_by_a_file(tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    for name in (str(pipe), "/dev/null"):
        with pytest.raises(UserError, match="a device or a pipe, which a file would replace; give -"):
            formats.check_place(name)
        with pytest.raises(UserError, match="a device or a pipe"), formats.writing(name, "csv"):
            pass
    assert pipe.is_fifo()


def test_a_key_that_is_no_unicode_is_named(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "a", "\\ud800k": 1}\n')
    with pytest.raises(UserError, match=r'in.jsonl: key "\\ud800k" holds half a surrogate pair; rename it'):
        copy(path, tmp_path / "out.csv")


NAMES = ["\0te<!\r-", "a;b;c;d", "\ufefftext", "two\nlines", "a\r\nb", "x\ty|z", '"', "sep=;\nx", "=1", " ", "'"]


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_column_is_read_back(tmp_path, name, suffix):
    path, out = tmp_path / "in.jsonl", tmp_path / f"out.{suffix}"
    path.write_text(json.dumps({name: "a\rb", "n": "c\nd\r"}) + "\n", encoding="utf-8")
    copy(path, out, name)
    with formats.reading(str(out), None) as read:
        rows = source.look(read)
        assert rows.columns == [name, "n", "said", "sure"]
        assert [list(row) for block in rows.blocks(name) for row in block.cells()] == [["a\rb", "c\nd\r", "=3", "-0.5"]]


def test_a_name_that_a_table_without_quotes_cannot_hold_is_told(tmp_path):
    path = tmp_path / "in.tsv"
    path.write_bytes(b"\ntext\ta\rb\nmoss\t\n")  # the blank line's end tells how lines end
    with pytest.raises(UserError, match=r'the cell "a\\rb" holds a delimiter or a line\'s end'):
        copy(path, tmp_path / "out.tsv")
    assert copy(path, tmp_path / "out.csv") == ["moss"] == texts_of(tmp_path / "out.csv")


def test_a_pipe_is_read(tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writing = threading.Thread(target=lambda: pipe.write_text("text,n\nmoss,1\nan owl,2\n"))
    writing.start()
    assert copy(pipe, tmp_path / "out.csv") == ["moss", "an owl"]
    writing.join()


def test_a_place_where_no_file_can_be_is_named_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    for name, told in {"file/out.csv": "is no folder that you may write into", "x" * 300: "File name too long"}.items():
        with pytest.raises(UserError, match=told):
            formats.check_place(str(tmp_path / name))
    formats.check_place(str(tmp_path / "new/folder/out.csv"))


def test_a_link_stays_and_its_target_is_written(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/old.csv").write_text("before")
    for name, target in {"old.csv": "disk/old.csv", "new.csv": "disk/new.csv", "far.csv": "old.csv"}.items():
        (tmp_path / name).symlink_to(target)
        with formats.writing(str(tmp_path / name), None) as sheet:
            sheet.path.write_text(name)
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / name).resolve().read_text() == name
        assert (tmp_path / name).resolve().parent == tmp_path / "disk"
    with suppress(ZeroDivisionError), formats.writing(str(tmp_path / "old.csv"), None) as sheet:
        sheet.path.write_text(f"half {1 / 0}")
    assert (tmp_path / "disk/old.csv").read_text() == "far.csv"
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == ["new.csv", "old.csv"]


def test_links_to_a_folder_a_device_or_one_another_are_named(tmp_path):
    (tmp_path / "one.csv").symlink_to(tmp_path / "other.csv")
    (tmp_path / "other.csv").symlink_to(tmp_path / "one.csv")
    (tmp_path / "folder.csv").symlink_to(tmp_path)
    (tmp_path / "null.csv").symlink_to("/dev/null")
    for name, told in {
        "one": "Too many levels",
        "folder": "a folder; name a file",
        "null": "a device or a pipe",
    }.items():
        with pytest.raises(UserError, match=rf"{name}\.csv: {told}"):
            formats.check_place(str(tmp_path / f"{name}.csv"))


def test_a_file_that_must_not_be_written_is_named(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.touch()
    monkeypatch.setattr(os, "access", lambda asked, mode: asked != path)
    with pytest.raises(UserError, match="a file that you may not write"):
        formats.check_place(str(path))


TEXTS = st.text(st.sampled_from("ab\t\r\n\"',; =-@\u2028ß字"), max_size=8)


@given(st.lists(TEXTS, min_size=1, max_size=4), st.sampled_from(["csv", "tsv", "csv.gz", "tsv.gz"]), st.booleans())
def test_any_text_that_is_written_is_read_back_by_our_own_reader(tmp_path_factory, texts, suffix, guarded):
    folder = tmp_path_factory.mktemp("sheets")
    (folder / "in.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    copy(folder / "in.jsonl", folder / f"out.{suffix}", guarded=guarded)
    assert texts_of(folder / f"out.{suffix}") == [(text if guarded else cells.unguard(text)) or None for text in texts]
