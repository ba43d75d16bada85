import numpy as np
import pytest

from tests import predicted
from winnow.base.errors import UserError
from winnow.kinds.classification import metrics, predictions

LABELS = ["NO", "YES"]
TASK = predicted.task(LABELS)


def arm():
    columns = {"id": ["a", "b", "c"], "group": ["g"] * 3, "split": ["dev", "test", "test"]}
    return predicted.table(columns, np.array([0, 1, 1]), np.array([[0.8, 0.2], [0.3, 0.7], [0.6, 0.4]]), LABELS)


def test_the_most_probable_class_is_predicted_and_the_probabilities_are_kept():
    assert arm().column_names == ["id", "group", "split", "label", "predicted", "p_NO", "p_YES"]
    assert arm()["predicted"].to_pylist() == ["NO", "YES", "NO"]
    np.testing.assert_allclose(predictions.chances(TASK, arm()), [[0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])


def test_counts_add_up_and_give_what_measure_gives():
    counts = metrics.counts(TASK, arm(), np.array([0, 1, 1]), 2)
    assert counts.tolist() == [[[1, 0], [1, 0], [1, 0]], [[0, 1], [0, 2], [1, 1]]]
    values, measured = metrics.values(counts.sum(axis=0)), metrics.measure(TASK, arm(), 10)
    assert {name: float(value) for name, value in values.items()} == {name: measured[name] for name in metrics.WORDS}


def test_predictions_of_another_task_are_named():
    other = predicted.task(["NO", "MAYBE"])
    with pytest.raises(UserError, match="label 'YES' is not one of"):
        metrics.counts(other, arm(), np.zeros(3, int), 1)
    with pytest.raises(UserError, match="column 'p_MAYBE' is missing"):
        predictions.chances(other, arm())


@pytest.mark.parametrize("row", [[0.5, 0.2], [1.5, -0.5], [float("nan"), 0.5]])
def test_what_are_no_probabilities_is_named(row):
    columns = {"id": ["a", "b"], "group": ["g", "g"], "split": ["dev", "test"]}
    spoilt = predicted.table(columns, np.array([0, 1]), np.array([[0.8, 0.2], row]), LABELS)
    with pytest.raises(UserError, match=r"the probabilities of 1 row\(s\) are none or do not sum to one, first b"):
        predictions.chances(TASK, spoilt)
