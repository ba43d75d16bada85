"""A classifier's folder in transformers' pipeline: the labels and probabilities that evaluate counts."""

import numpy as np
import pytest

from stages.finetune import transfer
from tests.conftest import make_rows
from tests.winnow.kinds.classification.conftest import FILLER, LABELS, predicted_by, sentences
from winnow.base.errors import UserError
from winnow.kinds.classification import examples, few_shot, served
from winnow.kinds.classification.predictions import chances

# The last one is longer than what the model reads.
ROWS = [*sentences(4, 12), {"text": " ".join([*FILLER * 3, "red"]), "label": LABELS[0], "source_key": "long"}]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "classifier"


@pytest.fixture
def known(make_job, folder):
    """Train a classifier into `folder`; return the probabilities of ROWS in the order of their texts, as evaluate's."""
    job = make_job(sentences(2, 16), epochs=2)
    table = predicted_by(job, transfer.train(job, transfer.Settings()), ROWS, folder)
    served.accompany(folder, job.max_length)
    return dict(zip(table["id"].to_pylist(), chances(job.task, table), strict=True))


def told(classify, **named) -> np.ndarray:
    """Return a pipeline's probabilities of ROWS, (rows, labels)."""
    answers = classify([row["text"] for row in ROWS], top_k=None, **named)
    return np.array([[{each["label"]: each["score"] for each in own}[label] for label in LABELS] for own in answers])


def by_remote_code(folder):
    from transformers import pipeline

    return pipeline("text-classification", str(folder), trust_remote_code=True)


@pytest.mark.parametrize("load", [served.load, by_remote_code])
def test_it_gives_the_labels_and_probabilities_of_evaluate(folder, known, load):
    ids = make_rows(ROWS)["id"].to_pylist()
    expected, classify = np.array([known[id] for id in ids]), load(folder)
    for batch_size in (1, 5):
        found = told(classify, batch_size=batch_size)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()
    assert classify(ROWS[0]["text"])[0]["label"] == LABELS[expected[0].argmax()]


@pytest.mark.usefixtures("known")
def test_no_untrained_layer_answers_where_its_code_is_not_trusted(folder):
    from transformers import pipeline

    with pytest.raises(ValueError, match="trust_remote_code"):
        pipeline("text-classification", str(folder))


def test_what_is_no_classifier_or_reads_examples_is_refused(make_job, tmp_path, folder):
    with pytest.raises(UserError, match="no classifier of the stage finetune"):
        served.load(tmp_path)
    job = make_job(sentences(2, 8), epochs=1)
    trained = few_shot.train(job, few_shot.Settings(method="classify", examples=1, example_tokens=6))
    predicted_by(job, trained, ROWS[:2], folder)
    served.accompany(folder, job.max_length)
    assert (folder / examples.FILE).exists()
    with pytest.raises(UserError, match="reads labelled examples beside the text"):
        served.load(folder)
    with pytest.raises(ValueError, match="reads labelled examples beside the text"):
        by_remote_code(folder)
