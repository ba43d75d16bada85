import math

import numpy as np
import pyarrow as pa
import pytest

from winnow.kinds.generation import baseline, fast, metrics, predictions
from winnow.kinds.generation.labels import Task
from winnow.text import dialogue

TASK = Task(kind="generation")
# (predicted, given, chrF2): what sacreBLEU 2.5 says, in hundredths, of each pair alone.
PAIRS = [
    ("The dog bit the man.", "The dog had bit the man.", 67.64711450656517),
    ("It wasn't surprising.", "It was not unexpected.", 24.73801947679657),
    ("The man had just bitten him.", "The man bit him first.", 34.84006733201161),
    ("", "Nothing.", 0.0),
    ("a", "b", 0.0),
    ("日本語の 文", "日本語 の文章", 75.37154989384288),
    ("ab", "abcdefgh", 23.404255319148938),
    ("Effects of  warfarin", "Effects of warfarin", 100.0),
]
ALL = 49.61805182459679  # of all of them as one corpus


def table(pairs, **own) -> pa.Table:
    names = [str(number) for number in range(len(pairs))]
    predicted, given = ([pair[place] for pair in pairs] for place in (0, 1))
    columns = {"id": names, "group": names, "split": ["dev"] * len(pairs), "label": given, "predicted": predicted}
    return pa.table(columns | own)


def measured(rows: pa.Table) -> dict:
    return metrics.measure(TASK, rows, 10)


@pytest.mark.parametrize("pair", PAIRS)
def test_chrf_of_a_pair_is_sacrebleu_s(pair):
    assert measured(table([pair]))["chrf"] == pytest.approx(pair[2] / 100)


def test_counts_of_parts_add_up_to_those_of_a_corpus():
    rows = table(PAIRS)
    counts = metrics.counts(TASK, rows, np.arange(len(PAIRS)) % 3, 3)
    assert metrics.values(counts.sum(axis=0))["chrf"] == pytest.approx(ALL / 100)
    assert measured(rows)["chrf"] == pytest.approx(ALL / 100)


def test_rouge_l_is_that_of_the_longest_common_words():
    # 10 / 11: five of five and of six words; 6 / 11: three of six and of five.
    assert metrics.rouge_l(*PAIRS[0][:2]) == pytest.approx(10 / 11)
    assert metrics.rouge_l(*PAIRS[2][:2]) == pytest.approx(6 / 11)
    assert metrics.rouge_l("", "b") == 0


def test_exact_matches_are_of_whole_responses():
    assert measured(table([("Emma.\n", "Emma."), ("emma.", "Emma.")]))["exact_match"] == 0.5


def test_loss_is_told_a_byte_of_the_rows_where_it_is_known():
    rows = table([("a", "übel"), ("b", "b"), ("c", "c")], loss=pa.array([10.0, None, 2.0]), stopped=[True, False, True])
    found = measured(rows)
    assert found["loss_per_byte"] == pytest.approx(12 / 6)
    assert found["rows_without_loss"] == 1
    assert found["stop_rate"] == pytest.approx(2 / 3)


def test_without_a_loss_none_is_told():
    assert "loss_per_byte" not in measured(table(PAIRS))
    assert math.isnan(metrics.values(metrics.counts(TASK, table(PAIRS), np.zeros(8, int), 1))["loss_per_byte"][0])


def test_an_answer_s_confidence_is_the_mean_probability_of_its_tokens():
    rows = table(PAIRS[:2], predicted_loss=[math.log(2) * 3, 0.0], predicted_tokens=[3, 0])
    np.testing.assert_allclose(predictions.confidence(TASK, rows), [0.5, 1.0])


def test_the_baseline_takes_the_response_of_the_nearest_prompt():
    from winnow.text import tfidf

    training = pa.table({"text": ["red apples", "blue boats", "an old gate"], "label": ["1", "2", "3"]})
    rows = table([(None, "2"), (None, "3")]).drop_columns(["predicted"])
    vectorizer, learnt = tfidf.features(training["text"].to_pylist(), 2, 100)
    asked = vectorizer.transform(["boats are blue", "gate"])
    found = baseline.predictor(TASK, training, rows, (learnt, asked))(1.0)
    assert found["predicted"].to_pylist() == ["2", "3"]
    assert baseline.loss(TASK, found) == 0


def test_a_first_sentence_is_the_last_user_s():
    text = "<|system|>\nBe brief. Be kind.\n<|user|>\nWhich book? I want one.\nThe last."
    rows = table([(None, "x")]).drop_columns(["predicted"]).append_column("text", [[text]])
    found = baseline.plain(TASK, rows, rows)
    assert found["first_sentence"]["predicted"].to_pylist() == ["Which book?"]
    assert found["last_sentence"]["predicted"].to_pylist() == ["The last."]


def test_the_fast_learner_adds_the_similarities_of_its_arms():
    texts = ["red apples", "blue boats", "an old gate", "boats are blue"]
    vectors = np.array([[1.0, 0], [0, 2.0], [0.1, 0.1], [3.0, 3.0]])
    learner = fast.Learner(TASK, texts, vectors, np.array([True, True, True, False]), {"probe": 1.0, "tfidf": 1.0})
    labels = np.array(["1", "2", "3"], dtype=object)
    assert learner.predict(np.arange(3), labels, np.array([3])).tolist() == ["2"]
    assert learner.predict(np.arange(0), labels[:0], np.array([3])).tolist() == [""]
    words = fast.Learner(TASK, texts, vectors, np.array([True, True, True, False]), {"tfidf": 1.0})
    assert words.predict(np.array([0, 2]), labels[[0, 2]], np.array([3])).tolist() == ["1"]  # the first of equals


def test_calls_are_compared_without_ids_and_whatever_the_order_of_their_arguments():
    given = dialogue.response("I look.", '[{"name":"due","arguments":{"b":1,"a":{"d":2,"c":[3]}},"id":"x9"}]')
    same = dialogue.response("I look.", '[{"arguments":{"a":{"c":[3],"d":2},"b":1},"name":"due"}]')
    other = dialogue.response("I look.", '[{"name":"due","arguments":{"b":2,"a":{"d":2,"c":[3]}}}]')
    broken = dialogue.response("I look.", "[{")
    found = measured(table([(same, given)]))
    assert (found["exact_match"], found["chrf"], found["rouge_l"]) == (1, pytest.approx(1), 1)
    assert measured(table([(given, given)]))["exact_match"] == 1
    assert measured(table([(broken, broken)]))["exact_match"] == 1
    for wrong in (other, broken, "I look."):
        found = measured(table([(wrong, given)]))
        assert found["exact_match"] == 0
        assert 0 < found["chrf"] < 1
