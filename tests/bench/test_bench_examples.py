"""bench.examples: each difference of compare.json is an entry, with the command that makes the file again."""

import json
import subprocess

import pytest

from bench import examples as bench

SIDE = {"f1": 0.5, "f1_low": 0.4, "f1_high": 0.6, "groups": 30, "seeds": 2, "interval": "groups"}
COMPARED = {
    "approaches": {"tfidf": SIDE, "transfer": SIDE | {"f1": 0.75, "f1_low": 0.7, "f1_high": 0.8}},
    "difference": {"transfer-tfidf": {"f1": 0.25, "f1_low": 0.1, "f1_high": 0.4, "interval": "groups"}},
}


@pytest.fixture
def project(tmp_path):
    """A project that has run."""
    metrics = tmp_path / "winnow-pots/reports/metrics"
    metrics.mkdir(parents=True)
    (metrics / "compare.json").write_text(json.dumps({"dev": COMPARED}))
    (metrics.parent / "summary.json").write_text(json.dumps({"trained_on": 70}))
    return metrics.parents[1]


def test_what_a_clone_has_is_told_with_its_intervals(project, monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(subprocess, "run", lambda command, **named: ran.append((list(command[1:]), named["cwd"])))
    out = project / "out.json"
    bench.main(["--folder", str(project.parent), "--out", str(out), "--examples", "pots"])
    [entry] = json.loads(out.read_text())
    assert ran == [(["-m", "dvc", "repro", "--quiet"], project)]
    assert (entry["ours"], entry["theirs"], entry["peer"], entry["ratio"]) == (0.75, 0.5, "tfidf", 1.5)
    assert (entry["own"], entry["other"]) == ([0.75, 0.7, 0.8], [0.5, 0.4, 0.6])
    assert entry["difference"] == [0.25, 0.1, 0.4]
    assert (entry["rows"], entry["groups"], entry["seeds"], entry["of"]) == (70, 30, 2, "pots")
    assert entry["command"].startswith('make bench-examples ARGS="--out ')
    assert entry["command"].endswith('--examples pots"')
    assert "pots: transfer, f1 on dev: 0.7500, tfidf 0.5000" in capsys.readouterr().out


def test_a_clone_that_is_missing_takes_the_example_first(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(subprocess, "run", lambda command, **named: ran.append(list(command)))
    assert bench.finished("pots", tmp_path) == tmp_path / "winnow-pots"
    assert [command[0] == "git" for command in ran] == [True, False, False]
    assert ran[1][-4:] == ["init", "--example", "pots", "--yes"]
