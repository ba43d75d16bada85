"""audit: a sample that nobody judged before; a rule that is mended where it was caught is not accepted for it."""

import csv
import json
import random

import pytest

from stages.annotate import __main__ as annotate
from stages.apply_decisions import __main__ as apply_decisions
from stages.audit import __main__ as audit
from tests.conftest import make_rows
from winnow.kinds.classification.labels import Task
from winnow.people import decisions, queue
from winnow.review import importing
from winnow.review.adding import Target
from winnow.rows import tables

TASK = {"kind": "classification", "labels": ["FRUIT", "STONE"]}
RULE = {"name": "mine", "kind": "python", "function": "mine.py:label"}
ANNOTATE = {"rules": [RULE], "combine": "majority", "min_confidence": 0.4, "min_rows": 20, "audit_rows": 40}
ACCEPTANCE = {"method": "precision", "min_rows": 30, "min_precision": 0.8}
COUNT = 600  # rows without a label; the rule says FRUIT of each
CODE = """
from pathlib import Path

CAUGHT = set(Path("rules/caught.txt").read_text().split())

def label(row):
    return None if row["id"] in CAUGHT or "unclear" in row["text"] else "FRUIT"
"""


class Project:
    """A dataset whose rule is right in 61 % of cases, and the people who know what each row is."""

    def __init__(self, folder):
        self.folder, self.minute = folder, 0
        chance = random.Random(1)
        given = [{"label": "FRUIT"}] * 61 + [{"label": "STONE"}] * 39
        texts = [f"text {n}" if chance.random() < 0.61 else f"hidden stone {n}" for n in range(COUNT)]
        rows = make_rows([*given, *({"text": text} for text in texts)])
        tables.write(tables.set_column(rows, "cluster", ["c"] * len(rows), rows["id"].type), folder / "rows.parquet")
        split = tables.set_column(rows.select(["id"]), "split", ["train"] * len(rows), rows["id"].type)
        tables.write(split, folder / "split.parquet")
        self.stones = {row["id"] for row in rows.to_pylist() if "stone" in row["text"]}
        (folder / "rules").mkdir()
        (folder / "rules/mine.py").write_text(CODE)
        (folder / "rules/caught.txt").write_text("")
        (folder / "decisions.csv").write_text(",".join(decisions.COLUMNS) + "\n")

    def repro(self) -> dict:
        """Run the stages; return what the audit found of FRUIT."""
        common = "--rows rows.parquet --split split.parquet"
        annotate.main(
            f"{common} --rules rules --out annotations.parquet --votes votes.parquet --ledger ledger.parquet "
            "--metrics annotate.json".split()
        )
        audit.main(
            f"{common} --annotations annotations.parquet --votes votes.parquet --decisions decisions.csv "
            "--out audit.parquet --queue-csv audit.csv --metrics audit.json".split()
        )
        apply_decisions.main(
            f"{common} --annotations annotations.parquet --audit audit.parquet --decisions decisions.csv "
            "--out labelled.parquet --edited edited.parquet --evaluated measuring.parquet "
            "--undecided undecided.parquet --ledger ledger.parquet --metrics decided.json".split()
        )
        acceptance = json.loads((self.folder / "decided.json").read_text())["acceptance"]
        return acceptance["rule"]["FRUIT"] if acceptance else {}

    @property
    def sample(self) -> list[dict]:
        return queue.read(self.folder / "audit.parquet")

    def counts(self) -> dict:
        return json.loads((self.folder / "audit.json").read_text())["samples"]["rule"]["FRUIT"]

    def judge(self) -> set[str]:
        """Fill in the sample's sheet by the truth, and import it; return the rows at which the rule was caught."""
        with (self.folder / "audit.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        decided = {decision.id for decision in decisions.read(self.folder / "decisions.csv")}
        rows = [row for row in rows if decisions.unguard(row["id"]) not in decided]
        for row in rows:
            is_stone = decisions.unguard(row["id"]) in self.stones
            row |= {"verdict": "relabel", "new_label": "STONE"} if is_stone else {"verdict": "keep"}
        with (self.folder / "filled.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, decisions.QUEUE_COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        self.minute += 1
        target = Target(self.folder / "decisions.csv", self.folder / "labelled.parquet", Task(**TASK))
        importing.run(self.folder / "filled.csv", target, "ana", f"2026-01-31T09:{self.minute:02}:00Z")
        return {decisions.unguard(row["id"]) for row in rows} & self.stones

    def mend(self, caught: set[str]) -> None:
        """Let the rule abstain where it was caught."""
        path = self.folder / "rules/caught.txt"
        path.write_text("\n".join(sorted({*path.read_text().split(), *caught})))


@pytest.fixture
def project(workspace):
    acceptance = ACCEPTANCE | {"min_reviewers": 3, "epsilon": 0.15, "winning_rate": 0.5}
    settings = {"min_rows_per_label": 2, "acceptance": acceptance}
    return Project(workspace(task=TASK, annotate=ANNOTATE, apply_decisions=settings))


def test_a_rule_that_is_mended_where_it_was_caught_is_never_accepted_for_it(project):
    for mends in range(4):
        assert project.repro()["audited"] == 0  # all that was judged is used up
        used = project.counts()["used_up"]
        assert (used == 0) == (mends == 0)
        told = f"random sample; {used} rows with this label were judged before, and cannot audit it"
        assert [row["reasons"][1:] for row in project.sample] == [[told] if mends else []] * 40
        caught = project.judge()
        found = project.repro()
        assert (found["audited"], found["drawn"], found["accepted"]) == (40, 40, False)
        assert found["precision"] < 0.8
        project.mend(caught)


def test_the_same_attack_succeeds_where_the_version_is_not_seen_to_change(project, monkeypatch):
    monkeypatch.setattr(annotate, "version", lambda settings, files: "v1")
    for _ in range(4):
        project.repro()
        project.mend(project.judge())
    assert project.repro()["accepted"]


def test_a_rule_that_is_right_is_accepted_and_the_sample_stays_while_people_judge_it(project):
    project.repro()
    project.mend(project.stones)
    project.repro()
    before = [row["id"] for row in project.sample]
    project.judge()
    found = project.repro()
    assert found["accepted"]
    assert (found["correct"], found["drawn"]) == (40, 40)
    assert [row["id"] for row in project.sample] == before
    # Another rule, and nothing is proved any more.
    (project.folder / "rules/mine.py").write_text(CODE + "\nnote = 1\n")
    again = project.repro()
    assert (again["accepted"], again["audited"]) == (False, 0)
    assert project.counts()["used_up"] == 40
    told = "random sample; 40 rows with this label were judged before, and cannot audit it"
    assert {row["reasons"][-1] for row in project.sample} == {told}
    with (project.folder / "audit.csv").open(encoding="utf-8", newline="") as file:
        assert all(told in row["reasons"] for row in csv.DictReader(file))


def test_the_sample_is_a_queue_with_votes_and_its_version(project):
    project.repro()
    [version] = set(tables.read(project.folder / "annotations.parquet")["version"].to_pylist())
    entry = project.sample[0]
    assert {name: entry[name] for name in ("rank", "split", "given_label", "reasons", "votes", "drawn_for")} == {
        "rank": 0,
        "split": "train",
        "given_label": "FRUIT",
        "reasons": ["label set by rule mine"],
        "votes": [{"rule": "mine", "label": "FRUIT"}],
        "drawn_for": version,
    }
    assert (entry["suggested_label"], entry["p_error"], entry["probabilities"]) == (None, None, [])
    first = [(project.folder / name).read_bytes() for name in ("audit.parquet", "audit.csv", "audit.json")]
    project.repro()
    assert [(project.folder / name).read_bytes() for name in ("audit.parquet", "audit.csv", "audit.json")] == first


def test_without_labels_there_is_no_sample(project):
    project.mend(set(tables.read(project.folder / "rows.parquet")["id"].to_pylist()))
    assert project.repro() == {}
    assert project.sample == []
    assert json.loads((project.folder / "audit.json").read_text()) == {"rows": 0, "samples": {}}
