"""Leaving an edit out shows what it is worth, where it is known to help, to harm or to do nothing."""

from dataclasses import replace

import numpy as np
import pytest

from stages.rounds import worth
from stages.rounds.replay import NONE, Rows, Settled, settle
from stages.rounds.worth import Models
from tests.stages.rounds.test_replay import LABELS, TASK, decide, make
from winnow.base.errors import UserError
from winnow.kinds.classification import fast

WORDS = {label: [f"{label.lower()}{n}" for n in range(12)] for label in LABELS}
NO_COPIES = np.array([], dtype=object)


def next_to(labels: np.ndarray) -> np.ndarray:
    """The class after each label's: one that is taken for another."""
    return np.array([LABELS[(LABELS.index(label) + 1) % 3] for label in labels], dtype=object)


def world(count: int = 360, seed: int = 1) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Rows whose words and embedding tell their class, all with the right label; those classes; the embeddings."""
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 3, count)
    truth, every = np.array(LABELS, dtype=object)[places], [word for words in WORDS.values() for word in words]
    rows = make(truth, "".join(rng.choice(list("tttde"), count)))
    texts = [" ".join([*rng.choice(WORDS[label], 3), *rng.choice(every, 3)]) for label in truth]
    vectors = np.eye(3)[places] + rng.normal(0, 0.8, (count, 3))
    return replace(rows, texts=np.array(texts, dtype=object)), truth, vectors.astype(np.float32)


def learn(rows: Rows, vectors: np.ndarray, corrected: np.ndarray, copies: int = 0) -> Models:
    dev = np.flatnonzero(rows.splits == "dev")
    texts = [*rows.texts.tolist(), *rows.texts[:copies]]
    train = np.concatenate([rows.splits == "train", np.zeros(copies, bool)])
    vectors = np.concatenate([vectors, vectors[:copies]])
    learner = fast.Learner(TASK, texts, vectors, train, {"probe": 1.0, "tfidf": 10.0})
    every = np.arange(len(texts))
    return Models(TASK, learner, every, dev, worth.exams(rows, dev, corrected, resamples=300, seed=1), 0.95)


def gains(rows: Rows, settled: Settled, vectors: np.ndarray, automatic: np.ndarray, copies: np.ndarray) -> dict:
    models = learn(rows, vectors, settled.training(rows), len(copies))
    today = models.scores(worth.on_train(rows, settled.training(rows), len(copies)))
    return {
        kind: (touched, models.gain(kind, today, models.scores(labels)))
        for kind, (touched, labels) in worth.arms(rows, settled, copies, automatic).items()
    }


def test_edits_that_mend_the_labels_are_worth_something_and_the_interval_says_so():
    rows, truth, vectors = world()
    train = np.flatnonzero(rows.splits == "train")
    mended, dropped = train[:80], train[80:130]
    given = truth.copy()
    given[mended] = next_to(truth[mended])  # one class taken for the next
    given[dropped] = next_to(truth[dropped])
    rows = replace(rows, given=given)
    made = [decide(row, "relabel", truth[row], given=given[row]) for row in mended]
    made += [decide(row, "ambiguous", given=given[row]) for row in dropped]
    none = np.full(len(truth), NONE)
    found = gains(rows, settle(rows, made, TASK), vectors, none, NO_COPIES)
    assert (found["relabel"][0], found["drop"][0]) == (80, 50)
    for kind in ("relabel", "drop"):
        assert found[kind][1]["dev"]["corrected"]["gain"] > 0.02
    assert found["relabel"][1]["dev"]["corrected"]["gain_low"] > 0
    for kind in ("annotate", "dedup", "auto_label"):
        assert found[kind] == (0, found[kind][1])
        assert found[kind][1]["dev"]["corrected"] == {"gain": 0, "gain_low": 0, "gain_high": 0}


def test_decisions_that_spoil_the_labels_are_worth_less_than_nothing():
    rows, truth, vectors = world()
    spoilt, wrong = np.flatnonzero(rows.splits == "train")[:110], next_to(truth)
    made = [decide(row, "relabel", wrong[row], given=truth[row]) for row in spoilt]
    none = np.full(len(truth), NONE)
    found = gains(rows, settle(rows, made, TASK), vectors, none, NO_COPIES)
    assert found["relabel"][1]["dev"]["given"]["gain_high"] < 0


def test_new_labels_and_automatic_ones_are_arms_of_their_own():
    rows, truth, vectors = world()
    train = np.flatnonzero(rows.splits == "train")
    new, automatic = train[12:110], train[110:]
    given = truth.copy()
    given[train[12:]] = NONE
    rows = replace(rows, given=given, trusted=given != NONE)
    made = [decide(row, "relabel", truth[row], given="") for row in new]
    proposed = np.where(np.isin(np.arange(len(truth)), automatic), truth, NONE)
    found = gains(rows, settle(rows, made, TASK), vectors, proposed, NO_COPIES)
    assert (found["annotate"][0], found["auto_label"][0]) == (98, len(automatic))
    assert found["annotate"][1]["dev"]["given"]["gain"] > 0.05
    # Wrong automatic labels harm.
    proposed = np.where(proposed == NONE, NONE, next_to(truth))
    harmed = gains(rows, settle(rows, made, TASK), vectors, proposed, NO_COPIES)
    assert harmed["auto_label"][1]["dev"]["given"]["gain_high"] < 0


def test_an_automatic_label_is_not_added_where_people_settled_the_row():
    rows, truth, _ = world()
    rows = replace(rows, given=np.full(len(truth), NONE), trusted=np.zeros(len(truth), bool))
    row = int(np.flatnonzero(rows.splits == "train")[0])
    settled = settle(rows, [decide(row, "ambiguous", given="")], TASK)
    touched, labels = worth.arms(rows, settled, NO_COPIES, truth)["auto_label"]
    assert labels[row] == NONE
    assert touched == (rows.splits == "train").sum() - 1


def test_copies_come_back_as_further_training_rows():
    rows, truth, vectors = world()
    copies = next_to(truth[:40])  # dropped copies had other labels
    found = gains(rows, settle(rows, [], TASK), vectors, np.full(len(truth), NONE), copies)
    assert found["dedup"][0] == 40
    labels = worth.arms(rows, settle(rows, [], TASK), copies, truth)["dedup"][1]
    assert labels[len(truth) :].tolist() == copies.tolist()
    assert (labels[: len(truth)][rows.splits != "train"] == NONE).all()
    assert found["dedup"][1]["dev"]["given"]["gain"] > 0


def test_corrected_labels_judge_where_they_differ_from_given_ones():
    rows, truth, vectors = world()
    dev = np.flatnonzero(rows.splits == "dev")
    corrected = truth.copy()
    corrected[dev[:5]] = NONE
    models = learn(rows, vectors, corrected)
    exams = models.exams
    assert tuple(exams) == worth.LABELS
    assert len(exams["given"].truth) == len(exams["corrected"].truth) + 5
    assert (exams["given"].draws == exams["corrected"].draws).all()
    scored = models.told({name: exam.score(truth[dev], TASK) for name, exam in exams.items()})
    assert scored == {"dev": scored["dev"]}
    assert scored["dev"]["corrected"] == {"macro_f1": 1, "macro_f1_low": 1, "macro_f1_high": 1}


def test_differences_are_paired_and_models_learn_equal_labels_once():
    rows, truth, vectors = world()
    models = learn(rows, vectors, truth)
    labels = worth.on_train(rows, truth, 0)
    first = models.predict(labels)
    assert models.predict(labels.copy()) is first
    same = models.scores(labels)
    assert models.difference(same, same)["dev"]["given"] == {"gain": 0, "gain_low": 0, "gain_high": 0}


def test_one_class_is_predicted_as_it_is_and_texts_need_words():
    rows, truth, vectors = world()
    models = learn(rows, vectors, truth)
    assert set(models.predict(np.where(rows.splits == "train", "C", NONE))) == {"C"}
    assert set(models.predict(np.full(len(truth), NONE))) == {"A"}  # before people labelled the first row
    with pytest.raises(UserError, match="empty vocabulary"):
        learn(replace(rows, texts=np.full(len(truth), "?", dtype=object)), vectors, truth)


def test_models_of_some_rows_learn_from_these_as_if_there_were_no_others():
    rows, truth, vectors = world()
    verdicts = np.where(np.arange(len(truth)) == len(truth) - 1, "relabel", "").astype(object)
    settled = Settled(verdicts, truth, np.full(len(truth), "", dtype=object))
    some = worth.seen(rows, settled, 60)
    for split in ("train", "dev"):
        inside = np.flatnonzero(rows.splits == split)
        assert some[inside[:60]].all()
        assert not some[inside[60:-1]].any()
    assert some[-1], "people decided on it"
    alone = Rows(*(part[some] for part in (rows.ids, rows.groups, rows.splits, rows.texts, rows.given, rows.trusted)))
    few = learn(alone, vectors[some], truth[some])
    place = np.full(len(truth), -1)
    place[some] = np.arange(some.sum())
    dev = np.flatnonzero((rows.splits == "dev") & some)
    models = replace(few, place=place, dev=dev, _known={})
    labels = worth.on_train(rows, truth, 0)
    assert models.predict(labels).tolist() == few.predict(labels[some]).tolist()
