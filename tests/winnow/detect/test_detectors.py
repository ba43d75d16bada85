"""detectors: the rankings are cleanlab's where they bear its name, and each flag says what it says."""

import numpy as np
import pytest

from tests.winnow.detect.worlds import spoil, world
from winnow.detect import detectors, neighbours

OF = world(80)
GIVEN = spoil(OF.truth, 0.1)
NEAR = neighbours.nearest(OF.vectors, OF.groups, np.ones(len(GIVEN), dtype=bool), 15)


@pytest.mark.parametrize("name", ["self_confidence", "normalized_margin"])
def test_rankings_are_cleanlab_s(name):
    from cleanlab.rank import get_label_quality_scores

    mean = (OF.members["probe"] + OF.members["words"]) / 2
    quality = get_label_quality_scores(GIVEN, mean, method=name)
    found = detectors.rank_by(name, GIVEN, OF.members)
    np.testing.assert_array_equal(np.argsort(found, kind="stable"), np.argsort(-quality, kind="stable"))


def test_the_others_say_what_their_names_say():
    rows = np.arange(len(GIVEN))
    loss = -np.log(OF.members["words"][rows, GIVEN])
    np.testing.assert_allclose(detectors.rank_by("loss_words", GIVEN, OF.members), loss)
    differ = [found.argmax(axis=1) != GIVEN for found in OF.members.values()]
    np.testing.assert_array_equal(detectors.rank_by("agreement", GIVEN, OF.members), np.mean(differ, axis=0))
    same = (GIVEN[NEAR.index] == GIVEN[:, None]).mean(axis=1)
    np.testing.assert_allclose(detectors.rank_by("neighbours", GIVEN, OF.members, NEAR), 1 - same)


@pytest.mark.parametrize("name", ["magic", "loss_other", "probe", "neighbours"])
def test_an_unknown_detector_is_refused(name):
    with pytest.raises(ValueError, match=f"no detector '{name}'"):
        detectors.rank_by(name, GIVEN, OF.members)


def test_flags_are_those_of_every_filter_each_model_and_the_neighbours():
    from cleanlab.filter import find_label_issues

    mean = (OF.members["probe"] + OF.members["words"]) / 2
    found = detectors.flags(GIVEN, mean, OF.members, NEAR, GIVEN)
    assert sum(name.startswith(detectors.CLEANLAB) for name in found) == 7
    expected = find_label_issues(GIVEN, mean, filter_by="confident_learning", n_jobs=1)
    np.testing.assert_array_equal(found["cleanlab confident_learning"], expected)
    np.testing.assert_array_equal(found["probe"], OF.members["probe"].argmax(axis=1) != GIVEN)
    wrong = OF.truth != GIVEN
    for flags in found.values():
        assert flags.dtype == bool
        assert flags[wrong].mean() > flags[~wrong].mean()


def test_neighbours_flag_a_label_that_more_of_them_contradict_than_share():
    near = neighbours.Neighbours(np.array([[1, 2, 3], [2, 3, 0], [0, 1, -1], [-1, -1, -1]]), np.zeros((4, 3)))
    given = np.array([0, 1, 1, 0])
    even = np.full((4, 2), 0.5)
    found = detectors.flags(given, even, {"probe": even}, near, given)["neighbours"]
    assert found.tolist() == [True, True, False, False]  # 2 of 3; 2 of 3; 1 of 2; none
