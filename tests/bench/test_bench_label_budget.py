"""The benches of recipes, heads and label budgets: how many labels a curve needs, and all of it from end to end."""

import csv
import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.isotonic import isotonic_regression

from bench import heads, recipes, runs
from bench import label_budget as bench
from tests import tiny_encoder
from tests.conftest import make_rows
from tests.stages.conftest import ANIMALS, COLOURS, FILLER, sentences
from winnow.rows import tables
from winnow.statistics.intervals import Estimate


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


def test_curves_rise_as_by_isotonic_regression():
    curves = np.random.default_rng(1).normal(size=(50, 7)) + np.linspace(0, 2, 7)
    assert bench.rising(curves) == pytest.approx(np.array([isotonic_regression(curve) for curve in curves]))
    needed = bench.labels_needed(np.arange(1, 8) * 100, curves, 1.0)
    assert needed.tolist() == [float(bench.labels_needed(np.arange(1, 8) * 100, curve, 1.0)) for curve in curves]


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_the_interval_of_labels_needed_covers_the_truth(seeds, monkeypatch):
    monkeypatch.setattr(bench, "SEED_DRAWS", 1)
    rng, counts = np.random.default_rng(seeds), np.array([50, 100, 200, 500, 1000, 2000])
    curve, adapted = np.array([0.48, 0.61, 0.75, 0.80, 0.83, 0.86]), np.array([0.72, 0.78, 0.80, 0.82, 0.84, 0.86])
    covered = []
    for _ in range(400):
        points = {}
        documents, of_all = rng.normal(0, 0.015), rng.normal(0, 0.015, bench.RESAMPLES)
        for arm, truth in (("transfer", curve), ("dapt", adapted)):
            for budget, value in zip(counts, truth, strict=True):
                runs = value + documents + rng.normal(0, 0.3 / np.sqrt(budget), seeds)
                numbers = tuple(range(1, seeds + 1))
                points[arm, str(budget)] = Estimate(runs.mean(), runs.mean() + of_all, 300, numbers, (runs,))
        found = bench.Curves({str(budget): int(budget) for budget in counts}, points, seeds)
        _, low, high = found.worth("200")["needed"]
        covered.append(low <= 500 <= high)  # 0.80 is reached with 500 labels
    assert np.mean(covered) >= 0.93


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
        | {"freeze_embeddings": False, "frozen_layers": 0, "reads": 240},
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


def test_the_bench_runs_from_end_to_end_and_repeats_no_run(folder, capsys, monkeypatch):
    entries, made = run("--budgets 24 all --seeds 1 2")
    assert len(made) == 2 * 2 * len(bench.ARMS)
    assert {each["labels"] for each in made} == {"24", "96"}
    for each in made:
        assert float(each["test_macro_f1"]) > 0.5, each
        if each["arm"] in ("transfer", "dapt"):
            assert int(each["texts"]) == {24: 240, 96: 288}[int(each["labels"])]  # whole epochs of at least 240 texts
    # The same encoder in both places: adaptation is worth nothing.
    worth = [entry for entry in entries if entry["unit"] == "labels"]
    assert next(entry["difference"] for entry in entries if "24 labels: dapt" in entry["work"]) == [0, 0, 0]
    assert [entry["needed"][0] for entry in worth] == pytest.approx([24, 24])  # both curves are flat
    assert "| few_shot |" in capsys.readouterr().out

    monkeypatch.setattr(runs.arms, "probabilities", lambda *_: pytest.fail("a run was repeated"))
    again = run("--budgets 24 all --seeds 1 2")
    assert again == (entries, made)


def test_other_parameters_are_other_runs(folder):
    run("--budgets 24 all --seeds 1 --arms tfidf transfer")
    kept = len(list((folder / "cache").iterdir()))
    run("--budgets 24 all --seeds 1 --arms tfidf transfer --set finetune.weight_decay=0.5")
    assert len(list((folder / "cache").iterdir())) == kept + 2  # of transfer alone


def test_the_search_of_recipes_reads_no_test_row_and_names_the_best(folder, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "transfer", ["finetune.reads=24", "finetune.reads=480"])
    rows = tables.read(folder / "rows.parquet")
    unread = pc.if_else(pc.equal(rows["split"], "test"), "COLOUR", rows["label"])  # no figure may tell
    command = (
        "--rows {} --deduplicated deduplicated.parquet --split split.parquet --base encoder --adapted encoder "
        "--cache {} --out out/{}.json --arms transfer tfidf --budgets 24 --seeds 1 2"
    )
    tables.write(tables.set_column(rows, "label", unread, pa.string()), folder / "other.parquet")
    recipes.main(command.format("rows.parquet", "cache", "first").split())
    recipes.main(command.format("other.parquet", "other", "second").split())
    first, second = (json.loads((folder / f"out/{name}.json").read_text()) for name in ("first", "second"))
    assert [entry["macro_f1"] for entry in first] == [entry["macro_f1"] for entry in second]
    best = [entry for entry in first if entry["arm"] == "transfer" and entry["best"]]
    assert [entry["recipe"] for entry in best] == ["finetune.reads=480"]
    assert (best[0]["difference"], best[0]["seeds"]) == (None, 2)


@pytest.mark.usefixtures("folder")
def test_heads_are_compared_on_the_same_rows_and_seeds():
    command = (
        "--rows rows.parquet --deduplicated deduplicated.parquet --split split.parquet --base encoder "
        "--adapted encoder --cache cache --budget 24 --seeds 1 2 --out out/heads.json"
    )
    heads.main(command.split())
    with open("out/heads.json", encoding="utf-8") as file:
        made = {(entry["arm"], entry["head"]): entry for entry in json.load(file)}
    assert set(made) == {(arm, name) for arm in heads.ARMS for name in (heads.MEAN, heads.FIRST)}
    mean, first = made["transfer", heads.MEAN], made["transfer", heads.FIRST]
    assert (mean["difference"], mean["log_loss_difference"]) == (None, None)
    assert first["log_loss"] != mean["log_loss"]
    assert first["difference"][0] == pytest.approx(first["macro_f1"] - mean["macro_f1"], abs=1e-5)
    assert first["log_loss_difference"][0] == pytest.approx(first["log_loss"] - mean["log_loss"], abs=1e-5)
