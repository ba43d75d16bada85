"""context: a structure of groups is learnt if there is one, a row's own label says nothing of it."""

import numpy as np
import pytest

from tests.winnow.kinds.classification.scores.worlds import CLASSES, World, spoil, world
from winnow.kinds.classification.scores import context
from winnow.kinds.classification.scores.context import Known


def run(
    of: World, labels: np.ndarray, known: np.ndarray | None = None, opinion: np.ndarray | None = None
) -> np.ndarray:
    known = np.ones(len(labels), dtype=bool) if known is None else known
    opinion = of.members["probe"] if opinion is None else opinion
    return context.by_group(Known(labels, known, of.folds), opinion, of.groups, of.places)


def test_a_label_that_breaks_the_group_s_structure_is_seen():
    of = world()
    labels = spoil(of.truth, 0.1)
    found = run(of, labels)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == of.truth).mean() > 0.9
    wrong = labels != of.truth
    assert (found.argmax(axis=1) == of.truth)[wrong].mean() > 0.9


def test_groups_that_share_a_label_are_a_structure_too():
    of = world()
    truth = of.groups % CLASSES
    labels = spoil(truth, 0.1)
    found = run(of, labels, opinion=np.full((len(truth), CLASSES), 1 / CLASSES))
    assert (found.argmax(axis=1) == truth)[labels != truth].mean() > 0.9


def test_the_order_alone_can_be_the_structure():
    random = np.random.default_rng(3)
    groups = np.repeat(np.arange(300), 2)
    places = np.tile([0, 1], 300)
    truth = (np.repeat(random.integers(0, CLASSES, 300), 2) + places) % CLASSES  # the second follows the first
    uninformed, known = np.full((600, CLASSES), 1 / CLASSES), np.ones(600, dtype=bool)
    found = context.by_group(Known(truth, known, groups % 4), uninformed, groups, places)
    assert (found.argmax(axis=1) == truth).mean() > 0.95
    mixed = random.permutation(600)  # the other's label leaves two, of which the order tells one
    found = context.by_group(Known(truth, known, groups % 4), uninformed, groups, mixed)
    assert (found.argmax(axis=1) == truth).mean() < 0.65


def test_without_a_structure_it_says_what_is_common():
    of = world()
    random = np.random.default_rng(4)
    labels = random.choice(CLASSES, len(of.truth), p=[0.6, 0.3, 0.1])
    found = run(of, labels, opinion=np.full((len(labels), CLASSES), 1 / CLASSES))
    np.testing.assert_allclose(found.mean(axis=0), [0.6, 0.3, 0.1], atol=0.05)
    assert found.max() < 0.85


def test_rows_of_one_each_say_nothing():
    of = world()
    known = np.ones(len(of.truth), dtype=bool)
    rows = np.arange(len(of.truth))
    assert context.by_group(Known(of.truth, known, of.folds), of.members["probe"], rows, of.places) is None


def test_a_row_s_own_label_does_not_count():
    of = world()
    before = run(of, of.truth)
    labels = of.truth.copy()
    labels[5] = (labels[5] + 1) % CLASSES
    np.testing.assert_allclose(run(of, labels)[5], before[5], rtol=1e-12)
    assert np.abs(run(of, labels)[4] - before[4]).max() > 0.05  # its neighbour's does


def test_labels_that_are_not_known_are_read_off_the_models():
    of = world(sight=6.0)
    known = of.groups % 2 == 0
    labels = np.where(known, of.truth, -1)
    found = run(of, labels, known)
    assert (found.argmax(axis=1) == of.truth)[~known].mean() > 0.9


@pytest.mark.parametrize("present", [[], [1]])
def test_one_class_or_none_is_no_reason_to_stop(present):
    given_, folds = np.array([present[0] if present else -1] * 6), np.arange(6) % 2
    found = context.out_of_fold(np.zeros((6, 2)), Known(given_, given_ >= 0, folds), 2, 1.0)
    np.testing.assert_array_equal(found, np.tile([0.0, 1.0] if present else [0.5, 0.5], (6, 1)))
