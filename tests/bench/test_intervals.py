"""The mean of a few runs, and its interval against scipy's; macro-F1 of an arm with documents and seeds."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from bench import approaches, intervals
from tests import predicted
from winnow.kinds.classification.metrics import f1_per_label

ROWS = pa.table({"group": [f"g{n // 3}" for n in range(300)], "label": ["AB"[n % 2] for n in range(300)]})
TRUTH = np.arange(300) % 2


def arm(right: float, seed: int) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random(300) < right, TRUTH, 1 - TRUTH)


def test_the_interval_is_student_s():
    values = [0.5, 0.7, 0.65, 0.9]
    middle, half = intervals.mean(values)
    low, high = stats.t.interval(0.95, 3, loc=sum(values) / 4, scale=stats.sem(values))
    assert (middle - half, middle + half) == pytest.approx((low, high))


def test_one_run_has_no_interval():
    assert intervals.mean([0.5]) == (0.5, None)
    assert intervals.cell(*intervals.mean([0.5])) == "0.500"


def test_cells_for_people():
    assert intervals.cell(0.0213, 0.004, sign="+") == "+0.021 ± 0.004"
    assert intervals.cell(-12.4, 3.2, ".0f", "+") == "-12 ± 3"


def test_an_arm_s_macro_f1_has_documents_and_seeds_and_its_difference_is_paired():
    exam = intervals.Exam.of(ROWS, predicted.task(["A", "B"]))
    ours, theirs = ({seed: arm(right, seed) for seed in (1, 2, 3)} for right in (0.8, 0.7))
    found, gain = exam.macro_f1(ours), exam.macro_f1(ours).minus(exam.macro_f1(theirs))
    each = [f1_per_label(TRUTH, predictions, 2).mean() for predictions in ours.values()]
    assert found.by_seed[0] == pytest.approx(each) == [exam.score(predictions) for predictions in ours.values()]
    assert len(gain.by_seed) == 1
    value, low, high = intervals.told(found)
    assert (value, low < value < high) == (pytest.approx(np.mean(each)), True)
    # More than what seeds alone or documents alone would give.
    assert high - value > intervals.mean(each)[1]
    assert high - low > np.ptp(np.quantile(found.resampled, [0.025, 0.975]))


def test_an_approach_beside_itself_differs_by_nothing_and_beside_another_with_an_interval():
    exam = intervals.Exam.of(ROWS, predicted.task(["A", "B"]))
    reference, other = ({seed: arm(right, seed) for seed in (1, 2)} for right in (0.7, 0.9))
    common = {"device": "d", "command": "c", "versions": {}, "goal": None}
    found = {("300", "transfer"): reference, ("300", "few_shot"): other}
    same, gain = approaches.entries(found, exam, common)
    assert same["difference"] == [0, 0, 0]
    assert gain["difference"][0] == pytest.approx(gain["ours"] - gain["theirs"])
    assert gain["difference"][1] < gain["difference"][0] < gain["difference"][2]
