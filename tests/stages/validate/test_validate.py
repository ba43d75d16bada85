"""validate: a whole pipeline's tables pass; any one that breaks the contract stops the run with its name."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from stages.validate import __main__ as validate
from tests.conftest import make_rows
from winnow.base import params
from winnow.base.errors import UserError
from winnow.rows import ledger, splits, tables

LABELS = ["FRUIT", "STONE"]
OFF = {"warn": None, "fail": None}
PARAMS = {
    "years": [1990, 2025],
    "profile": {"words": 20, "sample_rows": 50},
    "drift": dict.fromkeys(["rows", "groups", "labels", "sources", "years", "characters", "words"], OFF),
}
TABLES = ("clean", "deduplicated", "split", "annotations", "labelled")
COMMAND = [
    *(f"--{name}={name}.parquet" for name in TABLES),
    *("--raw=raw", "--ledger=ledger", "--frozen=frozen"),
    *("--out=validated.txt", "--metrics=validate.json", "--profile=profile.json", "--drift=drift.json"),
]


def write(folder: Path, count: int = 24) -> None:
    """Write the tables of a run: `count` task rows, 4 texts, one row dropped by clean and one by deduplicate."""
    task = [
        {"label": None if n == 0 else LABELS[n % 2], "group": f"g{n // 2}", "text": f"a {LABELS[n % 2].lower()} {n}"}
        for n in range(count)
    ]
    texts = [{"source": "texts", "purpose": "text", "source_key": f"t{n}", "text": f"of {n}"} for n in range(4)]
    gone = [{"source_key": "empty", "text": ""}, {"source_key": "copy", "text": "a copy"}]
    everything = make_rows([*task, *gone, *texts], aux=("kind",))
    tables.write(everything.slice(0, count + 2), folder / "raw/test.parquet")
    tables.write(everything.slice(count + 2), folder / "raw/texts.parquet")
    empty, copy = everything["id"][count].as_py(), everything["id"][count + 1].as_py()
    drop(folder, "clean", [empty])
    drop(folder, "deduplicate", [copy])
    drop(folder, "apply_decisions", [])
    clean = everything.filter(pc.not_equal(everything["id"], empty))
    tables.write(clean, folder / "clean.parquet")
    rows = clean.filter(pc.not_equal(clean["id"], copy))
    rows = tables.set_column(rows, "cluster", rows["id"], pa.string())
    tables.write(rows, folder / "deduplicated.parquet")

    numbers = [
        int(group[1:]) if group.startswith("g") and group[1:].isdigit() else 0 for group in column(rows, "group")
    ]
    placed = tables.set_column(rows, "split", [splits.SPLITS[number % 3] for number in numbers], pa.string())
    tables.write(placed.select(["id", "group", "cluster", "split"]), folder / "split.parquet")
    labelled = placed.filter(pc.equal(placed["purpose"], "task"))
    annotation = {"id": labelled["id"][0].as_py(), "label": "FRUIT", "label_origin": "rule", "label_confidence": 0.9}
    note = pa.Table.from_pylist([annotation | {"rule": "r", "audit": True}])
    tables.write(note, folder / "annotations.parquet")
    for name in ("label", "label_origin", "label_confidence"):
        values = [annotation[name], *column(labelled, name)[1:]]
        labelled = tables.set_column(labelled, name, values, tables.ROW.field(name).type)
    labelled = tables.set_column(labelled, "given_label", labelled["label"], pa.string())
    labelled = tables.set_column(labelled, "verdict", [None] * count, pa.string())
    tables.write(tables.set_column(labelled, "conflict", [False] * count, pa.bool_()), folder / "labelled.parquet")
    splits.write_frozen(folder / "frozen/test_groups.txt", splits.codes(pa.array(["g2", "gone"])).tolist())


def column(table: pa.Table, name: str) -> list:
    return table[name].to_pylist()


def drop(folder: Path, stage: str, ids: list[str]) -> None:
    book = ledger.Ledger(stage)
    for id in ids:
        book.add(id, "drop", "rule", "reason")
        book.add(id, "change", "rule", "reason")
    book.write(folder / f"ledger/{stage}.parquet")


def change(folder: Path, name: str, column: str, row: int, value) -> None:
    """Set one value of a table that `write` wrote."""
    path = folder / f"{name}.parquet"
    table = tables.read(path)
    values = table[column].to_pylist()
    values[row] = value
    nullable = pa.field(column, table.schema.field(column).type)
    table = table.set_column(table.schema.get_field_index(column), nullable, pa.array(values, nullable.type))
    tables.write_sorted(table, path)


def lose(folder: Path, name: str) -> None:
    """Take the last row of a table away."""
    path = folder / f"{name}.parquet"
    table = tables.read(path)
    tables.write_sorted(table.slice(0, table.num_rows - 1), path)


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
    rows = {"raw": 30, "clean": 29, "deduplicated": 28, "split": 28, "annotations": 1, "labelled": 24}
    assert metrics == {"rows": rows, "failures": 0}
    profile = read(folder, "profile.json")
    assert {name: part["rows"] for name, part in profile.items()} == {"train": 8, "dev": 8, "test": 8, "text": 4}
    assert read(folder, "drift.json")["reference"].startswith("none")


def test_two_runs_write_the_same_bytes(folder):
    names = ("validate.json", "profile.json", "drift.json")
    validate.main(COMMAND)
    first = [(folder / name).read_bytes() for name in names]
    validate.main(COMMAND)
    assert [(folder / name).read_bytes() for name in names] == first


def test_drift_is_measured_from_the_frozen_profile_and_stops_the_run_where_params_say_so(folder, workspace):
    validate.main(COMMAND)
    (folder / "profile.json").rename(folder / "frozen/profile.json")
    validate.main(COMMAND)
    found = read(folder, "drift.json")
    assert found["status"] == "ok"
    assert {entry["value"] for parts in found["measures"].values() for entry in parts.values()} == {0.0}

    (folder / "validate.json").unlink()
    strict = PARAMS | {
        "drift": PARAMS["drift"] | {"rows": {"warn": 0.1, "fail": 0.2}, "words": {"warn": 0.01, "fail": None}}
    }
    workspace(task={"kind": "classification", "labels": LABELS}, validate=strict)
    write(folder, 36)
    with pytest.raises(UserError, match=r"drift\.json: rows of dev drifted by 0\.5.*or accept them: `winnow freeze`"):
        validate.main(COMMAND)
    assert not (folder / "validate.json").exists()
    found = read(folder, "drift.json")
    assert found["status"] == "fail"
    assert found["measures"]["words"]["train"]["status"] == "warn"
    assert read(folder, "profile.json")["train"]["rows"] == 12


ID = "0123456789abcdef"
BROKEN = [
    (
        lambda f: change(f, "raw/test", "purpose", 2, "tusk"),
        r"raw/test\.parquet: column 'purpose' is not one of task, te",
    ),
    (lambda f: change(f, "raw/test", "id", 0, "xyz"), r"raw/test\.parquet: column 'id' is not 16 hex digits: 1 row"),
    (
        lambda f: change(f, "clean", "text", 3, " \u00a0\n"),
        r"clean\.parquet: column 'text' is blank: 1 row\(s\), first \w{16}",
    ),
    (lambda f: change(f, "clean", "label", 3, "ROOT"), r"clean\.parquet: column 'label' is no label of params\.yaml"),
    (lambda f: change(f, "clean", "group", 3, None), r"clean\.parquet: column 'group' has no value: 1 row"),
    (lambda f: lose(f, "clean"), r"stage clean: 1 row\(s\) went in and are neither in its table nor in its ledger"),
    (lambda f: lose(f, "deduplicated"), r"stage deduplicate: 1 row\(s\) went in and are neither"),
    (lambda f: drop(f, "clean", []), r"stage clean: 1 row\(s\) went in and are neither"),
    (lambda f: drop(f, "deduplicate", [ID]), r"stage deduplicate: 1 row\(s\) went in and are neither"),
    (lambda f: lose(f, "split"), r"stage split: 1 row\(s\) went in"),
    (
        lambda f: change(f, "split", "split", 4, "exam"),
        r"split\.parquet: column 'split' is not one of train, dev, test",
    ),
    (lambda f: change(f, "deduplicated", "cluster", 4, "c4"), r"column 'cluster' is not 16 hex digits"),
    (lambda f: change(f, "annotations", "label_confidence", 0, 1.5), r"'label_confidence' is outside of 0 to 1"),
    (lambda f: change(f, "annotations", "id", 0, ID), r"stage annotate: 1 row\(s\) went in"),
    (lambda f: lose(f, "labelled"), r"stage apply_decisions: 1 row\(s\) went in"),
    (lambda f: change(f, "labelled", "label", 3, None), r"labelled\.parquet: a label without label_origin, or"),
    (
        lambda f: change(f, "labelled", "label_origin", 3, "rule"),
        r"label_confidence belongs to the label_origins rule and",
    ),
    (lambda f: change(f, "labelled", "verdict", 3, "ambiguous"), r"found ambiguous or out of scope has a label"),
    (lambda f: (f / "frozen/test_groups.txt").write_text("nonsense\n"), r"test_groups\.txt: line 1: 'nonsense' is not"),
    (lambda f: (f / "frozen/profile.json").write_text("[1]"), r"frozen/profile\.json: is no profile"),
    (lambda f: (f / "labelled.parquet").unlink(), r"labelled\.parquet: not found; `dvc repro` or"),
    (lambda f: [file.unlink() for file in (f / "raw").iterdir()], r"raw: holds no <source>\.parquet"),
    (
        lambda f: tables.write(tables.read(f / "raw/test.parquet"), f / "raw/again.parquet"),
        r"raw: two sources have rows",
    ),
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


def test_the_split_may_not_leak(folder):
    frozen = splits.codes(pa.array(["g2"])).tolist()
    group = tables.read(folder / "split.parquet").to_pylist()
    inside = [n for n, row in enumerate(group) if row["group"] == "g2"]
    change(folder, "split", "split", inside[0], "train")
    with pytest.raises(
        UserError, match=r"the split leaks: 2 row\(s\) of a group that stands in more than one split, fi"
    ):
        validate.main(COMMAND)
    change(folder, "split", "split", inside[1], "train")
    with pytest.raises(UserError, match=r"the split leaks: 2 row\(s\) of frozen test groups outside of test"):
        validate.main(COMMAND)
    splits.write_frozen(folder / "frozen/test_groups.txt", [frozen[0] + 1])
    with pytest.raises(UserError, match=r"labelled\.parquet: the splits of its rows are not those of split\.parquet"):
        validate.main(COMMAND)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"years": [2025, 1990]}, r"validate\.years: the first year must not be after the last"),
        ({"years": [1990]}, r"validate\.years"),
        ({"drift": {"rows": {"warn": 0, "fail": None}}}, r"validate\.drift\.rows\.warn"),
        ({"profile": {"words": 0, "sample_rows": 5}}, r"validate\.profile\.words"),
        ({"strict": True}, r"validate\.strict: unknown parameter"),
    ],
)
def test_bad_parameters_are_named(change, message):
    with pytest.raises(UserError, match=message):
        params.parse(PARAMS | change, validate.Params, "params.yaml: validate")
