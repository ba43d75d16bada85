"""How even splits are is counted as its definitions say, and the bench runs from end to end without its peer."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench import evenness as bench
from bench import headings
from winnow.kinds.multilabel.labels import Task

ROOT = Path(__file__).parents[2]
SHARES = [0.5, 0.25, 0.25]


def test_unevenness_of_a_split_by_hand():
    # Label 0 on four of eight rows, label 1 on two of these.
    sets = np.array([[1, 1], [1, 0], [0, 0], [0, 0], [1, 1], [0, 0], [1, 0], [0, 0]], dtype=bool)
    even = bench.unevenness(sets, np.array([0, 0, 0, 0, 1, 1, 2, 2]), SHARES)
    # Odds of label 0 are 1 everywhere; of label 1 and of the pair 1/3 in all rows and in the first split, then 1 and 0.
    assert even == {
        "labels": pytest.approx((0 + 2 / 3 / 2 + 1 / 3 / 2) / 3),
        "pairs": pytest.approx((0 + 2 / 3 + 1 / 3) / 3),
        "rows": 0,
    }
    assert bench.unevenness(sets, np.array([0, 0, 0, 0, 0, 1, 2, 2]), SHARES)["rows"] == pytest.approx(2 / 3)


def test_a_random_draw_has_the_wished_sizes_and_generated_sets_are_skewed():
    sets = bench.skewed(2000, 40)
    assert (bench.skewed(2000, 40) == sets).all()
    counts = sets.sum(axis=0)
    assert counts[0] > 100 * counts[-1] > 0
    assert np.bincount(bench.at_random(sets, SHARES, 1)).tolist() == [1000, 500, 500]


def test_the_bench_runs_from_end_to_end(tmp_path, monkeypatch, capsys):
    sets = bench.skewed(300, 4)
    task = Task(kind="multilabel", labels=list("abcd"))
    papers = headings.Papers(task, [str(row) for row in range(300)], [""] * 300, sets)
    monkeypatch.chdir(ROOT)  # which has params.yaml
    monkeypatch.setattr(headings, "read", lambda downloads: papers)
    monkeypatch.setattr(bench, "GENERATED", (300, 5))
    monkeypatch.setattr(bench, "FEW", 100)
    monkeypatch.setattr(bench, "iterative", bench.at_random)
    bench.main(["--out", str(tmp_path / "evenness.json"), "--draws", "1", "2"])
    entries = json.loads((tmp_path / "evenness.json").read_text(encoding="utf-8"))
    assert len(entries) == 3 * len(bench.METRICS) * 2
    assert {entry["rows"] for entry in entries} == {300, 100}
    for entry in entries:
        assert entry["difference"][0] == pytest.approx(entry["theirs"] - entry["ours"], abs=3e-6)
        if entry["metric"] == "labels":
            assert entry["ours"] < entry["theirs"]  # the stage is more even than a random draw
    assert "unevenness of labels" in capsys.readouterr().out
