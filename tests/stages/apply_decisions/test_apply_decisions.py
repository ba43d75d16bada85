"""apply_decisions: people's decisions change labels as they say, a stale one stops the run, rules must pass."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.annotate import __main__ as annotate
from stages.apply_decisions import __main__ as apply_decisions
from tests.conftest import make_rows
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.kinds.classification.labels import Task
from winnow.people import decisions, settling
from winnow.people.decisions import Decision
from winnow.rows import tables
from winnow.rows.ledger import Ledger
from winnow.statistics import intervals

TASK = {"kind": "classification", "labels": ["FRUIT", "STONE"]}
HEADER = ",".join(decisions.COLUMNS)
OUTPUTS = ("labelled.parquet", "undecided.parquet", "ledger.parquet", "metrics.json")
ACCEPTANCE = {"method": "precision", "min_rows": 20, "min_precision": 0.8}
ACCEPTANCE |= {"min_reviewers": 3, "epsilon": 0.15, "winning_rate": 0.5}
# 0-2 FRUIT, 3-5 STONE, 6 and 7 without a label (6 gets one by rule), 8 adapts the encoder only.
ROWS = [{"label": "FRUIT"}] * 3 + [{"label": "STONE"}] * 3 + [{}, {}] + [{"purpose": "text"}]
IDS = make_rows(ROWS)["id"].to_pylist()
SHAS = [hashing.text_sha(text) for text in make_rows(ROWS)["text"].to_pylist()]


def annotations(rows: list[tuple[str, str, bool]]) -> pa.Table:
    """Return automatic labels: id, label, and whether the row is drawn for the audit."""
    own = {"label_origin": "rule", "label_confidence": 0.9, "rule": "r", "version": "v1"}
    table = pa.Table.from_pylist([{"id": id, "label": label} | own for id, label, _ in rows], schema=annotate.OUT)
    return tables.set_column(table, "audit", [audited for _, _, audited in rows], pa.bool_())


def line(row: int, verdict: str, new_label: str = "", reviewer: str = "ana", **changes: str) -> str:
    label = {6: "STONE", 7: ""}.get(row, "FRUIT" if row < 3 else "STONE")
    cells = [IDS[row], SHAS[row], label, verdict, new_label, reviewer, "2026-01-31", ""]
    cells = dict(zip(decisions.COLUMNS, cells, strict=True))
    return ",".join((cells | changes).values())


@pytest.fixture
def stage(workspace):
    """Return a function that runs the stage on lines of decisions.csv and returns rows by number, and metrics."""

    def run(
        *lines: str,
        rows: list[dict] = ROWS,
        min_rows: int = 2,
        rule: str | None = "STONE",
        dev: tuple = (),
        task=TASK,
        **changes,
    ) -> tuple[dict[int, dict], dict]:
        settings = {"min_rows_per_label": min_rows, "acceptance": ACCEPTANCE | changes}
        folder = workspace(task=task, apply_decisions=settings)
        table = tables.set_column(make_rows(rows), "cluster", ["c"] * len(rows), pa.string())
        tables.write(table, folder / "rows.parquet")
        splits = ["dev" if number in dev else "train" for number in range(len(rows))]
        split = tables.set_column(table.select(["id"]), "split", splits, pa.string())
        tables.write(split, folder / "split.parquet")
        made = [(IDS[6], rule, True)] if rule else []
        tables.write(annotations(made), folder / "annotations.parquet")
        sample = pa.table({"id": pa.array([id for id, _, audited in made if audited], pa.string())})
        tables.write(sample, folder / "audit.parquet")
        (folder / "decisions.csv").write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
        apply_decisions.main(
            "--rows rows.parquet --split split.parquet --annotations annotations.parquet "
            "--audit audit.parquet --decisions decisions.csv "
            "--out labelled.parquet --edited edited.parquet --evaluated measuring.parquet "
            "--undecided undecided.parquet --ledger ledger.parquet --metrics metrics.json".split()
        )
        out = tables.read(folder / "labelled.parquet").to_pylist()
        metrics = json.loads((folder / "metrics.json").read_text())
        return {IDS.index(row["id"]): row for row in out}, metrics

    return run


def picked(row: dict) -> tuple:
    return tuple(row[name] for name in ("given_label", "label", "label_origin", "verdict", "conflict"))


def test_without_decisions_no_automatic_label_stands(stage, tmp_path):
    out, metrics = stage()
    assert set(out) == set(range(8))
    assert picked(out[0]) == ("FRUIT", "FRUIT", "given", None, False)
    assert picked(out[6]) == ("STONE", None, None, None, False)
    assert out[6]["label_confidence"] is None
    assert picked(out[7]) == (None, None, None, None, False)
    assert {"cluster", "split", "meta"} <= set(out[0])
    assert metrics == {
        "rows_in": 8,
        "rows": 8,
        "decisions": 0,
        "settled": {"keep": 0, "relabel": 0, "ambiguous": 0, "out_of_scope": 0},
        "conflicts": 0,
        "unlabelled": 2,
        "labelled": {"given": 6},
        "doubts": [],
        "acceptance": {
            "rule": {
                "STONE": {
                    "rows": 1,
                    "drawn": 1,
                    "audited": 0,
                    "correct": 0,
                    "precision": 0.0,
                    "lower": 0.0,
                    "accepted": False,
                    "refusal": "people decided on 0 rows of its audit sample, 20 needed",
                }
            }
        },
    }
    [entry] = tables.read(tmp_path / "ledger.parquet").to_pylist()
    assert (IDS.index(entry["id"]), entry["action"], entry["rule"]) == (6, "change", "not_accepted")
    why = "label STONE of origin rule not accepted: people decided on 0 rows of its audit sample, 20 needed"
    assert entry["reason"] == why


def test_each_verdict_does_what_it_says(stage):
    out, metrics = stage(
        line(0, "keep"),
        line(3, "relabel", "FRUIT"),
        line(4, "ambiguous"),
        line(6, "out_of_scope"),
        line(7, "relabel", "STONE"),
    )
    assert picked(out[0]) == ("FRUIT", "FRUIT", "human", "keep", False)
    assert picked(out[3]) == ("STONE", "FRUIT", "human", "relabel", False)
    assert picked(out[4]) == ("STONE", None, None, "ambiguous", False)
    assert 6 not in out
    assert picked(out[7]) == (None, "STONE", "human", "relabel", False)
    assert (metrics["rows_in"], metrics["rows"], metrics["decisions"]) == (8, 7, 5)
    assert metrics["settled"] == {"keep": 1, "relabel": 2, "ambiguous": 1, "out_of_scope": 1}


def test_the_ledger_names_each_row_that_was_decided(stage, tmp_path):
    stage(
        line(0, "keep"),
        line(3, "relabel", "FRUIT"),
        line(4, "ambiguous"),
        line(6, "out_of_scope"),
        line(7, "relabel", "STONE"),
    )
    entries = tables.read(tmp_path / "ledger.parquet").to_pylist()
    assert {IDS.index(entry["id"]): (entry["action"], entry["rule"]) for entry in entries} == {
        0: ("note", "keep"),
        3: ("change", "relabel"),
        4: ("change", "ambiguous"),
        6: ("drop", "out_of_scope"),
        7: ("change", "relabel"),
    }
    assert "label STONE -> FRUIT, decided by ana" in {entry["reason"] for entry in entries}


def test_a_decision_on_a_row_of_train_leaves_the_rows_that_measure_as_they_are(stage, tmp_path):
    def measuring(*lines: str) -> bytes:
        stage(*lines, dev=(1, 4, 6))
        return (tmp_path / "measuring.parquet").read_bytes()

    before = measuring()
    rows = tables.read(tmp_path / "measuring.parquet").to_pylist()
    assert {IDS.index(row["id"]): row["label"] for row in rows} == {1: "FRUIT", 4: "STONE"}
    assert [row["text"] for row in rows] == [make_rows(ROWS)["text"].to_pylist()[IDS.index(row["id"])] for row in rows]
    assert measuring(line(0, "relabel", "STONE"), line(3, "ambiguous")) == before
    assert measuring(line(1, "relabel", "STONE")) != before


def test_reviewers_who_agree_settle_a_row_and_agreement_is_measured(stage):
    out, metrics = stage(
        line(0, "keep"), line(0, "keep", reviewer="bo"), line(1, "keep"), line(1, "ambiguous", reviewer="bo")
    )
    assert picked(out[0]) == ("FRUIT", "FRUIT", "human", "keep", False)
    assert picked(out[1]) == ("FRUIT", "FRUIT", "given", None, True)
    assert (metrics["conflicts"], metrics["agreement"], metrics["settled"]["keep"]) == (1, 0.5, 1)


def test_the_latest_decision_of_a_reviewer_on_a_day_counts(stage):
    later = line(0, "keep", decided_on="2026-01-31T09:30:00Z")
    out, metrics = stage(later, line(0, "ambiguous"), line(0, "keep", reviewer="bo"))
    assert picked(out[0]) == ("FRUIT", "FRUIT", "human", "keep", False)
    assert metrics["agreement"] == 1.0


def test_two_verdicts_of_one_reviewer_at_one_time_stop_the_run(stage):
    with pytest.raises(UserError, match=r"lines \d and \d: ana decides on \w+ in two ways on 2026-01-31; take one out"):
        stage(line(0, "ambiguous"), line(0, "keep", reviewer="bo"), line(0, "keep"))


def test_the_latest_decision_counts_wherever_a_merge_put_its_line(stage, tmp_path):
    older = [line(0, "ambiguous"), line(3, "keep"), line(1, "keep", text_sha="0" * 16)]
    newer = [line(0, "keep", decided_on="2026-02-01"), line(1, "out_of_scope", decided_on="2026-02-01")]
    out, _ = stage(*older, *newer)
    first = [(tmp_path / name).read_bytes() for name in OUTPUTS]
    assert (picked(out[0])[3], picked(out[3])[3], 1 in out) == ("keep", "keep", False)
    stage(*newer, *older)
    assert [(tmp_path / name).read_bytes() for name in OUTPUTS] == first


def test_an_overruled_line_without_a_date_stops_the_run(stage):
    with pytest.raises(UserError, match="1 problem: line 3: decided_on '' is not a date"):
        stage(line(0, "keep"), line(0, "ambiguous", decided_on=""))


def test_rows_on_which_people_decided_are_kept_as_they_were(stage, tmp_path):
    lines = [line(0, "relabel", "STONE"), line(1, "out_of_scope"), line(2, "keep"), line(3, "ambiguous")]
    disagreed = [line(4, "keep"), line(4, "relabel", "FRUIT", reviewer="ben")]
    stage(*lines, *disagreed)
    found = {row["id"]: (row["label"], row["label_origin"]) for row in read_undecided(tmp_path)}
    assert found == {
        IDS[0]: ("FRUIT", "given"),
        IDS[1]: ("FRUIT", "given"),
        IDS[2]: ("FRUIT", "given"),
        IDS[3]: ("STONE", "given"),
    }


def read_undecided(folder) -> list[dict]:
    return tables.read(folder / "undecided.parquet").to_pylist()


def test_a_conflict_on_an_automatic_label_leaves_it_to_its_acceptance(stage):
    out, _ = stage(line(6, "keep"), line(6, "relabel", "FRUIT", reviewer="bo"))
    assert picked(out[6]) == ("STONE", None, None, None, True)


def many(rows: int, drawn: int, label: str = "STONE") -> tuple[list[dict], pa.Table]:
    """Return six given rows and so many with an automatic label, of which the first are the audit sample."""
    table = make_rows(ROWS[:6] + [{}] * rows)
    ids = table["id"].to_pylist()[6:]
    split = tables.set_column(table.select(["id"]), "split", ["train"] * table.num_rows, pa.string())
    made = annotations([(id, label, number < drawn) for number, id in enumerate(ids)])
    return apply_decisions.join(table, split, made), made


def judged(rows: pa.Table, made: pa.Table, *decisions_: Decision, **changes) -> tuple[list[dict], list[dict]]:
    """Return the automatic rows after decisions, and the ledger's entries on them."""
    by_row = settling.latest(list(decisions_))
    ledger = Ledger("apply_decisions")
    accept = apply_decisions.Acceptance(**ACCEPTANCE | changes)
    judgements = apply_decisions.acceptance.judge(made, by_row, Task(**TASK), accept)
    out = apply_decisions.apply(rows, by_row, judgements, Task(**TASK), ledger)
    return out.to_pylist()[6:], ledger.table().to_pylist()


def test_accepted_labels_stand_with_the_precision_that_people_found():
    rows, made = many(rows=60, drawn=40)
    ids = rows["id"].to_pylist()[6:]
    audit = [decided(id, "keep" if number < 38 else "ambiguous", label="STONE") for number, id in enumerate(ids[:40])]
    out, entries = judged(rows, made, *audit)
    assert {row["label_origin"] for row in out[:38]} == {"human"}
    assert {row["label"] for row in out[38:40]} == {None}
    assert {(row["label"], row["label_origin"], row["label_confidence"]) for row in out[40:]} == {
        ("STONE", "rule", 0.95)
    }
    told = [entry for entry in entries if entry["rule"] == "accepted"]
    assert {entry["id"] for entry in told} == set(ids[40:])
    assert told[0]["reason"] == (
        "label STONE of origin rule accepted: 38 of 40 audited rows right, precision at least 0.83"
    )

    out, entries = judged(rows, made, *audit, min_precision=0.9)
    assert {(row["label"], row["label_origin"], row["label_confidence"]) for row in out[40:]} == {(None, None, None)}
    assert {row["given_label"] for row in out} == {"STONE"}
    assert {row["label_origin"] for row in out[:38]} == {"human"}
    assert sum(entry["rule"] == "not_accepted" for entry in entries) == 20


def test_an_accepted_label_stays_while_reviewers_disagree_on_its_row():
    rows, made = many(rows=60, drawn=40)
    ids = rows["id"].to_pylist()[6:]
    audit = [decided(id, "keep", label="STONE") for id in ids[:40]]
    disputed = [decided(ids[50], "keep", label="STONE"), decided(ids[50], "ambiguous", "bo", label="STONE")]
    out, _ = judged(rows, made, *audit, *disputed)
    assert picked(out[50]) == ("STONE", "STONE", "rule", None, True)


@pytest.mark.parametrize(
    ("rule", "cells", "expected"),
    [
        # What a person said of a row without a label of its own stands, whatever a rule says of it now.
        ("FRUIT", ("keep", "", "STONE"), ("FRUIT", "STONE", "human", "relabel", False)),
        ("STONE", ("relabel", "STONE", "FRUIT"), ("STONE", "STONE", "human", "keep", False)),
        ("STONE", ("relabel", "STONE", ""), ("STONE", "STONE", "human", "keep", False)),
        ("STONE", ("relabel", "FRUIT", ""), ("STONE", "FRUIT", "human", "relabel", False)),
        ("STONE", ("ambiguous", "", "FRUIT"), ("STONE", None, None, "ambiguous", False)),
        (None, ("keep", "", "STONE"), (None, "STONE", "human", "relabel", False)),
        (None, ("relabel", "FRUIT", "STONE"), (None, "FRUIT", "human", "relabel", False)),
    ],
)
def test_a_mended_rule_makes_no_decision_stale(stage, rule, cells, expected):
    verdict, new_label, given_label = cells
    out, _ = stage(line(6, verdict, new_label, given_label=given_label), rule=rule)
    assert picked(out[6]) == expected


def test_a_stale_decision_is_superseded_by_a_new_one(stage):
    out, _ = stage(line(0, "keep", text_sha="0" * 16), line(0, "keep"))
    assert picked(out[0]) == ("FRUIT", "FRUIT", "human", "keep", False)


def test_a_row_that_people_took_out_of_scope_gets_no_automatic_label(stage):
    out, metrics = stage(line(6, "out_of_scope"))
    assert 6 not in out
    assert metrics["acceptance"]["rule"]["STONE"]["audited"] == 1


def test_an_audited_rule_gets_the_precision_that_people_found(stage):
    _, metrics = stage(line(6, "keep"))
    assert metrics["audit"] == {"rows": 1, "correct": 1, "precision": 1.0, "lower": round(intervals.wilson(1, 1)[0], 6)}


def decided(id: str, verdict: str, reviewer: str = "ana", label: str = "L", new_label: str = "") -> Decision:
    cells = {"id": id, "text_sha": "sha", "given_label": label, "verdict": verdict, "new_label": new_label}
    return Decision(**cells, reviewer=reviewer, decided_on="2026-01-31", note="", line=2)


def test_the_audit_weighs_labels_by_their_rows_and_ignores_rows_outside_the_sample():
    # 90 rows of FRUIT and 10 of STONE; two of each are in the sample.
    table = annotations([(f"f{n}", "FRUIT", n < 2) for n in range(90)] + [(f"s{n}", "STONE", n < 2) for n in range(10)])
    made = [decided("f0", "keep"), decided("f1", "keep"), decided("s0", "ambiguous"), decided("s1", "keep")]
    queue = [decided(f"f{n}", "ambiguous") for n in range(50, 60)]  # suspicious rows say nothing of the average
    found = apply_decisions.audit(table, settling.latest([*made, *queue]), Task(**TASK))
    assert (found["rows"], found["correct"]) == (4, 3)
    assert found["precision"] == pytest.approx(0.9 * 1.0 + 0.1 * 0.5)
    assert 0 <= found["lower"] < found["precision"]
    assert apply_decisions.audit(table, settling.latest(queue), Task(**TASK)) is None


def test_the_stage_writes_the_same_bytes_twice(stage, tmp_path):
    lines = (line(0, "keep"), line(3, "relabel", "FRUIT"))
    stage(*lines)
    first = [(tmp_path / name).read_bytes() for name in OUTPUTS]
    stage(*lines)
    assert [(tmp_path / name).read_bytes() for name in OUTPUTS] == first


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([line(0, "keep", id="feedfeedfeedfeed")], "line 2: id 'feedfeedfeedfeed' is not in the table; `winnow why"),
        ([line(8, "keep", given_label="")], "is not in the table"),  # a row that only adapts the encoder
        ([line(0, "keep", text_sha="0" * 16)], "the text of .* changed"),
        ([line(0, "keep", given_label="STONE")], "given_label was 'STONE', is 'FRUIT'"),
        ([line(6, "keep", given_label="")], "given_label was '', is 'STONE'.*; .*'keep' on a row without a label"),
        ([line(6, "keep", given_label="PLANT")], "given_label was 'PLANT', is 'STONE'"),
        ([line(6, "keep", text_sha="0" * 16)], "the text of .* changed"),
        ([line(0, "kept")], "verdict 'kept' is not one of"),
        ([line(0, "relabel", "PLANT")], "new_label: label 'PLANT' is not one of"),
        ([line(0, "keep", reviewer="")], "reviewer is missing"),
        ([line(0, "kept"), line(1, "relabel", "PLANT")], "2 problems: line 2: .*; line 3: "),
        (["<<<<<<< HEAD"], "resolve the merge"),
    ],
)
def test_bad_decisions_stop_the_run_and_write_nothing(stage, tmp_path, lines, message):
    with pytest.raises(UserError, match=message):
        stage(*lines)
    assert not any((tmp_path / name).exists() for name in OUTPUTS)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{}, {}, {}, {}, {}, {}, {}], "no row has a label"),
        ([{"label": "FRUIT"}] * 7, "the only label is 'FRUIT'"),
        ([{"label": "FRUIT"}, {"label": "PLANT"}] * 4, r"row \w{16}: label 'PLANT' is not one of"),
    ],
)
def test_too_few_labels_stop_the_run(stage, tmp_path, rows, message):
    with pytest.raises(UserError, match=message):
        stage(rows=rows)
    assert not any((tmp_path / name).exists() for name in OUTPUTS)


def test_labels_with_few_rows_are_in_doubt_all_at_once(stage, capsys):
    _, metrics = stage(rows=[{"label": "FRUIT"}] * 5 + [{"label": "STONE"}] * 2 + [{}], min_rows=6, rule=None)
    (doubt,) = metrics["doubts"]
    assert "2 label(s) have fewer than 6 rows" in doubt["what"]
    assert "“FRUIT” 5, “STONE” 2" in doubt["what"]
    assert doubt["accept"] == "apply_decisions.min_rows_per_label: 2"
    assert doubt["what"] in capsys.readouterr().err


def test_a_row_without_a_split_is_named():
    rows = make_rows([{"label": "FRUIT"}])
    split = pa.table({"id": pa.array([], pa.string()), "split": pa.array([], pa.string())})
    with pytest.raises(UserError, match=f"row {IDS[0]} has no split"):
        apply_decisions.join(rows, split, annotations([]))


@given(st.lists(st.tuples(st.integers(0, 7), st.sampled_from(decisions.VERDICTS), st.sampled_from("abc")), max_size=30))
def test_rows_in_are_rows_out_and_rows_dropped(choices):
    rows = make_rows(ROWS[:8])
    split = tables.set_column(rows.select(["id"]), "split", ["train"] * 8, pa.string())
    joined = apply_decisions.join(rows, split, annotations([]))
    made = [
        decided(IDS[row], verdict, who, label="", new_label="STONE" if verdict == "relabel" else "")
        for row, verdict, who in choices
    ]
    ledger = Ledger("apply_decisions")
    by_row = settling.latest(made)
    out = apply_decisions.apply(joined, by_row, {}, Task(**TASK), ledger)
    ledger.check(joined.num_rows, out.num_rows)
    assert len(ledger.entries) == len(by_row)
    undecided = {row["id"]: row for row in joined.to_pylist() if row["id"] not in by_row}
    for row in out.to_pylist():
        if row["id"] in undecided:
            assert picked(row)[:3] == tuple(undecided[row["id"]][n] for n in ("given_label", "label", "label_origin"))


def test_a_new_label_that_cannot_be_of_its_text_stops_the_run(stage):
    task = {"kind": "token_classification", "labels": ["A"]}
    rows = [{"label": '[[0,1,"A"]]'}] * len(ROWS)
    label = {"given_label": '"[[0,1,""A""]]"'}
    out, _ = stage(line(0, "relabel", "[]", **label), rows=rows, rule=None, task=task)
    assert out[0]["label"] == "[]"
    with pytest.raises(
        UserError, match=r"decisions.csv: 1 problem: line 2: new_label of \w+: span .* ends beyond the text"
    ):
        stage(line(0, "relabel", '"[[0,99,""A""]]"', **label), rows=rows, rule=None, task=task)
