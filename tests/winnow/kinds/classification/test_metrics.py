"""Metrics, compared with scikit-learn's."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from winnow.kinds.classification import metrics
from winnow.kinds.classification.labels import Task

LABELS = ["a", "b", "c"]


@st.composite
def cases(draw):
    rows = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    probabilities = rng.dirichlet(np.full(3, draw(st.sampled_from([0.1, 1.0, 10.0]))), size=rows)
    return rng.integers(0, 3, size=rows), probabilities


@given(cases())
def test_equal_to_sklearn(case):
    truth, probabilities = case
    predicted = probabilities.argmax(axis=1)
    measured = metrics.of_chances(truth, probabilities, LABELS, bins=10)
    f1 = reference.f1_score(truth, predicted, labels=[0, 1, 2], average=None, zero_division=0)
    assert measured["rows"] == len(truth)
    assert measured["accuracy"] == pytest.approx(reference.accuracy_score(truth, predicted))
    assert measured["macro_f1"] == pytest.approx(f1.mean())
    assert list(measured["f1"].values()) == pytest.approx(f1.tolist())
    chosen = np.clip(probabilities, 1e-12, 1)
    assert measured["log_loss"] == pytest.approx(
        reference.log_loss(truth, chosen / chosen.sum(axis=1, keepdims=True), labels=[0, 1, 2]), rel=1e-6
    )
    assert 0 <= measured["calibration_error"] <= 1


@given(cases())
def test_f1_per_class_is_scikit_learn_s(case):
    truth, probabilities = case
    predicted = probabilities.argmax(axis=1)
    expected = reference.f1_score(truth, predicted, labels=[0, 1, 2], average=None, zero_division=0)
    assert metrics.f1_per_label(truth, predicted, 3) == pytest.approx(expected)


def test_a_thousand_classes_in_two_thousand_parts_fit_into_memory():
    labels = [f"class {number}" for number in range(1000)]
    task = Task(kind="classification", labels=labels)
    rows = pa.table({"label": labels * 2, "predicted": labels + labels[1:] + labels[:1]})
    counted = metrics.counts(task, rows, np.arange(2000), 2000)
    assert counted.nbytes < 100e6
    values = metrics.values(counted.sum(axis=0))
    assert (float(values["accuracy"]), float(values["macro_f1"])) == (0.5, pytest.approx(0.5))


@given(cases(), st.integers(1, 20))
def test_calibration_table_counts_every_row_once(case, bins):
    truth, probabilities = case
    table = metrics.calibration_table(truth, probabilities, bins)
    rows = np.array([row["rows"] for row in table])
    assert rows.sum() == len(truth)
    hits = (probabilities.argmax(axis=1) == truth).mean()
    assert (rows * [row["accuracy"] for row in table]).sum() / len(truth) == pytest.approx(hits)


def test_calibration_of_sure_and_wrong_is_one_and_of_sure_and_right_is_zero():
    sure = np.array([[1.0, 0.0, 0.0]] * 4)
    wrong, right = np.ones(4, dtype=int), np.zeros(4, dtype=int)
    assert metrics.of_chances(wrong, sure, LABELS, 10)["calibration_error"] == 1
    assert metrics.of_chances(right, sure, LABELS, 10)["calibration_error"] == 0
    assert np.isfinite(metrics.of_chances(wrong, sure, LABELS, 10)["log_loss"])


def test_a_class_that_nobody_names_counts_as_zero():
    assert metrics.f1_per_label(np.array([0, 0]), np.array([0, 0]), 3).tolist() == [1, 0, 0]
