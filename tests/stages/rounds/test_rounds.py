"""rounds: every figure of a small project, with no round, one and several, and faults that are told."""

import csv

import numpy as np
import pyarrow as pa
import pytest

from stages.deduplicate import __main__ as deduplicate
from stages.rounds import __main__ as rounds
from stages.rounds.replay import NONE, settle
from tests.conftest import make_rows
from tests.stages.rounds.project import COPIES, PARAMS, TASK, UNLABELLED, WRONG, Project, tick
from winnow.base.errors import UserError
from winnow.commands import round as round_command
from winnow.kinds.classification.labels import Task
from winnow.people import decisions, queue
from winnow.rows import tables

PLOTS = ("evolution.csv", "noise.csv", "edits.csv", "planted.csv")
OUTPUTS = ("data/round_queue.parquet", "reports/review/round-audit.csv", "reports/metrics/rounds.json") + tuple(
    f"reports/plots/rounds/{name}" for name in PLOTS
)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    tick(monkeypatch)


@pytest.fixture
def project(workspace):
    return Project(workspace(task=TASK, rounds=PARAMS))


def begin() -> None:
    for _ in round_command.start():
        pass


def plot(project: Project, name: str) -> list[dict]:
    return list(csv.DictReader((project.folder / "reports/plots/rounds" / name).open()))


def test_before_any_round_and_decision_there_is_advice_and_what_edits_are_worth(project):
    found = project.run()
    assert (found["rounds"], found["decisions"], found["done"], found["noise"]) == (0, 0, {}, {})
    assert found["models"]["macro_f1"].keys() == {"before"}
    assert found["models"]["change"]["all"]["dev"]["given"] == {"gain": 0, "gain_low": 0, "gain_high": 0}
    unlabelled = sum(split == "train" for split in project.table["split"].to_pylist()[-UNLABELLED:])
    assert {kind: of["rows"] for kind, of in found["edits"].items()} == {
        "relabel": 0,
        "drop": 0,
        "annotate": 0,
        "dedup": COPIES,
        "auto_label": unlabelled,
    }
    assert set(found["edits"]["dedup"]["dev"]) == {"given", "corrected"}
    assert set(found["edits"]["drop"]) == {"rows"}
    assert found["stopping"]["verdict"] in ("go on", "stop")
    assert found["stopping"]["next_rows"] == PARAMS["next_decisions"]
    assert found["stopping"]["expected_changes"] == pytest.approx(7)
    assert project.audit() == []
    assert plot(project, "noise.csv") == []
    assert {row["round"] for row in plot(project, "evolution.csv")} == {"before"}
    assert len(plot(project, "planted.csv")) == 1 + 2


def test_a_round_from_its_start_to_the_advice(project):
    begin()
    project.run()
    waiting = project.audit()
    assert len(waiting) == len((project.folder / "data/rounds/001.csv").read_text().splitlines()) - 1
    # People judge the text alone.
    assert {name for entry in waiting for name in ("suggested_label", "p_error", "tier") if entry[name]} == set()
    assert {tuple(entry["reasons"]) for entry in waiting} == {("random sample of round 1",)}
    assert {entry["id"]: entry["given_label"] for entry in waiting}.items() <= project.given.items()

    sampled = [entry["id"] for entry in waiting]
    project.decide([id for id in project.wrong if id not in sampled], seconds=12.5)
    project.decide(sampled)
    found = project.run()
    assert project.audit() == []
    done = found["done"]["001"]
    assert done["verdicts"]["relabel"] == WRONG
    assert done["queue"] == {"rows": WRONG - len(set(sampled) & set(project.wrong)), "changed": done["queue"]["rows"]}
    assert done["seconds"]["median"] == 12.5
    noise = found["noise"]["001"]
    assert (noise["open"], noise["judged"]) == (0, len(sampled))
    labelled = 240 - UNLABELLED
    assert noise["before"]["all"]["rows"] == labelled
    assert noise["before"]["all"]["share_low"] <= WRONG / labelled <= noise["before"]["all"]["share_high"]
    assert noise["after"]["all"]["share"] < 0.03
    assert noise["recall"] == 1
    change = found["models"]["change"]
    assert change["last_round"] == change["all"]
    assert change["all"]["dev"]["corrected"]["gain"] > 0
    assert found["edits"]["relabel"]["rows"] > 0
    assert found["edits"]["relabel"]["dev"] == change["all"]["dev"]
    assert found["stopping"]["verdict"] == "stop"  # nothing that is likely to be wrong is left
    assert {row["round"] for row in plot(project, "evolution.csv")} == {"before", "001"}
    assert {row["when"] for row in plot(project, "noise.csv")} == {"before", "after"}


def test_no_model_is_judged_by_a_test_row(project):
    splits = dict(zip(project.ids, project.table["split"].to_pylist(), strict=True))
    project.decide([id for id in project.wrong if splits[id] == "test"])
    found = project.run()
    nothing = {"gain": 0, "gain_low": 0, "gain_high": 0}
    assert found["models"]["change"]["all"] == {"dev": {"given": nothing, "corrected": nothing}}
    assert all(of.keys() <= {"rows", "dev"} for of in found["edits"].values())
    assert {row["split"] for name in ("evolution.csv", "edits.csv") for row in plot(project, name)} == {"dev"}


def test_several_rounds_are_replayed_in_the_order_of_the_file(project):
    project.decide(project.wrong[:4])
    begin()
    project.decide(project.wrong[4:10])
    begin()
    project.decide(project.wrong[10:14], "ambiguous")
    project.decide(project.wrong[14:15], "out_of_scope")
    found = project.run()
    assert found["rounds"] == 2
    assert {name: of["decisions"] for name, of in found["models"]["macro_f1"].items()} == {
        "before": 0,
        "000": 4,
        "001": 10,
        "002": 15,
    }
    assert {name: of["rows"] for name, of in found["done"].items()} == {"000": 4, "001": 6, "002": 5}
    assert found["done"]["002"]["verdicts"] == {"keep": 0, "relabel": 0, "ambiguous": 4, "out_of_scope": 1}
    assert {name: of["judged"] for name, of in found["noise"].items()}.keys() == {"001", "002"}
    touched = {id for id in project.wrong[10:15] if project.table["split"][project.ids.index(id)].as_py() == "train"}
    assert found["edits"]["drop"]["rows"] == len(touched)
    # What is decided after a round's end does not change what that round did.
    first = found["done"]["001"], found["models"]["macro_f1"]["001"]["dev"]["given"]
    project.decide(project.wrong[15:])
    again = project.run()
    assert (again["done"]["001"], again["models"]["macro_f1"]["001"]["dev"]["given"]) == first


def test_rows_out_of_scope_keep_the_label_that_people_saw(project):
    project.decide(project.ids[:2], "out_of_scope")
    made = decisions.read(project.folder / "data/decisions.csv")
    data = project.folder / "data"
    rows = rounds.read_rows(
        *(data / f"{name}.parquet" for name in ("deduplicated", "split", "labelled")), made, Task(**TASK)
    )
    assert len(rows.ids) == 240
    for id in project.ids[:2]:
        assert rows.given[rows.place[id]] == project.given[id]
    assert rows.trusted.sum() == 240 - UNLABELLED
    assert settle(rows, made, Task(**TASK)).training(rows)[rows.place[project.ids[0]]] == NONE


def test_copies_are_read_from_the_ledger_as_deduplicate_writes_it(workspace, default_params):
    folder = workspace(deduplicate=default_params["deduplicate"], task=TASK)
    rows = [
        {"text": "one two three four five six seven", "label": "A"},
        {"text": "One, two three four five six seven!", "label": "B"},  # the same but for case and punctuation
        {"text": " ".join(f"word{n}" for n in range(60)), "label": "C"},
        {"text": " ".join(f"word{n}" for n in range(59)), "label": "C"},
        {"text": "of another kind altogether, in other words", "label": "A"},
        {"text": "of another kind altogether in other words"},  # a copy without a label
    ]
    tables.write(make_rows(rows), folder / "clean.parquet")
    (folder / "sources").mkdir()
    deduplicate.main(
        "--rows clean.parquet --against sources --cleaning cleaning.json --out rows.parquet "
        "--conflicts conflicts.parquet --ledger ledger.parquet --metrics metrics.json".split()
    )
    kept = tables.read(folder / "rows.parquet")
    split = tables.set_column(kept.select(["id"]), "split", ["train"] * kept.num_rows, pa.string())
    tables.write(split, folder / "split.parquet")
    labelled = tables.set_column(kept.select(["id"]), "given_label", kept["label"], pa.string())
    tables.write(labelled, folder / "labelled.parquet")
    found = rounds.read_rows(*(folder / f"{name}.parquet" for name in ("rows", "split", "labelled")), [], Task(**TASK))
    copies = rounds.read_copies(folder / "clean.parquet", folder / "ledger.parquet", found)
    assert kept.num_rows == 3
    pairs = sorted(zip(copies.texts, copies.labels.tolist(), found.texts.take(copies.keepers), strict=True))
    assert [{text, twin} for text, _, twin in pairs] == [
        {rows[0]["text"], rows[1]["text"]},
        {rows[2]["text"], rows[3]["text"]},
    ]
    assert all(label == next(r["label"] for r in rows if r["text"] == text) for text, label, _ in pairs)

    # Copies of dev and test rows train nothing.
    tables.write(tables.set_column(split, "split", ["dev"] * kept.num_rows, pa.string()), folder / "split.parquet")
    found = rounds.read_rows(*(folder / f"{name}.parquet" for name in ("rows", "split", "labelled")), [], Task(**TASK))
    assert rounds.read_copies(folder / "clean.parquet", folder / "ledger.parquet", found).texts == []


def test_the_stage_writes_the_same_bytes_twice(project):
    begin()
    project.decide(project.wrong[:5])
    project.run()
    first = [(project.folder / name).read_bytes() for name in OUTPUTS]
    project.run()
    assert [(project.folder / name).read_bytes() for name in OUTPUTS] == first


def test_a_sample_whose_rows_vanished_is_told(project):
    begin()
    project.run()
    gone = project.audit()[0]["id"]
    for name in ("deduplicated", "split", "labelled"):
        path = project.folder / f"data/{name}.parquet"
        table = tables.read(path)
        tables.write(table.filter(np.array(table["id"].to_pylist()) != gone), path)
    found = project.run()
    assert found["noise"]["001"]["vanished"] == {"rows": 1, "ids": [gone]}
    assert gone not in {entry["id"] for entry in project.audit()}


def drop_rows(path, count: int = 1) -> None:
    tables.write(tables.read(path).slice(count), path)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda data: drop_rows(data / "split.parquet"), r"split.parquet: 1 row\(s\) of .* are missing, first \w{16}"),
        (lambda data: drop_rows(data / "labelled.parquet", 3), r"labelled.parquet: 3 row\(s\) of .* are missing"),
        (lambda data: drop_rows(data / "scores.parquet", 60), r"scores.parquet: \d+ row\(s\) are missing"),
        (lambda data: (data / "queue.parquet").unlink(), "queue.parquet: not found"),
        (lambda data: (data / "rounds/002.csv").write_text(""), "round 1 is missing"),
        (lambda data: (data / "rounds/001.csv").write_text("id\n"), "001.csv: line 1: the header must be"),
        (lambda data: (data.parent / "reports/plots/learning_curve.csv").write_text("a,b\n1,2\n"), "no learning curve"),
    ],
)
def test_faults_are_told_in_one_line_and_nothing_is_written(project, break_it, message):
    break_it(project.folder / "data")
    with pytest.raises(UserError, match=message):
        project.run()
    assert not any((project.folder / name).exists() for name in OUTPUTS)


def test_without_dev_rows_or_words_there_is_nothing_to_measure(project):
    path = project.folder / "data/split.parquet"
    table = tables.read(path)
    splits = ["test" if split == "dev" else split for split in table["split"].to_pylist()]
    tables.write(tables.set_column(table, "split", splits, pa.string()), path)
    with pytest.raises(UserError, match="no dev row has a given or human label"):
        project.run()


def test_a_cut_off_sample_keeps_waiting_in_its_order(project):
    begin()
    project.run()
    waiting = [entry["id"] for entry in project.audit()]
    project.decide([*waiting[:3], waiting[5]])
    found = project.run()["noise"]["001"]
    assert (found["judged"], found["open"], found["passed_over"]) == (3, len(waiting) - 4, 1)
    assert [entry["id"] for entry in project.audit()] == [waiting[3], waiting[4], *waiting[6:]]
    assert queue.read(project.folder / "data/round_queue.parquet")[0]["rank"] == 0


def test_no_file_but_its_outputs_is_touched(project):
    before = {path: path.read_bytes() for path in project.folder.rglob("*") if path.is_file()}
    project.run()
    after = {path for path in project.folder.rglob("*") if path.is_file()}
    assert {path.relative_to(project.folder).as_posix() for path in after - set(before)} == set(OUTPUTS)
    assert all(path.read_bytes() == content for path, content in before.items())
