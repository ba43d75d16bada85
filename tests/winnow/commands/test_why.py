import csv

import pyarrow as pa
import pytest

from tests.conftest import make_rows
from winnow.base import files, hashing
from winnow.commands import cli
from winnow.people import decisions
from winnow.rows import tables
from winnow.rows.ledger import Details, Ledger

ROW, REFUSED, DROPPED = hashing.row_ids("notes", ["k1", "notes.jsonl, line 3", "k2"])


@pytest.fixture
def project(tmp_path, workspace):
    """A project that has run as far as `clean`, with one row refused, one dropped and one changed."""
    workspace(task={"kind": "classification", "labels": ["METHODS", "RESULTS"]})
    texts = {"k1": "<p>Tides   turn twice.</p>", "k2": "<p></p>"}
    rows = make_rows(
        [
            {"source": "notes", "source_key": key, "text": text, "label": "RESULTS", "group": "paper-7"}
            | {"meta": {"heading": "Findings"}, "aux_kind": "survey"}
            for key, text in texts.items()
        ],
        aux=("kind",),
    )
    tables.write(rows, tmp_path / "data/raw/notes.parquet")
    files.write_json(
        tmp_path / "data/raw/manifest.json", {"notes": {"pin": {"kind": "file", "sha256": {"notes.jsonl": "ab12"}}}}
    )
    collected, cleaned = Ledger("collect"), Ledger("clean")
    collected.add(REFUSED, "refuse", "unreadable", "notes.jsonl, line 3: not JSON")
    cleaned.add(ROW, "change", "markup", "2 tags stripped", Details("aa11", "bb22"))
    cleaned.add(DROPPED, "drop", "empty", "no text is left")
    cleaned.add(DROPPED, "note", "copy", "says what another says", Details(other_id=ROW))
    for ledger in (cleaned, collected):
        ledger.write(tmp_path / f"data/ledger/{ledger.stage}.parquet")
    return tmp_path


def finish(project):
    """Add what the later stages make."""
    row = make_rows([{"source": "notes", "source_key": "k1", "text": "Tides turn twice.", "label": "RESULTS"}])
    deduplicated = tables.set_column(row, "cluster", ["c-9"], pa.string())
    near = tables.set_column(make_rows([{"source": "notes", "source_key": "k9"}]), "cluster", ["c-9"], pa.string())
    tables.write(pa.concat_tables([deduplicated, near]), project / "data/deduplicated.parquet")
    tables.write(pa.table({"id": [ROW], "split": ["test"]}), project / "data/split.parquet")
    labelled = tables.set_column(deduplicated, "label_origin", ["human"], pa.string())
    labelled = tables.set_column(labelled, "given_label", ["METHODS"], pa.string())
    tables.write(labelled, project / "data/labelled.parquet")
    votes = {"id": ["0" * 16, ROW], "rule": ["heading"] * 2, "label": ["METHODS", "RESULTS"]}
    tables.write_sorted(pa.table(votes), project / "data/votes.parquet")
    issue = {"id": [ROW], "split": ["test"], "given_label": ["METHODS"], "suggested_label": ["RESULTS"]}
    issue |= {
        "p_error": [0.937],
        "tier": ["almost certain"],
        "is_issue": [True],
        "reasons": ["METHODS 3 %, RESULTS 91 %"],
    }
    tables.write(pa.table(issue), project / "data/issues.parquet")
    decisions.write_queue(project / "reports/review/queue.csv", [{"id": "0" * 16}, {"id": ROW}])
    with (project / "data/decisions.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                decisions.COLUMNS,
                [ROW, "x", "METHODS", "relabel", "RESULTS", "ana", "2026-01-31", "numbers, not deeds"],
                [DROPPED, "x", "RESULTS", "keep", "", "ben", "2026-01-31", ""],
            ]
        )
    tables.write(pa.table({"id": ["0" * 16], "label": ["RESULTS"], "weight": [1.0]}), project / "data/training.parquet")
    ledger = Ledger("balance")
    ledger.add(ROW, "skip", "not_train", "is a test row")
    ledger.write(project / "data/ledger/balance.parquet")
    for arm, chance in (("dapt-1", 0.91), ("transfer-1", 0.4)):
        chances = {"p_METHODS": [1 - chance], "p_RESULTS": [chance]}
        predicted = "RESULTS" if chance > 0.5 else "METHODS"
        table = pa.table({"id": [ROW], "predicted": [predicted], **chances})
        tables.write(table, project / f"data/predictions/{arm}.parquet")


def why(id: str, capsys) -> list[tuple[str, str]]:
    cli.main(["why", id])
    return [(line[:12].strip(), line[12:]) for line in capsys.readouterr().out.splitlines()]


def fails(id: str, capsys) -> str:
    with pytest.raises(SystemExit) as exit:
        cli.main(["why", id])
    assert exit.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_a_whole_life_in_the_order_of_the_pipeline(project, capsys):
    finish(project)
    assert why(ROW, capsys) == [
        ("row", ROW),
        ("source", "notes, key k1, published 2020-01-01"),
        ("from", "kind file, sha256 ab12 of notes.jsonl"),
        ("licence", "CC0-1.0"),
        ("purpose", "task, group paper-7"),
        ("meta", "aux_kind: survey; heading: Findings"),
        ("text", "<p>Tides turn twice.</p>"),
        ("clean", "change, rule markup: 2 tags stripped (aa11 -> bb22)"),
        ("balance", "skip, rule not_train: is a test row"),
        ("cleaned", "Tides turn twice."),
        ("cluster", "c-9: 1 near-duplicate(s) of it in the table, in the same split"),
        ("split", "test"),
        ("vote", "rule heading: RESULTS"),
        ("label", "RESULTS (origin human); before decisions: METHODS"),
        ("decision", "relabel RESULTS, by ana on 2026-01-31: numbers, not deeds"),
        (
            "issue",
            "suspected label error, almost certain to be wrong (0.94), suggested RESULTS; METHODS 3 %, RESULTS 91 %",
        ),
        ("queue", "rank 2 of 2"),
        ("training", "no model trains on it"),
        ("predicted", "a test row: what models say of it is not shown, so that nobody chooses by it"),
    ]
    tables.write(pa.table({"id": [ROW], "split": ["dev"]}), project / "data/split.parquet")
    assert why(ROW, capsys)[-2:] == [
        ("predicted", "dapt-1: RESULTS (p_METHODS 0.090, p_RESULTS 0.910)"),
        ("predicted", "transfer-1: METHODS (p_METHODS 0.600, p_RESULTS 0.400)"),
    ]


def test_a_long_name_of_a_stage_stands_apart_and_what_it_did_stands_once(project, capsys):
    ledger = Ledger("apply_decisions")
    ledger.add(ROW, "change", "relabel", "label METHODS -> RESULTS, decided by ana")
    ledger.write(project / "data/ledger/apply_decisions.parquet")  # which the stage validate reads
    cli.main(["why", ROW])
    told = [line for line in capsys.readouterr().out.splitlines() if "relabel" in line]
    assert told == ["apply_decisions change, rule relabel: label METHODS -> RESULTS, decided by ana"]


def test_spans_are_told_in_words(tmp_path, workspace, capsys):
    workspace(task={"kind": "token_classification", "labels": ["chemical"]})
    row = make_rows([{"source": "notes", "source_key": "k1", "text": "Aspirin helps.", "label": '[[0,7,"chemical"]]'}])
    tables.write(row, tmp_path / "data/raw/notes.parquet")
    files.write_json(tmp_path / "data/raw/manifest.json", {"notes": {"pin": {"kind": "file", "sha256": {}}}})
    labelled = tables.set_column(row, "label_origin", ["human"], pa.string())
    labelled = tables.set_column(labelled, "given_label", ["[]"], pa.string())
    tables.write(labelled, tmp_path / "data/labelled.parquet")
    said = {"id": [ROW], "predicted": ['[[0,7,"chemical"]]'], "confidence": [[0.75]]}
    tables.write_sorted(pa.table(said), tmp_path / "data/predictions/transfer-1.parquet")
    cli.main(["why", ROW])
    said = " ".join(capsys.readouterr().out.split())
    assert "label chemical: Aspirin (origin human); before decisions: no entity" in said
    assert "predicted transfer-1: chemical: Aspirin (confidence 0.750)" in said


def test_a_row_that_trains(project, capsys):
    finish(project)
    tables.write(pa.table({"id": [ROW], "label": ["RESULTS"], "weight": [1.25]}), project / "data/training.parquet")
    assert ("training", "trains as RESULTS, weight 1.250") in why(ROW, capsys)


def test_what_is_not_yet_made_is_said(project, capsys):
    lines = why(ROW, capsys)
    assert ("clean", "change, rule markup: 2 tags stripped (aa11 -> bb22)") in lines
    unmade = {heading: line for heading, line in lines if "not yet made: run `dvc repro`" in line}
    assert list(unmade) == ["label", "issue", "training", "predicted"]


def test_a_dropped_row_tells_where_it_ended(project, capsys):
    finish(project)
    lines = why(DROPPED, capsys)
    assert ("clean", "drop, rule empty: no text is left") in lines
    place = lines.index(("clean", "note, rule copy: says what another says"))
    assert lines[place + 1] == ("other row", f"{ROW}: <p>Tides turn twice.</p>")
    assert ("label", "not among the labelled rows") in lines
    assert "cleaned" not in dict(lines)


def test_a_refused_row_stands_in_the_ledger_only(project, capsys):
    lines = why(REFUSED, capsys)
    assert ("source", "never entered a table: see the ledger") in lines
    assert ("collect", "refuse, rule unreadable: notes.jsonl, line 3: not JSON") in lines


def test_the_first_digits_are_enough(project, capsys):
    assert why(ROW[:6].upper(), capsys)[0] == ("row", ROW)


def test_no_control_sequence_reaches_the_terminal(project, capsys):
    row = make_rows([{"source": "notes", "source_key": "k1", "text": "red \x1b[31m\x07 alert"}])
    tables.write(row, project / "data/raw/notes.parquet")
    assert ("text", "red \ufffd[31m\ufffd alert") in why(ROW, capsys)


def test_an_unknown_id(project, capsys):
    assert "id 'ffffffff': no source has such a row" in fails("ffffffff", capsys)


def test_too_few_digits(project, capsys):
    assert "give at least its first 4 digits" in fails("abc", capsys)


def test_an_ambiguous_prefix_names_the_ids(project, capsys):
    twins = [f"abcd{end:012x}" for end in range(7)]
    tables.write(pa.table({"id": twins}), project / "data/raw/twins.parquet")
    assert f"7 ids begin so ({', '.join(twins[:5])}, …)" in fails("abcd", capsys)


def test_before_the_first_run(workspace, capsys):
    workspace()
    assert "data/raw: not yet made: run `dvc repro`" in fails("abcdef", capsys)


def test_an_id_that_the_queue_s_csv_guards_is_known_by_either_form(project, capsys):
    finish(project)
    digits = "012345678901e234"  # a spreadsheet would round it
    raw = make_rows([{"source": "notes", "source_key": "k1"}])
    tables.write(tables.set_column(raw, "id", [digits], pa.string()), project / "data/raw/notes.parquet")
    issues = tables.read(project / "data/issues.parquet")
    tables.write(tables.set_column(issues, "id", [digits], pa.string()), project / "data/issues.parquet")
    queue = project / "reports/review/queue.csv"
    decisions.write_queue(queue, [{"id": ROW}, {"id": digits}])
    assert f'"\'{digits}"' in queue.read_text()
    for typed in (digits, f"'{digits}", digits[:6], f"'{digits[:6]}"):
        lines = why(typed, capsys)
        assert lines[0] == ("row", digits)
        assert ("queue", "rank 2 of 2") in lines
