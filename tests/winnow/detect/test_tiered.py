"""tiered: planted errors are found far above chance and above cleanlab on the same models, and what it says is true."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from tests.winnow.detect.worlds import CLASSES, spoil, world
from winnow.detect import calibration, detectors, noise, tiered

OF = world(300, sight=1.2)


def found_in(given: np.ndarray, groups: bool = True, **changes) -> np.ndarray:
    group = {"groups": OF.groups, "places": OF.places} if groups else {}
    return tiered.suspicion(given, OF.members, OF.vectors, folds=OF.folds, **group, **changes)


@pytest.mark.parametrize("groups", [True, False])
@pytest.mark.parametrize("kind", ["uniform", "class", "instance"])
def test_it_finds_more_than_cleanlab_on_the_same_models(kind, groups):
    given = noise.plant(OF.truth, CLASSES, kind, 0.1, 7, OF.members["words"] if kind == "instance" else None)
    wrong = given != OF.truth
    ours = average_precision_score(wrong, found_in(given, groups))
    theirs = average_precision_score(wrong, detectors.rank_by("normalized_margin", given, OF.members))
    assert ours > 0.3  # chance: 0.1
    assert ours > theirs + (0.1 if groups else -0.02)


def test_its_probabilities_are_calibrated_without_any_knowledge_of_the_truth():
    given = spoil(OF.truth, 0.15)
    found = found_in(given)
    assert found.mean() == pytest.approx(0.15, abs=0.05)
    assert calibration.quality(found, given != OF.truth, np.ones(len(given)), 10)["ece"] < 0.06


def test_equal_labels_give_equal_probabilities_and_another_seed_others():
    given = spoil(OF.truth, 0.1)
    np.testing.assert_array_equal(found_in(given), found_in(given))
    assert (found_in(given, seed=2) != found_in(given)).any()


def test_rules_change_nothing_without_decisions():
    given = spoil(OF.truth, 0.1)
    np.testing.assert_array_equal(found_in(given, votes=OF.truth), found_in(given))


def test_no_vectors_are_no_reason_to_stop():
    given = spoil(OF.truth, 0.1)
    found = tiered.suspicion(given, OF.members, None, folds=OF.folds)
    assert average_precision_score(given != OF.truth, found) > 0.5


def test_errors_are_planted_in_known_labels_alone_and_by_share():
    known = OF.groups % 2 == 0
    given = np.where(known, OF.truth, -1)
    shares = {"uniform": 0.1, "class": 0.05, "instance": 0.1}
    noisy = tiered.plant(given, known, OF.members, OF.folds, shares, 1)
    assert (noisy[~known] == -1).all()
    changed = (noisy != given)[known].mean()
    assert 0.2 < changed <= 0.25  # some rows are drawn twice
    assert set(noisy[known].tolist()) == {0, 1, 2}


def test_errors_of_instances_are_those_that_each_member_in_turn_takes_for_right():
    surely = {name: np.full((len(OF.truth), CLASSES), 1e-6) for name in ("one", "two")}
    rows = np.arange(len(OF.truth))
    for step, found in enumerate(surely.values(), start=1):
        half = rows % 2 == step % 2
        found[rows[half], OF.truth[half]] = 1.0
        found[rows[~half], (OF.truth[~half] + step) % CLASSES] = 1.0
    noisy = tiered.plant(OF.truth, rows >= 0, surely, OF.folds, {"instance": 0.2}, 1)
    steps = (noisy - OF.truth) % CLASSES
    assert (steps[rows % 2 == 0] != 2).all()  # even rows: member one errs, by one step
    assert (steps[rows % 2 == 1] != 1).all()
    assert (steps == 1).sum() == (steps == 2).sum() == 90


def test_no_class_loses_all_its_rows_outside_of_a_fold():
    truth = np.array([0] * 50 + [1] * 50 + [2] * 2)
    folds = np.r_[np.arange(100) % 2, 0, 1]
    members = {"probe": np.full((102, 3), 1 / 3)}
    for seed in range(10):
        noisy = tiered.plant(truth, truth >= 0, members, folds, {"uniform": 0.5}, seed)
        for fold in (0, 1):
            assert set(noisy[folds != fold].tolist()) == {0, 1, 2}


def test_the_estimated_noise_is_never_none_and_never_all():
    given = spoil(OF.truth, 0.2)
    rows = tiered.Rows(OF.folds, OF.groups, OF.places, np.full(len(given), -1), None)
    known = np.ones(len(given), dtype=bool)
    found = tiered.signals.signals(given, known, OF.members, rows, given)
    assert tiered.estimated_noise(given, known, found) == pytest.approx(0.2, abs=0.05)
    assert 0 < tiered.estimated_noise(OF.truth, ~known, found) < 1
