"""calibrate: errors are planted among people's labels alone, and the table holds them and what stands for the rest."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stages.calibrate import __main__ as calibrate
from tests.conftest import make_rows
from winnow.base.errors import UserError
from winnow.encoder import embeddings
from winnow.rows import tables

LABELS = ["FRUIT", "STONE", "WATER"]
TASK = {"kind": "classification", "labels": LABELS}
PARAMS = {"noise": {"uniform": 0.05, "class": 0.05, "instance": 0.1}, "plantings": 1, "max_rows": 5000, "seed": 1}
NAMES = ("rows", "scores", "embeddings", "out", "metrics")
COMMAND = [part for name in NAMES for part in (f"--{name}", name)]


def write(folder: Path, rows: list[dict], sight: float = 2.0) -> pa.Table:
    """Write rows, embeddings around an axis a label, and two models that see the label dimly; return the rows."""
    table = make_rows(rows)
    labels = [LABELS.index(row.get("label") or "FRUIT") for row in rows]
    random = np.random.default_rng(1)
    columns = {"id": table["id"], "fold": pa.array(np.arange(len(rows)) // 3 % 4)}
    for name in ("p", "probe_p", "words_p"):
        score = random.normal(size=(len(rows), 3))
        score[np.arange(len(rows)), labels] += sight
        chances = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
        columns |= {f"{name}_{label}": pa.array(chances[:, at], pa.float32()) for at, label in enumerate(LABELS)}
    vectors = np.eye(5)[labels] + random.normal(scale=0.3, size=(len(rows), 5))
    tables.write(table, folder / "rows")
    tables.write(pa.table(columns), folder / "scores")
    embeddings.write(folder / "embeddings", table["id"].to_pylist(), vectors.astype(np.float32))
    return table


def balanced(count: int = 300) -> list[dict]:
    return [{"label": LABELS[n % 3], "group": f"g{n // 3}"} for n in range(count)]


def run(workspace, rows: list[dict], **changes) -> tuple[pa.Table, dict, pa.Table]:
    folder = workspace(task=TASK, calibrate=PARAMS | changes)
    table = write(folder, rows)
    calibrate.main(COMMAND)
    return tables.read(folder / "out"), json.loads((folder / "metrics").read_text()), table


def test_every_known_label_stands_in_the_table_with_its_signals(workspace):
    out, metrics, table = run(workspace, balanced())
    names = ["planting", "id", "label", "is_error", "weight"]
    assert out.column_names == [*names, "stack", "margin", "probe", "words", "group", "neighbours", "rules"]
    assert out["id"].to_pylist() == sorted(table["id"].to_pylist())
    label = dict(zip(table["id"].to_pylist(), table["label"].to_pylist(), strict=True))
    wrong = [row["label"] != label[row["id"]] for row in out.to_pylist()]
    assert wrong == out["is_error"].to_pylist()
    assert 0.15 < sum(wrong) / 300 <= 0.21
    assert set(out["weight"].to_pylist()) == {1.0}
    assert set(out["rules"].to_pylist()) == {0.0}
    assert metrics["rows"] == 300
    assert metrics["plantings"][0]["planted"] == sum(wrong)


def test_the_metrics_tell_how_well_each_detector_finds_the_planted_errors(workspace):
    _, metrics, _ = run(workspace, balanced(600))
    found = metrics["plantings"][0]["detectors"]
    others = {"self_confidence", "normalized_margin", "agreement", "neighbours", "loss_probe", "loss_words"}
    assert set(found) == {*others, "stack"}
    best = max(found[name]["average_precision"] for name in others)
    assert found["stack"]["average_precision"] > best  # it reads the groups, which have each label once
    for figures in found.values():
        assert 0.2 < figures["average_precision"] <= 1
        assert 0 <= figures["precision_at_100"] <= 1


def test_labels_that_no_person_stands_for_stay_out(workspace):
    rows = [*balanced(), *({"label": "STONE", "label_origin": "rule"} for _ in range(9)), {}, {"label_origin": None}]
    out, metrics, table = run(workspace, rows)
    strangers = set(table["id"].to_pylist()[300:])
    assert not strangers & set(out["id"].to_pylist())
    assert metrics["rows"] == 300


def test_beyond_the_limit_rows_stand_for_others(workspace):
    out, _, _ = run(workspace, balanced(600), max_rows=200)
    wrong = np.array(out["is_error"].to_pylist())
    weights = out["weight"].to_numpy()
    assert len(out) == 200
    assert 80 < wrong.sum() <= 125
    assert (weights[wrong] == 1).all()
    assert weights.sum() == pytest.approx(600)


def test_several_plantings_are_told_apart(workspace):
    out, metrics, _ = run(workspace, balanced(), plantings=2)
    assert out["planting"].to_pylist() == [0] * 300 + [1] * 300
    first, second = (out.slice(at, 300)["is_error"].to_pylist() for at in (0, 300))
    assert first != second
    assert len(metrics["plantings"]) == 2


def test_the_stage_writes_the_same_bytes_twice(workspace):
    folder = workspace(task=TASK, calibrate=PARAMS)
    write(folder, balanced())
    calibrate.main(COMMAND)
    first = [(folder / name).read_bytes() for name in ("out", "metrics")]
    calibrate.main(COMMAND)
    assert [(folder / name).read_bytes() for name in ("out", "metrics")] == first


def test_one_kind_alone_will_do(workspace):
    out, _, _ = run(workspace, balanced(), noise={"instance": 0.1})
    assert 0.05 < np.mean(out["is_error"].to_pylist()) <= 0.1


def test_too_few_labels_to_plant_an_error_are_named(workspace):
    with pytest.raises(UserError, match=r"calibrate.noise plants no error in 12 labels"):
        run(workspace, balanced(12), noise={"uniform": 0.01})


def test_scores_of_other_rows_are_refused(workspace):
    folder = workspace(task=TASK, calibrate=PARAMS)
    write(folder, balanced())
    tables.write(make_rows(balanced(30)), folder / "rows")
    with pytest.raises(UserError, match="not those of the labelled table; run `dvc repro score`"):
        calibrate.main(COMMAND)
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"noise": {"uniform": 0.6}},
        {"noise": {}},
        {"noise": {"uniform": -0.1, "class": 0.2}},
        {"noise": {"people": 0.1}},
        {"plantings": 0},
        {"max_rows": 10},
        {"seed": "one"},
        {"folds": 3},
    ],
)
def test_bad_parameters_are_named(workspace, changes):
    folder = workspace(task=TASK, calibrate=PARAMS | changes)
    write(folder, balanced(30))
    with pytest.raises(UserError, match=f"calibrate.{next(iter(changes))}"):
        calibrate.main(COMMAND)
