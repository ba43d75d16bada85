"""Leaving an edit out shows what it is worth, where it is known to help, to harm or to do nothing."""

from dataclasses import replace

import numpy as np
import pytest

from stages.rounds import worth
from stages.rounds.replay import NONE, Rows, Settled, settle
from tests.stages.rounds.test_replay import LABELS, decide, make
from winnow.text import tfidf

REGULARIZATION = tfidf.Regularization(probe=1.0, tfidf=10.0)
WORDS = [f"{label.lower()}{n}" for label in LABELS for n in range(12)]


def world(count: int = 360, seed: int = 1) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Rows whose words and embedding tell their class, all with the right label; those classes; the embeddings."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, count)
    rows = make(truth.tolist(), "".join(rng.choice(list("tttde"), count)))
    texts = [" ".join([*rng.choice(WORDS[12 * label : 12 * label + 12], 3), *rng.choice(WORDS, 3)]) for label in truth]
    vectors = np.eye(3)[truth] + rng.normal(0, 0.8, (count, 3))
    return replace(rows, texts=np.array(texts, dtype=object)), truth, vectors.astype(np.float32)


def learn(rows: Rows, vectors: np.ndarray, corrected: np.ndarray, copies: int = 0) -> tuple[worth.Learner, worth.Exams]:
    held_out = np.flatnonzero(rows.splits != "train")
    texts = [*rows.texts.tolist(), *rows.texts[:copies]]
    train = np.concatenate([rows.splits == "train", np.zeros(copies, bool)])
    learner = worth.Learner(texts, np.concatenate([vectors, vectors[:copies]]), train, held_out, 3, REGULARIZATION)
    return learner, worth.exams(rows, held_out, corrected, resamples=300, seed=1)


def gains(rows: Rows, settled: Settled, vectors: np.ndarray, automatic: np.ndarray, copies: np.ndarray) -> dict:
    learner, exams = learn(rows, vectors, settled.training(rows), len(copies))

    def scores(labels: np.ndarray) -> worth.Scores:
        return worth.grade(learner.predict(labels), exams, 3)

    today = scores(worth.on_train(rows, settled.training(rows), len(copies)))
    return {
        kind: (touched, worth.gain(kind, today, scores(labels), 0.95))
        for kind, (touched, labels) in worth.arms(rows, settled, copies, automatic).items()
    }


def test_edits_that_mend_the_labels_are_worth_something_and_the_interval_says_so():
    rows, truth, vectors = world()
    train = np.flatnonzero(rows.splits == "train")
    mended, dropped = train[:80], train[80:130]
    given = truth.copy()
    given[mended] = (truth[mended] + 1) % 3  # one class taken for the next
    given[dropped] = (truth[dropped] + 1) % 3
    rows = replace(rows, given=given)
    made = [decide(row, "relabel", LABELS[truth[row]], given=LABELS[given[row]]) for row in mended]
    made += [decide(row, "ambiguous", given=LABELS[given[row]]) for row in dropped]
    none = np.full(len(truth), NONE)
    found = gains(rows, settle(rows, made, LABELS), vectors, none, np.array([], int))
    assert (found["relabel"][0], found["drop"][0]) == (80, 50)
    for kind in ("relabel", "drop"):
        for split in ("dev", "test"):
            assert found[kind][1][split]["corrected"]["gain"] > 0.02
    assert found["relabel"][1]["test"]["corrected"]["gain_low"] > 0
    for kind in ("annotate", "dedup", "auto_label"):
        assert found[kind] == (0, found[kind][1])
        assert found[kind][1]["dev"]["corrected"] == {"gain": 0, "gain_low": 0, "gain_high": 0}


def test_decisions_that_spoil_the_labels_are_worth_less_than_nothing():
    rows, truth, vectors = world()
    spoilt = np.flatnonzero(rows.splits == "train")[:110]
    made = [decide(row, "relabel", LABELS[(truth[row] + 1) % 3], given=LABELS[truth[row]]) for row in spoilt]
    none = np.full(len(truth), NONE)
    found = gains(rows, settle(rows, made, LABELS), vectors, none, np.array([], int))
    assert found["relabel"][1]["test"]["given"]["gain_high"] < 0


def test_new_labels_and_automatic_ones_are_arms_of_their_own():
    rows, truth, vectors = world()
    train = np.flatnonzero(rows.splits == "train")
    new, automatic = train[12:110], train[110:]
    given = truth.copy()
    given[train[12:]] = NONE
    rows = replace(rows, given=given, trusted=given != NONE)
    made = [decide(row, "relabel", LABELS[truth[row]], given="") for row in new]
    proposed = np.where(np.isin(np.arange(len(truth)), automatic), truth, NONE)
    found = gains(rows, settle(rows, made, LABELS), vectors, proposed, np.array([], int))
    assert (found["annotate"][0], found["auto_label"][0]) == (98, len(automatic))
    assert found["annotate"][1]["test"]["given"]["gain"] > 0.05
    # Wrong automatic labels harm.
    proposed = np.where(proposed == NONE, NONE, (proposed + 1) % 3)
    harmed = gains(rows, settle(rows, made, LABELS), vectors, proposed, np.array([], int))
    assert harmed["auto_label"][1]["test"]["given"]["gain_high"] < 0


def test_an_automatic_label_is_not_added_where_people_settled_the_row():
    rows, truth, _ = world()
    rows = replace(rows, given=np.full(len(truth), NONE), trusted=np.zeros(len(truth), bool))
    row = int(np.flatnonzero(rows.splits == "train")[0])
    settled = settle(rows, [decide(row, "ambiguous", given="")], LABELS)
    touched, labels = worth.arms(rows, settled, np.array([], int), truth)["auto_label"]
    assert labels[row] == NONE
    assert touched == (rows.splits == "train").sum() - 1


def test_copies_come_back_as_further_training_rows():
    rows, truth, vectors = world()
    copies = (truth[:40] + 1) % 3  # dropped copies had other labels
    found = gains(rows, settle(rows, [], LABELS), vectors, np.full(len(truth), NONE), copies)
    assert found["dedup"][0] == 40
    labels = worth.arms(rows, settle(rows, [], LABELS), copies, truth)["dedup"][1]
    assert labels[len(truth) :].tolist() == copies.tolist()
    assert (labels[: len(truth)][rows.splits != "train"] == NONE).all()
    assert found["dedup"][1]["dev"]["given"]["gain"] > 0


def test_corrected_labels_judge_where_they_differ_from_given_ones():
    rows, truth, vectors = world()
    held_out = np.flatnonzero(rows.splits == "test")
    corrected = truth.copy()
    corrected[held_out[:5]] = NONE
    _, exams = learn(rows, vectors, corrected)
    assert set(exams) == {(split, kind) for split in ("dev", "test") for kind in worth.LABELS}
    assert len(exams["test", "given"].truth) == len(exams["test", "corrected"].truth) + 5
    assert (exams["test", "given"].draws == exams["test", "corrected"].draws).all()
    perfect = truth[np.flatnonzero(rows.splits != "train")]
    scored = worth.scored(worth.grade(perfect, exams, 3), 0.95)
    assert scored["test"]["corrected"] == {"macro_f1": 1, "macro_f1_low": 1, "macro_f1_high": 1}


def test_differences_are_paired_and_a_learner_learns_equal_labels_once():
    rows, truth, vectors = world()
    learner, exams = learn(rows, vectors, truth)
    labels = worth.on_train(rows, truth, 0)
    first = learner.predict(labels)
    assert learner.predict(labels.copy()) is first
    same = worth.grade(first, exams, 3)
    assert worth.difference(same, same, 0.95)["dev"]["given"] == {"gain": 0, "gain_low": 0, "gain_high": 0}


def test_one_class_is_predicted_as_it_is_and_texts_need_words():
    rows, truth, vectors = world()
    learner, _ = learn(rows, vectors, truth)
    assert set(learner.predict(np.where(rows.splits == "train", 2, NONE))) == {2}
    assert set(learner.predict(np.full(len(truth), NONE))) == {0}  # before people labelled the first row
    with pytest.raises(ValueError, match="empty vocabulary"):
        learn(replace(rows, texts=np.full(len(truth), "?", dtype=object)), vectors, truth)
