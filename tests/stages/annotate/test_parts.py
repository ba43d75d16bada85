"""Labels of spans: rules' votes are combined word by word, and whole spans come out."""

import json

import numpy as np
import pyarrow as pa
import pytest

from stages.annotate import __main__ as annotate
from tests.conftest import make_rows
from tests.stages.annotate.test_annotate import files
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.labelling.votes import Parted, collect
from winnow.rows import tables
from winnow.rows.ledger import Ledger

TASK = {"kind": "token_classification", "labels": ["drug", "illness"]}
DRUGS, ILLNESSES = ["aspirin", "statin", "heparin acid"], ["gout", "lung cancer", "flu"]
GOOD = {"name": "lists", "kind": "gazetteer", "labels": {"drug": DRUGS, "illness": ILLNESSES}}
# Takes half of the illness, and a word for a drug that is none.
BAD = {"name": "bad", "kind": "pattern", "labels": {"illness": "gout|cancer|flu", "drug": "daily"}}
PARAMS = {"combine": "label_model", "min_confidence": 0.8, "min_rows": 20, "audit_rows": 4}


def sentence(number: int) -> tuple[str, str]:
    drug, illness = DRUGS[number % 3], ILLNESSES[number // 3 % 3]
    text = f"She takes {drug} daily for {illness}, case {number}."
    spans = [
        (text.index(name), text.index(name) + len(name), kind) for name, kind in ((drug, "drug"), (illness, "illness"))
    ]
    return text, canonical(spans)


def run(rows, rules, **changes):
    table, task, ledger = make_rows(rows), Task(**TASK), Ledger("annotate")
    settings = annotate.Params.model_validate(PARAMS | {"rules": rules} | changes)
    whole = collect([table], [rule.voter(None, task) for rule in settings.rules], task)
    votes = Parted.made(whole, lambda: [table], task)
    measured = annotate.Measured.of(votes, table, table["id"].combine_chunks())
    out, metrics = annotate.annotate(votes, measured, settings, task, ledger)
    ids = table["id"].to_pylist()
    return {ids.index(row["id"]): row for row in out}, metrics, ledger


KNOWN = [{"text": text, "label": label} for text, label in map(sentence, range(45))]
OPEN = [sentence(number) for number in range(45, 54)]
ROWS = [*KNOWN, *({"text": text} for text, _ in OPEN), {"text": "Nothing here that a rule knows."}]


@pytest.mark.parametrize("combine", ["label_model", "majority"])
def test_whole_spans_come_out_and_a_bad_rule_does_no_harm(combine):
    out, metrics, ledger = run(ROWS, [GOOD, BAD], combine=combine)
    assert {number: row["label"] for number, row in out.items()} == {45 + n: label for n, (_, label) in enumerate(OPEN)}
    assert {row["rule"] for row in out.values()} == {"lists"}
    assert {row["label_origin"] for row in out.values()} == {"rule"}
    assert (metrics["unlabelled"], metrics["labelled"], metrics["abstained"]) == (10, 9, 0)
    assert metrics["combined"]["label_model"]["accuracy"] == 1.0
    assert metrics["by_rule"]["lists"]["accuracy"] == 1.0
    assert metrics["by_rule"]["bad"]["accuracy"] == 0.5  # of the words that it marks
    figures = metrics["rules"]["lists"]["illness"]
    assert figures["precision"] == 1.0
    assert figures["labelled"] == figures["fired"] == 12  # words of nine illnesses
    assert metrics["rules"]["bad"]["drug"]["labelled"] == 0
    if combine == "majority":
        assert any("bad -> drug (precision 0.00" in entry["reason"] for entry in ledger.table().to_pylist())


def test_neighbours_of_one_type_stay_apart_as_rules_say():
    known = [{"text": f"gout flu {n}", "label": '[[0,4,"illness"],[5,8,"illness"]]'} for n in range(30)]
    out, _, _ = run([*known, {"text": "flu gout"}], [GOOD])
    assert out[30]["label"] == '[[0,3,"illness"],[4,8,"illness"]]'


def test_rules_that_know_nothing_sure_label_nothing():
    out, metrics, ledger = run(ROWS, [BAD])
    assert out == {}
    assert metrics["abstained"] == 9
    assert any("sure: bad marks" in entry["reason"] for entry in ledger.table().to_pylist())
    out, metrics, _ = run([{"text": text} for text, _ in OPEN], [GOOD])  # no given label measures it
    assert (out, metrics["labelled"], metrics["by_rule"]["lists"]["measured_on"]) == ({}, 0, 0)
    out, metrics, _ = run(ROWS, [])
    assert (out, metrics["coverage"]) == ({}, 0.0)


def test_the_stage_writes_spans_and_votes(workspace):
    folder = workspace(task=TASK, annotate=PARAMS | {"rules": [GOOD, BAD]})
    annotate.main(files(folder, ROWS))
    out = tables.read(folder / "out.parquet").to_pylist()
    text = {row["id"]: row["text"] for row in tables.read(folder / "rows.parquet").to_pylist()}
    assert {(text[row["id"]], row["label"]) for row in out} == set(OPEN)
    votes = tables.read(folder / "votes.parquet").to_pylist()
    assert len(votes) == 2 * (len(KNOWN) + len(OPEN))
    assert all(Task(**TASK).is_label(vote["label"]) for vote in votes)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["by_rule"]["lists"]["names"] == 6


def test_parts_of_some_rows_are_those_of_the_rows():
    table, task = make_rows(ROWS), Task(**TASK)
    rules = annotate.Params.model_validate(PARAMS | {"rules": [GOOD]}).rules
    votes = Parted.made(collect([table], [rules[0].voter(None, task)], task), lambda: [table], task)
    chosen = votes.of(np.arange(len(ROWS)) % 2 == 1)
    assert list(chosen.texts()) == [row["text"] for row in ROWS[1::2]]
    assert chosen.row.max() < len(chosen.ids)
    assert (chosen.said == votes.said[votes.row % 2 == 1]).all()
    assert isinstance(pa.array(chosen.parts.ids), pa.Array)
