"""Metrics and thresholds of sets against plain formulas and scikit-learn."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score, label_ranking_average_precision_score

from winnow.base.errors import UserError
from winnow.kinds.multilabel import decision, ensemble, metrics, predictions, thresholds
from winnow.kinds.multilabel.labels import Task

NAMES = ["a", "b", "c"]
TASK = Task(kind="multilabel", labels=NAMES)
SHAPES = st.integers(1, 30).map(lambda rows: (rows, 3))
BOOLS = SHAPES.flatmap(lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape)))


def rows(truth: np.ndarray, split: str = "dev") -> pa.Table:
    count = len(truth)
    return pa.table(
        {
            "id": [f"{number:04}" for number in range(count)],
            "group": [f"g{number // 2}" for number in range(count)],
            "split": [split] * count,
            "label": pa.array(TASK.sets(truth).tolist(), pa.string()),
        }
    )


def drawn(rows_: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.random((rows_, 3)) < [0.4, 0.2, 0.1]
    return truth, np.clip(0.3 * truth + random.random((rows_, 3)) * 0.4, 0, 1)


@given(BOOLS)
def test_f1_is_that_of_scikit_learn_and_counts_add_up(both):
    truth, predicted = both
    table = pa.table({"label": TASK.sets(truth).tolist(), "predicted": TASK.sets(predicted).tolist()})
    part = np.arange(len(truth)) % 3
    counts = metrics.counts(TASK, table, part, 3)
    values = metrics.values(counts.sum(axis=0))
    for name in ("macro", "micro"):
        assert values[f"{name}_f1"] == pytest.approx(f1_score(truth, predicted, average=name, zero_division=0))
    assert (counts.sum(axis=0) == metrics.counts(TASK, table, np.zeros(len(truth), int), 1)[0]).all()


def test_what_is_measured_of_a_split():
    truth, chances = drawn(200, 1)
    found = metrics.measure(TASK, predictions.table(TASK, rows(truth), chances), bins=10)
    assert found["ranking_precision"] == pytest.approx(label_ranking_average_precision_score(truth, chances))
    assert found["log_loss"] == pytest.approx(-np.log(np.where(truth, chances, 1 - chances)).mean())
    assert list(found["f1"]) == NAMES
    assert found["macro_f1"] == pytest.approx(np.mean(list(found["f1"].values())))
    assert 0 < found["calibration_error"] < 0.5
    assert found["rows"] == 200


def test_probabilities_that_are_shares_are_calibrated():
    truth = np.arange(1000)[:, None] % 10 < np.array([[2, 5, 9]])
    table = metrics.calibration_table(truth, np.tile([0.2, 0.5, 0.9], (1000, 1)), 10)
    assert metrics.calibration_error(table) == pytest.approx(0)
    assert [own["rows"] for own in table] == [1000] * 3


def test_no_threshold_has_a_higher_f1_than_the_tuned_one():
    truth, chances = drawn(120, 2)
    for label, found in enumerate(thresholds.tuned(truth, chances)):
        best = f1_score(truth[:, label], chances[:, label] >= found)
        tried = [f1_score(truth[:, label], chances[:, label] >= other) for other in np.unique(chances[:, label])]
        assert best == pytest.approx(max(tried))


def test_labels_of_few_rows_are_cut_at_a_half():
    truth, chances = np.zeros((50, 3), bool), np.full((50, 3), 0.1)
    truth[:4, 0] = truth[:, 1] = True
    assert thresholds.tuned(truth, chances).tolist() == [0.5, 0.5, 0.5]


def test_a_dev_row_has_no_say_in_its_own_thresholds_and_test_rows_have_none():
    truth, chances = drawn(100, 3)
    table = pa.concat_tables([rows(truth), rows(truth, "test")])
    both = np.vstack([chances, chances])
    before = thresholds.of_rows(TASK, table, both)
    other = truth.copy()
    other[0] = ~other[0]  # g0 holds rows 0 and 1
    after = thresholds.of_rows(TASK, pa.concat_tables([rows(other), rows(truth, "test")]), both)
    assert (before[:2] == after[:2]).all()
    swapped = thresholds.of_rows(TASK, pa.concat_tables([rows(truth), rows(~truth, "test")]), both)
    assert (before == swapped).all()
    assert (before[100:] == thresholds.tuned(truth, chances)).all()


def test_new_rows_are_cut_by_the_thresholds_that_test_rows_have(tmp_path):
    truth, chances = drawn(200, 4)
    measured = predictions.table(TASK, pa.concat_tables([rows(truth), rows(truth, "test")]), np.vstack([chances] * 2))
    new = predictions.table(TASK, new_rows(200), chances)
    decided = decision.decided(TASK, new, measured)
    assert decided["predicted"].to_pylist() == measured["predicted"].to_pylist()[200:]
    assert decided["predicted"].to_pylist() != new["predicted"].to_pylist()
    decision.accompany(TASK, tmp_path, measured)
    again = predictions.table(TASK, new_rows(200), chances, thresholds.read(tmp_path, TASK))
    assert again.equals(decided)


def new_rows(count: int) -> pa.Table:
    nothing = pa.nulls(count, pa.string())
    numbers = [str(number) for number in range(count)]
    return pa.table({"id": numbers, "group": numbers, "split": nothing, "label": nothing})


@pytest.mark.parametrize("text", ["{", "[1, 2, 3]", '{"a": 0.5, "b": 0.5}', '{"a": "x", "b": 0.5, "c": 0.5}'])
def test_damaged_thresholds_are_one_line(tmp_path, text):
    (tmp_path / thresholds.FILE).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="no threshold for each label"):
        thresholds.read(tmp_path, TASK)


def test_expected_f1_is_highest_at_the_plug_in_threshold():
    chances = np.random.default_rng(5).random((80, 3)) ** 2

    def expected(own: np.ndarray, threshold: float) -> float:
        chosen = own >= threshold
        return 2 * own[chosen].sum() / (chosen.sum() + own.sum())

    for own, found in zip(chances.T, thresholds.expected(chances), strict=True):
        assert expected(own, found) == pytest.approx(max(expected(own, other) for other in own))


def test_an_ensemble_is_the_mean_cut_anew():
    truth, chances = drawn(100, 6)
    others = np.clip(chances + 0.2, 0, 1)
    runs = [predictions.table(TASK, rows(truth), own) for own in (chances, others)]
    together = ensemble.mean(TASK, runs)
    assert predictions.chances(TASK, together) == pytest.approx((chances + others) / 2)
    assert together.equals(predictions.table(TASK, rows(truth), (chances + others) / 2))


@pytest.mark.parametrize(
    ("column", "value", "told"), [("p_b", None, "'p_b' is missing"), ("p_b", 1.5, "no probability, first 0000")]
)
def test_a_table_without_probabilities_is_one_line(column, value, told):
    truth, chances = drawn(3, 7)
    table = predictions.table(TASK, rows(truth), chances).drop_columns(column)
    if value is not None:
        table = table.append_column(column, pa.array([value] * 3))
    with pytest.raises(UserError, match=told):
        predictions.chances(TASK, table)


def test_confidence_is_that_of_the_least_certain_label():
    table = predictions.table(TASK, rows(np.zeros((2, 3), bool), "test"), np.array([[0.9, 0.1, 0.4], [0.6, 0.7, 0.05]]))
    assert table["predicted"].to_pylist() == ['["a"]', '["a","b"]']
    assert predictions.confidence(TASK, table) == pytest.approx([0.6, 0.6])
