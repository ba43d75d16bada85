"""The advice: go on where the next decisions mend much, stop where they do not, and why."""

import numpy as np
import pytest

from stages.rounds import stopping, worth
from stages.rounds.audit import Estimate
from stages.rounds.replay import NONE
from stages.rounds.stopping import Next, Planted
from tests.stages.rounds.test_replay import TASK
from tests.stages.rounds.test_worth import learn, world
from winnow.kinds.classification.scores import Evidence
from winnow.people.rounds.settings import Params

SETTINGS = Params(
    sample={"flagged": 5, "unflagged": 5, "test": 5},
    flagged_from=0.5,
    regularization={"probe": 1.0, "tfidf": 10.0},
    planted=[0.1, 0.3],
    plant_seeds=3,
    next_decisions=50,
    min_gain=0.1,
    min_precision=0.2,
    resamples=300,
    confidence=0.95,
    seed=1,
)
CURVE = [
    ("probe", 100, 1, 0.60),
    ("probe", 200, 1, 0.68),
    ("probe", 200, 2, 0.72),
    ("tfidf", 100, 1, 0.1),
    ("tfidf", 200, 1, 0.5),
]


def planted(cost: float = 1e-4, spread: float = 0.0) -> Planted:
    return Planted([], cost, cost + spread * np.random.default_rng(1).normal(size=400))


def advise(p_error: list, splits: list[str], cost: float = 1e-4, test_labels: int = 800, **changes) -> dict:
    settings = SETTINGS.model_copy(update=changes)
    next_ = Next(splits, p_error)
    return stopping.verdict(
        next_, stopping.gain(next_, planted(cost), None, 1.0, settings), test_labels, "macro-F1", settings
    )


def test_many_likely_errors_say_go_on():
    found = advise([0.6] * 50, ["train"] * 40 + ["test"] * 10)
    assert found["verdict"] == "go on"
    assert found["says"].startswith(
        "Go on: people would change about 30 of the next 50 rows (60%): macro-F1 on dev +0.24"
    )
    assert found["expected_changes"] == pytest.approx(30)
    assert found["gain_points"] == pytest.approx(0.24)
    assert found["test_error_points"] == pytest.approx(100 * 6 / 800)


def test_no_likely_errors_say_stop():
    found = advise([0.02] * 50, ["train"] * 50)
    assert (found["verdict"], found["precision"]) == ("stop", pytest.approx(0.02))
    assert "fewer than rounds.min_precision (20%)" in found["says"]


def test_errors_that_cost_nothing_say_stop():
    found = advise([0.9] * 50, ["train"] * 50, cost=1e-6)
    assert found["verdict"] == "stop"
    assert "worth less than rounds.min_gain (0.1 points)" in found["says"]
    assert advise([0.9] * 50, ["train"] * 50, cost=1e-6, min_gain=0.0)["verdict"] == "go on"
    assert advise([0.9] * 50, ["dev"] * 50, cost=1e-4)["verdict"] == "stop"  # dev rows train no model


def test_wrong_labels_in_test_are_reason_enough():
    found = advise([0.9] * 50, ["test"] * 50, cost=0.0, test_labels=500)
    assert found["verdict"] == "go on"
    assert "wrong labels in test -9.00 points" in found["says"]


def test_an_empty_queue_says_stop_and_one_without_probabilities_says_so():
    assert advise([], [])["says"] == "Stop: the queue is empty."
    unknown = advise([None, None], ["train", "test"])
    assert (unknown["verdict"], unknown["without_probability"]) == ("go on", 2)
    assert "no row of the queue has a probability" in unknown["says"]
    some = advise([None, 0.5, 0.5], ["train"] * 3, min_gain=0.0)
    assert (some["next_rows"], some["without_probability"], some["expected_changes"]) == (3, 1, 1.0)


def test_without_test_labels_nothing_is_said_of_them():
    assert advise([0.5], ["train"], test_labels=0)["test_error_points"] == 0


def test_the_interval_of_the_gain_is_of_the_cost_and_of_which_rows_are_errors():
    sure, unsure = Next(["train"] * 50, [1.0] * 50), Next(["train"] * 100, [0.5] * 100)
    cost = stopping.gain(sure, planted(spread=1e-4), None, 1.0, SETTINGS)
    errors = stopping.gain(unsure, planted(), None, 1.0, SETTINGS)
    assert cost.value == errors.value == pytest.approx(5e-3)
    assert cost.low < 0 < cost.value < cost.high
    assert 3.5e-3 < errors.low < errors.value < errors.high < 6.5e-3
    assert stopping.gain(sure, planted(), None, 1.0, SETTINGS) == Estimate(*[pytest.approx(5e-3)] * 3)


def test_rows_that_are_left_out_bring_no_label_in_their_place():
    next_ = Next(["train"] * 10, [1.0] * 10)
    all_replaced = stopping.gain(next_, planted(1e-3), 2e-4, 1.0, SETTINGS)
    half = stopping.gain(next_, planted(1e-3), 2e-4, 0.5, SETTINGS)
    assert (all_replaced.value, half.value) == (pytest.approx(1e-2), pytest.approx(9e-3))


def test_a_new_label_is_worth_what_the_better_arm_still_gains():
    # 200 labels: 0.70 against 0.60 at 100, so 0.1 a doubling; at 1,000 labels one more is 1/1000 of an e-fold.
    assert stopping.label_value(CURVE, 1000, 1) == pytest.approx(0.1 / np.log(2) / 1000)
    assert stopping.label_value([("probe", 100, 1, 0.7), ("probe", 200, 1, 0.6)], 1000, 1) == 0
    assert stopping.label_value(CURVE[:1], 1000, 1) is None
    assert stopping.label_value([], 1000, 1) is None


def test_planted_errors_cost_what_the_right_labels_gave():
    rows, truth, vectors = world(600)
    models = learn(rows, vectors, truth)
    training = worth.on_train(rows, truth, 0)
    known = int((rows.splits == "train").sum())
    places = TASK.indices(truth[rows.splits == "train"])
    chances = np.full((known, 3), 0.1)
    chances[np.arange(known), places] = 0.6
    chances[np.arange(known), (places + 1) % 3] = 0.3  # errors go to the next class more often than not
    evidence = Evidence.of(TASK, {"model": chances})
    found = stopping.plant(training, evidence, models, SETTINGS)
    assert [wrong for wrong, _, _ in found.points] == [0, *[round(0.1 * known), round(0.3 * known)] * 3]
    assert found.cost > 0
    estimate = found.estimate(0.95)
    assert estimate.low < found.cost < estimate.high
    assert found.cost == pytest.approx(np.mean(found.resampled), rel=0.3)
    again = stopping.plant(training, evidence, models, SETTINGS)
    assert (again.points, again.resampled.tolist()) == (found.points, found.resampled.tolist())


def test_too_few_labels_to_plant_an_error_cost_nothing():
    rows, truth, vectors = world(60)
    models = learn(rows, vectors, truth)
    training = worth.on_train(rows, np.where(np.arange(60) < 4, truth, NONE), 0)
    evidence = Evidence.of(TASK, {"model": np.full((int((training != NONE).sum()), 3), 1 / 3)})
    found = stopping.plant(training, evidence, models, SETTINGS.model_copy(update={"planted": [0.01]}))
    assert (found.cost, set(found.resampled)) == (0.0, {0.0})
