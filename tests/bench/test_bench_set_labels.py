"""The bench of wrong sets of labels runs from end to end, and what it plants and compares is what it says."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from bench import headings, labels
from bench import set_labels as bench
from winnow.kinds.multilabel.labels import Task

ROOT = Path(__file__).parents[2]
WORDS = (("trout", "salmon", "perch"), ("granite", "basalt", "slate"), ("gale", "squall", "gust"))
ROWS = 180


@pytest.fixture
def papers(monkeypatch) -> headings.Papers:
    draw = np.random.default_rng(1)
    sets = draw.random((2 * ROWS, 3)) < 0.4
    texts = [
        " ".join([f"paper {row}", *(word for label in np.flatnonzero(own) for word in draw.choice(WORDS[label], 2))])
        for row, own in enumerate(sets)
    ]
    task = Task(kind="multilabel", labels=["fish", "stone", "wind"])
    made = headings.Papers(task, [str(row) for row in range(2 * ROWS)], texts, sets)
    seen = np.hstack([sets, draw.random((2 * ROWS, 5)) < 0.5]).astype(np.float32)
    monkeypatch.chdir(ROOT)  # which has params.yaml
    monkeypatch.setattr(headings, "read", lambda downloads: made)
    monkeypatch.setattr(labels, "encoded", lambda own, base, cache: seen[[int(text.split()[1]) for text in own]])
    return made


def run(tmp_path, *extra: str) -> tuple[list[dict], list[dict]]:
    out = tmp_path / "set_labels.json"
    command = (
        f"--base base --cache cache --out {out} --rows {ROWS} --processes 1 --kinds instance --rates 0.1 --seeds 1 2"
    )
    bench.main([*command.split(), *extra])
    with out.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return json.loads(out.read_text(encoding="utf-8")), list(csv.DictReader(file))


def test_the_bench_runs_from_end_to_end(papers, tmp_path):
    entries, runs = run(tmp_path)
    assert {row["wrong"] for row in runs if row["unit"] == "rows"} == {"18"}
    assert {entry["of"]: entry["papers"] for entry in entries} == {"rows": ROWS, "cells": ROWS}
    by_peer = {entry["peer"]: entry for entry in entries}
    assert {name for name, entry in by_peer.items() if entry["goal"]} == {
        "cleanlab softmin, mean",
        "cleanlab moving average, mean",
    }
    for name, entry in by_peer.items():
        own = [float(row["average_precision"]) for row in runs if row["detector"] == name]
        assert entry["theirs"] == pytest.approx(np.mean(own), abs=1e-5)
        assert entry["difference"][0] == pytest.approx(entry["ours"] - entry["theirs"], abs=1e-5)
    assert by_peer["cleanlab softmin, mean"]["theirs"] > 0.3  # the words tell; by chance one in ten
    assert "--part other" not in entries[0]["command"]


def test_the_other_rows_are_none_of_the_reported_ones(papers, tmp_path, monkeypatch):
    seen = []

    def prepared(own: headings.Papers, base, cache):
        seen.append(set(own.keys))
        raise SystemExit

    monkeypatch.setattr(bench, "prepared", prepared)
    for part in ("reported", "other"):
        with pytest.raises(SystemExit):
            run(tmp_path, "--part", part)
    assert len(seen[0]) == len(seen[1]) == ROWS
    assert not seen[0] & seen[1]
