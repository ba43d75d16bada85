"""detectors: the rankings are cleanlab's where they bear its name, and each flag says what it says."""

import numpy as np
import pytest

from tests.winnow.kinds.classification.scores.worlds import named, spoil, world
from winnow.encoder.neighbours import Neighbours
from winnow.kinds.classification.scores import detectors
from winnow.kinds.evidence import CLEANLAB

OF = world(80)
GIVEN = spoil(OF.truth, 0.1)
NEAR = OF.surroundings().near
RANKINGS = detectors.rankings(GIVEN, OF.members, NEAR)


@pytest.mark.parametrize("name", ["self_confidence", "normalized_margin"])
def test_rankings_are_cleanlab_s(name):
    from cleanlab.rank import get_label_quality_scores

    mean = (OF.members["probe"] + OF.members["words"]) / 2
    quality = get_label_quality_scores(GIVEN, mean, method=name)
    np.testing.assert_array_equal(np.argsort(RANKINGS[name], kind="stable"), np.argsort(-quality, kind="stable"))


def test_the_others_say_what_their_names_say():
    rows = np.arange(len(GIVEN))
    np.testing.assert_allclose(RANKINGS["loss_words"], -np.log(OF.members["words"][rows, GIVEN]))
    differ = [found.argmax(axis=1) != GIVEN for found in OF.members.values()]
    np.testing.assert_array_equal(RANKINGS["agreement"], np.mean(differ, axis=0))
    same = (GIVEN[NEAR.index] == GIVEN[:, None]).mean(axis=1)
    np.testing.assert_allclose(RANKINGS["neighbours"], 1 - same)


def test_the_stack_competes_with_the_models_and_not_with_the_group():
    found = OF.evidence().signals(named(GIVEN), np.ones(len(GIVEN), dtype=bool), OF.surroundings(), named(GIVEN))
    assert "group" in found.evidence.members
    assert list(found.evidence.rankings(named(GIVEN), NEAR)) == [*RANKINGS, "stack"]


def test_flags_are_those_of_every_filter_each_model_and_the_neighbours():
    from cleanlab.filter import find_label_issues

    mean = (OF.members["probe"] + OF.members["words"]) / 2
    found = OF.evidence().flags(named(GIVEN), NEAR, named(GIVEN))
    assert sum(name.startswith(CLEANLAB) for name in found) == 7
    expected = find_label_issues(GIVEN, mean, filter_by="confident_learning", n_jobs=1)
    np.testing.assert_array_equal(found["cleanlab confident_learning"], expected)
    np.testing.assert_array_equal(found["probe"], OF.members["probe"].argmax(axis=1) != GIVEN)
    wrong = OF.truth != GIVEN
    for flags in found.values():
        assert flags.dtype == bool
        assert flags[wrong].mean() > flags[~wrong].mean()


def test_neighbours_flag_a_label_that_more_of_them_contradict_than_share():
    near = Neighbours(np.array([[1, 2, 3], [2, 3, 0], [0, 1, -1], [-1, -1, -1]]), np.zeros((4, 3)))
    labels = named(np.array([0, 1, 1, 0]))
    found = OF.evidence().take(np.arange(4)).flags(labels, near, labels)["neighbours"]
    assert found.tolist() == [True, True, False, False]  # 2 of 3; 2 of 3; 1 of 2; none
