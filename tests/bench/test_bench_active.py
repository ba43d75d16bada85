"""The bench of active learning: a simulation on rows of known labels, from end to end, and how curves are read."""

import csv
import json

import numpy as np
import pytest

from bench import active as bench
from tests.bench.synthetic import RECIPE
from tests.conftest import make_rows
from winnow.detect import active
from winnow.encoder import embeddings
from winnow.kinds.classification import members
from winnow.rows import tables

LABELS = ["COLD", "HOT"]


def corpus(count: int = 200) -> bench.Corpus:
    truth = np.arange(count) % 2
    vectors = np.random.default_rng(0).normal(size=(count, 8)).astype(np.float32)
    vectors[:, 0] += 3 * truth
    return bench.Corpus(
        LABELS,
        truth,
        np.array([f"group-{number // 2}" for number in range(count)]),
        active.unit_length(vectors),
        (members.Probe(vectors, 1.0),),
    )


@pytest.fixture(scope="module")
def example() -> bench.Corpus:
    return corpus()


def test_the_pool_is_drawn_by_group_and_by_the_seed(example):
    first, again, other = (bench.pool(example, seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert first.mean() == pytest.approx(bench.POOL)
    assert not set(example.groups[first]) & set(example.groups[~first])


@pytest.mark.parametrize("arm", bench.ARMS)
def test_a_curve_counts_its_labels_and_ends_with_those_of_all(example, arm):
    curve = bench.simulate(example, arm, 1, 30, 1000)
    inside = bench.pool(example, 1)
    assert [labels for labels, _ in curve] == [30, 60, 90, 120, 140]
    full = bench.macro_f1(example, ~inside, bench.predict(example, inside, ~inside))
    assert curve[-1][1] == pytest.approx(full)
    assert curve == bench.simulate(example, arm, 1, 30, 1000)
    assert [labels for labels, _ in bench.simulate(example, arm, 1, 30, 60)] == [30, 60]


def test_one_class_alone_is_predicted_for_all(example):
    inside = np.zeros(200, bool)
    inside[:8:2] = True
    assert (bench.predict(example, inside, ~inside) == [1, 0]).all()


def test_labels_needed_are_read_off_the_rising_curve():
    assert bench.needed([(10, 0.2), (20, 0.4), (30, 0.6)], 0.5) == pytest.approx(25)
    assert bench.needed([(10, 0.5), (20, 0.6)], 0.5) == 10
    assert bench.needed([(10, 0.2), (20, 0.4)], 0.5) is None
    # A lucky point between two poor ones does not count for itself.
    assert bench.needed([(10, 0.2), (20, 0.5), (30, 0.3), (40, 0.6)], 0.5) == pytest.approx(35)


def test_the_bench_runs_from_end_to_end(workspace, capsys):
    folder = workspace(
        task={"kind": "classification", "labels": LABELS},
        score={
            "method": "probe",
            "folds": 2,
            "regularization": {"probe": 1.0, "tfidf": 10.0},
            "finetune": RECIPE,
        },
    )
    rows = [
        {"text": f"{'warm' if number % 2 else 'ice'} word-{number % 7}", "label": LABELS[number % 2], "split": "train"}
        | {"split": ("train", "dev", "test")[number % 3]}
        for number in range(120)
    ]
    table = make_rows([*rows, {"text": "no label", "label": None, "split": "train"}])
    tables.write(table, folder / "rows.parquet")
    vectors = np.random.default_rng(0).normal(size=(121, 4)).astype(np.float32)
    embeddings.write(folder / "embeddings", table["id"].to_pylist(), vectors)
    command = "--rows rows.parquet --embeddings embeddings --out active.json --seeds 1 2 --batch 10 --most 30"
    bench.main([*command.split(), "--processes", "1"])
    entries = json.loads((folder / "active.json").read_text())
    assert len(entries) == len(bench.ARMS)
    for entry in entries:
        assert {"work", "peer", "device", "ours", "theirs", "unit", "ratio", "goal", "command", "versions"} <= set(
            entry
        )
        assert entry["unit"] == "labels"
        assert entry["pool"] == pytest.approx(56)
        assert entry["ratio"] == pytest.approx(entry["theirs"] / entry["ours"], abs=1e-5)
    [chance] = [entry for entry in entries if entry["work"].endswith("random after a cold start by random")]
    assert (chance["ratio"], chance["fewer_labels"]) == (1, [0, 0])
    points = list(csv.DictReader((folder / "active.csv").read_text().splitlines()))
    assert len(points) == len(bench.ARMS) * 2 * 3
    assert "| arm | labels needed |" in capsys.readouterr().out
