"""members: which rows a member sees, and that faults show before the first is fitted."""

import numpy as np

from winnow.kinds.classification import members


class Spy:
    """A member that notes what it was given, and gives each row the number of rows that it learnt from."""

    def __init__(self):
        self.calls = []

    def predict(self, train, truth, inside, classes):
        self.calls.append((train.copy(), truth.copy(), inside.copy()))
        return np.full((inside.sum(), classes), float(train.sum()))


def test_each_fold_is_predicted_by_a_member_that_learnt_from_the_labelled_rows_of_the_others():
    truth = np.array([0, 1, -1, 0, 1, -1, 0, 1])
    folds = np.array([0, 0, 0, 1, 1, 1, 7, 7])
    spy = Spy()
    found = members.out_of_fold(spy, truth, folds, ["a", "b"])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.full((8, 2), 4))
    for fold, (train, given, inside) in zip((0, 1, 7), spy.calls, strict=True):
        np.testing.assert_array_equal(inside, folds == fold)
        np.testing.assert_array_equal(train, (folds != fold) & (truth >= 0))
        np.testing.assert_array_equal(given, truth[train])


def test_the_probe_and_the_words_give_a_class_that_they_did_not_see_no_chance():
    rng = np.random.default_rng(1)
    train, inside = np.arange(40) < 30, np.arange(40) >= 30
    for member in (members.Probe(rng.normal(size=(40, 3)), 1.0), members.Words(["red", "blue"] * 20, 1.0)):
        chances = member.predict(train, np.arange(30) % 2, inside, 3)
        assert chances.shape == (10, 3)
        np.testing.assert_allclose(chances.sum(axis=1), 1)
        assert not chances[:, 2].any()
