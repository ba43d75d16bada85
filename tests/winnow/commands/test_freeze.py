"""winnow freeze and the data half of winnow lint, on the tables of a small run."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.conftest import ROOT, make_rows
from winnow.commands import cli, leaks, lint, pipeline
from winnow.rows import splits, tables

LABELS = ["A", "B"]
SPLIT, FROZEN = pipeline.path("split", "out", ROOT), pipeline.path("split", "frozen", ROOT)
DEDUPLICATED, TRAINING = pipeline.path("deduplicate", "out", ROOT), pipeline.path("balance", "out", ROOT)
EDITED = pipeline.path("apply_decisions", "edited", ROOT)
AUXILIARY = pipeline.path("auxiliary", "out", ROOT)


@pytest.fixture
def project(workspace, monkeypatch):
    """Six rows in three groups, one a split; a training table and predictions that fit; the code is not looked at."""
    monkeypatch.setattr(lint, "problems", lambda root: [])
    rule = {"name": "heading", "kind": "heading", "field": "meta.heading", "labels": {"A": "AIMS?", "B": "RESULTS"}}
    folder = workspace(task={"kind": "classification", "labels": LABELS}, annotate={"rules": [rule]})
    rows = make_rows([{"group": f"g{n % 3}", "cluster": f"c{n}", "label": "AB"[n % 2]} for n in range(6)])
    rows = tables.set_column(rows, "split", [splits.SPLITS[n % 3] for n in range(6)], pa.string())
    tables.write(rows, folder / DEDUPLICATED)
    tables.write(rows.select(["id", "group", "cluster", "split"]), folder / SPLIT)
    train, test = rows.take([0, 3]), rows.take([2, 5])
    weights = train.select(["id", "group", "text", "label"]).append_column("weight", pa.array([1.0, 1.0]))
    tables.write(weights, folder / TRAINING)
    write_predictions(folder, test)
    profile = {"train": {"rows": 2, "groups": 1} | {name: {"x": 1.0} for name in PROFILED}}
    (folder / "reports/metrics").mkdir(parents=True)
    (folder / "reports/metrics/profile.json").write_text(json.dumps(profile))
    return folder


PROFILED = ("labels", "sources", "years", "characters", "words")


def write_predictions(folder: Path, rows: pa.Table) -> None:
    columns = {name: rows[name] for name in ("id", "group", "split", "label")}
    tables.write(pa.table(columns | {"predicted": rows["label"]}), folder / "data/predictions/dapt-1.parquet")


def rows_of(folder: Path) -> pa.Table:
    return tables.read(folder / DEDUPLICATED)


def write_split(folder: Path, **columns: list) -> None:
    table = tables.read(folder / SPLIT)
    for name, values in columns.items():
        table = tables.set_column(table, name, values, pa.string())
    tables.write(table, folder / SPLIT)


def test_a_sound_project_has_no_fault_and_one_without_tables_neither(project, tmp_path_factory, capsys):
    assert leaks.problems(project) == leaks.broken(project) == []
    empty = tmp_path_factory.mktemp("empty")
    shutil.copyfile(ROOT / "dvc.yaml", empty / "dvc.yaml")
    assert leaks.problems(empty) == leaks.broken(empty) == []
    cli.main(["lint"])
    assert capsys.readouterr().out == ""


def test_a_text_that_says_its_label_is_found(project):
    texts = ["Aim: to ask ten.", "We asked. RESULTS: ten did.", "The results: ten did.", "We aim: high", "x", "y"]
    tables.write(tables.set_column(rows_of(project), "text", texts, pa.string()), project / DEDUPLICATED)
    assert leaks.told(project) == [
        "data/deduplicated.parquet: 2 row(s) whose text holds a heading from which rule 'heading' reads a label; set "
        "strip_headings of their profile in params.yaml: clean.profiles"
    ]
    with pytest.raises(SystemExit):
        cli.main(["lint"])


def test_each_leak_is_proved(project):
    rows = rows_of(project)
    split = rows["split"].to_pylist()

    moved = split.index("dev")
    write_split(project, split=["test" if n == moved else name for n, name in enumerate(split)])
    assert leaks.problems(project) == ["data/split.parquet: 2 row(s) of a group that stands in more than one split"]

    write_split(project, split=split, cluster=["same"] * 6)
    assert leaks.problems(project) == [
        "data/split.parquet: 6 row(s) of a duplicate cluster that stands in more than one split"
    ]

    write_split(project, cluster=[f"c{n}" for n in range(6)], split=["test" if s == "train" else s for s in split])
    assert leaks.problems(project) == [
        "data/training.parquet: 2 row(s) that are not of the train split",
        "data/training.parquet: 2 row(s) of a group that stands in dev or test",
    ]

    write_split(project, split=split)
    tables.write(rows.select(["id", "group", "text"]), project / AUXILIARY)
    assert leaks.problems(project) == ["data/auxiliary.parquet: 4 row(s) that are not of the train split"]
    (project / AUXILIARY).unlink()
    splits.write_frozen(project / FROZEN, splits.codes(pa.array(["g1", "g2"])).tolist())
    assert leaks.problems(project) == ["data/split.parquet: 2 row(s) of frozen test groups outside of test"]
    (project / FROZEN).unlink()

    write_predictions(project, rows)
    assert leaks.problems(project) == ["data/predictions/dapt-1.parquet: 2 row(s) of the train split"]
    (project / "data/predictions/dapt-1.parquet").unlink()

    texts = ["the same" if name != "dev" else f"dev {n}" for n, name in enumerate(split)]
    tables.write(tables.set_column(rows, "text", texts, pa.string()), project / DEDUPLICATED)
    assert leaks.problems(project) == [
        "data/deduplicated.parquet: 2 row(s) of dev or test whose text also stands in train"
    ]


def test_a_text_that_people_edited_into_another_split_is_a_leak(project):
    rows = rows_of(project)
    texts = [f"own {n}" for n in range(rows.num_rows)]
    tables.write(tables.set_column(rows, "text", ["the same"] * rows.num_rows, pa.string()), project / DEDUPLICATED)
    tables.write(tables.set_column(rows, "text", texts, pa.string()), project / EDITED)
    assert leaks.problems(project) == []
    tables.write(tables.set_column(rows, "text", [*texts[:-1], texts[0]], pa.string()), project / EDITED)
    assert leaks.problems(project) == ["data/edited.parquet: 1 row(s) of dev or test whose text also stands in train"]


def test_lint_prints_leaks_and_broken_tables(project, capsys):
    rows = rows_of(project)
    held_out = rows.filter(pc.not_equal(rows["split"], "train"))
    write_predictions(project, tables.set_column(held_out, "label", ["C"] * held_out.num_rows, pa.string()))
    with pytest.raises(SystemExit):
        cli.main(["lint"])
    out, err = capsys.readouterr()
    assert "data/predictions/dapt-1.parquet: column 'label' is no label of params.yaml: task: 4 row(s)" in out
    assert "fault(s) in the data" in err


def test_freeze_adds_test_groups_for_ever_and_copies_the_profile(project, capsys):
    cli.main(["freeze"])
    assert splits.read_frozen(FROZEN).tolist() == splits.codes(pa.array(["g2"])).tolist()
    assert Path("data/frozen/profile.json").read_bytes() == Path("reports/metrics/profile.json").read_bytes()
    assert "1 test groups, 1 of them new" in capsys.readouterr().out
    before = FROZEN.read_bytes()
    cli.main(["freeze"])
    assert FROZEN.read_bytes() == before
    assert "1 test groups, 0 of them new" in capsys.readouterr().out

    write_split(project, group=["other" if g == "g2" else g for g in tables.read(SPLIT)["group"].to_pylist()])
    cli.main(["freeze"])
    assert len(splits.read_frozen(FROZEN)) == 2


def test_freeze_refuses_what_is_not_made_and_what_leaks(project, capsys):
    def error() -> str:
        with pytest.raises(SystemExit):
            cli.main(["freeze"])
        return capsys.readouterr().err

    write_split(project, cluster=["same"] * 6)
    assert "more than one split; a split that leaks is not frozen" in error()
    (project / "reports/metrics/profile.json").write_text("{")
    assert "profile.json: is no profile" in error()
    (project / "reports/metrics/profile.json").unlink()
    assert "profile.json: not found; `dvc repro validate` makes it" in error()
    assert not FROZEN.exists()
