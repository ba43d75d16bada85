"""Spans from score to the queue: missed ones come first, named with how often they are labelled elsewhere, escaped."""

import csv
import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from stages.agreement.__main__ import CONSENSUS
from stages.calibrate import __main__ as calibrate
from stages.choose_rows import __main__ as choose_rows
from stages.deduplicate.outcome import CONFLICT
from stages.find_issues import __main__ as find_issues
from stages.score import __main__ as score
from tests import tiny_encoder
from tests.conftest import make_rows
from tests.stages.find_issues.test_find_issues import CALIBRATE, CALIBRATION, COMMAND, PARAMS
from winnow.encoder import embeddings
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.people import queue
from winnow.people.decisions import COLUMNS
from winnow.rows import tables

TASK = {"kind": "token_classification", "labels": ["drug"]}
WORDS = ["=alzol", "bezol", "cezol", "the", "patient", "took", "had", "<b>"]
SCORE = (
    "--rows rows --embeddings embeddings --encoder encoder --out scores --unlabelled unlabelled --metrics score.json"
)
CHOOSE = (
    "--rows rows --split rows --scores unlabelled --embeddings embeddings --votes votes --out chosen "
    "--queue-csv chosen.csv --queue-html chosen.html --metrics chosen.json"
)
CHOOSING = {"strategy": "margin", "min_labels_per_class": 1, "rows": 3}


@pytest.fixture
def folder(workspace):
    """Rows of which the first misses a span, and the last has no label; models and the errors that they learn from."""
    folder = workspace(
        task=TASK,
        score={"method": "probe", "folds": 3},
        encoder={"max_length": 16},
        compute={"threads": 1, "device": "cpu", "precision": "fp32"},
        calibrate=CALIBRATE,
        find_issues=PARAMS | {"queue_rows": 8},
        choose_rows=CHOOSING,
    )
    random, rows = np.random.default_rng(2), []
    for number in range(80):
        text, found = "", []
        for word in [*random.choice(WORDS, 6), WORDS[0]]:
            text += " " if text else ""
            start = len(text) + word.startswith("=")
            found += [(start, len(text) + len(word), "drug")] if word.endswith("zol") else []
            text += word
        rows.append({"text": text, "label": canonical(found[:-1] if number == 0 else found)})
    rows.append({"text": "the patient had bezol"})
    common = {"split": "train", "verdict": None}
    full = [common | {"cluster": f"c{n}", "given_label": row.get("label")} | row for n, row in enumerate(rows)]
    table = tables.set_column(make_rows(full), "conflict", [False] * len(full), pa.bool_())
    tables.write(table, folder / "rows")
    embeddings.write(folder / "embeddings", table["id"].to_pylist(), random.normal(size=(81, 4)).astype(np.float32))
    tiny_encoder.write(folder / "encoder", [word.strip("=<>") for word in WORDS] + ["=", "<", ">"])
    schema = pa.schema([(name, pa.string()) for name in ("id", "rule", "label")])
    tables.write_sorted(schema.empty_table(), folder / "votes")
    tables.write(pa.Table.from_pylist([], CONFLICT), folder / "duplicates")
    tables.write(pa.Table.from_pylist([], CONSENSUS), folder / "consensus")
    (folder / "decisions").write_text(",".join((*COLUMNS, "seconds")) + "\n", encoding="utf-8")
    score.main(SCORE.split())
    calibrate.main(CALIBRATION)
    return folder


def test_what_rules_and_duplicates_say_is_told_in_words(folder, monkeypatch):
    rows = tables.read(folder / "rows").to_pylist()
    row, other = (next(row for row in rows if row["cluster"] == name) for name in ("c0", "c1"))
    said = [{"id": row["id"], "rule": "list", "label": other["label"]}]
    schema = pa.schema([(name, pa.string()) for name in ("id", "rule", "label")])
    tables.write_sorted(pa.Table.from_pylist(said, schema), folder / "votes")
    kinds_of = find_issues.further_kinds
    place, its = (tables.read(folder / "rows")["id"].to_pylist().index(each["id"]) for each in (row, other))

    def with_a_duplicate(*arguments):
        return replace(kinds_of(*arguments), duplicates={place: [its]})

    monkeypatch.setattr(find_issues, "further_kinds", with_a_duplicate)
    find_issues.main(COMMAND)
    found = next(each for each in tables.read(folder / "out").to_pylist() if each["id"] == row["id"])
    mine, its_own = (Task(**TASK).shown(other["label"], each["text"]) for each in (row, other))
    assert mine.startswith("drug: ")
    assert f"rule list says {mine}" in found["reasons"]
    assert f"rows that say nearly the same have other labels: {other['id']} {its_own}" in found["reasons"]
    assert {"rules_disagree", "near_duplicates_with_other_labels"} <= set(found["kinds"])


def test_a_missed_span_comes_first_and_its_reason_is_escaped(folder):
    find_issues.main(COMMAND)
    waiting = queue.read(folder / "queue")
    first = waiting[0]
    start = first["text"].rindex("alzol")
    reason = next(said for said in first["reasons"] if "has no label" in said)
    assert reason.startswith(f'"alzol" at {start}-{start + 5} has no label; it is drug in ')
    assert "mentions in other rows" in reason
    assert [start, start + 5, "drug"] in json.loads(first["suggested_label"])
    assert [start, start + 5, "drug"] not in json.loads(first["given_label"])
    issues = {row["id"]: row for row in tables.read(folder / "out").to_pylist()}
    assert len(issues) == 80
    assert issues[first["id"]]["p_error"] > 0.5 > np.median([row["p_error"] for row in issues.values()])
    page = (folder / "queue-html").read_text(encoding="utf-8")
    assert "<b>" in first["text"] + "".join(row["text"] for row in waiting)
    assert "<b>" not in page
    with (folder / "queue-csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith("=")]


def test_rows_without_a_label_are_chosen_by_the_words_that_are_least_certain(folder):
    choose_rows.main(CHOOSE.split())
    (row,) = tables.read(folder / "chosen").to_pylist()
    assert row["suggested_label"] == '[[16,21,"drug"]]'
