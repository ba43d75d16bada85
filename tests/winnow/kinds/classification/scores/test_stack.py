"""stack: wrong labels look suspicious, a row's own label teaches nothing about it, and each signal says its part."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from tests.winnow.kinds.classification.scores.worlds import CLASSES, TASK, World, named, spoil, world
from winnow.encoder.neighbours import Neighbours
from winnow.kinds.classification.scores import Evidence, context, stack
from winnow.kinds.evidence import NEAREST, Signals, Surroundings


def measured(of: World, labels: np.ndarray, surroundings: Surroundings | None = None, **changes) -> Signals:
    """Return the signals of labels; `changes` may name known, judged and members."""
    known = changes.get("known", np.ones(len(labels), dtype=bool))
    judged = changes.get("judged", labels)
    evidence = Evidence.of(TASK, changes.get("members", of.members))
    return evidence.signals(named(labels), known, surroundings or of.surroundings(), named(judged))


def alone(of: World, near: bool = True) -> Surroundings:
    return of.surroundings(near, np.arange(len(of.truth)))


def test_there_is_a_column_for_each_model_the_group_the_neighbours_and_the_rules():
    of = world(30)
    assert measured(of, of.truth).names == ["stack", "margin", "probe", "words", "group", "neighbours", "rules"]
    assert measured(of, of.truth, alone(of, near=False)).names == ["stack", "margin", "probe", "words", "rules"]


@pytest.mark.parametrize("name", ["stack", "margin", "probe", "words", "group", "neighbours"])
def test_each_signal_finds_errors_better_than_chance(name):
    of = world()
    labels = spoil(of.truth, 0.1)
    found = measured(of, labels)
    ranking = found.values[:, found.names.index(name)]
    assert average_precision_score(labels != of.truth, ranking) > 0.4  # chance: 0.1


def test_weights_that_all_classes_share_find_errors_too(monkeypatch):
    for module in (stack, context):
        monkeypatch.setattr(module, "MANY", 1)
    of = world()
    labels = spoil(of.truth, 0.1)
    found = measured(of, labels)
    for name in ("stack", "group"):
        ranking = found.values[:, found.names.index(name)]
        assert average_precision_score(labels != of.truth, ranking) > 0.4
    judged = measured(of, labels, members={"probe": of.members["probe"]})
    np.testing.assert_allclose(judged.evidence.probabilities.sum(axis=1), 1)


def test_the_stack_finds_more_than_the_mean_of_a_good_and_a_useless_model():
    of = world()
    labels = spoil(of.truth, 0.1)
    members = of.members | {"words": np.random.default_rng(9).dirichlet(np.full(CLASSES, 0.3), len(labels))}
    found = measured(of, labels, alone(of), members=members)
    mean = np.mean(list(members.values()), axis=0)
    wrong, rows = labels != of.truth, np.arange(len(labels))
    stacked = average_precision_score(wrong, found.values[:, 0])
    assert stacked > average_precision_score(wrong, -mean[rows, labels]) + 0.1


def test_a_row_s_own_label_teaches_nothing_about_it():
    of = world(40)
    labels = of.truth.copy()
    labels[7] = (labels[7] + 1) % CLASSES
    before, after = measured(of, of.truth), measured(of, labels)
    # All but nothing: the models of the other folds, whose output its fold's stack learnt from, did see it.
    np.testing.assert_allclose(before.evidence.probabilities[7], after.evidence.probabilities[7], atol=0.02)
    judged = measured(of, of.truth, judged=labels)  # the same models, another question
    np.testing.assert_array_equal(judged.evidence.probabilities, before.evidence.probabilities)
    assert judged.values[7, 0] > before.values[7, 0]
    np.testing.assert_array_equal(np.delete(judged.values, 7, axis=0), np.delete(before.values, 7, axis=0))


def test_rows_without_a_label_in_question_have_no_signals_but_probabilities():
    of = world(40)
    known = np.arange(len(of.truth)) % 5 > 0
    labels = np.where(known, of.truth, -1)
    found = measured(of, labels, known=known)
    assert not found.values[~known].any()
    np.testing.assert_allclose(found.evidence.probabilities.sum(axis=1), 1)
    assert (found.evidence.probabilities.argmax(axis=1) == of.truth)[~known].mean() > 0.8


def test_labels_that_are_not_known_are_judged_and_teach_nothing():
    of = world(60)
    known = of.groups % 2 == 0
    wrong = np.where(known, of.truth, (of.truth + 1) % CLASSES)
    found = measured(of, wrong, known=known)
    assert (found.values[~known, 0] > 0).mean() > 0.9
    other = np.where(known, of.truth, (of.truth + 2) % CLASSES)
    np.testing.assert_array_equal(found.evidence.probabilities, measured(of, other, known=known).evidence.probabilities)


def test_rules_speak_for_and_against():
    of = world(10)
    votes = np.full(len(of.truth), -1)
    votes[0], votes[1] = of.truth[0], (of.truth[1] + 1) % CLASSES
    found = measured(of, of.truth, replace(of.surroundings(), votes=named(votes)))
    assert found.values[:3, found.names.index("rules")].tolist() == [-1, 1, 0]


def test_confident_learning_is_cleanlab_s():
    from cleanlab.count import compute_confident_joint

    of = world()
    labels = spoil(of.truth, 0.2)
    chances = of.members["probe"]
    found = stack.confident(chances, labels, np.ones(len(labels), dtype=bool))
    joint, errors = compute_confident_joint(labels, chances, calibrate=False, return_indices_of_off_diagonals=True)
    assert np.flatnonzero(found).tolist() == sorted(errors)
    assert found.sum() == joint.sum() - np.trace(joint)


def test_confident_learning_counts_no_label_that_is_not_known_and_no_class_without_rows():
    chances = np.array([[0.9, 0.05, 0.05], [0.95, 0.05, 0.0], [0.1, 0.8, 0.1], [0.0, 0.0, 1.0]])
    known = np.array([True, True, True, False])
    assert stack.confident(chances, np.array([0, 1, 1, 0]), known).tolist() == [False, True, False, False]


def test_the_second_pass_leaves_out_the_plainest_half_of_the_suspects_of_a_class():
    chances = np.array([[0.01, 0.99], [0.2, 0.8], *[[0.95, 0.05]] * 6, *[[0.1, 0.9]] * 6])
    given = np.array([0] * 8 + [1] * 6)
    known = np.ones(14, dtype=bool)
    assert np.flatnonzero(stack.confident(chances, given, known)).tolist() == [0]
    chances[1] = [0.02, 0.98]
    assert np.flatnonzero(stack.confident(chances, given, known)).tolist() == [0, 1]
    assert np.flatnonzero(stack._dropped(chances, given, known)).tolist() == [0]


def test_certain_models_give_finite_signals():
    of = world(10)
    sure = {"probe": np.eye(CLASSES)[of.truth], "words": np.eye(CLASSES)[(of.truth + 1) % CLASSES]}
    found = measured(of, of.truth, members=sure)
    assert np.isfinite(found.values).all()


def test_two_classes_and_one_are_no_reason_to_stop():
    for classes in (2, 1):
        labels = named(np.arange(40) % classes)
        silent = np.full(40, None, dtype=object)
        around = Surroundings(np.arange(40) % 4, np.arange(40) // 2, np.arange(40), silent, None)
        evidence = Evidence.of(TASK, {"probe": np.full((40, 3), 1 / 3)})
        assert np.isfinite(evidence.signals(labels, np.ones(40, dtype=bool), around, labels).values).all()


def test_shares_count_the_labels_that_are_there():
    near = Neighbours(np.array([[1, 2, 3], [0, -1, -1], [-1, -1, -1]]), np.zeros((3, 3)))
    shares = stack.shares(near, np.array([0, 1, 1, 0]), 2)
    np.testing.assert_allclose(shares, [[1 / 3, 2 / 3], [1, 0], [0, 0]])
    further = Neighbours(np.array([[0] * NEAREST + [1]]), np.zeros((1, NEAREST + 1)))
    np.testing.assert_allclose(stack.shares(further, np.array([0, 1]), 2), [[1, 0]])
