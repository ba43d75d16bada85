"""Fast models of entities: what they learn, the baseline's stage, and the tagger beside scikit-learn's regression."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from stages.baseline import __main__ as stage
from winnow.base.errors import UserError
from winnow.kinds.token_classification import baseline, metrics, tagger
from winnow.kinds.token_classification.fast import Learner
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.kinds.token_classification.mentions import Mentions

TASK = Task(kind="token_classification", labels=["drug", "illness"])
DRUGS = ["aspirin", "statin", "heparin acid", "zolmab", "rituximab"]
ILLNESSES = ["gout", "lung cancer", "flu", "arthritis", "colitis"]
ARMS = [{"probe": 0.1}, {"tfidf": 10.0}, {"probe": 0.1, "tfidf": 10.0}]


def sentence(number: int) -> tuple[str, str]:
    drug, illness = DRUGS[number % 5], ILLNESSES[number // 5 % 5]
    start = f"She takes {drug} daily for "
    spans = [(10, 10 + len(drug), "drug"), (len(start), len(start) + len(illness), "illness")]
    return f"{start}{illness}, 糖 {number}.", canonical(spans)


TEXTS, LABELS = zip(*map(sentence, range(50)), strict=True)
LABELS = np.array(LABELS, dtype=object)


def f1(labels, predicted) -> float:
    table = pa.table({"label": list(labels), "predicted": list(predicted)})
    return float(metrics.values(metrics.counts(TASK, table, np.zeros(len(labels), int), 1)[0])["entity_f1"])


def learner(arms, texts=TEXTS):
    return Learner(TASK, texts, np.zeros((len(texts), 2)), np.arange(len(texts)) < 30, arms)


@pytest.mark.parametrize("arms", ARMS)
def test_it_learns_and_answers_alike_each_time(arms, monkeypatch):
    model, wanted = learner(arms), np.arange(30, 50)
    found = model.predict(np.arange(30), LABELS[:30], wanted)
    assert f1(LABELS[30:], found) > 0.95
    assert model.predict(np.arange(30), LABELS[:30], wanted).tolist() == found.tolist()
    assert model.predict(np.arange(0), LABELS[:0], wanted).tolist() == ["[]"] * 20
    assert model.predict(np.arange(30), np.array(["[]"] * 30, dtype=object), wanted).tolist() == ["[]"] * 20
    assert model.predict(np.arange(30), LABELS[:30], np.arange(0)).tolist() == []
    wrong = model.predict(np.arange(30), np.roll(LABELS[:30], 1), wanted)
    assert f1(LABELS[30:], wrong) < 0.9
    monkeypatch.setattr("winnow.kinds.token_classification.fast.BLOCK", 7)  # features are made piece by piece
    assert learner(arms).predict(np.arange(30), LABELS[:30], wanted).tolist() == found.tolist()


def test_texts_without_a_word_are_refused():
    with pytest.raises(UserError, match="hold no words"):
        learner(ARMS[0], [" "] * 40)


def test_a_mention_that_is_mostly_no_entity_is_forgotten():
    texts = ["lead and aspirin", "lead the way", "lead on", "aspirin"]
    labels = ['[[0,4,"drug"],[9,16,"drug"]]', "[]", "[]", '[[0,7,"drug"]]']
    assert list(Mentions(texts, labels).find("Lead in ASPIRIN")) == [((8, 15, "drug"), 1.0)]
    both = Mentions(["flu flu flu"], ['[[0,3,"illness"],[4,7,"drug"],[8,11,"illness"]]'])
    assert [(span, round(share, 2)) for span, share in both.find("flu")] == [((0, 3, "illness"), 0.67)]


@pytest.mark.parametrize("c", [0.3, 10])
def test_the_tagger_comes_near_the_optimum(c):
    random = np.random.default_rng(1)
    read = random.integers(0, 40, (600, 4)).astype(np.int32) + 40 * np.arange(4, dtype=np.int32)
    weights = random.normal(0, 1.5, (160, 3))
    tags = np.array([random.choice(3, p=np.exp(s) / np.exp(s).sum()) for s in weights[read].sum(axis=1)])
    matrix = csr_matrix((np.ones(read.size), read.ravel(), np.arange(0, read.size + 1, 4)), (600, tagger.COLUMNS))
    known = LogisticRegression(C=c, fit_intercept=False, max_iter=2000).fit(matrix[:, :160], tags)

    def objective(found):
        scores = found[read].sum(axis=1)
        losses = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(600), tags]
        return losses.sum() + (found**2).sum() / (2 * c)

    fitted = tagger.Tagger.fit(read, tags, c, 40, np.ones(600))
    optimum, start = objective(known.coef_.T), objective(np.zeros((160, 3)))
    assert objective(fitted.weights[:160]) - optimum < 0.05 * (start - optimum)
    assert tagger.columns_of(matrix).tolist() == read.tolist()
    chances = fitted.probabilities(read, 5)
    assert np.allclose(chances.sum(axis=1), 1)
    assert (chances[:, 3:] == 0).all()


def table(rows: slice, split: str) -> pa.Table:
    numbers = range(50)[rows]
    return pa.table(
        {
            "id": [f"{number:04}" for number in numbers],
            "group": [f"g{number}" for number in numbers],
            "split": [split] * len(numbers),
            "text": [TEXTS[number] for number in numbers],
            "label": [LABELS[number] for number in numbers],
            "label_origin": ["given"] * len(numbers),
            "weight": [1.0] * len(numbers),
        }
    )


def test_the_baseline_predicts_chooses_c_and_measures_the_gazetteer_beside_it(monkeypatch):
    training, dev = table(slice(0, 30), "train"), table(slice(30, 50), "dev")
    predicted, measured = stage.baseline(training, dev, TASK, stage.Params())
    assert measured["dev_entity_f1"] == f1(predicted["label"].to_pylist(), predicted["predicted"].to_pylist()) > 0.95
    assert measured["dev_entity_f1_of_mentions"] > 0.95
    assert measured["dev_log_loss"] == baseline.loss(TASK, predicted)
    assert metrics.measure(TASK, predicted, 10)["entity_f1"] == measured["dev_entity_f1"]
    assert stage.baseline(training, dev, TASK, stage.Params())[0].equals(predicted)
    monkeypatch.setattr(baseline, "MOST_WORDS", 30)  # of the first two rows
    assert stage.baseline(training, dev, TASK, stage.Params())[1]["dev_entity_f1"] < measured["dev_entity_f1"]
    with pytest.raises(UserError, match="hold no words"):
        stage.baseline(training.set_column(3, "text", pa.array([""] * 30)), dev, TASK, stage.Params())
