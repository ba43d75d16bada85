"""The baseline learns what words say, chooses on dev, and names what it cannot work with."""

import importlib
import json

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import f1_score

from stages.baseline import __main__ as baseline
from tests import predicted
from tests.conftest import make_rows
from winnow.base.errors import UserError
from winnow.kinds.classification.predictions import chances
from winnow.rows import predictions, tables

TASK = {"kind": "classification", "labels": ["COLD", "HOT"]}
PARAMS = {"max_features": 1000, "ngrams": 2, "regularization": [1, 10.0]}
WORDS = {"COLD": ["ice", "snow", "frost"], "HOT": ["fire", "sun", "lava"]}


def rows() -> pa.Table:
    made = []
    for number in range(60):
        label = ["COLD", "HOT"][number % 2]
        made.append(
            {
                "text": f"row {number} tells of {WORDS[label][number % 3]}",
                "label": label,
                "split": ["train", "dev", "test"][number // 20],
            }
        )
    made[25] |= {"label": None, "label_origin": None}
    made[45] |= {"label_origin": "rule"}
    made[46] |= {"label_origin": "human"}
    return make_rows(made)


def training(table: pa.Table) -> pa.Table:
    rows = zip(table["split"].to_pylist(), table["label"].to_pylist(), strict=True)
    chosen = table.filter(pa.array([split == "train" and label is not None for split, label in rows]))
    chosen = chosen.select(["id", "group", "text", "label"])
    return tables.set_column(chosen, "weight", [1.0] * len(chosen), pa.float64())


@pytest.fixture
def ready(workspace):
    def run(labelled=None, train=None, **sections):
        folder = workspace(**({"task": TASK, "baseline": PARAMS} | sections))
        labelled = rows() if labelled is None else labelled
        tables.write(labelled, folder / "labelled.parquet")
        tables.write(training(labelled) if train is None else train, folder / "training.parquet")
        baseline.main(
            "--training training.parquet --rows labelled.parquet --out out/tfidf-0.parquet --metrics m.json".split()
        )
        return folder

    return run


def test_it_learns_and_writes_predictions(ready):
    folder = ready()
    arm = predictions.read_all(folder / "out")["tfidf-0"]
    assert arm.column_names == ["id", "group", "split", "label", "predicted", "p_COLD", "p_HOT"]
    # 40 dev and test rows, less one without a label and one with an automatic label.
    assert len(arm) == 38
    assert set(arm["split"].to_pylist()) == {"dev", "test"}
    dev, task = predictions.of_split(arm, "dev"), predicted.task(TASK["labels"])
    truth, probabilities = task.indices(dev["label"].to_pylist()), chances(task, dev)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(truth)))
    metrics = json.loads((folder / "m.json").read_text())
    assert metrics["dev_macro_f1"] == pytest.approx(f1_score(truth, probabilities.argmax(1), average="macro"))
    assert metrics["dev_macro_f1"] > 0.9
    assert metrics["regularization"] in (1, 10)


def test_same_bytes_again(ready):
    first = (ready() / "out/tfidf-0.parquet").read_bytes()
    assert (ready() / "out/tfidf-0.parquet").read_bytes() == first


def test_weights_count(ready):
    """A class whose rows weigh next to nothing is hardly predicted."""
    train = training(rows())
    light = [1e-6 if label == "HOT" else 1.0 for label in train["label"].to_pylist()]
    folder = ready(train=tables.set_column(train, "weight", light, pa.float64()))
    arm = predictions.read_all(folder / "out")["tfidf-0"]
    assert set(arm["predicted"].to_pylist()) == {"COLD"}


def test_a_label_that_training_does_not_show_has_probability_zero(ready):
    folder = ready(task=TASK | {"labels": ["COLD", "MILD", "HOT"]})
    arm = predictions.read_all(folder / "out")["tfidf-0"]
    assert set(arm["p_MILD"].to_pylist()) == {0.0}


def test_the_weaker_penalty_is_chosen_where_words_tell_and_the_stronger_where_they_do_not(ready):
    chosen = {"regularization": [30, 0.01]}
    metrics = json.loads((ready(baseline=PARAMS | chosen) / "m.json").read_text())
    assert metrics["regularization"] == 30
    assert 0 < metrics["dev_log_loss"] < np.log(2)
    train = training(rows())
    wrong = [TASK["labels"][number // 2 % 2] for number in range(len(train))]  # as often right as wrong
    folder = ready(train=tables.set_column(train, "label", wrong, pa.string()), baseline=PARAMS | chosen)
    assert json.loads((folder / "m.json").read_text())["regularization"] == 0.01


def test_behind_the_valley_of_the_loss_no_further_c_is_fitted(ready, monkeypatch):
    losses, fitted = {1: 3.0, 2: 4.0, 3: 2.0, 4: 2.5, 5: 2.0, 6: 0.1}, []
    kind = importlib.import_module("winnow.kinds.classification.baseline")

    def predictor(*given, own=kind.predictor):
        predict = own(*given)
        return lambda c: fitted.append(c) or predict(c)

    monkeypatch.setattr(kind, "predictor", predictor)
    monkeypatch.setattr(kind, "loss", lambda task, predicted: losses[fitted[-1]])
    folder = ready(baseline=PARAMS | {"regularization": [6, 5, 4, 3, 2, 1]})
    assert fitted == [1, 2, 3, 4, 5]
    assert json.loads((folder / "m.json").read_text())["regularization"] == 3


@pytest.mark.parametrize("value", [[], [0], [-1.0], ["5e-5"], 1.0])
def test_bad_regularization_is_refused(ready, value):
    with pytest.raises(UserError, match=r"params\.yaml: baseline.regularization"):
        ready(baseline=PARAMS | {"regularization": value})


def test_a_single_class_is_refused(ready):
    train = training(rows())
    one = train.filter(pa.array([label == "HOT" for label in train["label"].to_pylist()]))
    with pytest.raises(UserError, match="fewer than two labels"):
        ready(train=one)


def test_no_dev_row_is_refused(ready):
    table = rows()
    no_dev = [split.replace("dev", "train") for split in table["split"].to_pylist()]
    with pytest.raises(UserError, match="no dev row"):
        ready(labelled=tables.set_column(table, "split", no_dev, pa.string()))


def test_texts_without_words_are_refused(ready):
    train = training(rows())
    with pytest.raises(UserError, match="hold no words"):
        ready(train=tables.set_column(train, "text", ["! ?"] * len(train), pa.string()))


def test_a_missing_column_is_named(ready):
    with pytest.raises(UserError, match=r"training\.parquet: column 'weight' is missing"):
        ready(train=training(rows()).drop_columns(["weight"]))
