"""validate: a run's tables of labels pass; any one that breaks the contract stops the run with its name."""

import json
from pathlib import Path

import pytest

from stages.validate import __main__ as validate
from stages.validate.profile import COLUMNS, Part
from tests.conftest import make_rows
from tests.run_tables import LABELS, change, drop, lose, write
from winnow.base import params
from winnow.base.errors import UserError
from winnow.kinds.classification.labels import Task

OFF = {"warn": None, "fail": None}
PARAMS = {
    "profile": {"words": 20, "sample_rows": 50},
    "drift": dict.fromkeys(["rows", "groups", "labels", "sources", "years", "characters", "words"], OFF),
}
TABLES = ("deduplicated", "split", "annotations", "labelled")
COMMAND = [
    *(f"--{name}={name}.parquet" for name in TABLES),
    *("--ledger=ledger/apply_decisions.parquet", "--frozen=frozen"),
    *("--out=validated.txt", "--metrics=validate.json", "--profile=profile.json", "--drift=drift.json"),
]


@pytest.fixture
def folder(workspace):
    folder = workspace(task={"kind": "classification", "labels": LABELS}, validate=PARAMS)
    write(folder)
    return folder


def read(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_text())


def test_sound_tables_pass_and_the_dataset_is_described(folder):
    validate.main(COMMAND)
    metrics = read(folder, "validate.json")
    rows = {"annotations": 1, "labelled": 24}
    assert metrics == {"rows": rows, "failures": 0, "doubts": []}
    profile = read(folder, "profile.json")
    assert {name: part["rows"] for name, part in profile.items()} == {"train": 8, "dev": 8, "test": 8, "text": 4}
    assert read(folder, "drift.json")["reference"].startswith("none")


def test_words_of_every_script_are_in_the_profile():
    part = Part(50, 9, Task(kind="classification", labels=["A", "B"]))
    texts = ["It’s naïve, it’s", "यह किताब", "东京都", "👍 !"]
    part.add(make_rows([{"text": text} for text in texts]).select(COLUMNS))
    words = part.result()["words"]
    assert words == pytest.approx(
        {"it's": 2 / 8, "naïve": 1 / 8, "यह": 1 / 8, "किताब": 1 / 8, "东京": 1 / 8, "京都": 1 / 8, "👍": 1 / 8, "": 0}
    )


def test_two_runs_write_the_same_bytes(folder):
    names = ("validate.json", "profile.json", "drift.json")
    validate.main(COMMAND)
    first = [(folder / name).read_bytes() for name in names]
    validate.main(COMMAND)
    assert [(folder / name).read_bytes() for name in names] == first


def test_drift_is_measured_from_the_frozen_profile_and_stops_the_run_where_params_say_so(folder, workspace, capsys):
    validate.main(COMMAND)
    (folder / "profile.json").rename(folder / "frozen/profile.json")
    validate.main(COMMAND)
    found = read(folder, "drift.json")
    assert found["status"] == "ok"
    assert {entry["value"] for parts in found["measures"].values() for entry in parts.values()} == {0.0}

    (folder / "validated.txt").unlink()
    strict = PARAMS | {
        "drift": PARAMS["drift"] | {"rows": {"warn": 0.1, "fail": 0.2}, "words": {"warn": 0.01, "fail": None}}
    }
    task = {"kind": "classification", "labels": LABELS}
    workspace(task=task, gates={"on_doubt": "stop"}, validate=strict)
    write(folder, 36)
    with pytest.raises(UserError, match=r"\d doubts, listed above and in drift\.json"):
        validate.main(COMMAND)
    told = capsys.readouterr().err
    assert "rows of dev drifted by 0.5" in told
    assert "`winnow freeze` makes it the reference" in told
    assert not (folder / "validated.txt").exists()
    workspace(task=task, validate=strict)
    validate.main(COMMAND)
    assert (folder / "validated.txt").exists()
    found = read(folder, "drift.json")
    assert found["status"] == "fail"
    assert found["measures"]["words"]["train"]["status"] == "warn"
    assert read(folder, "profile.json")["train"]["rows"] == 12


ID = "0123456789abcdef"
BROKEN = [
    (lambda f: change(f, "annotations", "label_confidence", 0, 1.5), r"'label_confidence' is outside of 0 to 1"),
    (lambda f: change(f, "annotations", "id", 0, ID), r"stage annotate: 1 row\(s\) went in"),
    (lambda f: lose(f, "labelled"), r"stage apply_decisions: 1 row\(s\) went in"),
    (lambda f: change(f, "labelled", "label", 3, None), r"labelled\.parquet: a label without label_origin, or"),
    (
        lambda f: change(f, "labelled", "label_origin", 3, "rule"),
        r"label_confidence belongs to the label_origins rule and",
    ),
    (lambda f: change(f, "labelled", "verdict", 3, "ambiguous"), r"found ambiguous or out of scope has a label"),
    (lambda f: (f / "frozen/profile.json").write_text("[1]"), r"frozen/profile\.json: is no profile"),
    (lambda f: (f / "labelled.parquet").unlink(), r"labelled\.parquet: not found; `dvc repro` or"),
    (lambda f: drop(f, "apply_decisions", [ID]), r"stage apply_decisions: 1 row\(s\) are in its table or its ledger"),
    (lambda f: lose(f, "split"), r"labelled\.parquet: the splits of its rows are not those of split\.parquet"),
]


@pytest.mark.parametrize(("harm", "message"), BROKEN)
def test_each_fault_is_named_and_no_metrics_are_written(folder, harm, message):
    harm(folder)
    with pytest.raises(UserError, match=message):
        validate.main(COMMAND)
    assert not (folder / "validate.json").exists()
    assert not (folder / "validated.txt").exists()


def test_what_the_dear_stages_wait_for_is_the_same_whatever_the_rows(folder):
    validate.main(COMMAND)
    first = (folder / "validated.txt").read_bytes()
    write(folder, 36)
    validate.main(COMMAND)
    assert (folder / "validated.txt").read_bytes() == first


def test_labels_and_splits_are_of_the_same_rows(folder):
    change(folder, "split", "split", 4, "train")
    change(folder, "split", "split", 5, "dev")
    with pytest.raises(UserError, match=r"labelled\.parquet: the splits of its rows are not those of split\.parquet"):
        validate.main(COMMAND)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"years": [1990, 2025]}, r"validate\.years: unknown parameter"),
        ({"drift": {"rows": {"warn": 0, "fail": None}}}, r"validate\.drift\.rows\.warn"),
        ({"profile": {"words": 0, "sample_rows": 5}}, r"validate\.profile\.words"),
        ({"strict": True}, r"validate\.strict: unknown parameter"),
    ],
)
def test_bad_parameters_are_named(change, message):
    with pytest.raises(UserError, match=message):
        params.parse(PARAMS | change, validate.Params, "params.yaml: validate")
