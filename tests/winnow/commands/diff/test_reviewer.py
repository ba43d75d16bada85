"""A reviewer who has only the comment decides rightly: six prepared changes, and what the comment says of each."""

import json
import re
from dataclasses import replace

import pytest

from tests.winnow.commands.diff.project import Project, Row, State, changed, rows
from winnow.base.hashing import text_sha, unit
from winnow.commands import cli

SECOND = 2  # the line of the comment that has the verdict
RULE = ("clean", "drop", "strip_headings")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The revision `base` and, each on a branch of its own, the six changes."""
    project = Project(tmp_path_factory.mktemp("reviewed"))
    base = State(rows())
    project.commit(base, "base")
    changes = {
        "better": replace(base, right=0.9),
        "worse": replace(base, right=0.7),
        "noise": replace(base, anew=0.3, salt="another"),
        "leaked": leaked(base),
        "damaged": damaged(base),
        "moved": moved(base),
    }
    for name, state in changes.items():
        project.git("checkout", "-q", "-b", f"branch-{name}", "base")
        project.commit(state, name)
    project.git("checkout", "-q", "main")
    return project


def leaked(base: State) -> State:
    """Twelve rows of test train, by which dev seems better."""
    test = [row.id for row in base.rows if row.split == "test"][:12]
    return replace(base, rows=changed(base, test, split="train"), right=0.95)


def damaged(base: State) -> State:
    """A rule of clean removes half of the class STONE; models do not know the rest of it any more."""
    stone = [row for row in base.rows if row.label == "STONE"]
    gone = {row.id for row in stone if row.split == "train" and unit(row.id) < 0.8}
    wrong = frozenset(row.id for row in stone if row.split == "dev" and unit("wrong", row.id) < 0.02)
    kept = [row for row in base.rows if row.id not in gone]
    entries = [(id, *RULE) for id in gone]
    return replace(base, rows=kept, wrong=wrong, entries=entries)


def moved(base: State) -> State:
    """The labels of thirty rows of train and dev change without a decision, of five by one."""
    fruit = [row for row in base.rows if row.label == "FRUIT" and row.split != "test"]
    new = changed(base, [row.id for row in fruit[:30]], label="WATER", given="WATER")
    by_ana = [row.id for row in fruit[30:35]]
    new = changed(replace(base, rows=new), by_ana, label="STONE", origin="human")
    return replace(base, rows=new, decided=[decision(row) for row in fruit[30:35]])


def decision(row: Row, who: str = "ana") -> str:
    return f"{row.id},{text_sha(row.text)},{row.label},relabel,STONE,{who},2026-11-01,,5,"


@pytest.fixture
def comment(project, monkeypatch, capsys):
    """Return a function that gives the comment on a change as Markdown, and what it says as JSON."""
    monkeypatch.chdir(project.folder)

    def made(name: str) -> tuple[str, dict]:
        cli.main(["diff", "base", name])
        text = capsys.readouterr().out
        cli.main(["diff", "base", name, "--format", "json"])
        return text, json.loads(capsys.readouterr().out)

    return made


def fails(name: str, what: str) -> bool:
    """Whether the command exits with 1."""
    try:
        cli.main(["diff", "base", name, "--fail-on", what, "--out", ".dvc/tmp/out.md"])
    except SystemExit as end:
        return end.code == 1
    return False


def test_better(comment):
    text, told = comment("better")
    verdict = text.splitlines()[SECOND]
    assert verdict.startswith("**Better.** Macro-F1 of dapt on dev gained: +")
    assert "merge" in verdict
    arm = told["metrics"]["arms"]["dapt"]
    assert arm["model"]["macro_f1"]["low"] > 0
    assert arm["fixed"] > 20
    assert arm["broken"] == 0  # who was right stays right
    assert told["verdict"]["failures"] == []
    assert not fails("better", "leak,significant-loss")


def test_worse(comment):
    text, told = comment("worse")
    verdict = text.splitlines()[SECOND]
    assert verdict.startswith("**Worse.** Macro-F1 of dapt on dev lost: −")
    assert "do not merge" in verdict
    broken = told["metrics"]["turned"]["broken"]
    assert f"Newly wrong where BASE was right: {broken['rows']} rows" in text
    first = broken["examples"][0]
    assert f"winnow why {first['id']}" in text
    assert first["text"] in text
    assert first["label"] in first["base"]
    assert first["label"] not in first["head"]
    assert fails("worse", "significant-loss")
    assert fails("worse", "leak,significant-loss")
    assert not fails("worse", "leak")


def test_noise(comment):
    text, told = comment("noise")
    verdict = text.splitlines()[SECOND]
    assert verdict.startswith("**No measurable difference.**")
    assert "no more than chance explains" in verdict
    part = told["metrics"]["arms"]["dapt"]["model"]["macro_f1"]
    assert part["low"] < 0 < part["high"]
    assert told["metrics"]["arms"]["dapt"]["broken"] > 5  # rows turned, both ways
    assert "share of right rows" not in text.partition("<details>")[0]  # no class stands out by chance
    assert not fails("noise", "leak,significant-loss")


def test_a_leaked_test_outweighs_a_gain(comment):
    text, told = comment("leaked")
    verdict = text.splitlines()[SECOND]
    assert verdict.startswith("**Do not merge.** 12 rows moved from test to train")
    assert "Better" not in text
    assert told["leaks"][0]["rows"] == 12
    assert f"⛔ 12 rows moved from test to train: <code>{told['leaks'][0]['ids'][0]}</code>" in text
    assert told["metrics"]["arms"]["dapt"]["model"]["macro_f1"]["low"] > 0  # the gain that it hides behind
    assert fails("leaked", "leak")
    assert not fails("leaked", "significant-loss")


def test_a_class_that_a_rule_damaged_is_named_with_the_rule(comment):
    text, told = comment("damaged")
    verdict = text.splitlines()[SECOND]
    gone = told["data"]["removed"]["rows"]
    assert verdict.startswith(f"**Look before you merge.** Rule clean: strip&#95;headings removed {gone} rows of class")
    assert "STONE" in verdict
    assert re.search(r"STONE, \d\d% of them, out of proportion", verdict)
    assert told["data"]["removed"]["by_class"] == {"STONE": gone}
    assert told["data"]["removed"]["by_rule"] == {"clean: strip_headings": gone}
    assert told["data"]["removed"]["skewed"][0]["class"] == "STONE"
    assert f"| removed | {gone} | <code>clean&#58; strip&#95;headings</code> {gone} |" in text
    worst = min(told["metrics"]["slices"], key=lambda line: line["value"])
    assert worst["name"] == "STONE"


def test_labels_that_moved_without_a_decision_are_told_from_those_of_people(comment):
    text, told = comment("moved")
    verdict = text.splitlines()[SECOND]
    assert verdict.startswith("**Look before you merge.** The label of 30 rows changed without a decision of anybody")
    relabelled = told["data"]["relabelled"]
    assert relabelled["rows"] == 35
    assert relabelled["by_cause"] == {"the given label is another": 30, "decision: relabel": 5}
    assert relabelled["ways"] == {"FRUIT → WATER": 30, "FRUIT → STONE": 5}
    assert (relabelled["by_source"], relabelled["by_class"]) == ({"notes": 35}, {"FRUIT": 35})
    folded = text[text.index("<details><summary>Relabelled") :]
    assert "| class before | rows |\n|---|---|\n| <code>FRUIT</code> | 35 |" in folded
    assert "Sources: <code>notes</code> 35." in folded
    assert relabelled["unexplained_by_class"] == {"FRUIT": 30}
    assert "Decisions: 5 new, <code>ana</code> <code>relabel</code> 5." in text
    arm = told["metrics"]["arms"]["dapt"]
    assert arm["labels"]["macro_f1"]["high"] < 0  # the old model is worse on the new labels: labels, not the model
    assert arm["model"]["macro_f1"]["value"] == 0
    assert "Every prediction" not in text


@pytest.mark.parametrize("name", ["better", "worse", "noise", "leaked", "damaged", "moved"])
def test_parts_add_up_and_the_comment_is_short(comment, name):
    text, told = comment(name)
    for arm in told["metrics"]["arms"].values():
        parts = sum(arm[part]["macro_f1"]["value"] for part in ("model", "labels", "rows") if arm[part])
        assert parts == pytest.approx(arm["all"]["macro_f1"]["value"], abs=3e-6)
        assert arm["head"]["macro_f1"] - arm["base"]["macro_f1"] == pytest.approx(parts, abs=3e-6)
    assert len(seen(text)) < 60
    assert text.count("<details>") == text.count("</details>") > 2


def seen(text: str) -> list[str]:
    """The lines that a reader sees before anything is unfolded."""
    lines, depth = [], 0
    for line in text.splitlines():
        if not depth:
            lines.append(line)
        depth += line.startswith("<details>") - (line == "</details>")
    return lines
