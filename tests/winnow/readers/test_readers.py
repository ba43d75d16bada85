import csv
import gzip
import io
import json
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.collect import medline
from winnow.base.errors import UserError
from winnow.readers import BLOCK_ROWS, Block, Record, blocks, jsonl, lines, parquet, tabular
from winnow.readers.tabular import Dialect

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ROWS = st.lists(st.fixed_dictionaries({"a": TEXT, "b, c": TEXT}), min_size=1)


def csv_bytes(rows: list[dict]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def jsonl_bytes(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def parquet_bytes(rows: list[dict]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


FORMATS = {
    "csv": (tabular.read_csv, csv_bytes),
    "jsonl": (jsonl.read_jsonl, jsonl_bytes),
    "parquet": (parquet.read_parquet, parquet_bytes),
}


def columns_of(items, names: list[str]) -> dict[str, list]:
    """All columns of a reader's records or blocks, none of which has a problem."""
    found = {name: [] for name in names}
    for item in items:
        found_blocks = [item] if isinstance(item, Block) else blocks([item], names)
        for block in found_blocks:
            assert not block.problems
            for name, column in block.columns.items():
                found[name] += column.to_pylist() if isinstance(column, pa.Array) else column
    return found


@pytest.mark.parametrize("format", FORMATS)
@given(rows=ROWS)
def test_what_is_written_is_read(format, rows):
    read, write = FORMATS[format]
    for names in (["a", "b, c"], ["b, c"]):
        found = columns_of(read(io.BytesIO(write(rows)), "file", names), names)
        assert found == {name: [row[name] for row in rows] for name in names}


@given(rows=ROWS)
def test_gzip_changes_nothing(rows):
    for read, write in FORMATS.values():
        with gzip.open(io.BytesIO(gzip.compress(write(rows), mtime=0))) as stream:
            assert columns_of(read(stream, "file", ["a"]), ["a"]) == {"a": [row["a"] for row in rows]}


LONG = "x" * 3_000_000


@settings(max_examples=20)
@given(lengths=st.lists(st.sampled_from([0, 1, 3_000_000]), max_size=12), bad=st.booleans())
def test_blocks_hold_every_record_in_order_and_few_long_ones(lengths, bad):
    records = [Record(f"line {n}", (LONG[:length],)) for n, length in enumerate(lengths)]
    records += [Record("last", (), "no row")] if bad else []
    found = list(blocks(records, ["a"]))
    assert [place for block in found for place in block.places] == [f"line {n}" for n in range(len(lengths))]
    assert [len(text) for block in found for text in block.columns["a"]] == lengths
    assert [problem for block in found for problem in block.problems] == [("last", "no row")] * bad
    assert all(sum(map(len, block.columns["a"])) < 12_000_000 for block in found)


def test_a_block_has_a_limited_number_of_rows():
    sizes = [len(block.places) for block in blocks((Record(str(n), ("x",)) for n in range(2500)), ["a"])]
    assert sizes == [BLOCK_ROWS, BLOCK_ROWS, 2500 - 2 * BLOCK_ROWS]


@pytest.mark.parametrize("format", FORMATS)
def test_a_missing_column_names_those_there_are(format):
    read, write = FORMATS[format]
    with pytest.raises(UserError, match="file: column 'x' is missing; it has a, b"):
        list(read(io.BytesIO(write([{"a": "1", "b": "2"}])), "file", ["a", "x"]))


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_bytes_that_are_not_utf8(format):
    read, write = FORMATS[format]
    data = write([{"a": "one"}, {"a": "naïve"}]).decode().encode("latin-1")
    with pytest.raises(UserError, match=f"file: byte {data.index(0xEF)} is not UTF-8"):
        list(read(io.BytesIO(data), "file", ["a"]))


def test_text_in_parquet_that_is_not_utf8():
    array = pa.Array.from_buffers(pa.string(), 1, pa.array([b"na\xefve"]).buffers())
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": array}), buffer)
    buffer.seek(0)
    with pytest.raises(UserError, match="file: after row 0: a text is not UTF-8"):
        list(parquet.read_parquet(buffer, "file", ["a"]))


def test_a_byte_order_mark_is_no_part_of_the_first_column():
    records = list(tabular.read_csv(io.BytesIO(b"\xef\xbb\xbfa,b\r\n1,2\r\n"), "file", ["a", "b"]))
    assert records[0].values == ("1", "2")


def test_tabs_and_a_header_from_elsewhere():
    read = tabular.read_csv(io.BytesIO(b'1,0\t"a\tb"\n2\tc\n'), "file", ["text"], Dialect("\t", header=["no", "text"]))
    assert [record.values for record in read] == [("a\tb",), ("c",)]


def read_csv(data: bytes) -> list[tuple]:
    return [
        (record.place.removeprefix("file, "), record.problem.split(";")[0] if record.problem else record.values[0])
        for record in tabular.read_csv(io.BytesIO(data), "file", ["a"])
    ]


def test_bad_csv_rows_are_named_and_the_rest_is_read():
    assert read_csv(b'a,b\n1,2\n\n3\n"4\n5",x\n"6"7,x\n8,"x"\n') == [
        ("line 2", "1"),
        ("line 4", "1 fields, the header has 2"),
        ("line 5", "4\n5"),
        ("line 7", "not valid CSV: ',' expected after '\"'"),
        ("line 8", "8"),
    ]


def test_a_quote_that_is_never_closed_stops_since_it_would_swallow_rows():
    with pytest.raises(UserError, match="file: line 3: a quote is opened and never closed"):
        read_csv(b'a,b\n1,2\n"3,4\n5,6\n')


def test_a_column_that_stands_twice():
    with pytest.raises(UserError, match="column 'a' stands 2 times"):
        read_csv(b"a,a\n1,2\n")


def test_a_field_longer_than_the_csv_modules_own_limit():
    assert read_csv(b"a,b\n" + b"x" * 200_000 + b",y\n") == [("line 2", "x" * 200_000)]


def test_bad_json_lines_are_named_and_the_rest_is_read():
    lines = ['{"a": 1}', "", "{", "[1]", '{"a": nan}', "[" * 100_000, '{"b": 2}']
    records = list(jsonl.read_jsonl(io.BytesIO("\n".join(lines).encode()), "file", ["a"]))
    assert [record.place for record in records] == [f"file, line {number}" for number in (1, 3, 4, 5, 6, 7)]
    assert [record.values for record in records if not record.problem] == [(1,), (None,)]
    assert records[2].problem == "not a JSON object"
    assert records[3].problem.startswith("not valid JSON: Expecting value")


def test_a_line_that_is_no_row_of_any_table(monkeypatch):
    monkeypatch.setattr(lines, "MAX_DOCUMENT", 100)
    with pytest.raises(UserError, match="file: line 2 is longer than 100 bytes"):
        list(jsonl.read_jsonl(io.BytesIO(b'{"a": 1}\n[' + b"1," * 60), "file", ["a"]))


def test_truncated_parquet():
    data = parquet_bytes([{"a": "text"}])
    for damaged in (data[:-10], data[:8] + bytes(20) + data[28:], b"PAR1"):
        with pytest.raises(UserError, match=r"file: (after row 0: )?truncated or damaged"):
            list(parquet.read_parquet(io.BytesIO(damaged), "file", ["a"]))


def citation(abstract: str, pmid: str = "7", date: str = "<Year>1979</Year>", types: str = "", more: str = "") -> str:
    types = "".join(f"<PublicationType>{name}</PublicationType>" for name in types.split(";"))
    return (
        f"<PubmedArticle><MedlineCitation><PMID Version='1'>{pmid}</PMID><Article><Journal><JournalIssue>"
        f"<PubDate>{date}</PubDate></JournalIssue><Title>Letters on Moss</Title></Journal>"
        f"<ArticleTitle>On <i>moss</i> &amp; owls.</ArticleTitle><Abstract>{abstract}</Abstract>"
        f"<Language>eng</Language><PublicationTypeList>{types}</PublicationTypeList>{more}</Article>"
        f"</MedlineCitation></PubmedArticle>"
    )


def read_medline(*citations: str, rows: str = "sections", doctype: str = "") -> list[dict]:
    xml = f"<?xml version='1.0'?>{doctype}<PubmedArticleSet>{''.join(citations)}</PubmedArticleSet>"
    records = medline.read(io.BytesIO(xml.encode()), "file", medline.FIELDS, rows)
    return [dict(zip(medline.FIELDS, record.values, strict=True)) for record in records]


STRUCTURED = (
    "<AbstractText Label='AIM' NlmCategory='OBJECTIVE'>To see moss.</AbstractText>"
    "<AbstractText Label='NOTES'>Wet &lt; dry, 10<sup>2</sup> &amp;amp; more.</AbstractText>"
    "<AbstractText>Plain.</AbstractText>"
    "<CopyrightInformation>Copyright, the moss.</CopyrightInformation>"
)


def test_sections_of_a_structured_abstract():
    rows = read_medline(citation(STRUCTURED))
    assert [(row["key"], row["category"], row["heading"], row["text"]) for row in rows] == [
        ("7:0", "OBJECTIVE", "AIM", "To see moss."),
        ("7:1", None, "NOTES", "Wet &lt; dry, 10<sup>2</sup> &amp;amp; more."),
        ("7:2", None, None, "Plain."),
    ]
    assert set(rows[0]) == set(medline.FIELDS)
    assert rows[0]["title"] == "On moss & owls."
    assert rows[0]["copyright"] == "Copyright, the moss."
    assert (rows[0]["journal"], rows[0]["language"], rows[0]["pmid"]) == ("Letters on Moss", "eng", "7")


def test_each_abstract_is_read_as_sections_or_as_a_whole_never_both():
    plain = citation("<AbstractText>One.</AbstractText><AbstractText>Two.</AbstractText>", pmid="8")
    none = citation("", pmid="9")
    assert [row["key"] for row in read_medline(citation(STRUCTURED), plain, none)] == ["7:0", "7:1", "7:2"]
    rows = read_medline(citation(STRUCTURED), plain, none, rows="abstracts")
    assert [(row["key"], row["text"]) for row in rows] == [("8", "One.\nTwo.")]


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("<Year>1979</Year>", "1979-01-01"),
        ("<Year>1979</Year><Month>Feb</Month>", "1979-02-01"),
        ("<Year>1979</Year><Month>11</Month><Day>09</Day>", "1979-11-09"),
        ("<Year>1979</Year><Month>Feb</Month><Day>30</Day>", "1979-01-01"),
        ("<Year>1979</Year><Season>Spring</Season>", "1979-01-01"),
        ("<MedlineDate>1979 May-Jun</MedlineDate>", "1979-05-01"),
        ("<MedlineDate>1979 Winter</MedlineDate>", "1979-01-01"),
        ("<MedlineDate>Autumn</MedlineDate>", None),
        ("<Year>0000</Year>", None),
        ("", None),
    ],
)
def test_dates(date, expected):
    assert read_medline(citation(STRUCTURED, date=date))[0]["published"] == expected


def test_the_electronic_date_comes_first():
    more = "<ArticleDate><Year>1978</Year><Month>12</Month><Day>31</Day></ArticleDate>"
    assert read_medline(citation(STRUCTURED, more=more))[0]["published"] == "1978-12-31"


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ("Journal Article", "Journal Article"),
        ("English Abstract;Journal Article;Research Support, Moss Fund;Review", "Review"),
        ("Case Reports;Journal Article", "Case Reports"),
        ("Research Support, Moss Fund", "Journal Article"),
    ],
)
def test_the_type_that_tells_most(types, expected):
    assert read_medline(citation(STRUCTURED, types=types))[0]["publication_type"] == expected


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))


def test_entities_are_neither_expanded_nor_fetched(tmp_path):
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    file = f'<!ENTITY file SYSTEM "{(tmp_path / "secret").as_uri()}">'
    doctype = f'<!DOCTYPE PubmedArticleSet [<!ENTITY own "more">{file}]>'
    with pytest.raises(UserError, match="file: it declares an entity of its own, 'own', which is not resolved"):
        read_medline(citation("<AbstractText Label='AIM'>a &own; b &file; c</AbstractText>"), doctype=doctype)
    public = '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle//EN" "https://example.org/pubmed.dtd">'
    assert read_medline(citation("<AbstractText Label='AIM'>a</AbstractText>"), doctype=public)[0]["text"] == "a"


@pytest.mark.parametrize("abstract", ["<AbstractText Label='A'>&e11;</AbstractText>", "<AbstractText Label='&e11;'/>"])
def test_an_entity_bomb_is_refused_at_once(abstract):
    start = time.perf_counter()
    with pytest.raises(UserError, match=r"file: truncated or damaged .*entity"):
        read_medline(citation(abstract), doctype=f'<!DOCTYPE PubmedArticleSet [<!ENTITY e0 "boom">{BOMB}]>')
    assert time.perf_counter() - start < 2


def test_a_truncated_citation_file():
    xml = f"<PubmedArticleSet>{citation(STRUCTURED)}"
    with pytest.raises(UserError, match="file: truncated or damaged"):
        list(medline.read(io.BytesIO(xml.encode()), "file", ["text"], "sections"))


def test_a_column_that_citations_do_not_have():
    with pytest.raises(UserError, match="column 'abstract' is missing; it has key, text"):
        list(medline.read(io.BytesIO(b""), "file", ["abstract"], "sections"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252", "shift_jis", "gb18030"])
def test_csv_of_other_encodings(encoding):
    text = "größe;Wort\r\n'a;\nb';über\r\n" if encoding == "cp1252" else "size;語\r\n'a;\nb';日本\r\n"
    first, second = text.splitlines()[0].split(";")
    dialect = Dialect(";", "'", encoding)
    records = list(tabular.read_csv(io.BytesIO(text.encode(encoding)), "file", [second, first], dialect))
    assert records == [Record("file, line 2", (text[-6:-2].split(";")[-1], "a;\nb"))]


@pytest.mark.parametrize(("encoding", "data"), [("utf-16", b"\xff\xfea\0\n\0b"), ("cp1252", b"a\n\x81")])
def test_a_wrong_encoding_is_told(encoding, data):
    with pytest.raises(UserError, match=f"^file: after line \\d: not {encoding.upper()}; mend encoding"):
        list(tabular.read_csv(io.BytesIO(data), "file", ["a"], Dialect(encoding=encoding)))


def test_keys_of_keys_in_jsonl():
    lines = [{"a": {"b": 1, "c": {"d": "x"}}}, {"a.b": 2, "a": {"b": 3}}, {"a": 4}, {"a": {"c": {"d": "y"}}}]
    data = "".join(json.dumps(line) + "\n" for line in lines).encode()
    records = jsonl.read_jsonl(io.BytesIO(data), "file", ["a.b", "a.c.d"])
    assert [record.values for record in records] == [(1, "x"), (2, None), (None, None), (None, "y")]
    with pytest.raises(UserError, match=r"column 'a\.e' is missing"):
        list(jsonl.read_jsonl(io.BytesIO(data), "file", ["a.e"]))


def test_where_nothing_is_quoted_a_quote_is_a_character():
    data = b'label\ttext\nham\t"so, he said\nspam\tan 8" disk\n'
    records = tabular.read_csv(io.BytesIO(data), "file", ["text"], Dialect("\t", quote=None))
    assert [record.values for record in records] == [('"so, he said',), ('an 8" disk',)]


def test_a_quote_after_a_backslash():
    data = b'text,label\n"he said \\"so\\", and left",a\n'
    records = tabular.read_csv(io.BytesIO(data), "file", ["text"], Dialect(escape="\\"))
    assert [record.values for record in records] == [('he said "so", and left',)]
