"""Citation files: which records hold after updates, and that no XML, however broken, ends in a traceback."""

import gzip
import io
import json
import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.collect import __main__ as collect
from stages.collect import medline
from winnow.base.errors import UserError
from winnow.rows import tables

COMMAND = "--files data/sources --downloads downloads --out raw --ledger ledger.parquet --metrics m.json".split()


def record(pmid: str | None, text: str, version: str = "1", label: str = "") -> str:
    number = "" if pmid is None else f'<PMID Version="{version}">{pmid}</PMID>'
    return (
        f"<PubmedArticle><MedlineCitation>{number}<Article><Journal><JournalIssue><PubDate><Year>2021</Year></PubDate>"
        f"</JournalIssue></Journal><Abstract><AbstractText{label}>{text}</AbstractText></Abstract></Article>"
        f"</MedlineCitation></PubmedArticle>"
    )


def deleted(*numbers: str) -> str:
    return "<DeleteCitation>" + "".join(number_of(number) for number in numbers) + "</DeleteCitation>"


def number_of(number: str) -> str:
    pmid, _, version = number.partition("v")
    return f'<PMID Version="{version or 1}">{pmid}</PMID>'


def file_of(*parts: str) -> bytes:
    return f"<?xml version='1.0'?><PubmedArticleSet>{''.join(parts)}</PubmedArticleSet>".encode()


@pytest.fixture
def run(workspace):
    """Return a function that writes files, collects them, and returns texts by key, the ledger and the metrics."""

    def run(files: dict[str, bytes], rows: str = "abstracts", share: float = 0.0, path: str = "p/**/*.xml*"):
        source = {"name": "walks", "kind": "file", "path": path, "format": "medline", "rows": rows}
        source |= {"licence": "CC0-1.0", "purpose": "text"}
        source["columns"] = {"key": "key", "text": "text", "group": "pmid"}
        task = {"kind": "classification", "labels": ["OWL", "MOSS"]}
        folder = workspace(
            task=task, collect={"max_refused_share": share, "sources": [source]}, gates={"on_doubt": "stop"}
        )
        for name, data in files.items():
            target = folder / "data/sources/p" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        collect.main(COMMAND)
        table = tables.read(folder / "raw/walks.parquet")
        ledger = tables.read(folder / "ledger.parquet").to_pylist()
        return dict(zip(table["source_key"].to_pylist(), table["text"].to_pylist(), strict=True)), ledger

    return run


# Files in the order of their names, each the records `pmid[vN]: text` and the numbers that it deletes; and what holds.
UPDATES = {
    "a later one": ([["1: old"], ["1: new"]], {"1": "new"}),
    "in one file": ([["1: old", "1: new"]], {"1": "new"}),
    "a higher version": ([["1v1: old", "1v2: new"]], {"1": "new"}),
    "a higher version comes first": ([["1v2: new"], ["1v1: old"]], {"1": "new"}),
    "versions beyond nine": ([["1v10: new"], ["1v9: old"]], {"1": "new"}),
    "deleted": ([["1: old", "2: other"], ["-1"]], {"2": "other"}),
    "deleted in its own file": ([["1: old", "2: other", "-1"]], {"2": "other"}),
    "deleted and back": ([["1: old", "2: other"], ["-1"], ["1: new"]], {"1": "new", "2": "other"}),
    "back in a lower version": ([["1v2: old", "2: other"], ["-1v2"], ["1: new"]], {"1": "new", "2": "other"}),
    "deleted twice": ([["1: old", "2: other"], ["-1"], ["1: new"], ["-1"]], {"2": "other"}),
    "a deletion of what is not there": ([["2: other"], ["-1"]], {"2": "other"}),
    "a deletion of a lower version": ([["1v1: old"], ["1v2: new"], ["-1v1"]], {"1": "new"}),
    "a deletion of a version replaced it all": ([["1v1: old", "2: other"], ["1v2: new"], ["-1v2"]], {"2": "other"}),
    "three times": ([["1: a"], ["1: b"], ["1: c"]], {"1": "c"}),
}


@pytest.mark.parametrize(("files", "holds"), UPDATES.values(), ids=list(UPDATES))
def test_what_holds_after_updates(run, files, holds):
    content, records, lost = {}, 0, 0
    for place, parts in enumerate(files):
        xml, gone = [], []
        for part in parts:
            if part.startswith("-"):
                gone.append(part[1:])
                continue
            number, _, text = part.partition(": ")
            pmid, _, version = number.partition("v")
            xml.append(record(pmid, text, version or "1"))
            records += 1
        content[f"n{place:04}.xml.gz"] = file_of(*xml, *[deleted(*gone)] * bool(gone))
    texts, ledger = run(content)
    assert texts == holds
    lost = records - len(holds)
    assert [entry["action"] for entry in ledger] == ["refuse"] * lost
    assert {entry["rule"] for entry in ledger} <= {"replaced", "deleted"}


def test_the_ledger_says_what_took_a_records_place(run):
    old = file_of(record("1", "a"), record("2", "b"), record("3", "c"))
    new = file_of(record("4", "d"), record("1", "e"), deleted("2"))
    _, ledger = run({"n1.xml": old, "n2.xml": new})
    assert sorted((entry["rule"], entry["reason"]) for entry in ledger) == [
        ("deleted", "p/n1.xml, record 2: PMID 2: p/n2.xml deletes it"),
        ("replaced", "p/n1.xml, record 1: PMID 1: p/n2.xml, record 2, replaces it"),
    ]


def test_files_are_read_in_the_order_of_their_names_whatever_their_folders(run):
    names = ["z/n21n9.xml", "b/n21n10.xml", "a/n21n100.xml", "n22n0001.xml"]
    texts, _ = run({name: file_of(record("1", name)) for name in names})
    assert texts == {"1": "n22n0001.xml"}
    assert sorted(set(names), key=medline.in_order) == names


def test_headings_are_a_list_without_qualifiers_and_none_where_nobody_gave_any():
    heading = "<MeshHeading><DescriptorName UI='D1'>{}</DescriptorName><QualifierName>use</QualifierName></MeshHeading>"
    both = heading.format("Rats, Wild") + heading.format("Éclairs &amp; &quot;tea&quot;")
    listed = f"<MeshHeadingList>{both}</MeshHeadingList>"
    headed = record("1", "a").replace("</MedlineCitation>", f"{listed}</MedlineCitation>")
    xml = file_of(headed, record("2", "b"))
    found = [row.values for row in medline.read(io.BytesIO(xml), "file", ["key", "mesh"], "abstracts")]
    assert [(key, mesh and json.loads(mesh)) for key, mesh in found] == [
        ("1", ["Rats, Wild", 'Éclairs & "tea"']),
        ("2", None),
    ]


def test_a_new_record_of_fewer_sections_leaves_none_of_the_old(run):
    def sections(*texts: str) -> str:
        return record("1", "</AbstractText><AbstractText>".join(texts), label=' Label="AIM"')

    texts, ledger = run({"1.xml": file_of(sections("a", "b", "c")), "2.xml": file_of(sections("d"))}, rows="sections")
    assert texts == {"1:0": "d"}
    assert [entry["rule"] for entry in ledger] == ["replaced"]
    # One that has no sections any more is none of this source's; the old one goes all the same.
    files = {"1.xml": file_of(sections("a"), record("2", "b", label=' Label="X"')), "2.xml": file_of(record("1", "c"))}
    assert run(files, rows="sections")[0] == {"2:0": "b"}


def test_records_without_a_number_are_refused_and_replace_nothing(run):
    texts, ledger = run({"1.xml": file_of(record(None, "a"), record(None, "b"), record("1", "c"))}, share=1.0)
    assert texts == {"1": "c"}
    assert [entry["rule"] for entry in ledger] == ["no_key", "no_key"]


def test_numbers_that_are_none_are_told_apart(run):
    texts, _ = run({"1.xml": file_of(*(record(pmid, pmid) for pmid in ("07", "7", "x", "9" * 30, "8" * 30)))})
    assert sorted(texts) == sorted(["07", "7", "x", "9" * 30, "8" * 30])


@given(st.lists(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.booleans()), max_size=4), max_size=5))
def test_updates_against_a_plain_walk(files):
    mentions, live, number = [], {}, {}
    for name, file in enumerate(files):
        for pmid, version, is_deletion in sorted(file, key=lambda mention: mention[2]):
            mentions.append(medline.Mention(str(name), str(pmid), version, is_deletion))
            held = live.get(pmid)
            if is_deletion:
                if held and held[0] <= version:
                    del live[pmid]
                continue
            place = (str(name), number.get(name, 0))
            number[name] = number.get(name, 0) + 1
            if held is None or held[0] <= version:
                live[pmid] = version, place
    updates = medline.Updates(mentions)
    every = {(str(name), place) for name, count in number.items() for place in range(count)}
    assert {place for place in every if updates.why_not(*place) is None} == {place for _, place in live.values()}


def test_many_records_are_compared_in_seconds():
    mentions = (medline.Mention("a" if n < 50_000 else "b", str(n % 70_000), 1, False) for n in range(100_000))
    start = time.perf_counter()
    updates = medline.Updates(mentions)
    assert time.perf_counter() - start < 5
    assert updates.why_not("a", 5) == ("replaced", "b, record 20006, replaces it")
    assert updates.why_not("a", 30_000) is None


def read(xml: bytes) -> list:
    """Read a file as the stage does: once for its numbers, once for its rows."""
    for rows in ("sections", "abstracts"):
        updates = medline.Updates(medline.mentions(io.BytesIO(xml), "file"))
        found = list(medline.read(io.BytesIO(xml), "file", medline.FIELDS, rows, updates))
    return found


WHOLE = file_of(
    record("1", "To see <i>moss</i> &lt; owls &#8211; or not."),
    record("1", "More of it", "2"),
    record("2", "Aims", label=' Label="AIM" NlmCategory="OBJECTIVE"'),
    deleted("2"),
).decode()
TAG = re.compile(r"<[^>]*>")


def mutated(seed: int) -> bytes:
    """Return a file that something happened to: pieces lost, twice, elsewhere, or other characters in between."""
    chooser = random.Random(seed)
    text = WHOLE
    for _ in range(chooser.randint(1, 4)):
        tags = [match.span() for match in TAG.finditer(text)] or [(0, len(text))]
        start, end = chooser.choice(tags)
        if chooser.random() < 0.3:
            start, end = sorted(chooser.choices(range(len(text) + 1), k=2))
        piece = text[start:end]
        match chooser.randrange(6):
            case 0:
                text = text[:start] + text[end:]
            case 1:
                text = text[:end] + piece * chooser.randint(1, 3) + text[end:]
            case 2:
                text = text[:start]
            case 3:
                place = chooser.randrange(len(text) + 1)
                text = text[:place] + piece + text[place:]
            case 4:
                odd = ["&", "&nbsp;", "\x00", "<!-- -->", "<?a b?>", "<![CDATA[<x>]]>", "]]>", "&#0;", "é", "<PMID/>"]
                text = text[:start] + chooser.choice(odd) + text[start:]
            case 5:
                first, second = chooser.choice(tags), chooser.choice(tags)
                text = text.replace(text[slice(*first)], text[slice(*second)], 1)
    return text.encode(chooser.choice(["utf-8"] * 4 + ["utf-16", "cp1252"]), "replace")


@settings(max_examples=400)
@given(st.integers(0, 10**9))
def test_broken_files_end_in_one_line(seed):
    try:
        records, said = read(mutated(seed)), ""
    except UserError as error:
        records, said = [], str(error)
    assert said.startswith("file: ") or all(one.problem or len(one.values) == len(medline.FIELDS) for one in records)


@given(st.binary(max_size=60) | st.text(st.sampled_from("<>/&;!?[]-='\"aPMID \n"), max_size=80).map(str.encode))
def test_what_is_no_xml_ends_in_one_line(data):
    with pytest.raises(UserError, match="file: ") if data else pytest.raises(UserError):
        if not read(data):
            raise UserError("file: without records")


@pytest.mark.parametrize(
    "xml",
    [
        "<PubmedArticle>" * 100_000,
        file_of(record("1", "x" * 11_000_000)).decode(),
        file_of("<a>" * 300 + record("1", "deep") + "</a>" * 300).decode(),
        f'<!DOCTYPE a [<!ENTITY x "{"y" * 100}">]>' + file_of(record("1", "&x;" * 1000)).decode().partition("?>")[2],
        file_of(record("1", '<a b="' + "c" * 11_000_000 + '"/>')).decode(),
    ],
    ids=["depth", "a huge text", "nested too deep", "an entity", "a huge attribute"],
)
def test_hostile_files_end_in_one_line_at_once(xml):
    start = time.perf_counter()
    with pytest.raises(UserError, match="file: "):
        read(xml.encode())
    assert time.perf_counter() - start < 5


OTHER = "<OtherAbstract Type='plain-language-summary'><AbstractText>z</AbstractText></OtherAbstract>"


@pytest.mark.parametrize(
    "xml",
    [
        file_of(record("1", "a").replace("<MedlineCitation>", "<MedlineCitation/><MedlineCitation>")),
        file_of("<PubmedArticle/>", "<PubmedArticle><MedlineCitation/></PubmedArticle>", record("1", "a")),
        b"<!-- before -->" + record("1", "a").encode(),
        file_of(record("1", "a").replace("<Year>2021", "<Year>" + "9" * 20)),
        file_of(record("1", "a").replace("<Year>2021", "<Year>" + "9" * 5000)),
        file_of(record("1", "a").replace("2021</Year>", "2021</Year><Month>" + "1" * 30 + "</Month>")),
        file_of(record("1", "a", version="x")),
        file_of(record("1", "a", version="9" * 30)),
        file_of("<DeleteCitation/>", record("1", "a")),
        file_of("<PubmedBookArticle><BookDocument><PMID>1</PMID></BookDocument></PubmedBookArticle>", record("1", "a")),
        file_of(
            record("1", "a").replace(
                "</Article>", "<OtherAbstract><AbstractText>z</AbstractText></OtherAbstract></Article>"
            )
        ),
    ],
)
def test_what_is_odd_and_plain_all_the_same_is_read(xml):
    [found] = read(xml)
    assert found.values[medline.FIELDS.index("text")] == "a"
