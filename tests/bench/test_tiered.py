"""tiered: planted errors are found far above chance and above cleanlab on the same models, and what it says is true."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from bench import tiered
from stages.find_issues import calibration
from tests.winnow.kinds.classification.scores.worlds import named, spoil, world
from winnow.kinds.classification.scores import detectors
from winnow.kinds.evidence import Errors

OF = world(300, sight=1.2)
EACH = np.arange(len(OF.truth))


def found_in(given: np.ndarray, groups: bool = True, near: bool = True, seed: int = 1) -> np.ndarray:
    surroundings = OF.surroundings(near, None if groups else EACH)
    return tiered.suspicion(named(given), OF.evidence(), surroundings, seed)


@pytest.mark.parametrize("groups", [True, False])
@pytest.mark.parametrize("kind", ["uniform", "class", "instance"])
def test_it_finds_more_than_cleanlab_on_the_same_models(kind, groups):
    model = OF.evidence().members["words"]
    given = model.task.indices(model.plant(named(OF.truth), Errors(kind, 0.1, 7)))
    wrong = given != OF.truth
    ours = average_precision_score(wrong, found_in(given, groups))
    rankings = detectors.rankings(given, OF.members, OF.surroundings().near)
    theirs = average_precision_score(wrong, rankings["normalized_margin"])
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


def test_no_vectors_are_no_reason_to_stop():
    given = spoil(OF.truth, 0.1)
    assert average_precision_score(given != OF.truth, found_in(given, groups=False, near=False)) > 0.5
