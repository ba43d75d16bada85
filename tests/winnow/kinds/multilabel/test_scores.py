"""Wrong sets are ranked above right ones, by row and by cell; as many errors as asked are planted, of each sort."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from winnow.base.errors import UserError
from winnow.encoder.neighbours import Neighbours
from winnow.kinds.evidence import NOISES, Errors, Surroundings
from winnow.kinds.multilabel import members, scores
from winnow.kinds.multilabel.labels import Task
from winnow.kinds.multilabel.scores import detectors, noise, stack

NAMES = ["a", "b", "c", "d"]
TASK = Task(kind="multilabel", labels=NAMES)


def world(rows: int, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray], Surroundings]:
    """Right sets, in which b goes with a, two models of different worth, and what surrounds the rows."""
    random = np.random.default_rng(seed)
    truth = random.random((rows, 4)) < [0.5, 0.1, 0.2, 0.3]
    truth[:, 1] |= truth[:, 0] & (random.random(rows) < 0.7)
    logit = np.where(truth, 1.5, -1.5)
    chances = {
        name: 1 / (1 + np.exp(-(logit + random.normal(0, spread, truth.shape))))
        for name, spread in (("good", 1.0), ("poor", 2.5))
    }
    near = Neighbours(np.full((rows, 15), -1), np.zeros((rows, 15), np.float32))
    silent = np.full(rows, None, dtype=object)
    return truth, chances, Surroundings(np.arange(rows) % 5, np.arange(rows), np.arange(rows), silent, near)


@pytest.mark.parametrize("kind", NOISES)
def test_planted_errors_are_found_before_cleanlab_s_scores_find_them(kind):
    truth, chances, around = world(800, 1)
    evidence = scores.Evidence.of(TASK, chances)
    noisy = evidence.plant(TASK.sets(truth), Errors(kind, 0.1, 1))
    wrong = noisy != TASK.sets(truth)
    signals = evidence.signals(noisy, np.ones(800, bool), around, noisy)
    ours = average_precision_score(wrong, signals.values[:, signals.names.index("any")])
    peer = detectors.rankings(TASK.matrix(noisy), chances)["cleanlab_softmin"]
    assert ours > average_precision_score(wrong, peer) > 1.3 * wrong.mean()
    assert np.isfinite(signals.values).all()
    cells = TASK.matrix(noisy) != truth
    found = average_precision_score(cells.ravel(), signals.evidence.against(noisy).ravel())
    assert found > 3 * cells.mean()


def test_each_sort_of_error_is_told_by_its_own_signal():
    given = np.array([[True, False, False, False], [True, True, False, False], [False, False, False, False]])
    p = np.array([[0.9, 0.95, 0.1, 0.1], [0.9, 0.05, 0.1, 0.1], [0.1, 0.1, 0.1, 0.1]])
    found = stack.of_rows(stack.against(p, given), given)
    assert found["missing"].argmax() == 0
    assert found["extra"].argmax() == 1
    assert found["worst"].argmin() == found["any"].argmin() == found["ratio"].argmin() == 2
    assert found["any"][2] == pytest.approx(np.log((1 - 0.9**4) / 0.9**4))


def test_rows_without_a_label_are_not_judged_and_teach_nothing():
    truth, chances, around = world(200, 2)
    evidence = scores.Evidence.of(TASK, chances)
    labels = TASK.sets(truth)
    judged = labels.copy()
    judged[:50] = None
    known = np.arange(200) >= 50
    found = evidence.signals(np.where(known, labels, None), known, around, judged)
    assert (found.values[:50] == 0).all()
    assert set(found.evidence.likeliest()) <= {TASK.check(label, "") for label in found.evidence.likeliest()}


@given(st.integers(2, 6), st.integers(1, 25), st.sampled_from(NOISES), st.floats(0, 1), st.integers(0, 99))
def test_exactly_so_many_sets_are_wrong_and_a_lower_rate_is_a_part(labels, rows, kind, rate, seed):
    random = np.random.default_rng(seed)
    truth, chances = random.random((rows, labels)) < 0.3, random.random((rows, labels))
    planted = noise.plant(truth, Errors(kind, rate, seed), chances)
    changed = (planted != truth).any(axis=1)
    assert changed.sum() == round(rate * rows)
    fewer = noise.plant(truth, Errors(kind, rate / 2, seed), chances)
    half = (fewer != truth).any(axis=1)
    assert not (half & ~changed).any()
    assert (fewer[half] == planted[half]).all()
    assert ((planted & ~truth).sum(axis=1) <= 1).all()
    assert ((truth & ~planted).sum(axis=1) <= 1).all()


def test_the_three_sorts_of_error_come_equally_often():
    truth = np.tile([True, False, True, False], (900, 1))
    planted = noise.plant(truth, Errors("uniform", 1.0, 3))
    added, taken = (planted & ~truth).any(axis=1), (truth & ~planted).any(axis=1)
    for sort in (added & ~taken, taken & ~added, added & taken):
        assert 240 < sort.sum() < 360


def test_instance_noise_plants_what_the_model_takes_for_right():
    truth, chances, _ = world(400, 4)
    planted = noise.plant(truth, Errors("instance", 0.1, 1), chances["good"])
    changed = planted != truth
    right = np.where(truth, chances["good"], 1 - chances["good"])
    assert right[changed].mean() < right[~changed].mean() - 0.07


@pytest.mark.parametrize("labels", [["[]"], ["[]", "[]"], ['["a"]', "[]"], ['["a","b","c","d"]'] * 3])
def test_detectors_take_sets_of_one_value(labels):
    evidence = scores.Evidence(TASK, np.full((len(labels), 4), 0.3))
    near = Neighbours(np.full((len(labels), 15), -1), np.zeros((len(labels), 15), np.float32))
    sets = np.array(labels, dtype=object)
    flags, ranks = evidence.flags(sets, near, sets), evidence.rankings(sets, near)
    quality = evidence.suspects(sets, "prune_by_noise_rate").quality
    assert all(of.shape == (len(labels),) for of in [*flags.values(), *ranks.values(), quality])
    assert ((quality >= 0) & (quality <= 1)).all()


def test_no_row_is_no_error():
    evidence, nothing = scores.Evidence(TASK, np.zeros((0, 4))), np.zeros(0, dtype=object)
    assert len(evidence.suspects(nothing, "both").quality) == len(evidence.likeliest()) == 0
    assert len(evidence.doubt("margin")) == len(evidence.shown()) == 0


def test_chances_of_sets_and_doubt():
    evidence = scores.Evidence(TASK, np.array([[0.9, 0.2, 0.1, 0.1], [0.5, 0.01, 0.01, 0.01]]))
    chances = evidence.chances(['["a"]', '["a","b"]', "[]"])
    assert chances.sum(axis=1) == pytest.approx([1, 1])
    assert chances[0] == pytest.approx(np.array([0.9 * 0.8, 0.9 * 0.2, 0.1 * 0.8]) / (0.72 + 0.18 + 0.08))
    assert evidence.doubt("margin") == pytest.approx([-0.6, 0.0])
    assert evidence.likeliest().tolist() == ['["a"]', '["a"]']
    assert evidence.support(np.array(['["a"]', "[]"], dtype=object)) == pytest.approx(
        [(0.9 * 0.8 * 0.9 * 0.9) ** 0.25, (0.5 * 0.99**3) ** 0.25]
    )


def test_models_score_out_of_fold_and_come_back_from_the_table():
    random = np.random.default_rng(5)
    truth = random.random((120, 4)) < [0.5, 0.3, 0.02, 0.0]
    vectors = np.hstack([truth + random.normal(0, 0.5, truth.shape), random.normal(0, 1, (120, 2))]).astype(np.float32)
    texts = [" ".join(["word", *(NAMES[place] * 3 for place in np.flatnonzero(row))]) for row in truth]
    labels = TASK.sets(truth)
    labels[:10] = None
    ensemble = {"probe": members.Probe(vectors, 0.1), "words": members.Words(texts, 10.0)}
    found = members.score(TASK, ensemble, labels, np.arange(120) % 4)
    table = pa.table({"id": [str(row) for row in range(120)]} | found.columns())
    evidence = scores.read(TASK, table, "scores.parquet")
    assert list(evidence.members) == ["probe", "words"]
    assert evidence.probabilities == pytest.approx(found.mean)
    measured = found.measure(np.ones(120, bool))
    assert measured["rows"] == 110
    assert measured["micro_f1"] > 0.85
    assert set(measured["members"]) == {"probe", "words"}
    new = members.predict(TASK, ensemble, labels, np.arange(120) < 10)
    assert new.mean.shape == (10, 4)
    assert ((new.mean >= 0.5) == truth[:10]).mean() > 0.8
    assert members.predict(TASK, ensemble, labels, np.zeros(120, bool)).mean.shape == (0, 4)


def test_a_fold_outside_of_which_all_sets_are_the_same_is_one_line():
    labels = np.array(['["a"]', "[]", "[]", "[]"], dtype=object)
    member = members.Probe(np.zeros((4, 2), np.float32), 1.0)
    with pytest.raises(UserError, match="fold 0: outside of it labelled rows have fewer than two different sets"):
        members.score(TASK, {"probe": member}, labels, np.array([0, 1, 1, 1]))
