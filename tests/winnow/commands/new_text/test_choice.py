"""Why a row of a new file is to be labelled: the reasons that hold for it, and no other."""

import numpy as np
import pytest

from winnow.commands.new_text import choice
from winnow.detect import active

UNSURE, APART = choice.WHY["entropy"], choice.WHY["mixed"]


def test_of_a_small_file_all_rows_are_taken_and_only_the_doubtful_are_called_so():
    vectors = active.unit_length(np.random.default_rng(1).normal(size=(6, 4)))
    doubt = np.array([-0.9, -0.1, -0.8, -0.2, -0.3, -0.95])
    chosen = active.choose("mixed", 50, active.Pool(vectors, np.zeros((0, 4)), doubt), 1)
    assert sorted(chosen.tolist()) == list(range(6))
    why = dict(zip(chosen.tolist(), choice.reasons("mixed", chosen, doubt), strict=True))
    assert why[1] == "no row left is in more doubt"  # the first, before which there is no row
    assert [why[row] for row in (3, 4)] == [f"{UNSURE}; {APART}"] * 2
    assert [why[row] for row in (0, 2, 5)] == [APART] * 3


@pytest.mark.parametrize("strategy", ["entropy", "margin"])
def test_a_sure_row_whose_turn_comes_is_not_called_doubtful(strategy):
    doubt = np.array([0.0, 0.9, 0.4])
    assert choice.reasons(strategy, np.array([1, 2, 0]), doubt) == [choice.WHY[strategy], *[choice.LEAST_DOUBT] * 2]


def test_a_strategy_that_asks_no_model_says_the_same_of_each_row():
    assert choice.reasons("typical", np.array([2, 0]), None) == [choice.WHY["typical"]] * 2
    assert choice.reasons("mixed", np.array([], int), np.array([0.1])) == []
