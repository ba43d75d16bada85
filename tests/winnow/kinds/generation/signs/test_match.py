"""How responses fit prompts by vectors: a swapped response is told, and no row is told by its own response."""

import numpy as np

from winnow.kinds.generation.signs import match

DRAW = np.random.default_rng(1)
PROMPTS = DRAW.normal(size=(120, 6))
RESPONSES = PROMPTS @ DRAW.normal(size=(6, 4)) + DRAW.normal(scale=0.1, size=(120, 4))
FOLDS = np.arange(120) % 4


def test_the_map_expects_what_other_folds_have():
    expected = match.predicted(PROMPTS, RESPONSES, np.full(120, True), FOLDS, 0.1)
    assert match.cosines(expected, RESPONSES).mean() > 0.95
    assert abs(match.cosines(expected, np.roll(RESPONSES, 1, axis=0)).mean()) < 0.3


def test_a_row_s_own_response_does_not_tell_what_is_expected_of_it():
    changed = RESPONSES.copy()
    changed[FOLDS == 1] = 9
    learnt = np.full(120, True)
    before, after = (match.predicted(PROMPTS, said, learnt, FOLDS, 0.1) for said in (RESPONSES, changed))
    np.testing.assert_array_equal(before[FOLDS == 1], after[FOLDS == 1])
    assert not np.allclose(before[FOLDS == 0], after[FOLDS == 0])


def test_cosines_of_nothing_are_zero():
    assert match.cosines(np.zeros((1, 2)), np.ones((1, 2))).tolist() == [0]


def test_ranks_are_the_share_of_others_that_fit_better():
    fit = np.array([[0.5, 0.9, 0.4, 0.5]])
    near = np.array([[1, 2, 3, -1]])
    found = match.ranks(lambda rows, pairs: fit[rows, pairs], np.array([0]), np.array([0]), near)
    assert found.tolist() == [1 / 3]
    alone = match.ranks(lambda rows, pairs: fit[rows, pairs], np.array([0]), np.array([0]), np.array([[-1]]))
    assert alone.tolist() == [0]


def test_agreement_is_the_mean_and_the_most_of_others():
    alike = np.array([[1, 0.2, 0.6]])
    near = np.array([[1, 2, -1]])
    mean, most = match.agreement(lambda one, other: alike[one, other], np.array([0]), np.array([0]), near)
    np.testing.assert_allclose([mean[0], most[0]], [0.4, 0.6])


def test_the_spread_is_wide_where_near_prompts_are_answered_differently():
    said = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=float)
    near = np.array([[0, 1, 2], [0, 1, 3], [0, -1, -1], [-1, -1, -1]])
    found = match.spread(lambda one, other: match.cosines(said[one], said[other]), near)
    np.testing.assert_allclose(found, [0, 0.5, 0, 0])
