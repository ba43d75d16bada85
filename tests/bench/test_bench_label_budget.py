"""The bench of label budgets: equal compute, how many labels a curve needs, and all of it from end to end."""

import csv
import json

import numpy as np
import pytest

from bench import label_budget as bench
from tests import tiny_encoder
from tests.conftest import make_rows
from tests.stages.conftest import ANIMALS, COLOURS, FILLER, sentences
from winnow.rows import tables


def test_labels_needed_are_read_off_the_curve_over_the_logarithm():
    counts = np.array([100, 200, 400])
    assert bench.labels_needed(counts, np.array([0.5, 0.6, 0.8]), 0.7) == pytest.approx(np.sqrt(200 * 400))
    assert bench.labels_needed(counts, np.array([0.5, 0.6, 0.8]), 0.6) == pytest.approx(200)


def test_a_score_outside_of_the_curve_is_its_first_or_last_budget():
    counts, curve = np.array([100, 200, 400]), np.array([0.5, 0.6, 0.8])
    assert bench.labels_needed(counts, curve, 0.4) == 100
    assert bench.labels_needed(counts, curve, 0.9) == 400


def test_a_budget_that_scored_worse_than_a_smaller_one_is_averaged_with_it():
    needed = bench.labels_needed(np.array([100, 200, 400]), np.array([0.6, 0.5, 0.75]), 0.65)
    assert needed == pytest.approx(np.sqrt(200 * 400))


@pytest.fixture
def folder(workspace, default_params):
    folder = workspace(
        task={"kind": "classification", "labels": ["COLOUR", "ANIMAL"]},
        compute={"threads": 1, "device": "cpu", "precision": "fp32"},
        balance=default_params["balance"],
        baseline=default_params["baseline"],
        approaches=default_params["approaches"]
        | {"few_shot": default_params["approaches"]["few_shot"] | {"batch_pairs": 16, "learning_rate": 1e-2}},
        encoder={"max_length": 16},
        finetune=default_params["finetune"]
        | {"batch_tokens": 128, "learning_rate": 1e-2, "head_learning_rate": 1e-2}
        | {"freeze_embeddings": False, "frozen_layers": 0},
    )
    splits = ("train", "train", "train", "dev", "test")
    rows = make_rows(
        [
            {"text": text, "label": label, "aux_kind": f"of {label}", "split": splits[number // 2 % 5], "verdict": None}
            for number, (text, label) in enumerate(sentences(160))
        ],
        ("kind",),
    )
    tables.write(rows, folder / "rows.parquet")
    tables.write(rows.drop_columns(["split", "verdict"]), folder / "deduplicated.parquet")
    tables.write(rows.select(["id", "split"]), folder / "split.parquet")
    tiny_encoder.write(folder / "encoder", [*COLOURS, *ANIMALS, *FILLER])
    return folder


def run(extra: str) -> tuple[list[dict], list[dict]]:
    """Return the entries and the single runs."""
    command = (
        "--rows rows.parquet --deduplicated deduplicated.parquet --split split.parquet --base encoder "
        "--adapted encoder --cache cache --out out/budget.json"
    )
    bench.main([*command.split(), *extra.split()])
    with open("out/budget.csv", encoding="utf-8", newline="") as file:
        runs = list(csv.DictReader(file))
    with open("out/budget.json", encoding="utf-8") as file:
        return json.load(file), runs


def test_the_bench_runs_from_end_to_end_at_equal_compute_and_repeats_no_run(folder, capsys, monkeypatch):
    monkeypatch.setattr(bench, "MIN_READS", 240)
    entries, runs = run("--budgets 24 all --seeds 1 2")
    assert len(runs) == 2 * 2 * len(bench.APPROACHES)
    assert {run["labels"] for run in runs} == {"24", "96"}
    for each in runs:
        assert float(each["test_macro_f1"]) > 0.5, each
        if each["approach"] != "tfidf":
            assert int(each["texts"]) == pytest.approx(240, rel=0.25), each
    # The same encoder in both places: adaptation is worth nothing.
    worth = [entry for entry in entries if entry["unit"] == "labels"]
    assert next(entry["difference"] for entry in entries if "24 labels: dapt" in entry["work"]) == [0, 0, 0]
    assert [entry["needed"][0] for entry in worth] == pytest.approx([24, 24])  # both curves are flat
    assert "| few_shot |" in capsys.readouterr().out

    monkeypatch.setattr(bench.arms, "predict", lambda *_: pytest.fail("a run was repeated"))
    again = run("--budgets 24 all --seeds 1 2")
    assert again == (entries, runs)


def test_other_parameters_are_other_runs(folder):
    run("--budgets 24 all --seeds 1 --approaches tfidf transfer")
    kept = len(list((folder / "cache").iterdir()))
    run("--budgets 24 all --seeds 1 --approaches tfidf transfer --set finetune.weight_decay=0.5")
    assert len(list((folder / "cache").iterdir())) == kept + 2  # of transfer alone
