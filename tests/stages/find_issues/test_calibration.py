"""calibration: known probabilities are found again, by planted errors alone and by decisions that contradict them."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.find_issues import calibration
from stages.find_issues.calibration import Model, Planted

NAMES = ("first", "noise", "rules")
ROWS = 6000


def drawn(wrong: np.ndarray, shift: float, random: np.random.Generator) -> np.ndarray:
    """Signals of rows: the first is higher by `shift` where a label is wrong, the second is noise, no rule speaks.

    Both are normal with variance one, so the log odds of an error are shift * first - shift² / 2 + those of the share.
    """
    noise = random.normal(size=(len(wrong), 2))
    return np.column_stack([noise[:, 0] + shift * wrong, noise[:, 1], np.zeros(len(wrong))])


def chance(signals: np.ndarray, shift: float, share: float) -> np.ndarray:
    """The true probability of an error."""
    return 1 / (1 + np.exp(-(shift * signals[:, 0] - shift**2 / 2 + np.log(share / (1 - share)))))


@cache
def fitted(noise: float, planted: float = 0.15, worth: float = 30, seed: int = 1) -> tuple[Model, np.ndarray]:
    """The model by planted errors among labels of which the share `noise` is wrong, and new rows' signals."""
    random = np.random.default_rng(seed)
    ours = random.random(ROWS) < planted
    signals = drawn(ours | (random.random(ROWS) < noise), 2.0, random)
    model, _ = calibration.fit(Planted(NAMES, signals, ours, np.ones(ROWS)), noise, worth)
    return model, drawn(random.random(ROWS) < noise, 2.0, random)


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("planted", [0.05, 0.2])
def test_planted_errors_give_the_true_probability_at_the_true_rate(noise, planted):
    model, signals = fitted(noise, planted)
    found, true = calibration.predict(model, signals), chance(signals, 2.0, noise)
    assert np.abs(found - true).max() < 0.15
    assert np.abs(found - true).mean() < 0.02
    assert found.mean() == pytest.approx(noise, rel=0.15)


def test_real_errors_among_the_other_rows_are_reckoned_with():
    """Held for right, they would make the most suspicious labels look half right."""
    signals = np.array([[4.0, 0.0, 0.0]])
    model, _ = fitted(noise=0.3)
    assert calibration.predict(model, signals)[0] == pytest.approx(chance(signals, 2.0, 0.3)[0], abs=0.01)
    random = np.random.default_rng(1)
    ours = random.random(ROWS) < 0.15
    contaminated = drawn(ours | (random.random(ROWS) < 0.3), 2.0, random)
    naive, _ = calibration.fit(Planted(NAMES, contaminated, ours, np.ones(ROWS)), 1e-4, 30)
    suspicious = contaminated[:, 0] > 3
    share = calibration.predict(model, contaminated)[suspicious].mean()
    assert share > 0.9
    assert calibration.predict(naive, contaminated)[suspicious].mean() < share - 0.5


def test_the_probability_that_an_error_was_planted_is_that():
    random = np.random.default_rng(2)
    ours = random.random(ROWS) < 0.15
    signals = drawn(ours | (random.random(ROWS) < 0.1), 2.0, random)
    _, predicted = calibration.fit(Planted(NAMES, signals, ours, np.ones(ROWS)), 0.1, 30)
    assert predicted.mean() == pytest.approx(0.15, abs=0.01)
    for low, high, rows in calibration.reliability(predicted, ours, np.ones(ROWS), 10):
        assert low == pytest.approx(high, abs=4 * np.sqrt(max(low, 0.01) / rows))


def test_rows_that_stand_for_several_count_so_often():
    random = np.random.default_rng(3)
    ours = random.random(ROWS) < 0.2
    signals = drawn(ours, 2.0, random)
    every, _ = calibration.fit(Planted(NAMES, signals, ours, np.ones(ROWS)), 0.05, 30)
    kept = ours | (random.random(ROWS) < 0.5)
    some, _ = calibration.fit(Planted(NAMES, signals[kept], ours[kept], np.where(ours, 1.0, 2.0)[kept]), 0.05, 30)
    np.testing.assert_allclose(calibration.predict(some, signals), calibration.predict(every, signals), atol=0.1)


@given(st.lists(st.floats(-6, 6), min_size=2, max_size=20))
def test_more_suspicion_never_makes_an_error_less_probable(values):
    model, _ = MONOTONE
    signals = np.column_stack([np.sort(values), np.zeros(len(values)), np.zeros(len(values))])
    assert (np.diff(calibration.predict(model, signals)) >= 0).all()


MONOTONE = fitted(0.1)


def test_a_signal_that_speaks_the_wrong_way_is_ignored():
    random = np.random.default_rng(4)
    ours = random.random(ROWS) < 0.2
    signals = drawn(ours, 2.0, random)
    signals[:, 1] -= ours
    model, _ = calibration.fit(Planted(NAMES, signals, ours, np.ones(ROWS)), 0.05, 30)
    assert model.weights[1] == 0
    decided = calibration.update(model, signals[:300], ours[:300])
    assert decided.weights[1] == 0


def harder(rows: int, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Rows with real errors, which are harder to see than planted ones: the shift is 1, not 2."""
    random = np.random.default_rng(seed)
    wrong = random.random(rows) < 0.1
    return drawn(wrong, 1.0, random), wrong


def far(model: Model, signals: np.ndarray) -> float:
    return float(np.abs(calibration.predict(model, signals) - chance(signals, 1.0, 0.1)).mean())


def test_decisions_outweigh_planted_errors_as_they_grow():
    model, _ = fitted(0.1)
    signals, wrong = harder(4000)
    new, _ = harder(4000, seed=6)
    none, some, many = (far(calibration.update(model, signals[:rows], wrong[:rows]), new) for rows in (0, 300, 4000))
    assert none > 0.04
    assert none > some > many
    assert many < 0.01


def test_few_decisions_move_little_and_no_decision_nothing():
    model, signals = fitted(0.1)
    before = calibration.predict(model, signals)
    assert calibration.update(model, signals[:0], np.zeros(0, dtype=bool)) is model
    one = calibration.update(model, np.array([[3.2, 0.0, 0.0]]), np.array([False]))
    assert calibration.predict(model, np.array([[3.2, 0.0, 0.0]]))[0] == pytest.approx(0.9, abs=0.05)
    moved = np.abs(calibration.predict(one, signals) - before)
    assert 0 < moved.max() < 0.35
    assert moved.mean() < 0.05


def test_worth_says_how_many_decisions_the_planted_errors_count_for():
    signals, wrong = harder(200)
    new, _ = harder(4000, seed=6)
    moved = []
    for worth in (3, 30, 3000):
        model, _ = fitted(0.1, worth=worth)
        after = calibration.predict(calibration.update(model, signals, wrong), new)
        moved.append(np.abs(after - calibration.predict(model, new)).mean())
    assert moved[0] > moved[1] > moved[2]


def test_reading_the_queue_from_its_top_biases_nothing():
    model, _ = fitted(0.1, worth=3)
    signals, wrong = harder(20000)
    top = np.argsort(-calibration.predict(model, signals))[:3000]
    after = calibration.update(model, signals[top], wrong[top])
    at = calibration.predict(after, signals[top])
    assert at.mean() == pytest.approx(wrong[top].mean(), abs=0.02)
    assert np.abs(at - chance(signals[top], 1.0, 0.1)).mean() < 0.04


def test_what_a_rule_is_worth_is_learnt_by_decisions_alone():
    model, _ = fitted(0.1)
    assert model.weights[2] == 0
    signals, wrong = harder(400)
    signals[:, 2] = np.where(wrong, 1.0, -1.0)
    after = calibration.update(model, signals, wrong)
    assert after.weights[2] > 0.5
    against, silent = (calibration.predict(after, np.array([[1.0, 0.0, says]]))[0] for says in (1.0, 0.0))
    assert against > silent + 0.1


@pytest.mark.parametrize("rows", [1, 4, 35])
def test_crossfit_does_not_see_what_it_predicts(rows):
    model, _ = fitted(0.1)
    signals, wrong = harder(rows)
    predicted = calibration.crossfit(model, signals, wrong)
    for row in range(min(rows, 3)):
        other = wrong.copy()
        other[row] = ~other[row]
        assert calibration.crossfit(model, signals, other)[row] == predicted[row]
    if rows > 1:
        assert (calibration.crossfit(model, signals, ~wrong) != predicted).any()


def test_reliability_has_bins_of_as_many_rows():
    predicted, observed = np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, True, True, True])
    table = calibration.reliability(predicted, observed, np.ones(4), 2)
    assert np.array(table) == pytest.approx(np.array([[0.15, 0.5, 2], [0.85, 1.0, 2]]))
    weighted = calibration.reliability(predicted, observed, np.array([3.0, 1, 1, 1]), 2)
    assert weighted[0] == pytest.approx((0.125, 0.25, 4))
    assert len(calibration.reliability(predicted, observed, np.ones(4), 10)) == 4
    assert calibration.reliability(predicted[:0], observed[:0], np.ones(0), 10) == []


def test_quality_is_ece_brier_and_log_loss():
    predicted, observed = np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, True, True, True])
    found = calibration.quality(predicted, observed, np.ones(4), 2)
    assert found["ece"] == pytest.approx((0.35 + 0.15) / 2)
    assert found["brier"] == pytest.approx((0.01 + 0.64 + 0.04 + 0.01) / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.2, 0.8, 0.9]).mean())
    sure = calibration.quality(np.array([0.0, 1.0]), np.array([True, False]), np.ones(2), 2)
    assert np.isfinite(sure["log_loss"])


def test_equal_rows_give_an_equal_model():
    first, second = fitted(0.1)[0], fitted.__wrapped__(0.1)[0]
    np.testing.assert_array_equal(first.weights, second.weights)
    assert first.intercept == second.intercept
