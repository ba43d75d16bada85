"""The judge against plain definitions and scikit-learn, and the weak model whose errors are planted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from bench import detectors
from bench.detectors import Corpus, Found
from tests.bench.synthetic import LABELS, WORDS
from winnow.kinds.classification import members


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    random = np.random.default_rng(1)
    truth = np.arange(240) % 3
    stray = random.integers(3, size=240)
    texts = [
        " ".join([*random.choice(WORDS[own], 2), *random.choice(WORDS[other], 2)])
        for own, other in zip(truth, stray, strict=True)
    ]
    vectors = (np.eye(3)[truth] + random.normal(scale=0.4, size=(240, 3))).astype(np.float32)
    groups = [f"group-{number // 4}" for number in range(240)]
    keys = [f"{number // 4}-{number % 4}" for number in range(240)]
    folds = np.arange(240) // 4 % 5
    models = {"words": members.Words(texts, 10.0), "probe": members.Probe(vectors, 1.0)}
    return Corpus(LABELS, truth, folds, groups, keys, texts, vectors, models)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_the_judge_s_figures_are_those_of_their_definitions(rows):
    wrong = np.array([is_wrong for is_wrong, _ in rows] + [True])
    suspicion = np.array([float(value) for _, value in rows] + [2.5])
    flagged = suspicion > 2
    found = detectors.judge(Found(suspicion, flagged), wrong)
    assert found["average_precision"] == pytest.approx(average_precision_score(wrong, suspicion))
    order = sorted(range(len(wrong)), key=lambda row: -suspicion[row])
    first = order[: int(wrong.sum())]
    assert found["precision_at_count"] == pytest.approx(sum(wrong[row] for row in first) / len(first))
    assert found["precision_at_100"] == pytest.approx(wrong.mean())
    assert found["flagged_precision"] == pytest.approx((wrong & flagged).sum() / flagged.sum())
    assert found["flagged_recall"] == pytest.approx((wrong & flagged).sum() / wrong.sum())


def test_what_flags_nothing_has_no_precision_there():
    wrong = np.array([True, False])
    found = detectors.judge(Found(np.array([0.1, 0.2]), np.array([False, False])), wrong)
    assert (found["flagged_precision"], found["flagged_recall"]) == (None, 0)
    assert detectors.judge(Found(np.array([0.1, 0.2]), None), wrong)["flagged_recall"] is None
    assert set(found) == set(detectors.METRICS)


def test_the_best_ranking_has_every_figure_at_one():
    wrong = np.arange(300) < 100
    found = detectors.judge(Found(wrong.astype(float), wrong), wrong)
    assert all(value == 1 for value in found.values())


def test_the_loss_orders_as_self_confidence_does(corpus):
    chances = np.random.default_rng(1).dirichlet(np.ones(3), 240)
    ranking = detectors.cleanlab(corpus.truth, chances)["self_confidence"].suspicion
    assert (np.argsort(ranking) == np.argsort(detectors.loss(corpus.truth, chances))).all()


def test_every_detector_finds_planted_errors_better_than_chance(corpus):
    given_ = corpus.truth.copy()
    given_[::12] = (given_[::12] + 1) % 3
    wrong = given_ != corpus.truth
    found = detectors.detect(corpus, given_)
    sources = ("words", "probe", "ensemble")
    peers = {f"cleanlab {ranking}, {source}" for ranking in detectors.RANKINGS for source in sources}
    assert set(found) == peers | {detectors.TIERED, detectors.NO_GROUPS}
    for each in found.values():
        assert detectors.judge(each, wrong)["average_precision"] > 3 * wrong.mean()


def test_doubted_rows_are_those_that_no_model_confirms(corpus):
    assert detectors.doubted(corpus).mean() < 0.2
    truth = corpus.truth.copy()
    truth[0] = 1 - truth[0]
    wrong = Corpus(LABELS, truth, *(getattr(corpus, name) for name in list(corpus.__dict__)[2:]))
    assert detectors.doubted(wrong)[0] or not detectors.doubted(corpus)[0]


def test_the_weak_model_is_weak_calibrated_and_out_of_fold(corpus):
    chances = detectors.weak_model(corpus, 30, 1)
    assert chances.sum(axis=1) == pytest.approx(1)
    right = chances.argmax(axis=1) == corpus.truth
    assert 0.4 < right.mean() < 1
    assert chances.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.1)
    assert (chances == detectors.weak_model(corpus, 30, 1)).all()
    assert (chances != detectors.weak_model(corpus, 30, 2)).any()
    # Nothing of a fold's own labels shows in what is said of it.
    other = corpus.truth.copy()
    other[corpus.folds == 0] = 0
    blind = Corpus(LABELS, other, *(getattr(corpus, name) for name in list(corpus.__dict__)[2:]))
    own = corpus.folds == 0
    assert (detectors.weak_model(blind, 30, 1)[own].argmax(axis=1) == chances[own].argmax(axis=1)).all()
