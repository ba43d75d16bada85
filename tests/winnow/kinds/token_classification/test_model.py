"""An encoder learns spans, in long texts too, and its folder gives them in transformers' pipeline."""

import random

import numpy as np
import pyarrow as pa
import pytest

from stages.finetune import transfer
from tests import tiny_encoder
from winnow import kinds
from winnow.base.errors import UserError
from winnow.encoder import models
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.job import Job
from winnow.kinds.token_classification import ensemble, graph, model, predictions, served
from winnow.kinds.token_classification.labels import Task, canonical, spans
from winnow.training.finetuning import Recipe

TASK = Task(kind="token_classification", labels=["drug", "ill"])
RECIPE = Recipe(
    **{"epochs": 10, "batch_tokens": 128, "learning_rate": 1e-2, "head_learning_rate": 1e-2},
    **{"warmup_share": 0.1, "weight_decay": 0.01, "label_smoothing": 0.0, "dropout": 0.0},
    **{"freeze_embeddings": False, "frozen_layers": 0},
)
DRUGS = ["aspirin", "cafe\u0301ine", "أسبرين", "💊👨‍👩‍👧", "paracetamol"]
ILLS = ["flu", "bad flu", "صُدَاع", "🤒"]
OTHER = ["the", "old", "man", "took", "for", "و", "🙂", "na\u0308ive", ",", "then"]
LENGTH = 24  # tokens of a window


def made(seed: int, count: int) -> tuple[str, str]:
    """A text of so many words, and its label."""
    draw, text, found = random.Random(seed), "", []
    for _ in range(count):
        name = draw.choices([None, "drug", "ill"], [6, 2, 2])[0]
        word = draw.choice({None: OTHER, "drug": DRUGS, "ill": ILLS}[name])
        text += draw.choice(["", " ", "  "]) if text and word in ",🙂🤒" else " " * bool(text)
        found += [(len(text), len(text) + len(word), name)] if name else []
        text += word
    return text, canonical(found)


def rows(of: list[tuple[str, str]], split: str) -> pa.Table:
    names = [f"{number:04}" for number in range(len(of))]
    texts, labels = zip(*of, strict=True)
    told = {"id": names, "group": names, "split": [split] * len(of), "text": texts, "label": labels}
    return pa.table(told | {"weight": [1.0] * len(of)})


TRAIN = rows([made(number, 3 + number % 30) for number in range(60)], "train")
TEST = rows([made(1000 + number, 2 + number) for number in range(60)] + [("\u200b", "[]"), ("x" * 400, "[]")], "test")


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory):
    """A tiny BERT whose tokenizer keeps case and marks, makes pieces of words, and drops the joiners of emoji."""
    from transformers import BertTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    signs = sorted({sign for word in [*DRUGS, *ILLS, *OTHER] for sign in word if not sign.isascii()})
    whole = ["the", "old", "man", "took", "for", ",", "then", "bad", "flu", "asp", "##irin", "para", "##cetamol"]
    parts = ["cafe", "##ine", "na", "##ive", *signs, *(f"##{sign}" for sign in signs)]
    tiny_encoder.write(folder, whole + parts)
    known = {word: number for number, word in enumerate([*tiny_encoder.SPECIAL, *whole, *parts])}
    BertTokenizerFast(vocab=known, do_lower_case=False, strip_accents=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def accelerator():
    return start(Compute(threads=1, device="cpu", precision="fp32"), 1)


@pytest.fixture(scope="module")
def folder(encoder_folder, accelerator, tmp_path_factory):
    """A trained model's folder."""
    dev = TRAIN.slice(0, 0)
    reader = Reader.of(encoder_folder, LENGTH, 128, accelerator)
    task = model.settled(TASK, TRAIN, reader)
    assert task.aggregation == "simple"  # of 💊👨‍👩‍👧 the tokenizer makes pieces that are no words to the pipeline
    job = Job(task, TRAIN, dev, TRAIN, encoder_folder, LENGTH, RECIPE, None, 1, accelerator)
    trained = transfer.train(job, transfer.Settings())
    into = tmp_path_factory.mktemp("model") / "transfer-base-1"
    models.save(trained.model, encoder_folder, into, job.reader.save)
    kinds.save_task(task, into)
    served.accompany(into, LENGTH)
    return into


@pytest.fixture(scope="module")
def told(folder, accelerator):
    """Predictions of the test rows by the saved model."""
    loaded = accelerator.prepare(model.load(TASK, folder)).eval()
    return model.predictor(TASK, TEST, Reader.load(folder, 128, accelerator))(loaded)


def score(predicted: pa.Table) -> float:
    """F1 of exact spans."""
    truth = [{(row, *span) for span in spans(label)} for row, label in enumerate(predicted["label"].to_pylist())]
    found = [{(row, *span) for span in spans(label)} for row, label in enumerate(predicted["predicted"].to_pylist())]
    truth, found = set().union(*truth), set().union(*found)
    return 2 * len(truth & found) / (len(truth) + len(found))


def test_it_learns_spans_in_texts_longer_than_a_window(told):
    assert score(told) > 0.75
    ends = [max((end for _, end, _ in spans(label)), default=0) for label in told["predicted"].to_pylist()]
    assert max(ends) > 300  # characters; a window ends near 120


def test_transformers_pipeline_gives_the_spans_of_evaluate(folder, told):
    names: dict = {}
    exec(served.example(folder).replace("this/folder", str(folder)), names)  # what the model's card tells people
    find, entities = names["find"], 0
    for text, label, sure, own in zip(
        TEST["text"].to_pylist(),
        told["predicted"].to_pylist(),
        told["confidence"].to_pylist(),
        find(TEST["text"].to_pylist(), batch_size=8),
        strict=True,
    ):
        assert [[each["start"], each["end"], each["entity_group"]] for each in own] == list(map(list, spans(label))), (
            text
        )
        assert [each["score"] for each in own] == pytest.approx(sure, abs=1e-5)
        entities += len(own)
    assert entities > 500


def test_the_pipeline_without_stride_gives_the_same_of_texts_that_a_window_holds(folder, told):
    from transformers import pipeline

    find = pipeline(served.TASK, str(folder), aggregation_strategy="first", device="cpu")
    for text, label in list(zip(TEST["text"].to_pylist(), told["predicted"].to_pylist(), strict=True))[:9]:
        found = [(each["start"], each["end"], each["entity_group"]) for each in find(text)]
        assert canonical(found) == label


def test_a_graph_is_asked_as_the_model_is(folder, told, accelerator):
    import torch

    asked = graph.module(TASK, folder)

    def run(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return asked(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()

    found = model.predictor(TASK, TEST, Reader.load(folder, 128, accelerator))(graph.wrapped(TASK, run))
    assert found["predicted"].equals(told["predicted"])


def test_a_folder_of_other_labels_is_one_line(folder):
    with pytest.raises(UserError, match=r"was trained for another task, with O, B-drug, .*; run `dvc repro finetune`"):
        model.load(Task(kind="token_classification", labels=["ill", "drug"]), folder)


def test_the_mean_of_equal_models_says_what_one_says_by_words(told):
    mean = ensemble.mean(TASK, [told, told])
    assert score(mean) > score(told) - 0.05  # they differ where a model is unsure within a word
    of_one, of_two = (predictions.told(TASK, each) for each in (told, mean))
    for one, two in zip(of_one, of_two, strict=True):
        assert one.numbers.tolist() == two.numbers.tolist()
        np.testing.assert_allclose(one.chances, two.chances, atol=1e-6)
    sure = predictions.confidence(TASK, mean)
    assert ((sure > 0) & (sure <= 1)).all()


def test_a_mean_takes_the_likelier_tag_and_keeps_words_apart_that_are_not_neighbours():
    def run(p: list[list[float]], numbers: list[int]) -> pa.Table:
        places = [[number, 3 * number, 3 * number + 2] for number in numbers]
        said = predictions.Told(np.array(numbers), np.array(places)[:, 1:], np.array(p))
        return predictions.table(TASK, rows([("ab cd ef gh", "[]")], "test"), [[]], [said])

    one = run([[0.1, 0.9, 0, 0, 0], [0.2, 0, 0.8, 0, 0], [0.3, 0, 0.7, 0, 0]], [0, 1, 3])
    other = run([[0.6, 0.4, 0, 0, 0], [0.7, 0, 0.3, 0, 0], [0.5, 0, 0.5, 0, 0]], [0, 2, 3])
    found = ensemble.mean(TASK, [one, other])
    assert found["predicted"].to_pylist() == ['[[0,2,"drug"],[9,11,"drug"]]']  # the second word: 0.6 outside
    np.testing.assert_allclose(found["confidence"].to_pylist()[0], [0.65, 0.6], atol=1e-6)
    assert predictions.confidence(TASK, found)[0] == pytest.approx(0.6)
