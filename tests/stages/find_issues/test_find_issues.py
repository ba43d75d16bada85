"""find_issues: wrong labels come first with a probability and a reason, settled ones never, and no text becomes markup
or a formula.
"""

import csv
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stages.agreement.__main__ import CONSENSUS
from stages.calibrate import __main__ as calibrate
from stages.deduplicate.outcome import CONFLICT
from stages.find_issues import __main__ as find_issues
from tests.conftest import make_rows
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.encoder import embeddings
from winnow.kinds.classification.labels import Task
from winnow.people import decisions, queue, settling
from winnow.people.decisions import COLUMNS
from winnow.rows import tables

LABELS = ["FRUIT", "STONE", "WATER"]
TASK = {"kind": "classification", "labels": LABELS}
PARAMS = {
    "filter_by": "prune_by_noise_rate",
    "queue_rows": 5,
    "neighbours": 3,
    "tiers": {"almost_certain": 0.9, "likely": 0.5, "possible": 0.2},
    "planted_worth": 30.0,
    "calibration_bins": 5,
    "value": {"train": 1.0, "dev": 1.0, "test": 2.0},
    "pace": {"seconds": 8.0, "words_per_minute": 200.0, "min_decisions": 30},
    "poor_slice": 0.5,
}
CALIBRATE = {"noise": {"uniform": 0.1, "instance": 0.1}, "plantings": 1, "max_rows": 5000, "seed": 1}
INPUTS = ("rows", "scores", "embeddings", "calibration", "votes", "duplicates", "consensus", "decisions")
OUTPUTS = ("out", "queue", "queue-csv", "queue-html", "plot", "metrics")
COMMAND = [part for name in (*INPUTS, *OUTPUTS) for part in (f"--{name}", name)]
CALIBRATION = "--rows rows --scores scores --embeddings embeddings --out calibration --metrics unused".split()


def labelled(count: int = 120) -> list[dict]:
    """Rows whose label the models confirm."""
    return [{"label": LABELS[n % 3]} for n in range(count)]


def wrong(**changes) -> dict:
    """A row whose label the models contradict."""
    return {"label": "FRUIT", "says": "STONE"} | changes


def table(rows: list[dict]) -> pa.Table:
    full = [{"split": "train", "verdict": None, "given_label": row.get("label")} | row for row in rows]
    made = make_rows([{key: row[key] for key in row if key not in ("says", "conflict", "suggested")} for row in full])
    return tables.set_column(made, "conflict", [row.get("conflict", False) for row in rows], pa.bool_())


def says(row: dict) -> int:
    return LABELS.index(row.get("says") or row.get("label") or "FRUIT")


def chances(rows: list[dict], seed: int) -> np.ndarray:
    """About 85 % for the class that a row `says` (its label where it does not say)."""
    score = np.random.default_rng(seed).normal(scale=0.7, size=(len(rows), 3))
    score[np.arange(len(rows)), [says(row) for row in rows]] += 3
    return np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)


def write(folder: Path, rows: list[dict], votes: list[tuple] = (), made: list[dict] = (), duplicates: list[dict] = ()):
    """Write the inputs; the calibration is the stage calibrate's."""
    of = table(rows)
    ids = of["id"].to_pylist()
    members = {"probe_p": chances(rows, 1), "words_p": chances(rows, 2)}
    columns = {"id": of["id"], "fold": pa.array(np.arange(len(rows)) % 4)}
    for prefix, found in (members | {"p": np.mean(list(members.values()), axis=0)}).items():
        columns |= {f"{prefix}_{label}": pa.array(found[:, at], pa.float32()) for at, label in enumerate(LABELS)}
    noise = np.random.default_rng(3).normal(scale=0.3, size=(len(rows), 5))
    vectors = np.eye(5)[[says(row) for row in rows]] + noise
    tables.write(of, folder / "rows")
    tables.write(pa.table(columns), folder / "scores")
    embeddings.write(folder / "embeddings", ids, vectors.astype(np.float32))
    schema = pa.schema([(name, pa.string()) for name in ("id", "rule", "label")])
    said = [dict(zip(schema.names, (ids[row], rule, label), strict=True)) for row, rule, label in votes]
    tables.write_sorted(pa.Table.from_pylist(said, schema), folder / "votes")
    tables.write(pa.Table.from_pylist(list(duplicates), CONFLICT), folder / "duplicates")
    said = [consensus(id, row.get("suggested")) for id, row in zip(ids, rows, strict=True) if row.get("conflict")]
    tables.write(pa.Table.from_pylist(said, CONSENSUS), folder / "consensus")
    with (folder / "decisions").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, (*COLUMNS, "seconds"))
        writer.writeheader()
        writer.writerows(made)
    calibrate.main(CALIBRATION)


def consensus(id: str, suggested: str | None) -> dict:
    return {
        "id": id,
        "reviewers": ["ana", "ben"],
        "outcomes": ["FRUIT", "WATER"],
        "conflict": True,
        "majority_confidence": 0.5,
        "dawid_skene": "FRUIT",
        "dawid_skene_confidence": 0.6,
        "suggested_label": suggested,
        "reason": "reviewers disagree: ana FRUIT, ben WATER",
    }


def run(workspace, rows: list[dict], votes=(), made=(), duplicates=(), **changes) -> tuple:
    """Return issues, the queue's entries, metrics and the folder."""
    folder = workspace(task=TASK, find_issues=PARAMS | changes, calibrate=CALIBRATE)
    write(folder, rows, votes, made, duplicates)
    find_issues.main(COMMAND)
    issues = tables.read(folder / "out").to_pylist()
    return issues, queue.read(folder / "queue"), json.loads((folder / "metrics").read_text()), folder


def id_of(rows: list[dict], number: int) -> str:
    return table(rows)["id"].to_pylist()[number]


def decision(row: str, verdict: str = "keep", seconds: float | str = "") -> dict:
    values = {"id": row, "verdict": verdict, "reviewer": "ana", "decided_on": "2026-01-31", "seconds": seconds}
    return dict.fromkeys(COLUMNS, "") | values


def test_the_rest_of_its_group_speaks_for_no_row_that_is_alone(workspace):
    paired = [row | {"group": f"pair {n // 2}"} for n, row in enumerate(labelled())]
    rows = [*paired, wrong(group="pair 0"), wrong(group="its own")]
    issues, *_ = run(workspace, rows, queue_rows=20)
    said = {row["id"]: row["reasons"] for row in issues}
    assert "the rest of its group" in said[id_of(rows, 120)]
    assert "the rest of its group" not in said[id_of(rows, 121)]
    assert "its meaning" in said[id_of(rows, 121)]


def test_wrong_labels_stand_first_with_a_probability_a_suggestion_and_a_reason(workspace):
    rows = [*labelled(), wrong(), wrong(label="WATER", says="FRUIT")]
    issues, waiting, metrics, _ = run(workspace, rows)
    assert {waiting[0]["id"], waiting[1]["id"]} == {id_of(rows, 120), id_of(rows, 121)}
    [first] = [row for row in issues if row["id"] == id_of(rows, 120)]
    assert (first["given_label"], first["suggested_label"], first["is_issue"]) == ("FRUIT", "STONE", True)
    assert first["score"] < 0.2
    assert first["p_error"] > 0.5
    assert first["tier"] in ("almost certain", "likely")
    assert first["kinds"] == ["label_error"]
    assert {"probe", "words", "neighbours", "cleanlab prune_by_noise_rate"} <= set(first["detectors"])
    assert first["reasons"].startswith("the models give FRUIT ")
    assert "STONE by its meaning and its words" in first["reasons"]
    assert "labels of the 15 nearest rows: " in first["reasons"]
    assert len(issues) == 122
    right = [row["p_error"] for row in issues if row["id"] not in (id_of(rows, 120), id_of(rows, 121))]
    assert np.mean(right) < 0.05
    assert (metrics["rows"], metrics["queue_rows"]) == (122, 5)
    assert metrics["suspected"] == sum(row["is_issue"] for row in issues)
    assert metrics["per_class"]["FRUIT"] == {
        "rows": 41,
        "suspected": 1,
        "queue_rows": sum(row["given_label"] == "FRUIT" for row in waiting),
    }
    assert metrics["estimated_errors"] in (1, 2)
    assert metrics["estimated_noise"] == pytest.approx(metrics["estimated_errors"] / 122, abs=1e-6)
    assert metrics["expected_errors"] == pytest.approx(sum(row["p_error"] for row in issues), abs=1e-5)
    assert sum(metrics["tiers"].values()) == 122


def test_many_wrong_labels_are_found_above_chance(workspace):
    random = np.random.default_rng(5)
    rows = labelled(300)
    spoilt = random.permutation(300)[:30]
    for row in spoilt:
        truth = rows[row]["label"]
        rows[row] = {"label": LABELS[(LABELS.index(truth) + 1) % 3], "says": truth}
    _, waiting, metrics, _ = run(workspace, rows, queue_rows=30)
    found = {entry["id"] for entry in waiting} & {id_of(rows, row) for row in spoilt}
    assert len(found) >= 25  # by chance: 3
    assert metrics["queue_expected_errors"] == pytest.approx(30, abs=8)
    assert metrics["calibration"]["noise"] == pytest.approx(0.1, abs=0.03)


def test_the_queue_is_in_the_order_of_the_gain_per_minute(workspace):
    long, short = "word " * 300, "a short text"
    rows = [*labelled(), *(wrong(text=text + str(n)) for text in (long, short) for n in range(3))]
    rows += [wrong(split="test", text=short + "T")]
    issues, waiting, metrics, _ = run(workspace, rows, queue_rows=6)
    gains = {row["id"]: row["gain_per_minute"] for row in issues}
    assert [entry["id"] for entry in waiting] == sorted(gains, key=lambda id: (-gains[id], id))[:6]
    assert waiting[0]["id"] == id_of(rows, 126)  # of the test split, where a right label is worth twice
    assert {entry["id"] for entry in waiting[1:4]} == {id_of(rows, row) for row in (123, 124, 125)}
    assert waiting[4]["seconds"] > 90 > 10 > waiting[1]["seconds"]
    assert metrics["queue_minutes"] == pytest.approx(sum(entry["seconds"] for entry in waiting) / 60)
    first = next(row for row in issues if row["id"] == waiting[0]["id"])
    assert first["gain_per_minute"] == pytest.approx(first["p_error"] * 2 * 60 / waiting[0]["seconds"])


def test_a_split_without_worth_comes_last(workspace):
    rows = [*labelled(), wrong(split="dev")]
    _, waiting, _, _ = run(workspace, rows, value={"train": 1.0, "dev": 0.0, "test": 1.0}, queue_rows=121)
    assert waiting[-1]["id"] == id_of(rows, 120)


def test_an_entry_shows_what_a_curator_needs(workspace):
    rows = [*labelled(), wrong(text="hard and grey")]
    _, waiting, _, _ = run(workspace, rows, votes=[(120, "cue", "STONE"), (120, "heading", "FRUIT")])
    [entry] = [entry for entry in waiting if entry["id"] == id_of(rows, 120)]
    assert entry["votes"] == [{"rule": "cue", "label": "STONE"}, {"rule": "heading", "label": "FRUIT"}]
    assert "rule cue says STONE" in entry["reasons"]
    assert [of["label"] for of in entry["probabilities"]] == LABELS
    assert sum(of["p"] for of in entry["probabilities"]) == pytest.approx(1)
    text = dict(zip(table(rows)["id"].to_pylist(), table(rows)["text"].to_pylist(), strict=True))
    assert len(entry["neighbours"]) == 3
    cosines = [near["similarity"] for near in entry["neighbours"]]
    assert cosines == sorted(cosines, reverse=True)
    for near in entry["neighbours"]:
        assert near["id"] != entry["id"]
        assert near["text"] == text[near["id"]]
        assert near["label"] == "STONE"


def test_neighbours_are_of_other_groups_and_have_labels_that_people_gave(workspace):
    rows = [*labelled(30), wrong(group="own"), *({"label": "STONE", "group": "own"} for _ in range(5))]
    rows += [{"label": "STONE", "label_origin": "rule"} for _ in range(5)]
    _, waiting, _, _ = run(workspace, rows, queue_rows=50)
    forbidden = {id_of(rows, number) for number in range(30, 41)}
    [entry] = [entry for entry in waiting if entry["id"] == id_of(rows, 30)]
    assert not forbidden & {near["id"] for near in entry["neighbours"]}


def test_tiers_go_by_their_bounds(workspace):
    rows = [*labelled(), *(wrong() for _ in range(4))]
    issues, _, metrics, _ = run(workspace, rows, tiers={"almost_certain": 0.8, "likely": 0.3, "possible": 0.01})
    bounds = {"almost certain": (0.8, 1), "likely": (0.3, 0.8), "possible": (0.01, 0.3), "unlikely": (0, 0.01)}
    for row in issues:
        low, high = bounds[row["tier"]]
        assert low <= row["p_error"] <= high
    for tier in bounds:
        assert metrics["tiers"][tier] == sum(row["tier"] == tier for row in issues)
    assert metrics["tiers"]["unlikely"] > 50


def decided(count: int, verdict: str) -> list[dict]:
    """Rows on which people decided; a model trains on the label that they gave."""
    new = {"keep": "FRUIT", "relabel": "STONE", "ambiguous": None}[verdict]
    one = wrong(label=new, given_label="FRUIT", verdict=verdict, label_origin="human" if new else None)
    return [dict(one) for _ in range(count)]


@pytest.mark.parametrize(("verdict", "up"), [("keep", False), ("relabel", True), ("ambiguous", True)])
def test_decisions_teach_what_a_signal_is_worth(workspace, verdict, up):
    rows = [*labelled(240), wrong(), *decided(5, verdict)]
    plain, _, _, _ = run(workspace, rows, planted_worth=1e9)
    issues, _, metrics, _ = run(workspace, rows, planted_worth=10.0)
    before, after = (next(row["p_error"] for row in of if row["id"] == id_of(rows, 240)) for of in (plain, issues))
    assert after > before + 0.01 if up else after < before - 0.1
    found = metrics["calibration"]["decisions"]
    assert (found["rows"], found["errors"]) == (5, 5 if up else 0)
    assert set(found) == {"rows", "errors", "ece", "brier", "log_loss"}
    if not up:
        assert found["brier"] < metrics["calibration"]["planted_errors_alone"]["brier"]


def test_labels_given_to_rows_that_had_none_are_no_errors(workspace):
    rows = [*labelled(), wrong(label="STONE", given_label=None, verdict="relabel", label_origin="human")]
    _, _, metrics, _ = run(workspace, rows)
    assert "decisions" not in metrics["calibration"]


def test_decisions_on_rows_that_left_are_counted(workspace):
    made = [decision("ffff", "out_of_scope"), decision(id_of(labelled(), 0), "keep")]
    _, _, metrics, _ = run(workspace, labelled(), made=made)
    assert metrics["calibration"]["decisions_left_out"] == 1


def test_the_reliability_table_has_planted_errors_and_decisions(workspace):
    rows = [*labelled(), *decided(10, "keep"), *decided(10, "relabel")]
    _, _, metrics, folder = run(workspace, rows)
    with (folder / "plot").open(newline="") as file:
        lines = list(csv.DictReader(file))
    by_source = {name: [line for line in lines if line["source"] == name] for name in ("planted", "decisions")}
    assert [len(of) for of in by_source.values()] == [5, 5]
    assert sum(float(line["rows"]) for line in by_source["decisions"]) == 20
    observed = sum(float(line["observed"]) * float(line["rows"]) for line in by_source["planted"])
    assert observed == pytest.approx(metrics["calibration"]["planted"]["errors"], rel=1e-4)
    for line in lines:
        assert 0 <= float(line["predicted"]) <= 1


def test_the_pace_is_that_of_the_decisions_that_told_their_time(workspace):
    rows = [row | {"text": "word " * (10 + n)} for n, row in enumerate(labelled(60))]
    made = [decision(id_of(rows, n), seconds=round(3 + (10 + n) / 4, 2)) for n in range(40)]
    _, waiting, metrics, _ = run(workspace, rows, made=made)
    assert metrics["pace"]["decisions"] == 40
    assert metrics["pace"]["words_per_minute"] == pytest.approx(240, rel=0.02)
    words = len(waiting[0]["text"].split())
    assert waiting[0]["seconds"] == pytest.approx(3 + words / 4, rel=0.05)
    _, _, few, _ = run(workspace, rows, made=made[:29])
    assert few["pace"] == {"decisions": 29, "seconds": 8.0, "words_per_minute": 200.0}


def test_the_csv_has_the_contract_s_columns_and_the_queue_s_order(workspace):
    rows = [*labelled(), *(wrong() for _ in range(3))]
    _, waiting, _, folder = run(workspace, rows)
    with (folder / "queue-csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == decisions.QUEUE_COLUMNS
    assert [line["id"] for line in lines] == [entry["id"] for entry in waiting]
    for line, entry in zip(lines, waiting, strict=True):
        assert line["text_sha"] == hashing.text_sha(line["text"])
        assert line["score"] == f"{entry['p_error']:.4f}"
        assert [line[name] for name in ("verdict", "new_label", "reviewer", "decided_on", "note")] == [""] * 5


def test_a_filled_in_queue_is_accepted_as_decisions(workspace, tmp_path):
    rows = [*labelled(), wrong(text='=cmd "quoted", with commas')]
    _, _, _, folder = run(workspace, rows)
    with (folder / "queue-csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    for row in lines:
        row |= {"verdict": "keep", "reviewer": "ana", "decided_on": "2026-01-31"}
    lines[0] |= {"verdict": "relabel", "new_label": lines[0]["suggested_label"]}
    with (tmp_path / "filled.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, decisions.QUEUE_COLUMNS)
        writer.writeheader()
        writer.writerows(lines)
    found = decisions.read(tmp_path / "filled.csv")
    assert [of.id for of in found] == [row["id"] for row in lines]
    known = {row["id"]: (hashing.text_sha(row["text"]), row["given_label"]) for row in table(rows).to_pylist()}
    settling.check(found, known, Task(**TASK), tmp_path / "filled.csv")


def test_settled_and_unlabelled_rows_stay_out_and_conflicts_come_first(workspace):
    rows = [
        *labelled(),
        wrong(verdict="keep"),
        {"says": "STONE"},
        {"label": "FRUIT", "conflict": True, "suggested": "WATER"},
        {"says": "WATER", "conflict": True},
        wrong(),
    ]
    issues, waiting, metrics, _ = run(workspace, rows)
    found = {row["id"]: row for row in issues}
    assert id_of(rows, 120) not in found
    assert id_of(rows, 121) not in found
    assert {waiting[0]["id"], waiting[1]["id"]} == {id_of(rows, 122), id_of(rows, 123)}
    assert waiting[2]["id"] == id_of(rows, 124)
    assert found[id_of(rows, 122)]["reasons"].startswith(
        "reviewers disagree: ana FRUIT, ben WATER; the models agree: FRUIT"
    )
    assert found[id_of(rows, 122)]["suggested_label"] == "WATER"  # the consensus, not the models
    assert found[id_of(rows, 122)]["kinds"] == ["conflict"]
    unlabelled = found[id_of(rows, 123)]
    assert (unlabelled["given_label"], unlabelled["suggested_label"], unlabelled["score"]) == (None, None, None)
    assert (unlabelled["p_error"], unlabelled["tier"], unlabelled["gain_per_minute"]) == (None, None, None)
    assert metrics["conflicts"] == 2
    assert metrics["rows"] == 122


def test_a_consensus_of_other_decisions_stops_the_run(workspace):
    rows = [*labelled(), wrong()]
    folder = workspace(task=TASK, find_issues=PARAMS, calibrate=CALIBRATE)
    write(folder, rows)
    tables.write(pa.Table.from_pylist([consensus(id_of(rows, 3), None)], CONSENSUS), folder / "consensus")
    with pytest.raises(UserError, match=f"consensus: row {id_of(rows, 3)} is not as decisions.csv has it"):
        find_issues.main(COMMAND)


def conflict(row: str, label: str | None, others: list[dict], total: int = 0, kept: bool = True) -> dict:
    return {
        "id": row,
        "cluster": row,
        "label": label,
        "kept": kept,
        "others": others,
        "others_total": total or len(others),
    }


def test_rows_whose_duplicates_had_other_labels_are_all_in_the_queue(workspace):
    rows = [*labelled(), {"label": "FRUIT", "verdict": "keep"}, {"label": None}, wrong()]
    ids = [id_of(rows, number) for number in range(123)]
    gone = {"id": "cd", "label": "WATER", "kept": False}
    # Those that stayed: another label, the same one as the row's (people gave it since), taken out by people.
    water, fruit, left = ({"id": id, "label": "STONE", "kept": True} for id in (ids[2], ids[3], "no longer there"))
    duplicates = [conflict(id, "FRUIT", [gone, water, fruit, left], 9) for id in ids[0:7:3]]
    duplicates += [conflict(ids[9], "FRUIT", [fruit, left]), conflict(ids[12], "FRUIT", [fruit], 3)]
    duplicates += [
        conflict(ids[120], "FRUIT", [gone]),
        conflict(ids[121], None, [gone]),
        conflict("cd", "WATER", [], 0, False),
    ]
    issues, waiting, metrics, folder = run(workspace, rows, duplicates=duplicates, queue_rows=2)
    assert {row["id"] for row in waiting} == {*ids[0:7:3], ids[12], ids[121]}
    reasons = {row["id"]: row["reasons"] for row in issues}
    assert reasons[ids[0]].startswith(
        f"duplicates have other labels: cd WATER (dropped), {ids[2]} WATER and 5 more; the models"
    )
    assert reasons[ids[12]].startswith("duplicates have other labels: 2 more; the models")
    assert "duplicates" not in reasons[ids[9]]  # one of them has the same label now, and one has left
    assert reasons[ids[121]].startswith("duplicates have other labels: cd WATER (dropped); the models give")
    assert ids[120] not in reasons  # people have settled it
    assert metrics["duplicates_with_other_labels"] == 5
    assert metrics["kinds"]["duplicates_with_other_labels"] == 5
    assert "duplicates have other labels: cd WATER (dropped)" in (folder / "queue-html").read_text(encoding="utf-8")


def test_near_duplicates_with_other_labels_are_told(workspace):
    rows = [*labelled(60), wrong(), {"label": "STONE"}]
    folder = workspace(task=TASK, find_issues=PARAMS, calibrate=CALIBRATE)
    write(folder, rows)
    ids, vectors = embeddings.read(folder / "embeddings")
    vectors[61] = vectors[60]
    embeddings.write(folder / "embeddings", ids, vectors)
    find_issues.main(COMMAND)
    found = {row["id"]: row for row in tables.read(folder / "out").to_pylist()}
    first = found[ids[60]]
    assert f"rows that say nearly the same have other labels: {ids[61]} STONE" in first["reasons"]
    assert "near_duplicates_with_other_labels" in first["kinds"]
    assert json.loads((folder / "metrics").read_text())["dataset"]["near_duplicate"] == {"rows": 2}


def test_the_dataset_s_own_issues_are_metrics(workspace):
    _, _, metrics, _ = run(workspace, labelled(200))
    found = metrics["dataset"]
    assert set(found) == {"class_imbalance", "near_duplicate", "non_iid", "null", "outlier", "underperforming_group"}
    assert found["non_iid"]["rows"] == 200
    assert found["null"] == {"rows": 0, "columns": {"published": 0.0}}
    assert set(found["underperforming_group"]["examples"]) <= set(table(labelled(200))["id"].to_pylist())


def test_a_label_set_by_a_rule_is_judged_and_said_to_be(workspace):
    rows = [*labelled(), wrong(label_origin="rule")]
    _, waiting, _, _ = run(workspace, rows)
    assert waiting[0]["id"] == id_of(rows, 120)
    assert waiting[0]["p_error"] > 0.5
    assert waiting[0]["reasons"][-1] == "the label was set by a rule"


@pytest.mark.parametrize(
    ("queue_rows", "heading"),
    [
        (20, "Suspected label errors"),
        (100, "The 100 most doubtful of 121 labels"),
        (121, "All 121 labels, the most doubtful first"),
    ],
)
def test_the_page_says_what_the_queue_holds_where_it_holds_most_rows(workspace, queue_rows, heading):
    _, waiting, _, folder = run(workspace, [*labelled(), wrong()], queue_rows=queue_rows)
    assert len(waiting) == queue_rows
    assert f"<h1>{heading}</h1>" in (folder / "queue-html").read_text(encoding="utf-8")


def test_when_everything_is_settled_the_queue_is_empty(workspace):
    issues, waiting, metrics, folder = run(workspace, [row | {"verdict": "keep"} for row in labelled()])
    assert (issues, waiting, metrics["rows"], metrics["suspected"]) == ([], [], 0, 0)
    assert "estimated_errors" not in metrics
    assert (folder / "queue-html").exists()


@pytest.mark.parametrize("filter_by", ["prune_by_noise_rate", "both", "confident_learning", "low_self_confidence"])
@pytest.mark.parametrize("left", [1, 20])
def test_few_rows_of_one_class_are_no_reason_to_stop(workspace, filter_by, left):
    rows = [
        row | ({} if row["label"] == "FRUIT" and n < 3 * left else {"verdict": "keep"})
        for n, row in enumerate(labelled())
    ]
    issues, _, _, _ = run(workspace, rows, filter_by=filter_by)
    assert len(issues) == left


def test_a_class_without_rows_is_no_reason_to_stop(workspace):
    rows = [row for row in labelled() if row["label"] != "STONE"]
    issues, _, metrics, _ = run(workspace, [*rows, {"label": "FRUIT", "says": "WATER"}])
    assert len(issues) == 81
    assert metrics["per_class"]["STONE"]["rows"] == 0


def test_the_stage_writes_the_same_bytes_twice(workspace):
    rows = [*labelled(), wrong(), *decided(3, "keep"), {"label": "FRUIT", "conflict": True}]
    *_, folder = run(workspace, rows, votes=[(120, "cue", "STONE")])
    first = [(folder / name).read_bytes() for name in OUTPUTS]
    find_issues.main(COMMAND)
    assert [(folder / name).read_bytes() for name in OUTPUTS] == first


def test_blocks_of_rows_change_nothing(workspace, monkeypatch):
    """The queue is shorter than the rows with an open question: all of these are in it, from whatever block."""
    rows = [*labelled(), wrong(), *decided(3, "keep"), *[{"label": "FRUIT", "conflict": True}] * 4]
    *_, folder = run(workspace, rows, votes=[(120, "cue", "STONE")], queue_rows=3)
    first = [(folder / name).read_bytes() for name in OUTPUTS]
    monkeypatch.setattr(find_issues, "BLOCK", 7)
    find_issues.main(COMMAND)
    assert [(folder / name).read_bytes() for name in OUTPUTS] == first
    assert len(queue.read(folder / "queue")) == 4


class Page(HTMLParser):
    """Collects a page's tags and the addresses that it names."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.urls: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.urls += [value for name, value in attrs if name in ("src", "href")]


HOSTILE = '</script></p><script>alert("x")</script><img src=x onerror=alert(1)> & "quoted" {{ 7 * 7 }} <!--'


def test_text_that_tries_to_be_markup_stays_text(workspace):
    rows = [*labelled(), wrong(text="plain")]
    plain = run(workspace, rows)[-1].joinpath("queue-html").read_text(encoding="utf-8")
    rows[-1]["text"] = HOSTILE
    *_, folder = run(workspace, rows, votes=[(120, HOSTILE, "STONE")])
    page = Page((folder / "queue-html").read_text(encoding="utf-8"))
    assert page.tags == Page(plain).tags
    assert not {"img", "iframe"} & set(page.tags)
    assert not [url for url in page.urls if url.startswith("http")]  # the page needs nothing but itself
    entry = next(entry for entry in queue.read(folder / "queue") if entry["text"] == HOSTILE)
    assert f"rule {HOSTILE} says STONE" in entry["reasons"]


def test_scores_of_other_rows_are_refused(workspace):
    folder = workspace(task=TASK, find_issues=PARAMS, calibrate=CALIBRATE)
    write(folder, labelled())
    tables.write(table(labelled(30)), folder / "rows")
    with pytest.raises(UserError, match="not those of the labelled table; run `dvc repro score`"):
        find_issues.main(COMMAND)
    assert not any((folder / name).exists() for name in OUTPUTS)


def test_a_calibration_of_other_signals_is_refused(workspace):
    folder = workspace(task=TASK, find_issues=PARAMS, calibrate=CALIBRATE)
    write(folder, labelled())
    planted = tables.read(folder / "calibration")
    tables.write_sorted(planted.drop_columns(["words"]), folder / "calibration")
    with pytest.raises(UserError, match="its signals are not those of the scores; run `dvc repro calibrate`"):
        find_issues.main(COMMAND)


@pytest.mark.parametrize(
    "changes",
    [
        {"filter_by": "magic"},
        {"queue_rows": 0},
        {"queue": 1},
        {"neighbours": 99},
        {"tiers": {"almost_certain": 0.2, "likely": 0.5, "possible": 0.9}},
        {"value": {"train": -1.0}},
        {"planted_worth": 0.0},
        {"pace": {"seconds": 0.0, "words_per_minute": 200.0, "min_decisions": 30}},
    ],
)
def test_bad_parameters_are_named(workspace, changes):
    folder = workspace(task=TASK, find_issues=PARAMS | changes, calibrate=CALIBRATE)
    write(folder, labelled())
    with pytest.raises(UserError, match=f"find_issues.{next(iter(changes))}"):
        find_issues.main(COMMAND)
