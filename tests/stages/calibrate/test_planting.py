"""planting: errors stand among known labels alone, by share and kind, and no class is lost."""

import numpy as np

from stages.calibrate import planting
from stages.calibrate.planting import Labels
from tests.winnow.kinds.classification.scores.worlds import CLASSES, TASK, named, world
from winnow.kinds.classification.scores import Evidence

OF = world(300, sight=1.2)
EVERY = np.ones(len(OF.truth), dtype=bool)


def test_errors_are_planted_in_known_labels_alone_and_by_share():
    known = OF.groups % 2 == 0
    labels = Labels(named(np.where(known, OF.truth, -1)), known, OF.folds)
    shares = {"uniform": 0.1, "class": 0.05, "instance": 0.1}
    noisy = planting.plant(labels, OF.evidence(), shares, 1, TASK)
    assert set(noisy[~known]) == {None}
    changed = (noisy != labels.given)[known].mean()
    assert 0.2 < changed <= 0.25  # some rows are drawn twice
    assert set(noisy[known]) == set(TASK.labels)


def test_errors_of_instances_are_those_that_each_member_in_turn_takes_for_right():
    surely = {name: np.full((len(OF.truth), CLASSES), 1e-6) for name in ("one", "two")}
    rows = np.arange(len(OF.truth))
    for step, found in enumerate(surely.values(), start=1):
        half = rows % 2 == step % 2
        found[rows[half], OF.truth[half]] = 1.0
        found[rows[~half], (OF.truth[~half] + step) % CLASSES] = 1.0
    labels = Labels(named(OF.truth), EVERY, OF.folds)
    noisy = planting.plant(labels, Evidence.of(TASK, surely), {"instance": 0.2}, 1, TASK)
    steps = (TASK.indices(noisy) - OF.truth) % CLASSES
    assert (steps[rows % 2 == 0] != 2).all()  # even rows: member one errs, by one step
    assert (steps[rows % 2 == 1] != 1).all()
    assert (steps == 1).sum() == (steps == 2).sum() == 90


def test_no_class_loses_all_its_rows_outside_of_a_fold():
    truth = np.array([0] * 50 + [1] * 50 + [2] * 2)
    folds = np.r_[np.arange(100) % 2, 0, 1]
    evidence = Evidence.of(TASK, {"probe": np.full((102, 3), 1 / 3)})
    for seed in range(10):
        noisy = planting.plant(Labels(named(truth), truth >= 0, folds), evidence, {"uniform": 0.5}, seed, TASK)
        for fold in (0, 1):
            assert set(noisy[folds != fold]) == set(TASK.labels)
