"""agreement: what several reviewers said is measured, and a conflict gets a suggestion."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.agreement import __main__ as agreement
from stages.agreement.votes import collect
from tests.conftest import make_rows
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.kinds.classification.labels import Task
from winnow.people import decisions
from winnow.people.decisions import Decision
from winnow.rows import tables

LABELS = ["FRUIT", "STONE", "TREE"]
TASK = {"kind": "classification", "labels": LABELS}
SETTINGS = {"min_rows": 5, "resamples": 200, "confidence": 0.95, "seed": 1}
ROWS = make_rows([{"label": LABELS[number % 3]} for number in range(60)])
IDS, GIVEN = ROWS["id"].to_pylist(), ROWS["label"].to_pylist()
SHAS = [hashing.text_sha(text) for text in ROWS["text"].to_pylist()]
# The model is sure of every given label but that of row 1, STONE, which it takes for a TREE.
CHANCES = np.where(np.arange(3) == (np.arange(60) % 3)[:, None], 0.9, 0.05)
CHANCES[1] = 0.05, 0.15, 0.8


def line(row: int, said: str, reviewer: str = "ana", day: str = "2026-01-31") -> str:
    """Return a line of decisions.csv: a label, or a verdict without one."""
    verdict = said if said in ("ambiguous", "out_of_scope") else "keep" if said == GIVEN[row] else "relabel"
    return f"{IDS[row]},{SHAS[row]},{GIVEN[row]},{verdict},{said if verdict == 'relabel' else ''},{reviewer},{day},"


def both(row: int, first: str, second: str) -> list[str]:
    return [line(row, first), line(row, second, "bo")]


@pytest.fixture
def stage(workspace):
    """Return a function that runs the stage on lines of decisions.csv: rows by number, and metrics."""

    def run(*lines: str, scored: slice = slice(None)) -> tuple[dict[int, dict], dict]:
        folder = workspace(task=TASK, agreement=SETTINGS, review={"overlap": 0.1})
        tables.write(ROWS, folder / "rows.parquet")
        columns = {f"p_{label}": CHANCES[:, number].astype(np.float32) for number, label in enumerate(LABELS)}
        tables.write(pa.table({"id": IDS} | columns)[scored], folder / "scores.parquet")
        (folder / "decisions.csv").write_text("\n".join([",".join(decisions.COLUMNS), *lines, ""]), encoding="utf-8")
        agreement.main(
            "--rows rows.parquet --scores scores.parquet --decisions decisions.csv --out consensus.parquet "
            "--metrics metrics.json".split()
        )
        out = tables.read(folder / "consensus.parquet")
        assert out.schema.equals(agreement.CONSENSUS)
        return {IDS.index(row["id"]): row for row in out.to_pylist()}, json.loads((folder / "metrics.json").read_text())

    return run


def test_without_decisions_there_is_nothing_to_measure_and_the_metrics_say_so(stage):
    out, metrics = stage()
    assert out == {}
    assert metrics["reason"] == "no decision yet"
    assert metrics["alpha"] is metrics["observed_agreement"] is metrics["overlap"]["reached"] is None
    assert metrics["rows"] == metrics["rows_of_several"] == metrics["conflicts"] == 0
    assert metrics["pairs"] == metrics["reviewers"] == metrics["confused"] == {}


def test_one_reviewer_agrees_with_nobody(stage):
    out, metrics = stage(*(line(row, GIVEN[row]) for row in range(20)))
    assert out == {}
    assert metrics["reason"] == "one reviewer only: nobody to agree with"
    assert metrics["reviewers"] == {"ana": {"rows": 20, "rows_with_others": 0}}
    assert metrics["overlap"] == {"wanted": 0.1, "reached": 0.0}


def test_few_common_rows_get_a_consensus_but_no_coefficient(stage):
    out, metrics = stage(*both(0, "FRUIT", "FRUIT"), *both(1, "STONE", "TREE"), line(2, "TREE"))
    assert set(out) == {0, 1}
    assert metrics["reason"] == "2 rows with two reviewers or more, fewer than 5"
    assert metrics["pairs"] == {
        "ana / bo": {"rows": 2, "same": 1, "kappa": None, "kappa_low": None, "kappa_high": None}
    }
    assert metrics["overlap"]["reached"] == pytest.approx(2 / 3, abs=1e-6)


def test_two_reviewers_are_measured_and_the_model_settles_what_they_cannot(stage):
    lines = [part for row in range(20) for part in both(row, GIVEN[row], GIVEN[row])]
    out, metrics = stage(*lines, line(1, "TREE", "bo"))
    assert "reason" not in metrics
    assert metrics["alpha_low"] < metrics["alpha"] < 1
    assert metrics["observed_agreement"] == 0.95
    assert metrics["pairs"]["ana / bo"]["kappa"] == pytest.approx(metrics["alpha"], abs=0.01)
    assert metrics["confused"] == {"STONE / TREE": 1}
    assert (metrics["rows_of_several"], metrics["conflicts"]) == (20, 1)
    assert set(metrics["reviewers"]["ana"]) == {"rows", "rows_with_others", "accuracy_dawid_skene", "quality_crowdlab"}

    disputed = out[1]
    assert (disputed["reviewers"], disputed["outcomes"]) == (["ana", "bo"], ["STONE", "TREE"])
    assert (disputed["conflict"], disputed["majority"], disputed["majority_confidence"]) == (True, None, 0.5)
    assert disputed["crowdlab"] == disputed["suggested_label"] == "TREE"
    sure = f"{100 * disputed['crowdlab_confidence']:.0f}"
    assert disputed["reason"] == f"reviewers disagree: ana STONE, bo TREE; the consensus is TREE ({sure} %)"
    assert not out[0]["conflict"]
    assert out[0]["majority"] == out[0]["dawid_skene"] == out[0]["crowdlab"] == "FRUIT"
    assert out[0]["reason"] == "reviewers agree: ana FRUIT, bo FRUIT"


def test_many_reviewers_and_missing_votes(stage):
    lines = [
        line(row, GIVEN[row], who)
        for row in range(30)
        for who in ("ana", "bo", "cy", "di")
        if row % 4 != ord(who[0]) % 4
    ]
    out, metrics = stage(*lines, line(50, GIVEN[50], "eve"), line(1, "FRUIT", "bo"))
    assert len(out) == 30
    assert len(metrics["pairs"]) == 6
    assert metrics["reviewers"]["eve"] == {"rows": 1, "rows_with_others": 0}
    assert out[1]["majority"] == "STONE"
    assert metrics["conflicts"] == 1


def test_verdicts_without_a_label_are_outcomes_but_no_votes_for_the_model(stage):
    agreed = [part for row in range(20, 40) for part in both(row, GIVEN[row], GIVEN[row])]
    unclear = [part for row in range(5, 12) for part in both(row, "ambiguous", "ambiguous")]
    disputed = [line(0, "ambiguous"), line(0, "ambiguous", "bo"), line(0, "FRUIT", "cy"), line(3, "out_of_scope")]
    out, metrics = stage(*agreed, *unclear, *disputed, line(3, "out_of_scope", "bo"))
    assert (out[0]["majority"], out[0]["dawid_skene"], out[0]["crowdlab"]) == ("ambiguous", "ambiguous", "FRUIT")
    assert out[0]["suggested_label"] is None  # the model cannot say that a row has no label; people do
    assert "the consensus is ambiguous" in out[0]["reason"]
    assert (out[3]["majority"], out[3]["crowdlab"], out[3]["crowdlab_confidence"]) == ("out_of_scope", None, None)
    assert metrics["confused"] == {"FRUIT / ambiguous": 1}


def test_the_latest_decision_of_a_reviewer_counts(stage):
    out, _ = stage(line(1, "STONE", "bo", "2026-02-01"), *both(1, "STONE", "TREE"))
    assert out[1]["outcomes"] == ["STONE", "STONE"]


@pytest.mark.parametrize(("said", "reason"), [(GIVEN, "nobody disagreed"), (["FRUIT"] * 60, "all said the same")])
def test_without_disagreement_no_interval_is_made_up(stage, said, reason):
    _, metrics = stage(*(part for row in range(9) for part in both(row, said[row], said[row])))
    assert metrics["reason"].startswith(reason)
    assert metrics["alpha_low"] is metrics["observed_agreement_low"] is None


def test_a_row_that_left_the_table_as_out_of_scope_needs_no_score(stage):
    out, _ = stage(*both(0, "out_of_scope", "out_of_scope"), scored=slice(1, None))
    assert out[0]["dawid_skene"] == "out_of_scope"
    with pytest.raises(UserError, match=f"scores.parquet: row {IDS[0]} has no score; run `dvc repro score`"):
        stage(*both(0, "out_of_scope", "FRUIT"), scored=slice(1, None))


def test_a_decision_on_an_unknown_row_or_label_stops_the_run(stage, tmp_path):
    with pytest.raises(UserError, match=r"rows\.parquet: decided row feed is not in it"):
        stage(*(text.replace(IDS[0], "feed") for text in both(0, "FRUIT", "FRUIT")))
    with pytest.raises(UserError, match=r"decisions\.csv: line 2: label 'PLANT' is not one of"):
        stage(line(0, "PLANT"))
    assert not (tmp_path / "consensus.parquet").exists()


def test_the_stage_writes_the_same_bytes_twice(stage, tmp_path):
    lines = [part for row in range(12) for part in both(row, GIVEN[row], GIVEN[row // 2])]
    stage(*lines)
    first = [(tmp_path / name).read_bytes() for name in ("consensus.parquet", "metrics.json")]
    stage(*reversed(lines))
    assert [(tmp_path / name).read_bytes() for name in ("consensus.parquet", "metrics.json")] == first


SAID = st.tuples(st.integers(0, 9), st.sampled_from([*LABELS, "ambiguous", "out_of_scope"]), st.sampled_from("abcd"))


@settings(max_examples=30)
@given(st.lists(SAID, max_size=40))
def test_every_row_of_several_reviewers_gets_a_line_and_what_all_say_is_no_conflict(said):
    made = [
        Decision(
            IDS[row], "", "", name if name in ("ambiguous", "out_of_scope") else "relabel", name, who, f"{at:02}", "", 2
        )
        for at, (row, name, who) in enumerate(said)
    ]
    last = {(row, who): name for row, name, who in said}
    by_row = {row: {name for (other, _), name in last.items() if other == row} for row, _ in last}
    several = collect(made, {}, Task(**TASK), "decisions.csv").several()
    assert {IDS.index(id) for id in several.ids} == {row for row in by_row if sum(r == row for r, _ in last) > 1}
    if several.ids:
        chances = CHANCES[[IDS.index(id) for id in several.ids]]
        for entry in agreement.lines(several, agreement.agree(several, chances)):
            assert entry["conflict"] == (len(by_row[IDS.index(entry["id"])]) > 1)
            assert entry["suggested_label"] in (*LABELS, None)
            assert 0 <= entry["dawid_skene_confidence"] <= 1 + 1e-9
