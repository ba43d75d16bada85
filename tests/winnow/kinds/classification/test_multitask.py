"""multitask: what further tasks' labels teach, how batches are shared out, and what is kept in the end."""

from collections import Counter

import numpy as np
import pytest

from stages.finetune import transfer
from tests.winnow.kinds.classification.conftest import LABELS, sentences
from winnow.base.errors import UserError
from winnow.kinds.classification import head, multitask

SETTINGS = {"tasks": None, "masked_lm": False, "mask_share": 0.3, "min_rows": 2, "alpha": 0.0, "weighting": "fixed"}
SETTINGS |= {"weights": {}}


def settings(**changes) -> multitask.Settings:
    return multitask.Settings(**SETTINGS | changes)


def kinds(rows: list[dict]) -> list[dict]:
    """Return rows without their label, which the further task calls by other names."""
    return [row | {"label": None, "aux_kind": f"kind of {row['label']}"} for row in rows]


@pytest.mark.parametrize("weighting", ["fixed", "uncertainty"])
def test_a_further_task_teaches_words_that_no_own_label_shows(make_job, accuracy, weighting):
    few, unseen = sentences(1, 8), sentences(4, 64)
    job = make_job(few, kinds(unseen), epochs=30)
    alone = transfer.train(job, transfer.Settings())
    both = multitask.train(job, settings(weighting=weighting))
    assert both.model.config.id2label == dict(enumerate(LABELS))
    assert both.model.config.num_labels == both.model.classifier.out_features == 2
    assert accuracy(job, both, unseen) > 0.95
    assert accuracy(job, both, unseen) > accuracy(job, alone, unseen) + 0.1


@pytest.mark.parametrize("weighting", ["fixed", "uncertainty"])
def test_hidden_words_are_learnt_beside_the_labels_and_their_head_is_left_behind(make_job, accuracy, weighting):
    job = make_job(sentences(4, 16), kinds(sentences(4, 64)), epochs=40, learning_rate=3e-3)
    alone = transfer.train(job, transfer.Settings())
    both = multitask.train(job, settings(tasks=[], masked_lm=True, weighting=weighting))
    assert both.model.state_dict().keys() == alone.model.state_dict().keys()
    assert accuracy(job, both, sentences(4, 64)) > 0.95
    assert len(both.curve) == 2 * len(alone.curve)


def test_hidden_words_get_easier_to_tell(make_job):
    # The other tasks hardly count, so the losses are the words'.
    how = settings(masked_lm=True, weights={"kind": 1e-6})
    job = make_job(sentences(4, 16), kinds(sentences(4, 64)), epochs=30, batch_tokens=512, learning_rate=3e-3)
    curve = [point["loss"] for point in multitask.train(job, how).curve]
    words = [loss for loss in curve if loss > 1]
    assert np.mean(words[-5:]) < 0.8 * words[0]
    assert words[0] > 2, "as little as chance knows of twenty words"


def test_the_encoder_and_its_word_table_are_the_same_objects_for_all_heads(make_job):
    job = make_job(sentences(4, 16))
    classifier = head.build(job.folder, LABELS)
    whole = multitask.shared(classifier, job.folder, 0)
    table = classifier.get_input_embeddings().weight
    assert whole.body.base_model is classifier.base_model
    assert whole.body.get_output_embeddings().weight is table
    assert len([weight for weight in whole.parameters() if weight.shape == table.shape]) == 1


def test_what_is_kept_is_the_head_of_the_own_task(make_job):
    trained = multitask.train(make_job(sentences(4, 16), kinds(sentences(4, 16)), epochs=1), settings())
    assert "log_variances" not in trained.model.state_dict()
    assert trained.model.state_dict()["classifier.weight"].shape == (2, 32)


@pytest.mark.parametrize(("alpha", "times"), [(0.0, 1), (0.5, 2), (1.0, 4)])
def test_batches_of_a_task_go_with_its_rows_to_alpha(make_job, alpha, times):
    job = make_job(sentences(1, 8), epochs=3, batch_tokens=24)
    batches, ends = multitask.schedule([np.full(40, 6), np.full(160, 6)], alpha, job)
    counts = Counter(task for task, _ in batches)
    assert counts == {0: 30, 1: 30 * times}
    assert ends == [len(batches) // 3 * epoch for epoch in (1, 2, 3)]
    for end, start in zip(ends, [0, *ends], strict=False):
        own = np.concatenate([batch.rows for task, batch in batches[start:end] if task == 0])
        assert sorted(own) == list(range(40)), "each epoch reads every own row once"
    first = [task for task, _ in batches[: ends[0]]]
    assert first != sorted(first), "tasks are mixed"


def test_labels_with_few_rows_and_rows_without_one_are_left_out(make_job):
    rows = kinds(sentences(4, 6)) + [{"text": "the cat", "aux_kind": "rare"}, {"text": "the dog", "aux_kind": None}]
    job = make_job(sentences(4, 8), rows)
    [task] = multitask.auxiliary(job, settings(min_rows=3), len(job.task.labels))
    assert task.labels == ["kind of ANIMAL", "kind of COLOUR"]
    assert len(task.rows.texts.tokens) == 6
    assert (task.part.start, task.part.stop) == (2, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": ["type"]}, "no column aux_type; known: kind"),
        ({"tasks": ["kind"], "min_rows": 99}, r"'kind' has 0 label\(s\) of at least min_rows 99 rows"),
        ({"min_rows": 99}, "multitask needs a further task with two labels"),
        ({"weights": {"knd": 0.5}}, "weights: no task 'knd'; there are: kind"),
    ],
)
def test_a_task_that_cannot_be_learnt_is_named(make_job, changes, message):
    with pytest.raises(UserError, match=message):
        multitask.train(make_job(sentences(4, 8), kinds(sentences(4, 8))), settings(**changes))


@pytest.mark.parametrize("weighting", ["fixed", "uncertainty"])
def test_batches_that_do_not_fit_are_split_with_the_same_result(make_job, capfd, monkeypatch, weighting):
    import torch

    job = make_job(sentences(4, 16), kinds(sentences(4, 40)), epochs=1)
    how = settings(weighting=weighting, weights={"kind": 0.5})
    torch.manual_seed(1)  # the head's
    whole = multitask.train(job, how)
    logits = head.logits

    def greedy(model, ids, mask, own=None):
        if len(ids) > 6:
            torch.empty(1 << 50)  # the allocator's own error
        return logits(model, ids, mask, own)

    monkeypatch.setattr(head, "logits", greedy)
    torch.manual_seed(1)
    parts = multitask.train(job, how)
    assert "again in 4 parts" in capfd.readouterr().err
    expected, found = ([point["loss"] for point in trained.curve] for trained in (whole, parts))
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_a_row_that_cannot_be_learnt_is_named_by_its_task_s_own_id(make_job, monkeypatch):
    job = make_job(sentences(4, 16), kinds(sentences(4, 40, source="elsewhere")), epochs=1)
    logits = head.logits

    def ill(model, ids, mask, own=None):
        found = logits(model, ids, mask, own)
        # The own task has 16 rows, and a batch of the other's 40 holds more.
        return found * float("nan") if len(ids) > job.rows.num_rows else found

    monkeypatch.setattr(head, "logits", ill)
    with pytest.raises(UserError, match="these rows: ") as caught:
        multitask.train(job, settings())
    named = str(caught.value).rpartition("these rows: ")[2].split(", ")
    assert set(named) <= set(job.auxiliary["id"].to_pylist())
    assert not set(named) & set(job.rows["id"].to_pylist())
