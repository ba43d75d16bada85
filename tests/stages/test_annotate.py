"""annotate: a rule labels only where given labels of the training split prove it right."""

import csv

import pytest

from stages import annotate
from tests.conftest import make_rows
from winnow import hashing, stats, tables
from winnow.decisions import QUEUE_COLUMNS
from winnow.errors import UserError
from winnow.ledger import Ledger

TASK = {"kind": "classification", "labels": ["FRUIT", "STONE"]}
RULE = {"name": "heading", "field": "meta.heading", "labels": {"FRUIT": "FRUITS?", "STONE": "STONES?|ROCK"}}
PARAMS = {"rules": [RULE], "min_confidence": 0.8, "min_rows": 20, "audit_rows": 4}


def given(heading: str, label: str, count: int) -> list[dict]:
    return [{"label": label, "meta": {"heading": heading}} for _ in range(count)]


def unlabelled(heading: str | None, count: int = 1, **more: str) -> list[dict]:
    return [{"meta": {"heading": heading} if heading else {}} | more for _ in range(count)]


def run(rows: list[dict], train: set[int] | None = None, **changes) -> tuple[dict, dict, Ledger]:
    """Return label and confidence by row number, the metrics and the ledger."""
    table = make_rows(rows)
    ids = table["id"].to_pylist()
    ledger = Ledger("annotate")
    settings = annotate.Params.model_validate(PARAMS | changes)
    chosen = {ids[n] for n in range(len(rows)) if train is None or n in train}
    out, metrics = annotate.annotate(table, chosen, settings, ledger)
    return {ids.index(row["id"]): row for row in out.to_pylist()}, metrics, ledger


def test_a_full_match_sets_the_label_with_its_measured_precision():
    rows = [*given("Fruit", "FRUIT", 39), *given("FRUITS", "STONE", 1), *unlabelled(" fruits "), *unlabelled("fruit x")]
    out, metrics, ledger = run(rows)
    assert list(out) == [40]
    assert out[40]["label"] == "FRUIT"
    assert out[40]["label_origin"] == "rule"
    assert out[40]["rule"] == "heading"
    assert out[40]["label_confidence"] == 39 / 40
    assert metrics["rules"]["heading"]["FRUIT"] == {
        "fired": 1,
        "labelled": 1,
        "rejected": 0,
        "precision": 39 / 40,
        "precision_lower": stats.wilson(39, 40)[0],
        "measured_on": 40,
    }
    assert (metrics["unlabelled"], metrics["labelled"], metrics["coverage"]) == (2, 1, 0.5)
    [(id, _, action, rule, reason, _, _)] = ledger.entries
    assert (action, rule) == ("change", "heading")
    assert reason.startswith("heading -> FRUIT, precision 0.97")
    assert id == out[40]["id"]


def test_rows_with_a_label_keep_it_whatever_the_rule_says():
    out, _, _ = run([*given("Fruit", "FRUIT", 40), *given("Fruit", "STONE", 1)])
    assert out == {}


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(given("Fruit", "FRUIT", 19), id="too few labelled rows"),
        pytest.param(given("Fruit", "FRUIT", 32) + given("Fruit", "STONE", 8), id="80 % right, but not for sure"),
    ],
)
def test_an_unproven_label_is_rejected_and_noted(rows):
    out, metrics, ledger = run([*rows, *unlabelled("Fruit")])
    assert out == {}
    assert metrics["rules"]["heading"]["FRUIT"]["rejected"] == 1
    [(_, _, action, rule, reason, _, _)] = ledger.entries
    assert (action, rule) == ("note", "heading")
    assert "not trusted" in reason


def test_labels_outside_the_training_split_prove_nothing():
    rows = [*given("Fruit", "FRUIT", 40), *unlabelled("Fruit")]
    assert run(rows)[1]["labelled"] == 1
    assert run(rows, train=set(range(10)))[1]["labelled"] == 0


def test_an_earlier_automatic_label_proves_nothing():
    rows = [row | {"label_origin": "model"} for row in given("Fruit", "FRUIT", 40)]
    assert run([*rows, *unlabelled("Fruit")])[1]["labelled"] == 0


def test_rules_that_disagree_abstain_and_rules_that_agree_take_the_surer():
    text_rule = {"name": "text", "field": "text", "labels": {"FRUIT": "SWEET.*", "STONE": ".*GREY"}}
    rows = [
        *[row | {"text": "sweet and red"} for row in given("Fruit", "FRUIT", 40)],
        *[row | {"text": "hard and grey"} for row in given("Rock", "STONE", 38)],
        *[row | {"text": "plain"} for row in given("Rock", "FRUIT", 2)],
        *unlabelled("Rock", text="sweet and red"),
        *unlabelled("Rock", text="hard and grey"),
    ]
    out, metrics, ledger = run(rows, rules=[RULE, text_rule])
    assert metrics["abstained"] == 1
    assert list(out) == [81]
    assert (out[81]["label"], out[81]["rule"], out[81]["label_confidence"]) == ("STONE", "text", 1.0)
    assert ("note", "abstain") in {(entry[2], entry[3]) for entry in ledger.entries}


def test_an_untrusted_vote_does_not_silence_a_trusted_one():
    weak = {"name": "weak", "field": "text", "labels": {"STONE": ".*"}}
    out, _, _ = run([*given("Fruit", "FRUIT", 40), *unlabelled("Fruit")], rules=[RULE, weak])
    assert out[40]["label"] == "FRUIT"


def test_the_audit_sample_is_even_over_labels_and_drawn_by_hash():
    rows = [*given("Fruit", "FRUIT", 30), *given("Rock", "STONE", 30), *unlabelled("Fruit", 50), *unlabelled("Rock", 1)]
    out, metrics, _ = run(rows, audit_rows=5)
    audited = [row for row in out.values() if row["audit"]]
    assert metrics["audit_rows"] == 5
    assert sorted(row["label"] for row in audited) == ["FRUIT"] * 4 + ["STONE"]
    fruit = sorted((r["id"] for r in out.values() if r["label"] == "FRUIT"), key=lambda id: hashing.digest("audit", id))
    assert {row["id"] for row in audited if row["label"] == "FRUIT"} == set(fruit[:4])


def files(folder) -> list[str]:
    """Write the stage's inputs and return its command line."""
    rows = make_rows(
        [
            *given("Fruit", "FRUIT", 30),
            *unlabelled("fruit", text="=1+1 is a sweet one"),
            *unlabelled(None),
            {"purpose": "text", "meta": {"heading": "Fruit"}},
        ]
    )
    tables.write(rows, folder / "rows.parquet")
    split = tables.set_column(rows.select(["id"]), "split", ["train"] * rows.num_rows, rows["id"].type)
    tables.write(split, folder / "split.parquet")
    names = {"rows": "parquet", "split": "parquet", "out": "parquet", "audit": "csv", "ledger": "parquet"}
    return [part for name, end in (names | {"metrics": "json"}).items() for part in (f"--{name}", f"{name}.{end}")]


def test_the_stage_writes_the_same_bytes_twice(workspace):
    folder = workspace(task=TASK, annotate=PARAMS)
    command = files(folder)
    annotate.main(command)
    outputs = ["out.parquet", "audit.csv", "ledger.parquet", "metrics.json"]
    first = [(folder / name).read_bytes() for name in outputs]
    annotate.main(command)
    assert [(folder / name).read_bytes() for name in outputs] == first

    [row] = tables.read(folder / "out.parquet").to_pylist()  # not the row of purpose text
    with (folder / "audit.csv").open(encoding="utf-8", newline="") as file:
        [queued] = list(csv.DictReader(file))
    assert tuple(queued) == QUEUE_COLUMNS
    assert (queued["id"], queued["given_label"], queued["verdict"]) == (row["id"], "FRUIT", "")
    assert queued["text_sha"] == hashing.text_sha("=1+1 is a sweet one")
    assert queued["text"] == "'=1+1 is a sweet one"
    assert "meta.heading is 'fruit'" in queued["reasons"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rules": [RULE | {"labels": {"FRUIT": "("}}]}, "the pattern of 'FRUIT' is no regular expression"),
        ({"rules": [RULE | {"labels": {"PLANT": "PLANT"}}]}, "label 'PLANT' is not one of params.yaml: task.labels"),
        ({"rules": [RULE | {"field": "meta.headng"}]}, "no row has meta.headng; meta holds heading"),
        ({"rules": [RULE | {"field": "heading"}]}, r"annotate.rules\[0\].field"),
        ({"rules": [RULE, RULE]}, "rules must have distinct names"),
        ({"min_confidence": 80}, "annotate.min_confidence"),
        ({"audit_rows": -1}, "annotate.audit_rows"),
        ({"audit": 1}, "annotate.audit: unknown parameter"),
    ],
)
def test_bad_parameters_are_named(workspace, changes, message):
    folder = workspace(task=TASK, annotate=PARAMS | changes)
    command = files(folder)
    with pytest.raises(UserError, match=message):
        annotate.main(command)
    assert not (folder / "out.parquet").exists()


def test_without_rules_nothing_is_labelled(workspace):
    folder = workspace(task=TASK, annotate=PARAMS | {"rules": []})
    annotate.main(files(folder))
    assert tables.read(folder / "out.parquet").num_rows == 0


def test_the_default_rules_are_valid(default_params):
    settings = annotate.Params.model_validate(default_params["annotate"])
    [rule] = settings.rules
    headings = {
        "Materials and Methods": "METHODS",
        "results": "RESULTS",
        "Main findings": "RESULTS",
        "Conclusion": "CONCLUSIONS",
        "AIM OF THE STUDY": "OBJECTIVE",
        "Introduction": "BACKGROUND",
    }
    for heading, label in headings.items():
        assert rule.fires({"text": "", "meta": [("heading", heading)]}) == [label]
    assert rule.fires({"text": "", "meta": [("heading", "Results and methods")]}) == []
