"""The learning curve draws nested rows by hash, and copes with few labels."""

import csv

import numpy as np
import pytest

from stages.learning_curve import __main__ as learning_curve
from tests.conftest import make_rows
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.encoder import embeddings
from winnow.rows import tables

TASK = {"kind": "classification", "labels": ["COLD", "HOT"]}
PARAMS = {"budgets": [2, 20, 40, 1000], "seeds": [1, 2], "regularization": {"probe": 1.0, "tfidf": 10.0}}


def rows(**changes):
    made = []
    for number in range(80):
        label = ["COLD", "HOT"][number % 2]
        text = f"row {number} {['ice', 'fire'][number % 2]}"
        made.append({"text": text, "label": label, "split": "dev" if number < 20 else "train"} | changes)
    return make_rows(made)


@pytest.fixture
def run(workspace):
    def call(table=None, missing=0, **section):
        folder = workspace(task=TASK, learning_curve=PARAMS | section)
        table = rows() if table is None else table
        tables.write(table, folder / "rows.parquet")
        ids = table["id"].to_pylist()[missing:]
        noise = np.random.default_rng(0).normal(size=(len(table), 8)).astype(np.float32)
        noise[:, 0] += [4 * (label == "HOT") for label in table["label"].to_pylist()]
        embeddings.write(folder / "embeddings", ids, noise[missing:])
        learning_curve.main(["--rows", "rows.parquet", "--embeddings", "embeddings", "--out", "curve.csv"])
        return (folder / "curve.csv").read_bytes()

    return call


def test_points_and_order(run):
    text = run().decode()
    points = list(csv.DictReader(text.splitlines()))
    assert text.startswith("arm,labels,seed,macro_f1\n")
    assert "\r" not in text
    # The budget of 1,000 is above the 60 training rows: left out.
    expected = [(arm, n, seed) for arm in ("probe", "tfidf") for n in (2, 20, 40) for seed in (1, 2)]
    assert [(p["arm"], int(p["labels"]), int(p["seed"])) for p in points] == expected
    assert all(float(p["macro_f1"]) > 0.85 for p in points if p["labels"] == "40")
    assert run().decode() == text


def test_a_draw_with_one_class_predicts_it(run):
    """Twenty rows a class are equal in number on dev: naming one class alone has macro-F1 1/3."""
    for seed in range(1, 60):
        two = sorted(
            (row for row in rows().to_pylist() if row["split"] == "train"),
            key=lambda row, seed=seed: hashing.digest(seed, row["id"]),
        )[:2]
        if len({row["label"] for row in two}) == 1:
            break
    points = list(csv.DictReader(run(seeds=[seed], budgets=[2]).decode().splitlines()))
    assert [float(point["macro_f1"]) for point in points] == pytest.approx([1 / 3, 1 / 3], abs=1e-6)


def test_automatic_labels_are_not_used(run):
    with pytest.raises(UserError, match="no dev row has a given or human label"):
        run(rows(label_origin="rule"))


def test_a_row_without_embedding_is_named(run):
    with pytest.raises(UserError, match="have no embedding, first"):
        run(missing=1)


def test_with_no_budget_within_the_rows_all_rows_are_the_one(run):
    points = list(csv.DictReader(run(budgets=[500, 900]).decode().splitlines()))
    assert {point["labels"] for point in points} == {"60"}


@pytest.mark.parametrize("section", [{"budgets": [-5]}, {"seeds": []}, {"regularization": 1.0}, {"budgets": ["5"]}])
def test_bad_parameters_are_refused(run, section):
    with pytest.raises(UserError, match=f"params.yaml: learning_curve.{next(iter(section))}"):
        run(**section)


def test_rows_that_no_seed_draws_change_nothing(run):
    """Only what is drawn is read; of dev no more rows than asked for."""
    points = list(csv.DictReader(run(budgets=[2, 5], dev_rows=7).decode().splitlines()))
    assert len(points) == 8
    settings = learning_curve.Params(**PARAMS | {"budgets": [2, 5], "dev_rows": 7})
    table = rows().sort_by("id")
    places = learning_curve.wanted(table, settings)
    drawn = table.take(places)
    assert drawn["split"].to_pylist().count("dev") == 7
    for seed in settings.seeds:
        for some in (table, drawn):
            train = [row["id"] for row in some.to_pylist() if row["split"] == "train"]
            first = sorted(train, key=lambda id, seed=seed: hashing.digest(seed, id))[:5]
            assert set(first) <= set(drawn["id"].to_pylist())
