"""bench.budgets: the parameters of a budget, and the figures of dev and test that its run left."""

import json
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bench import budgets as bench
from winnow.base import params

SIDE = {"f1": 0.5, "f1_low": 0.4, "f1_high": 0.6, "groups": 30, "seeds": 2, "interval": "groups"}
DIFFERENCE = {"f1": 0.25, "f1_low": 0.1, "f1_high": 0.4, "interval": "groups"}


def compared(of_dapt: float) -> dict:
    return {
        "approaches": {"transfer": SIDE, "dapt": SIDE | {"f1": of_dapt}},
        "difference": {"dapt-transfer": DIFFERENCE},
    }


@pytest.fixture
def project(tmp_path) -> Path:
    """A project whose runs are done: its reports are there."""
    folder = tmp_path / "pots"
    metrics = folder / "reports/metrics"
    metrics.mkdir(parents=True)
    (folder / "data/test").mkdir(parents=True)
    (folder / "params.yaml").write_text(
        "adapt: {tokens: 40000, max_length: 64}\n"
        "balance: {max_labels: 9, weights: sqrt}\narms: {approaches: [transfer], encoders: [base], seeds: [1]}\n"
        "compare: {pairs: [], confidence: 0.95}\n"
    )
    (metrics / "balance.json").write_text(json.dumps({"rows": 48}))
    (metrics / "compare.json").write_text(json.dumps({"dev": compared(0.75)}))
    (folder / "data/test/results.json").write_text(json.dumps({"test": compared(0.7)}))
    return folder


@pytest.mark.parametrize(("budget", "labels"), [("50", 50), ("all", None)])
def test_a_budget_changes_the_labels_and_what_is_compared_alone(project, budget, labels):
    told = bench.budgeted(params.read(project / "params.yaml"), budget, [1, 2])
    assert told["balance"] == {"max_labels": labels, "weights": "sqrt"}
    assert told["arms"] == {
        "approaches": ["transfer"],
        "encoders": ["base", "adapted"],
        "seeds": [1, 2],
        "ensembles": {},
    }
    assert told["adapt"] == {"tokens": bench.TOKENS, "warmup_tokens": bench.WARMUP_TOKENS, "max_length": 64}
    assert told["compare"] == {"pairs": bench.PAIRS, "confidence": 0.95}


def test_a_longer_adaptation_stays_as_it_is(project):
    settings = params.read(project / "params.yaml") | {"adapt": {"tokens": 900_000}}
    assert bench.budgeted(settings, "50", [1])["adapt"] == {"tokens": 900_000}


def test_each_budget_runs_and_is_told_of_dev_and_of_test(project, monkeypatch):
    ran = []

    def note(command: list[str], **named: object) -> None:
        labels = YAML(typ="safe").load((project / "params.yaml").read_text())["balance"]["max_labels"]
        ran.append((labels, command[-1], named["cwd"]))

    monkeypatch.setattr(subprocess, "run", lambda command, **named: note(list(command), **named))
    out = project / "out.json"
    bench.main(
        ["--folder", str(project.parent), "--project", str(project), "--out", str(out), "--budgets", "50", "all"]
    )
    assert ran == [
        (50, "compare", project),
        (50, "bench", project),
        (None, "compare", project),
        (None, "bench", project),
    ]
    found = json.loads(out.read_text())
    assert [(entry["budget"], entry["split"], entry["ours"]) for entry in found] == [
        ("50", "dev", 0.75),
        ("50", "test", 0.7),
        ("all", "dev", 0.75),
        ("all", "test", 0.7),
    ]
    assert {(entry["peer"], entry["rows"], entry["of"], entry["seeds"]) for entry in found} == {
        ("transfer", 48, "pots", 2)
    }
    assert found[0]["difference"] == [0.25, 0.1, 0.4]
    assert found[0]["work"] == "pots, 50 labels: dapt, f1 on dev"
