"""Exact tests: their p-values by their definition, and how often they are wrong among many."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.statistics import testing


@given(st.integers(1, 40), st.integers(0, 40), st.floats(0.01, 0.99))
def test_above_share_is_the_sum_of_the_binomial(total, count, share):
    count = min(count, total)
    expected = sum(math.comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(count, total + 1))
    assert testing.above_share(np.array([count]), np.array([total]), share)[0] == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_its_definition(p_values):
    adjusted = testing.holm(np.array(p_values))
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min((len(p_values) - rank) * p_values[place], 1.0))
        assert adjusted[place] == pytest.approx(highest)


def test_nothing_tested_is_nothing_found():
    assert testing.holm(np.empty(0)).tolist() == []


def test_one_row_of_a_class_is_chance_and_many_rows_are_not():
    """One of 152 rows, where two more of the other 12,848 went, is 0.66 % against 0.02 %."""
    counts, totals = np.array([1, 2]), np.array([152, 12_848])
    assert testing.above_ratio(counts, totals, 3)[0] == pytest.approx(1 - (1 - 3 * 152 / 13_000) ** 3)
    assert testing.above_ratio(np.array([20, 40]), totals, 3)[0] < 1e-9


def test_a_ratio_that_no_class_can_exceed_is_never_exceeded():
    assert testing.above_ratio(np.array([50, 0]), np.array([50, 50]), 2).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("classes", "rows", "rate"), [(2, 3000, 0.05), (77, 152, 0.01), (1000, 13, 0.2)])
def test_among_many_classes_five_runs_in_a_hundred_have_a_false_finding_at_most(classes, rows, rate):
    random = np.random.default_rng(classes)
    totals, false = np.full(classes, rows), 0
    for _ in range(300):
        counts = random.binomial(rows, rate, classes)
        p_values = np.concatenate([testing.above_share(counts, totals, rate), testing.above_ratio(counts, totals, 1.0)])
        false += testing.holm(p_values).min() < 0.05
    assert false <= 300 * 0.05 + 3 * math.sqrt(300 * 0.05 * 0.95)
