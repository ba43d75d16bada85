"""Metrics of entities against the libraries that define them: nervaluate (SemEval 2013) and seqeval (CoNLL)."""

import numpy as np
import pyarrow as pa
import pytest
import seqeval.metrics
import seqeval.scheme
from hypothesis import given
from hypothesis import strategies as st
from nervaluate import Evaluator

from winnow.base.errors import UserError
from winnow.kinds.token_classification import metrics
from winnow.kinds.token_classification.labels import Task, canonical

NAMES = ["drug", "illness", "gene"]
TASK = Task(kind="token_classification", labels=NAMES)
WORDS = 12
# A text's spans in words: gaps and lengths, so that no two overlap.
ROW = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.sampled_from(NAMES)), max_size=6)
ROWS = st.lists(st.tuples(ROW, ROW), min_size=1, max_size=6)


def placed(row, scale=1):
    found, at = [], 0
    for gap, length, name in row:
        found.append((scale * (at + gap), scale * (at + gap + length), name))
        at += gap + length
    return found


def table(rows, scale=1):
    labels, predicted = ([canonical(placed(row[side], scale)) for row in rows] for side in (0, 1))
    return pa.table({"label": labels, "predicted": predicted})


def counted(rows, scale=1):
    return metrics.counts(TASK, table(rows, scale), np.zeros(len(rows), int), 1)[0]


@given(ROWS, st.sampled_from([1, 7, 60]))
def test_figures_are_those_of_nervaluate(rows, scale):
    found = counted(rows, scale)
    actual, predicted = (
        [
            [{"start": start, "end": end - 1, "label": name} for start, end, name in placed(row[side], scale)]
            for row in rows
        ]
        for side in (0, 1)
    )
    said = Evaluator(actual, predicted, tags=NAMES, loader="dict").evaluate()
    values, overall = metrics.values(found), said["overall"]
    assert values["entity_f1"] == pytest.approx(overall["strict"].f1)
    assert values["precision"] == pytest.approx(overall["strict"].precision)
    assert values["recall"] == pytest.approx(overall["strict"].recall)
    assert values["partial_f1"] == pytest.approx(overall["partial"].f1)
    assert values["type_f1"] == pytest.approx(overall["ent_type"].f1)
    sums = found.sum(axis=1)
    assert sums[metrics.STRICT] == overall["strict"].correct
    assert sums[metrics.EXACT] == overall["exact"].correct == overall["partial"].correct
    assert sums[metrics.PARTIAL] == overall["partial"].partial
    assert sums[metrics.TYPE] == overall["ent_type"].correct
    f1 = metrics.measure(TASK, with_confidence(table(rows, scale)), 10)["f1"]
    assert {name: f1[name] for name in said["entities"]} == pytest.approx(
        {name: each["strict"].f1 for name, each in said["entities"].items()}
    )


def tags(row):
    found = ["O"] * 60
    for start, end, name in placed(row):
        found[start:end] = [f"B-{name}"] + [f"I-{name}"] * (end - start - 1)
    return found


@given(ROWS)
@pytest.mark.filterwarnings("ignore")  # seqeval warns where nothing is there or predicted
def test_figures_are_those_of_seqeval_in_both_modes(rows):
    values = metrics.values(counted(rows))
    actual, predicted = ([tags(row[side]) for row in rows] for side in (0, 1))
    for mode in ({}, {"mode": "strict", "scheme": seqeval.scheme.IOB2}):
        assert values["entity_f1"] == pytest.approx(seqeval.metrics.f1_score(actual, predicted, **mode))
        assert values["precision"] == pytest.approx(seqeval.metrics.precision_score(actual, predicted, **mode))
        assert values["recall"] == pytest.approx(seqeval.metrics.recall_score(actual, predicted, **mode))
        if any(placed(row[side]) for row in rows for side in (0, 1)):
            macro = seqeval.metrics.f1_score(actual, predicted, average="macro", **mode)
            assert values["macro_f1"] == pytest.approx(macro)


@given(ROWS, st.randoms())
def test_counts_of_parts_add_up(rows, random):
    part = np.array([random.randrange(3) for _ in rows])
    of_parts = metrics.counts(TASK, table(rows), part, 3)
    assert (of_parts.sum(axis=0) == counted(rows)).all()
    for number in range(3):
        own = [row for row, place in zip(rows, part, strict=True) if place == number]
        assert (of_parts[number] == (counted(own) if own else 0)).all()
    assert metrics.values(of_parts)["entity_f1"].shape == (3,)


def with_confidence(predictions, chance=0.9):
    lengths = [label.count("[") - 1 for label in predictions["predicted"].to_pylist()]
    told = pa.array([[chance] * length for length in lengths], pa.list_(pa.float32()))
    return predictions.append_column("confidence", told)


def test_what_is_measured_and_plotted():
    rows = [([(0, 2, "drug")], [(0, 2, "drug")]), ([(0, 2, "drug")], [(1, 1, "illness")]), ([], [])]
    predictions = with_confidence(table(rows), 0.75)
    found = metrics.measure(TASK, predictions, 10)
    assert found["rows"] == 3
    assert found["entities"] == found["predicted_entities"] == 2
    assert found["entity_f1"] == found["exact_f1"] == found["type_f1"] == 0.5
    assert found["partial_f1"] == 0.75
    assert found["rows_right"] == pytest.approx(2 / 3)
    assert found["calibration_error"] == pytest.approx(0.25)
    assert found["f1"] == {"drug": pytest.approx(2 / 3), "illness": 0.0, "gene": 0.0}
    assert found["macro_f1"] == pytest.approx(1 / 3)  # of the two types that occur
    assert found["entities_by_type"] == {"drug": 2, "illness": 0, "gene": 0}
    plots = metrics.plots(TASK, {"transfer-1": predictions}, {"transfer-1": found}, 10)
    assert plots["calibration"][1:] == [("transfer-1", 0.75, 0.5, 2)]
    assert plots["per_class"][1] == ("transfer", "drug", pytest.approx(2 / 3))
    assert metrics.WORDS.keys() == metrics.values(counted(rows)).keys()


def test_of_no_entity_and_no_row_every_figure_is_zero():
    for rows in ([], [([], [])]):
        predictions = with_confidence(table(rows).cast(pa.schema([("label", pa.string()), ("predicted", pa.string())])))
        found = metrics.measure(TASK, predictions, 10)
        assert found["entity_f1"] == found["macro_f1"] == found["calibration_error"] == 0
        assert metrics.values(metrics.counts(TASK, predictions, np.zeros(len(rows), int), 2))["recall"].tolist() == [
            0,
            0,
        ]


def test_a_type_of_another_task_is_refused_in_one_line():
    with pytest.raises(UserError, match=r"type 'virus' is not one of params.yaml: task.labels"):
        metrics.counts(TASK, pa.table({"label": ["[]"], "predicted": ['[[0,1,"virus"]]']}), np.zeros(1, int), 1)
