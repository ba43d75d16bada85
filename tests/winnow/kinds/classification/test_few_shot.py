"""few_shot: pairs, what contrast does to the features, and how few labels are chosen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import make_rows
from tests.winnow.kinds.classification.conftest import ANIMALS, LABELS, sentences
from winnow.base.errors import UserError
from winnow.kinds.classification import few_shot, model
from winnow.kinds.classification.few_shot import few
from winnow.training import finetuning

SETTINGS = {
    **{"labels_per_class": 8, "method": "contrast", "pairs": 600, "batch_pairs": 32, "learning_rate": 3e-3},
    **{"freeze_embeddings": False, "frozen_layers": 0, "regularization": 1.0, "examples": 0, "example_tokens": 8},
}


def settings(**changes) -> few_shot.Settings:
    return few_shot.Settings(**SETTINGS | changes)


def fresh(job):
    return finetuning.prepare(model.build(job.task, job.folder), job.recipe)


def cosines(job, classifier, rows: list[dict]) -> tuple[float, float]:
    """Return the mean cosine of two rows' features, of rows of one class and of two."""
    table = make_rows(rows)
    texts, truth = model.encode(job.task, table, job.reader), job.task.indices(table["label"].to_pylist())
    classifier.eval()
    with few_shot._without_head(classifier):
        features = few_shot._features(classifier, texts, np.arange(len(rows)), job.reader).detach().numpy()
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    same = truth[:, None] == truth
    return float((unit @ unit.T)[same].mean()), float((unit @ unit.T)[~same].mean())


def test_contrast_parts_the_classes_and_the_head_names_them(make_job, accuracy):
    job, rows = make_job(sentences(4, 64)), sentences(4, 40)
    before = cosines(job, fresh(job), rows)
    trained = few_shot.train(job, settings(labels_per_class=None, pairs=1280, learning_rate=1e-2))
    after = cosines(job, trained.model, rows)
    assert before[0] - before[1] < 0.1
    assert after[0] - after[1] > 0.4
    assert accuracy(job, trained, rows) > 0.95
    assert len(trained.curve) == 40
    losses = [point["loss"] for point in trained.curve]
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) / 2


@pytest.mark.parametrize(
    ("recipe", "own"),
    [((False, 0), (True, 1)), ((True, 1), (None, None)), ((True, 0), (None, 1)), ((False, 1), (True, None))],
)
def test_frozen_layers_stay_and_are_the_approach_s_own_where_it_has_any(make_job, recipe, own):
    names = ("freeze_embeddings", "frozen_layers")
    job = make_job(sentences(4, 32), **dict(zip(names, recipe, strict=True)))
    start = fresh(job).state_dict()
    end = few_shot.train(job, settings(pairs=64, **dict(zip(names, own, strict=True)))).model.state_dict()
    moved = {name for name in start if not start[name].equal(end[name])}
    assert not [name for name in moved if name.startswith(("bert.embeddings", "bert.encoder.layer.0"))]
    assert [name for name in moved if name.startswith("bert.encoder.layer.1")]


@given(counts=st.lists(st.integers(1, 6), min_size=2, max_size=4).filter(lambda counts: max(counts) > 1))
def test_pairs_are_of_two_rows_and_every_other_of_one_class(counts):
    truth = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    drawn, same = few_shot.pairs(truth, 400, np.random.default_rng(1))
    assert drawn.shape == (400, 2)
    assert same.sum() == 200
    assert (drawn[:, 0] != drawn[:, 1]).all()
    np.testing.assert_array_equal(truth[drawn[:, 0]] == truth[drawn[:, 1]], same)


def test_every_pair_can_be_drawn():
    truth = np.array([0, 1, 0, 1, 0, 2])
    drawn, _ = few_shot.pairs(truth, 2000, np.random.default_rng(1))
    assert {tuple(sorted(pair)) for pair in drawn.tolist()} == {(a, b) for a in range(6) for b in range(a + 1, 6)}


def test_few_labels_are_those_of_lowest_hash_and_more_hold_fewer():
    rows = make_rows(sentences(4, 40)).select(["id", "label"])
    small, large = (few(rows, LABELS, count) for count in (4, 8))
    assert sorted(small["label"].to_pylist()) == ["ANIMAL"] * 4 + ["COLOUR"] * 4
    assert set(small["id"].to_pylist()) < set(large["id"].to_pylist())
    twice = rows.take([*range(40), *range(40)])
    assert few(twice, LABELS, 8)["id"].to_pylist() == large["id"].to_pylist()
    assert few(rows, LABELS, None) is rows
    with pytest.raises(UserError, match="labels_per_class is 21, but 'COLOUR' has 20 training rows"):
        few(rows, LABELS, 21)


def test_one_row_a_class_and_an_early_stop_are_refused(make_job):
    rows = [row for row in sentences(4, 2) if row["text"]]
    assert any(word in rows[1]["text"] for word in ANIMALS)
    with pytest.raises(UserError, match="no class has two training rows"):
        few_shot.train(make_job(rows), settings(labels_per_class=None))
    with pytest.raises(UserError, match=r"finetune.patience: learning by contrast has no epochs"):
        few_shot.train(make_job(sentences(4, 32), patience=1), settings())


def test_a_batch_of_pairs_splits_into_pairs_with_the_rows_that_each_reads():
    drawn, same = few_shot.pairs(np.arange(12) % 3, 7, np.random.default_rng(1))
    batch = few_shot.PairBatch(np.unique(drawn), pairs=drawn, same=same)
    assert len(batch) == 7
    parts = batch.parts(3)
    assert [len(part) for part in parts] == [3, 2, 2]
    np.testing.assert_array_equal(np.concatenate([part.pairs for part in parts]), drawn)
    np.testing.assert_array_equal(np.concatenate([part.same for part in parts]), same)
    for part in parts:
        np.testing.assert_array_equal(part.rows, np.unique(part.pairs))


def test_contrast_whose_batches_do_not_fit_learns_the_same(make_job, capfd, monkeypatch):
    import torch

    job = make_job(sentences(4, 16))
    whole = few_shot.train(job, settings(labels_per_class=None, pairs=128))
    features = few_shot._features

    def greedy(model, texts, chosen, reader):
        if model.training and len(chosen) > 12:
            torch.empty(1 << 50)  # the allocator's own error
        return features(model, texts, chosen, reader)

    monkeypatch.setattr(few_shot, "_features", greedy)
    parts = few_shot.train(job, settings(labels_per_class=None, pairs=128))
    assert "again in 4 parts" in capfd.readouterr().err
    expected, found = ([point["loss"] for point in trained.curve] for trained in (whole, parts))
    np.testing.assert_allclose(found, expected, rtol=1e-3)
