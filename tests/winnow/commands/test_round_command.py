"""winnow round: begins a round once, and tells its figures in words."""

import argparse
import csv
from pathlib import Path

import pytest

from tests.stages.rounds.project import PARAMS, TASK, Project, tick
from winnow.base.errors import UserError
from winnow.commands import round as command
from winnow.kinds.classification.labels import Task
from winnow.people import decisions


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    tick(monkeypatch)


@pytest.fixture
def project(workspace):
    return Project(workspace(task=TASK, rounds=PARAMS))


def winnow_round(*words: str) -> None:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    command.execute(parser.parse_args(words))


def drawn(number: int) -> list[dict]:
    return list(csv.DictReader(command.sample.path_of(Path("data/rounds"), number).open()))


def test_start_draws_from_the_unsettled_rows_that_came_with_a_label(project, capsys):
    project.decide(project.wrong[:3])
    winnow_round("--start")
    rows = drawn(1)
    said = capsys.readouterr().out
    assert said.startswith(f"data/rounds/001.csv: {len(rows)} rows drawn\n")
    assert "Commit data/rounds/001.csv, run `dvc repro rounds`" in said
    [began] = {row["began"] for row in rows}
    assert began > max(decision.decided_on for decision in decisions.read(Path("data/decisions.csv")))
    open_rows = set(project.given) - set(project.wrong[:3]) - set(project.automatic)
    assert {row["id"] for row in rows} <= open_rows
    cells = {(row["stratum"], row["split"]): int(row["population"]) for row in rows}
    assert sum(cells.values()) == len(open_rows)
    assert {row["id"] for row in rows if row["stratum"] == "flagged"} >= {
        row["id"] for row in rows if row["id"] in project.wrong
    }
    assert {row["given_label"] for row in rows} == set(TASK["labels"])


def test_a_row_is_flagged_by_cleanlab_or_by_its_probability(workspace):
    Project(workspace(task=TASK, rounds=PARAMS | {"flagged_from": 0.01}))
    winnow_round("--start")
    assert {row["stratum"] for row in drawn(1)} == {"flagged"}


def test_a_round_begins_once_and_after_dvc_repro(project):
    winnow_round("--start")
    with pytest.raises(UserError, match=r"001\.csv: this round has no decision yet; take the file out"):
        winnow_round("--start")
    stale = (project.folder / "data/labelled.parquet").read_bytes()
    project.decide(project.wrong[:1])
    winnow_round("--start")
    assert drawn(2)[0]["began"] > drawn(1)[0]["began"]
    project.decide(project.wrong[1:2])
    (project.folder / "data/labelled.parquet").write_bytes(stale)
    with pytest.raises(UserError, match=r"labelled\.parquet: older than the decisions: row \w{16} is decided"):
        winnow_round("--start")
    assert not (project.folder / "data/rounds/003.csv").exists()


def test_a_clock_that_is_behind_begins_no_round(project, monkeypatch):
    winnow_round("--start")
    project.decide(project.wrong[:1])
    monkeypatch.setattr(decisions, "now", lambda: "2025-12-31T23:59:59Z")
    with pytest.raises(UserError, match=r"001\.csv: the round began at 2026-\S+, the clock says 2025-12-31T23:59:59Z"):
        winnow_round("--start")
    assert not (project.folder / "data/rounds/002.csv").exists()


def test_where_all_is_settled_no_round_begins(project):
    project.decide([id for id in project.ids if id not in project.automatic])
    with pytest.raises(UserError, match="every labelled row is settled"):
        winnow_round("--start")


def test_figures_need_the_stage(project):
    with pytest.raises(UserError, match=r"rounds\.json: not found; `dvc repro rounds` makes it"):
        winnow_round()


def test_it_says_that_no_round_has_begun(project, capsys):
    project.run()
    winnow_round()
    said = capsys.readouterr().out
    assert "No round has begun: `winnow round --start`" in said
    assert "Nobody has decided anything yet" in said
    assert "automatic labels, if used" in said
    assert said.strip().splitlines()[-1].startswith(("Go on: ", "Stop: "))


def test_it_tells_the_last_round(project, capsys):
    project.decide(project.wrong[:2])
    winnow_round("--start")
    project.run()
    sampled = [entry["id"] for entry in project.audit()]
    project.decide([id for id in project.wrong[2:] if id not in sampled], seconds=30)
    project.decide(sampled[:8])
    found = project.run()
    capsys.readouterr()
    winnow_round()
    lines = capsys.readouterr().out.splitlines()
    done = found["done"]["001"]
    assert lines[0] == f"Round 1: {done['decisions']} decisions on {done['rows']} rows"
    relabelled = next(line.split() for line in lines if line.startswith("  relabel"))
    assert relabelled[1:] == [str(done["by_split"][split]["relabel"]) for split in ("train", "dev", "test")] + [
        str(done["verdicts"]["relabel"])
    ]
    queue = done["queue"]["rows"]
    share = " (100.0 %)" if queue >= 10 else ""  # of fewer rows a share says too much
    assert f"  of {queue} rows outside the random sample people changed {queue}{share}" in lines
    assert any("30 s a decision" in line for line in lines)
    assert any("Wrong labels, by the random sample of round 1 (8 of" in line for line in lines)
    open_rows = found["noise"]["001"]["open"]
    assert any(line.startswith(f"  {open_rows} rows of the sample are open") for line in lines)
    # From the start to the end, whatever the order of names in the file.
    change, states = found["models"]["change"]["all"]["dev"]["given"], found["models"]["macro_f1"]
    before, after = (100 * states[name]["dev"]["given"]["macro_f1"] for name in ("before", "001"))
    told = next(line for line in lines if line.startswith("    dev, given labels"))
    assert f"{before:.1f} -> {after:.1f}" in told
    assert f"{100 * change['gain']:+.2f}" in told
    assert after - before == pytest.approx(100 * change["gain"], abs=1e-3)
    assert sum("by the last round" in line for line in lines) == 1
    assert lines[-1] == found["stopping"]["says"]


def test_it_says_that_its_figures_are_old(project, capsys):
    project.run()
    project.decide(project.wrong[:1])
    winnow_round()
    assert "rounds.json is older than data/decisions.csv or data/rounds" in capsys.readouterr().out


def test_rows_of_the_sample_that_vanished_are_named(project, capsys):
    found = project.run()
    noise = {"drawn": 9, "judged": 3, "open": 0, "passed_over": 0}
    noise |= {"vanished": {"rows": 12, "ids": ["feed"]}, "changed": {"rows": 0, "ids": []}}
    lines = list(command.told(found | {"rounds": 1, "noise": {"001": noise}}, Task(**TASK)))
    assert "  12 rows of the sample vanished since it was drawn: feed" in lines
