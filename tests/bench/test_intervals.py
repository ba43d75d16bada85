"""The mean of a few runs, and its interval against scipy's."""

import pytest
from scipy import stats

from bench import intervals


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
