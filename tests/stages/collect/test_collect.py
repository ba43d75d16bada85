import gzip
import json
import re
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from stages.collect import __main__ as collect
from stages.collect.sources.labels import Labels
from tests.conftest import ROOT
from winnow import readers
from winnow.base import download, files, hashing
from winnow.base.errors import UserError
from winnow.base.params import parse
from winnow.kinds.classification.labels import Task
from winnow.rows import ledger, tables

TASK = {"kind": "classification", "labels": ["OWL", "MOSS"]}
ROWS = [
    {"no": "1", "body": "owls &amp; <i>mice</i>", "kind": "OWL", "walk": "a", "day": "2020-03-01", "where": "north"},
    {"no": "2", "body": "damp moss", "kind": "MOSS", "walk": "a", "day": "2019-02-01T08:00:00", "where": ""},
    {"no": "3", "body": "fog", "kind": "", "walk": "b", "day": "", "where": "east"},
]
COLUMNS = {"key": "no", "text": "body", "label": "kind", "group": "walk", "published": "day", "meta": ["where"]}
COMMAND = "--files data/sources --downloads downloads --out raw --ledger ledger.parquet --metrics m.json".split()


def source(**changed) -> dict:
    return {
        "name": "walks",
        "kind": "file",
        "path": "walks.jsonl",
        "format": "jsonl",
        "licence": "CC0-1.0",
        "purpose": "task",
        "columns": COLUMNS,
    } | changed


def jsonl(rows) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture
def run(workspace):
    """Return a function that writes files, runs the stage and returns rows, ledger, manifest and metrics."""

    def run(content: dict[str, bytes], *sources: dict, share: float = 0.5, task: dict = TASK):
        folder = workspace(task=task, collect={"max_refused_share": share, "sources": list(sources or [source()])})
        (folder / "data/sources").mkdir(parents=True, exist_ok=True)
        for name, data in content.items():
            path = folder / "data/sources" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        collect.main(COMMAND)
        rows = {path.stem: tables.read(path) for path in sorted((folder / "raw").glob("*.parquet"))}
        manifest = json.loads((folder / "raw/manifest.json").read_text(encoding="utf-8"))
        metrics = json.loads((folder / "m.json").read_text(encoding="utf-8"))
        return rows, tables.read(folder / "ledger.parquet").to_pylist(), manifest, metrics

    return run


def by_key(table: pa.Table) -> dict[str, dict]:
    return {row["source_key"]: row for row in table.to_pylist()}


def test_every_column_of_the_contract(run):
    rows, ledger, manifest, metrics = run(
        {"walks.jsonl": jsonl(ROWS)}, source(columns=COLUMNS | {"aux": {"place": "where"}})
    )
    table = rows["walks"]
    assert table.schema.names == tables.row_schema(["place"]).names
    assert table["id"].to_pylist() == sorted(hashing.row_ids("walks", "123"))
    first, second, third = (by_key(table)[key] for key in "123")
    assert first["text"] == "owls &amp; <i>mice</i>"
    assert (first["label"], first["label_origin"], first["label_confidence"]) == ("OWL", "given", None)
    assert (first["source"], first["licence"], first["purpose"], first["group"]) == ("walks", "CC0-1.0", "task", "a")
    assert (first["meta"], first["aux_place"]) == ([("where", "north")], "north")
    assert (second["meta"], second["aux_place"]) == ([], None)
    assert [str(row["published"]) for row in (first, second, third)] == ["2020-03-01", "2019-02-01", "None"]
    assert (third["label"], third["label_origin"]) == (None, None)
    assert ledger == []
    counts = {"rows": 3, "refused": 0, "skipped": 0, "groups": 2, "labelled": 2, "bad_dates": 0}
    counts |= {"files_left_out": 0, "files_without_rows": 0}
    assert metrics == {"sources": {"walks": counts}, "doubts": []}
    assert manifest["walks"] == {
        "pin": {"kind": "file", "sha256": {"walks.jsonl": files.sha256(Path("data/sources/walks.jsonl"))}},
        "licence": "CC0-1.0",
        "purpose": "task",
        "published": ["2019-02-01", "2020-03-01"],
        "rows": {"read": 3, "kept": 3, "refused": 0, "skipped": 0},
        "refused": {},
        "skipped": {},
        "changed": {},
        "files": {"read": 1, "left_out": 0, "without_rows": []},
        "bytes": len(jsonl(ROWS)),
    }


def csv_bytes(rows: list[dict]) -> bytes:
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]).encode()


def parquet_bytes(rows: list[dict]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(("format", "write"), [("csv", csv_bytes), ("jsonl", jsonl), ("parquet", parquet_bytes)])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_the_format_changes_nothing(run, format, write, suffix):
    data = gzip.compress(write(ROWS)) if suffix else write(ROWS)
    rows, *_ = run({f"walks{suffix}": data}, source(format=format, path=f"walks{suffix}"))
    expected, *_ = run({"walks.jsonl": jsonl(ROWS)})
    assert rows["walks"].equals(expected["walks"])


def test_files_without_a_row_and_those_that_are_no_documents_are_told(run, capsys):
    content = {"1.jsonl": b"", "2.jsonl": jsonl(ROWS), "3.jsonl": b"\n", ".4.jsonl": b"x", "~$5.jsonl": b"\xff"}
    rows, _, manifest, metrics = run(content, source(path="*"))
    assert len(rows["walks"]) == 3
    assert manifest["walks"]["files"] == {"read": 3, "left_out": 2, "without_rows": ["1.jsonl", "3.jsonl"]}
    assert metrics["sources"]["walks"]["files_left_out"] == metrics["sources"]["walks"]["files_without_rows"] == 2
    told = capsys.readouterr().err
    assert "source 'walks': no row in 1.jsonl, 3.jsonl\n" in told
    assert "source 'walks': files left out, hidden, or a system's or an editor's own: 2\n" in told


@pytest.mark.parametrize(
    ("format", "data"), [("csv", b""), ("tsv", b"\n"), ("jsonl", b""), ("parquet", b""), ("csv", b"no,body\n")]
)
def test_a_source_without_any_row_is_one_line(run, format, data):
    columns = {"key": "no", "text": "body"}
    with pytest.raises(UserError, match=r"^source 'walks': no row is left of 0 read; mend its file or its quota, or"):
        run({"a.x": data, "b.x": data}, source(format=format, path="*.x", columns=columns))


def test_two_runs_give_the_same_bytes_and_forget_sources_that_went(run):
    def outputs():
        paths = [*Path("raw").iterdir(), Path("ledger.parquet"), Path("m.json")]
        return {str(path): path.read_bytes() for path in paths}

    content = {"walks.jsonl": jsonl([*ROWS, ROWS[0]])}
    run(content)
    first = outputs()
    run(content, source(), source(name="more"))
    assert set(outputs()) > set(first)
    run(content)
    assert outputs() == first


def test_a_member_of_a_wheel_is_fetched_once_for_two_sources(run, make_wheel, monkeypatch):
    sha = make_wheel("walk-data", "1.0", {"walk_data/w.jsonl.gz": gzip.compress(jsonl(ROWS))})
    fetched, fetch = [], download.fetch_pypi
    monkeypatch.setattr(download, "fetch_pypi", lambda *a, **k: fetched.append(a[:3]) or fetch(*a, **k))
    pin = {"kind": "pypi", "package": "walk-data", "version": "1.0", "sha256": sha, "member": "walk_data/w.jsonl.gz"}
    one = {key: value for key, value in source(**pin).items() if key != "path"}
    rows, _, manifest, _ = run({}, one, one | {"name": "again"})
    run({}, one)
    assert fetched == [("walk-data", "1.0", sha)]
    assert manifest["walks"]["pin"] == pin
    assert by_key(rows["again"])["1"]["text"] == by_key(rows["walks"])["1"]["text"] == ROWS[0]["body"]


def test_citations_by_the_defaults_mapping(run, default_params):
    section = "<AbstractText Label='{0}' NlmCategory='{1}'>Moss {0}.</AbstractText>"
    xml = (
        "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>7</PMID><Article><Journal><JournalIssue><PubDate>"
        "<Year>2020</Year></PubDate></JournalIssue><Title>Moss</Title></Journal><ArticleTitle>On moss</ArticleTitle>"
        f"<Abstract>{section.format('Results', 'RESULTS')}{section.format('Other', 'UNASSIGNED')}</Abstract>"
        "<Language>eng</Language></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>"
    )
    default = default_params["collect"]["sources"][0]
    taken = {key: default[key] for key in ("name", "format", "rows", "licence", "purpose", "label_map")}
    rows, *_ = run({"x.xml": xml.encode()}, taken | {"kind": "file", "path": "x.xml"}, task=default_params["task"])
    first, second = (by_key(rows["pubmed-2021-sections"])[key] for key in ("7:0", "7:1"))
    assert (first["label"], second["label"]) == ("RESULTS", None)
    assert dict(second["meta"])["heading"] == "Other"
    assert first["text"] == "Moss Results."
    assert first["group"] == second["group"] == "7"


def test_a_glob_reads_files_in_order_of_name_and_names_them_in_the_ledger(run):
    content = {"a/2.jsonl": jsonl(ROWS[:1]), "a/10.jsonl": b"{'\n" + jsonl(ROWS[:2]), "b.txt": b"no"}
    rows, ledger, manifest, _ = run(content, source(path="**/*.jsonl"))
    assert set(by_key(rows["walks"])) == {"1", "2"}
    assert list(manifest["walks"]["pin"]["sha256"]) == ["a/10.jsonl", "a/2.jsonl"]
    assert sorted((entry["rule"], entry["reason"].split(":")[0]) for entry in ledger) == [
        ("duplicate_id", "a/2.jsonl, line 1"),
        ("unreadable", "a/10.jsonl, line 1"),
    ]


def test_a_source_without_keys_and_groups(run):
    columns = {"text": "body"}
    rows, *_ = run({"walks.jsonl": jsonl([*ROWS, ROWS[0]])}, source(columns=columns))
    again, *_ = run({"walks.jsonl": jsonl([ROWS[0], *reversed(ROWS)])}, source(columns=columns))
    sha = hashing.text_sha(ROWS[0]["body"])
    assert {sha, f"{sha}-2"} < set(by_key(rows["walks"]))
    assert rows["walks"]["group"].to_pylist() == rows["walks"]["id"].to_pylist()
    assert rows["walks"].equals(again["walks"])  # the order of a file is no part of a row's identity


def test_empty_and_null_text_are_passed_on(run):
    rows, ledger, *_ = run({"walks.jsonl": jsonl([ROWS[0] | {"body": ""}, ROWS[1] | {"body": None}, ROWS[2]])})
    assert [by_key(rows["walks"])[key]["text"] for key in "123"] == ["", "", "fog"]
    assert ledger == []


def test_rows_that_cannot_enter_stand_in_the_ledger_with_their_reason(run):
    bad = [
        ROWS[0] | {"no": None},
        ROWS[0] | {"no": True, "kind": ["OWL"]},
        ROWS[0] | {"no": "6", "body": ["list"]},
        ROWS[0] | {"no": "7", "body": "\ud800"},
    ]
    rows, ledger, manifest, metrics = run({"walks.jsonl": jsonl([*ROWS, *bad, ROWS[1] | {"body": "other"}])}, share=0.9)
    assert by_key(rows["walks"])["2"]["text"] == "damp moss"
    assert sorted((entry["rule"], entry["reason"]) for entry in ledger) == [
        ("bad_value", "walks.jsonl, line 5: column 'kind' holds a list, not text"),
        ("bad_value", "walks.jsonl, line 6: column 'body' holds a list, not text"),
        ("bad_value", "walks.jsonl, line 7: column 'body' holds half a surrogate pair, which is no character"),
        ("duplicate_id", "walks.jsonl, line 8: key '2' stands twice in the source; the first stays"),
        ("no_key", "walks.jsonl, line 4: column 'no' is empty"),
    ]
    assert {entry["action"] for entry in ledger} == {"refuse"}
    assert manifest["walks"]["rows"] == {"read": 8, "kept": 3, "refused": 5, "skipped": 0}
    assert manifest["walks"]["refused"] == {"bad_value": 3, "duplicate_id": 1, "no_key": 1}
    assert metrics["sources"]["walks"]["refused"] == 5


def test_a_date_that_cannot_be_is_null_with_an_entry_and_the_row_stays(run, capsys):
    dated = [
        ROWS[0] | {"no": "4", "walk": "d", "day": "spring"},
        ROWS[0] | {"no": "5", "walk": "e", "day": "2034-01-01"},
        ROWS[0] | {"no": "6", "walk": "f", "day": "1899-12-31"},
        ROWS[0] | {"no": "4", "walk": "g", "day": "summer"},  # stands twice: no entry but the refusal
    ]
    columns = COLUMNS | {"meta": ["day"]}
    rows, ledger, manifest, metrics = run({"walks.jsonl": jsonl([*ROWS, *dated])}, source(columns=columns))
    found = by_key(rows["walks"])
    assert [str(found[key]["published"]) for key in "12456"] == ["2020-03-01", "2019-02-01", "None", "None", "None"]
    assert dict(found["5"]["meta"])["day"] == "2034-01-01"
    told = {entry["id"]: entry["reason"] for entry in ledger if entry["rule"] == "bad_date"}
    outside = "is outside of 1900 to 2030 (collect.years)"
    problems = {"4": "'spring' is no date (YYYY-MM-DD)", "5": f"'2034-01-01' {outside}", "6": f"'1899-12-31' {outside}"}
    assert told == {
        found[key]["id"]: f"walks.jsonl, line {key}: column 'day': {problem}; published is empty"
        for key, problem in problems.items()
    }
    assert {entry["action"] for entry in ledger if entry["rule"] == "bad_date"} == {"change"}
    assert (manifest["walks"]["changed"], metrics["sources"]["walks"]["bad_dates"]) == ({"bad_date": 3}, 3)
    assert "date" not in capsys.readouterr().err

    # A row that a quota leaves out has one entry: that of the quota.
    _, ledger, manifest, _ = run({"walks.jsonl": jsonl(dated[:3])}, source(max_groups=1))
    assert sorted(entry["rule"] for entry in ledger) == ["bad_date", "max_groups", "max_groups"]
    assert manifest["walks"]["changed"] == {"bad_date": 1}
    assert (
        "'walks': 1 of 1 dates of column 'day' are none (YYYY-MM-DD) or outside of collect.years"
        in capsys.readouterr().err
    )


def test_a_column_of_dates_in_another_form_is_in_doubt_with_the_forms_that_it_may_have(run, capsys):
    content = jsonl([row | {"day": day} for row, day in zip(ROWS, ["03/04/2021", "05/04/2021", None], strict=True)])
    rows, *_ = run({"walks.jsonl": content})
    assert rows["walks"]["published"].null_count == 3
    said = capsys.readouterr().err
    assert "'03/04/2021' is no date (YYYY-MM-DD); perhaps published_format: '%d/%m/%Y' or '%m/%d/%Y'" in said
    rows, *_ = run({"walks.jsonl": content}, source(columns=COLUMNS | {"published_format": "%d/%m/%Y"}))
    assert [str(by_key(rows["walks"])[key]["published"]) for key in "123"] == ["2021-04-03", "2021-04-05", "None"]


def test_a_text_that_comes_again_without_a_key_has_the_entry_of_its_own_date(run):
    content = [ROWS[0] | {"day": day} for day in ("2020-01-01", "spring")]
    rows, ledger, *_ = run({"walks.jsonl": jsonl(content)}, source(columns={"text": "body", "published": "day"}))
    assert [(entry["id"], entry["rule"]) for entry in ledger] == [
        (row["id"], "bad_date") for row in rows["walks"].to_pylist() if row["published"] is None
    ]
    assert len(ledger) == 1


@pytest.mark.parametrize("years", [[2025, 1990], [1990], ["1990", 2025]])
def test_years_that_are_none_are_refused(years):
    with pytest.raises(UserError, match=r"collect\.years"):
        parse({"sources": [source()], "years": years}, collect.Params, "params.yaml: collect")


def test_too_many_refused_rows_are_in_doubt_with_three_reasons(run, capsys):
    data = b"".join(b"{'\n" for _ in range(4)) + jsonl(ROWS)
    rows, _, _, metrics = run({"walks.jsonl": data})
    assert rows["walks"].num_rows == 3
    (doubt,) = metrics["doubts"]
    assert re.search(r"'walks': 4 of 7 rows refused.*line 1: .*line 2: .*line 3: ", doubt["what"])
    assert "line 4" not in doubt["what"]
    assert doubt["accept"] == "collect.max_refused_share: 0.58"
    assert "IN DOUBT" in capsys.readouterr().err


def test_a_higher_cap_keeps_the_groups_of_a_lower_one(run):
    content = {"walks.jsonl": jsonl(ROWS[0] | {"no": str(n), "walk": f"w{n // 2}"} for n in range(40))}
    kept = {}
    for cap in (3, 8, 20, None):
        rows, ledger, _, metrics = run(content, source(max_groups=cap))
        kept[cap] = set(rows["walks"]["group"].to_pylist())
        assert metrics["sources"]["walks"]["groups"] == min(cap or 20, 20)
        assert len(rows["walks"]) == 2 * len(kept[cap])
        assert len(ledger) == 40 - len(rows["walks"])
        assert {(entry["action"], entry["rule"]) for entry in ledger} <= {("skip", "max_groups")}
    assert kept[3] < kept[8] < kept[20] == kept[None]


def many(count: int, groups: int, **more: str) -> bytes:
    return jsonl(ROWS[0] | {"no": str(n), "walk": f"w{n % groups}"} | more for n in range(count))


def test_a_higher_cap_of_rows_keeps_those_of_a_lower_one_and_splits_one_group_at_most(run):
    kept = {}
    for cap in (1, 7, 30, 99):
        rows, ledger, manifest, metrics = run({"walks.jsonl": many(40, 8)}, source(max_rows=cap))
        kept[cap] = set(rows["walks"]["id"].to_pylist())
        assert metrics["sources"]["walks"]["rows"] == len(kept[cap]) == min(cap, 40)
        assert manifest["walks"]["skipped"] == ({"max_rows": 40 - cap} if cap < 40 else {})
        assert len(ledger) == 40 - len(kept[cap])
        assert metrics["sources"]["walks"]["groups"] == -(-min(cap, 40) // 5)
    assert kept[1] < kept[7] < kept[30] < kept[99]


def test_each_row_beyond_a_quota_is_told_the_first_rule_that_left_it_out(run):
    _, ledger, manifest, _ = run({"walks.jsonl": many(40, 8)}, source(max_groups=6, max_rows=11))
    assert manifest["walks"]["rows"] == {"read": 40, "kept": 11, "refused": 0, "skipped": 29}
    assert manifest["walks"]["skipped"] == {"max_groups": 10, "max_rows": 19}
    assert {entry["reason"] for entry in ledger} == {
        "its group is not among the 6 of lowest hash",
        "beyond the first 11 rows by hash of the group",
    }


def test_a_share_counts_among_the_sources_of_its_purpose(run):
    content = {"walks.jsonl": many(60, 60), "talks.jsonl": many(90, 90)}
    talks = source(name="talks", path="talks.jsonl")
    for share, rest in ((0.2, 15), (0.5, 60), (0.9, 90)):
        rows, _, manifest, _ = run(
            content, source(), talks | {"share": share}, talks | {"name": "x", "purpose": "text"}
        )
        assert (len(rows["walks"]), len(rows["talks"]), len(rows["x"])) == (60, rest, 90)
        assert manifest["talks"]["skipped"] == ({"share": 90 - rest} if rest < 90 else {})


def test_a_share_is_taken_of_what_the_caps_leave(run):
    content = {"walks.jsonl": many(60, 60), "talks.jsonl": many(90, 90)}
    rows, *_ = run(content, source(max_rows=10), source(name="talks", path="talks.jsonl", share=0.5))
    assert (len(rows["walks"]), len(rows["talks"])) == (10, 10)


SOURCES = st.lists(st.tuples(st.integers(0, 2000), st.none() | st.sampled_from([0.1, 0.25, 0.5, 1.0])), min_size=1)


@given(sources=SOURCES)
def test_no_source_is_more_than_its_share_of_the_whole(sources):
    rows, shares = zip(*sources, strict=True)
    if None not in shares and sum(shares) < 1:
        return  # params refuse it
    kept = collect.shared(rows, shares)
    for available, share, left in zip(rows, shares, kept, strict=True):
        assert 0 <= left <= available
        if share is None:
            assert left == available
        else:  # a fraction of a row of each source is cut off
            assert left <= share * (sum(kept) + len(kept)) + 1e-6
    if None not in shares and sum(shares) == 1 and min(rows):
        assert min(rows[i] - kept[i] for i in range(len(rows))) <= 1  # the scarcest source gives all it has


def test_shares_that_leave_rows_to_nobody(run):
    with pytest.raises(UserError, match=r"the shares of the task sources sum to 0\.5: less than all"):
        run({"walks.jsonl": jsonl(ROWS)}, source(share=0.5))


def test_a_file_of_another_format_is_told_by_its_first_row(run):
    with pytest.raises(UserError, match=r"walks.jsonl: one JSON value, not one a line; `jq -c '.\[\]'` makes lines"):
        run({"walks.jsonl": json.dumps(ROWS).encode()}, source())


def test_a_quota_that_leaves_nothing(run):
    talks = source(name="talks", path="talks.jsonl", share=0.01)
    with pytest.raises(UserError, match=r"source 'talks': no row is left of 3 read.*; mend its file or its quota"):
        run({"walks.jsonl": jsonl(ROWS), "talks.jsonl": jsonl(ROWS)}, source(), talks)


@pytest.mark.parametrize("columns", [COLUMNS, {"text": "body"}, {"text": "body", "group": "walk"}])
def test_rows_that_memory_cannot_hold_give_the_same_bytes(run, monkeypatch, columns):
    content = {"walks.jsonl": many(300, 50) + many(300, 40, body="again")}
    changes = {"columns": columns, "max_groups": 30}

    def outputs():
        run(content, source(**changes), share=1.0)
        return Path("raw/walks.parquet").read_bytes(), Path("ledger.parquet").read_bytes()

    expected = outputs()
    monkeypatch.setattr(readers, "BLOCK_ROWS", 7)
    monkeypatch.setattr(collect.sorting.Sorter.__init__, "__defaults__", (3000,))
    assert outputs() == expected


def test_several_columns_make_a_text(run):
    columns = COLUMNS | {"text": ["where", "body"]}
    rows, *_ = run({"walks.jsonl": jsonl(ROWS)}, source(columns=columns))
    assert [by_key(rows["walks"])[key]["text"] for key in "123"] == [
        "north\n\n" + ROWS[0]["body"],
        "damp moss",
        "east\n\nfog",
    ]


def test_a_folder_of_mails_with_two_classes(run):
    def letter(number: int, subject: str, body: str, reply: str = "") -> bytes:
        return f"Message-ID: <{number}@x>\nSubject: {subject}\n{reply}\n{body}\n".encode()

    content = {
        "mail/OWL/1.eml": letter(1, "Owls at dusk", "Two owls called."),
        "mail/OWL/2.eml": letter(2, "Re: Owls at dusk", "Three by now.\n\n> Two owls called."),
        "mail/MOSS/3.eml": letter(3, "Wet walls", "Green all over.", "Date: Tue, 3 Mar 2020 09:30:00 +0100\n"),
        "mail/MOSS/4.eml": b"no mail",
    }
    columns = {"text": ["subject", "body"], "key": "file", "label": "folder", "group": "thread", "published": "date"}
    mails = source(path="mail/**/*.eml", format="eml", columns=columns | {"meta": ["headers"]})
    rows, ledger, *_ = run(content, mails)
    first, second, third = (by_key(rows["walks"])[f"mail/{name}.eml"] for name in ("OWL/1", "OWL/2", "MOSS/3"))
    assert (first["label"], second["label"], third["label"]) == ("OWL", "OWL", "MOSS")
    assert first["group"] == second["group"] != third["group"]
    assert first["text"] == "Owls at dusk\n\nTwo owls called.\n"
    assert str(third["published"]) == "2020-03-03"
    assert "Subject: Wet walls" in dict(third["meta"])["headers"]
    assert [entry["reason"] for entry in ledger] == ["mail/MOSS/4.eml: no e-mail: it has no header lines"]


def test_what_of_a_mail_could_not_be_read_for_certain_is_in_the_ledger(run):
    content = {
        "mail/1.eml": b"Subject: x\nContent-Type: text/plain; charset=none\n\nna\xefve <br>",
        "mail/2.eml": b"Subject: x\nContent-Type: text/html\n\n<p>sound</p>",
    }
    columns = {"text": "body", "key": "file", "meta": ["subject"]}
    rows, ledger, *_ = run(content, source(path="mail/*.eml", format="eml", columns=columns))
    first, second = (by_key(rows["walks"])[f"mail/{name}.eml"] for name in "12")
    assert (first["text"], second["text"]) == ("naïve <br>", "sound")
    assert dict(first["meta"]) == {"subject": "x", "media_type": "text/plain"}
    (entry,) = ledger
    assert (entry["id"], entry["action"], entry["rule"]) == (first["id"], "note", "doubtful_text")
    assert entry["reason"] == (
        "mail/1.eml: the message (text/plain): charset 'none' does not tell what the bytes are; read as cp1252, a guess"
    )
    rows, *_ = run(content, source(path="mail/*.eml", format="eml", columns=columns | {"text": ["subject", "html"]}))
    assert dict(by_key(rows["walks"])["mail/2.eml"]["meta"]) == {"subject": "x"}  # the profile strips its markup


def test_label_map(run):
    content = {"walks.jsonl": jsonl([ROWS[0] | {"kind": "bird"}, ROWS[1] | {"kind": "stone"}, ROWS[2]])}
    rows, *_ = run(content, source(label_map={"bird": "OWL", "stone": None}))
    assert [by_key(rows["walks"])[key]["label"] for key in "123"] == ["OWL", None, None]


def test_an_unknown_label_names_source_row_and_mend(run):
    with pytest.raises(UserError, match=r"'walks': label 'Moss' .*OWL, MOSS.*walks\.jsonl, line 2, key '2'.*label_map"):
        run({"walks.jsonl": jsonl([ROWS[0], ROWS[1] | {"kind": "Moss"}])})


def test_labels_in_other_spellings_stop_the_run_with_one_line(run):
    spelled = ["MOSS", "moss", "Moss ", "fern"]
    content = jsonl([ROWS[0] | {"no": str(number), "kind": kind} for number, kind in enumerate(spelled)])
    said = r'these are no labels: "moss" \(1 row, "MOSS" but for .*\), "Moss " \(1 row, .*\), "fern" \(1 row\); add'
    with pytest.raises(UserError, match=said):
        run({"walks.jsonl": content})
    mend = {"moss": "MOSS", "Moss ": "MOSS", "fern": None}
    rows, *_ = run({"walks.jsonl": content}, source(label_map=mend))
    assert rows["walks"]["label"].to_pylist().count("MOSS") == 3


PLACES = ["north", "North", "east"]


def test_spellings_of_a_further_task_are_in_doubt(run, capsys):
    content = {"walks.jsonl": jsonl([row | {"where": where} for row, where in zip(ROWS, PLACES, strict=True)])}
    columns = COLUMNS | {"aux": {"place": "where"}}
    run(content, source(columns=columns))
    said = capsys.readouterr().err
    assert (
        "labels of 'aux_place' differ in case, space or Unicode form alone, and are classes of their own: \"nor" in said
    )
    assert "mend: map one to the other by the source's aux_map: {place: …}" in said
    rows, *_ = run(content, source(columns=columns, aux_map={"place": {"North": "north"}}))
    assert sorted(rows["walks"]["aux_place"].to_pylist()) == ["east", "north", "north"]
    assert "doubt" not in capsys.readouterr().err


def test_a_label_map_to_a_label_that_the_task_lacks(run):
    with pytest.raises(UserError, match=r"'walks': label_map: 'bird': label 'BIRD' is not one of"):
        run({"walks.jsonl": jsonl(ROWS)}, source(label_map={"bird": "BIRD"}))


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_a_missing_column(run, format):
    data = {"csv": csv_bytes, "jsonl": jsonl, "parquet": parquet_bytes}[format](ROWS)
    with pytest.raises(UserError, match=r"walks\.x: column 'title' is missing; it has no, body, kind"):
        run({"walks.x": data}, source(format=format, path="walks.x", columns=COLUMNS | {"meta": ["title"]}))


def test_a_missing_file(run):
    with pytest.raises(UserError, match=r"source 'walks': path 'walks\.jsonl': no such file in data/sources"):
        run({})


def test_bytes_that_are_not_utf8(run):
    with pytest.raises(UserError, match=r"walks\.jsonl: byte 12 is not UTF-8"):
        run({"walks.jsonl": b'{"body": "na\xefve"}\n'})


def test_a_truncated_or_damaged_gzip(run):
    data = gzip.compress(jsonl(ROWS))
    for damaged in (data[:-12], data[:20] + bytes([data[20] ^ 255]) + data[21:], b"no gzip", data[:-8] + bytes(8)):
        with pytest.raises(UserError, match=r"walks\.gz: truncated or damaged"):
            run({"walks.gz": damaged}, source(path="walks.gz"))


def test_a_truncated_parquet_file(run):
    with pytest.raises(UserError, match=r"walks\.parquet: truncated or damaged"):
        run({"walks.parquet": parquet_bytes(ROWS)[:-9]}, source(format="parquet", path="walks.parquet"))


@pytest.mark.parametrize("data", [b"", b"\n\n"])
def test_a_source_without_a_row(run, data):
    with pytest.raises(UserError, match="source 'walks': no row is left of 0 read"):
        run({"walks.jsonl": data})


@pytest.mark.parametrize("path", ["../other.jsonl", "x/../../other.jsonl", "{absolute}"])
def test_a_file_elsewhere_needs_its_hash(run, tmp_path, path):
    other = tmp_path / "data/other.jsonl"
    other.parent.mkdir()
    (tmp_path / "data/sources/x").mkdir(parents=True)
    other.write_bytes(jsonl(ROWS))
    path = path.format(absolute=other)
    with pytest.raises(UserError, match="put the file under data/sources/ or give its sha256"):
        run({}, source(path=path))
    _, _, manifest, _ = run({}, source(path=path, sha256=files.sha256(other)))
    assert manifest["walks"]["pin"]["sha256"] == {"other.jsonl": files.sha256(other)}


def test_a_hash_is_checked_and_pins_one_file(run):
    content = {"a.jsonl": jsonl(ROWS), "b.jsonl": jsonl(ROWS)}
    with pytest.raises(UserError, match=f"wrong sha256: expected {'0' * 64}, got [0-9a-f]{{64}}"):
        run(content, source(path="a.jsonl", sha256="0" * 64))
    with pytest.raises(UserError, match="sha256 pins one file, the path matches 2"):
        run(content, source(path="*.jsonl", sha256="0" * 64))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"max_groups": 0}, r"sources\[0\]\.file\.max_groups: .*greater than 0"),
        ({"max_groups": "9"}, r"sources\[0\]\.file\.max_groups: .*integer, got '9'"),
        ({"rows": "sections"}, r"sources\[0\]\.file\.rows: format medline needs rows"),
        ({"format": "medline"}, r"sources\[0\]\.file\.rows: format medline needs rows"),
        ({"format": "xls"}, r"sources\[0\]\.file\.format: "),
        ({"kind": "ftp"}, r"sources\[0\]: .*'ftp'.*'file', 'url', 's3', 'hf', 'sql', 'pypi'"),
        ({"name": "My walks"}, r"sources\[0\]\.file\.name: "),
        ({"licence": ""}, r"sources\[0\]\.file\.licence: "),
        ({"label": "kind"}, r"sources\[0\]\.file\.label: unknown parameter"),
        ({"columns": {"label": "kind"}}, r"sources\[0\]\.file\.columns\.text: missing"),
        ({"columns": {"text": "t", "aux": {"A b": "c"}}}, r"sources\[0\]\.file\.columns\.aux\.A b"),
    ],
)
def test_mistyped_parameters(run, changed, message):
    with pytest.raises(UserError, match=rf"^params\.yaml: collect\.{message}"):
        run({"walks.jsonl": jsonl(ROWS)}, source(**changed))


def test_names_of_sources_are_unique(run):
    with pytest.raises(UserError, match="source name 'walks' stands twice"):
        run({"walks.jsonl": jsonl(ROWS)}, source(), source(path="b.jsonl"))


def test_the_default_parameters_are_valid(default_params):
    settings = parse(default_params["collect"], collect.Params, "collect")
    collect.check_label_maps(settings.sources, parse(default_params["task"], Task, "task"))


def test_the_recipes_in_the_documentation_are_sources(default_params):
    text = (ROOT / "docs/bring-your-own-data.md").read_text(encoding="utf-8")
    recipes = [yaml for yaml in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if yaml.startswith("- name:")]
    kinds = set()
    for recipe in recipes:
        sources = YAML(typ="safe").load(recipe)
        kinds |= {source["kind"] for source in sources}
        parse({"max_refused_share": 0.0, "sources": sources}, collect.Params, "docs")
    assert kinds == {"file", "url", "s3", "hf", "sql", "pypi"}


CELL = st.none() | st.text(max_size=6) | st.integers() | st.booleans() | st.floats() | st.lists(st.none(), max_size=1)
LINE = st.fixed_dictionaries(
    {
        "no": CELL | st.sampled_from("abc"),
        "body": CELL,
        "kind": st.sampled_from(["OWL", "MOSS", "", None]),
        "walk": st.sampled_from("xyz"),
        "day": st.sampled_from(["2020-01-01", "", None, "2020-13-01", 5]),
        "where": CELL,
    }
)


@given(lines=st.lists(LINE | st.just("no row"), min_size=1), cap=st.none() | st.integers(1, 3))
def test_no_row_is_lost_and_every_row_fits_the_contract(lines, cap):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "walks.jsonl").write_bytes(jsonl([*lines, ROWS[0]]))  # one good row: a source without is an error
        config = {"max_refused_share": 1.0, "sources": [source(max_groups=cap)]}
        settings, task = parse(config, collect.Params, "collect"), parse(TASK, Task, "task")
        out = Path(folder, "raw")
        out.mkdir()
        with ledger.book("collect", Path(folder, "ledger.parquet")) as book:
            manifest, _, _ = collect.collect(collect.Job(settings, Labels(task), Path(folder), Path(folder), book), out)
            table = tables.read(out / "walks.parquet")
            assert tables.schema(out / "walks.parquet") == tables.row_schema()
            book.check(len(lines) + 1, len(table))
        entries = tables.read(Path(folder, "ledger.parquet"))["action"].to_pylist()
    assert table["id"].to_pylist() == sorted(set(table["id"].to_pylist()))
    counts = manifest["walks"]["rows"]
    assert counts["read"] == len(lines) + 1
    assert (counts["refused"], counts["skipped"]) == (entries.count("refuse"), entries.count("skip"))
    assert cap is None or len(table["group"].unique()) <= cap
