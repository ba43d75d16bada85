"""How tools are run and compared; the peers' environment itself is too large for a test."""

import argparse
import json
import re
import sys
from pathlib import Path

import pytest

from bench import peers
from bench.peers import Contender


@pytest.fixture
def texts(tmp_path) -> str:
    file = tmp_path / "texts.json"
    file.write_text(json.dumps({"time": ["<p>a</p>"] * 5, "judge": ["<p>a<p>b"]}))
    return str(file)


@pytest.fixture
def without_peers(monkeypatch):
    """An environment in which no peer is installed: our own."""
    monkeypatch.setattr(peers, "python", lambda environment: Path(sys.executable))


def test_a_tool_runs_in_a_process_of_its_own_and_tells_time_memory_and_versions(texts):
    result = peers.run(Contender("Winnow", "html:convert", ("winnow", None, texts), False, ("selectolax",)))
    assert result["texts"][0].split() == ["a", "b"]
    assert result["seconds"] > 0
    assert result["tree"] >= result["largest"] > 10**7
    assert re.match(r"\d+\.\d+", result["versions"]["selectolax"])


def test_a_peer_that_fails_is_named_with_its_reason_and_run_once(texts, without_peers, capsys):
    ours = Contender("Winnow", "html:convert", ("winnow", None, texts), False, ())
    theirs = Contender("resiliparse", "html:convert", ("resiliparse", None, texts), True, ())
    best = peers.fastest([ours, theirs], 2)
    assert best["resiliparse"] == {"error": "ModuleNotFoundError: No module named 'resiliparse'"}
    assert best["Winnow"]["seconds"] > 0
    names = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert names == ["Winnow", "resiliparse", "Winnow"]


def test_a_failure_of_our_own_stops_the_bench(texts):
    with pytest.raises(SystemExit, match="Winnow: KeyError: 'nothing'"):
        peers.run(Contender("Winnow", "html:convert", ("nothing", None, texts), False, ()))


@pytest.mark.parametrize(
    ("ours", "theirs", "unit", "ratio"),
    [(40, 2, "MB/s", 20), (1, 3, "GiB", 3), (2, 8, "s", 4), (0.9, 0.6, "share", 1.5), (5, None, "MB/s", None)],
)
def test_the_ratio_says_how_often_ours_is_the_better(ours, theirs, unit, ratio):
    made = peers.entry("work", "peer", ours, theirs, unit, goal=3)
    assert made["ratio"] == (ratio and pytest.approx(ratio))
    assert made["goal"] == 3


@pytest.mark.parametrize("name", peers.ENVIRONMENTS)
def test_every_peer_is_pinned_to_one_version_once(name):
    wanted = peers.ENVIRONMENTS[name].requirements.read_text()
    lines = [line for line in wanted.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.+]+", line) for line in lines)
    names = [line.partition("==")[0].lower() for line in lines]
    assert len(set(names)) == len(names)


def test_the_command_tells_what_was_narrowed_and_nothing_else():
    usual = {"seeds": (1, 2), "judged_on": "test", "rounds": 2, "recipes": ["a"], "set": []}
    out = Path("bench/results/few_x.json")
    as_usual = argparse.Namespace(out=out, seeds=[1, 2], judged_on="test", rounds=2, recipes=["a"], set=[])
    assert peers.command("make bench-few-x", as_usual, usual) == "make bench-few-x"
    other = argparse.Namespace(out=out, seeds=[1], judged_on="dev", rounds=3, recipes=["a, b"], set=["x=[1]"])
    told = "make bench-few-x ARGS=\"--seeds 1 --judged-on dev --rounds 3 --recipes 'a, b' --set 'x=[1]'\""
    assert peers.command("make bench-few-x", other, usual) == told


def test_the_command_writes_the_file_in_which_it_stands():
    args = argparse.Namespace(out=Path("bench/results/few_x_64.json"), seeds=[1])
    told = 'make bench-few-x ARGS="--out bench/results/few_x_64.json"'
    assert peers.command("make bench-few-x", args, {"seeds": [1]}) == told
