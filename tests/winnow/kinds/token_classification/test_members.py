"""Tags of words are learnt out of fold, from states of a frozen encoder, from words, and by an encoder trained anew."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import tiny_encoder
from winnow.base.errors import UserError
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.members import Inputs, Recipe
from winnow.kinds.token_classification import columns, features, members, states, words
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.kinds.token_classification.layout import Layout

TASK = Task(kind="token_classification", labels=["drug", "ill"])
DRUGS, ILLS, REST = ("mintol", "carbol", "zentol"), ("fluitis", "colditis"), ("the", "patient", "took", "had", "of")


def corpus(rows: int, seed: int = 1) -> tuple[list[str], np.ndarray]:
    """Texts with drugs and illnesses, which their endings tell, and their labels; the first row has no label."""
    random = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(rows):
        text, found = "", []
        for _ in range(int(random.integers(3, 12))):
            kind = int(random.integers(6))
            word = str(random.choice(DRUGS if kind == 0 else ILLS if kind == 1 else REST))
            text += " " if text else ""
            if kind < 2:
                found.append((len(text), len(text) + len(word), TASK.labels[kind]))
            text += word
        texts.append(text)
        labels.append(canonical(found))
    return texts, np.array([None, *labels[1:]], dtype=object)


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Reader:
    folder = tmp_path_factory.mktemp("encoder")
    tiny_encoder.write(folder, [*DRUGS, *ILLS, *REST])
    return Reader.of(folder, 8, 64, start(Compute(threads=1, device="cpu", precision="fp32"), 1))


def test_words_and_states_tell_tags_out_of_fold_and_come_back_from_the_table(reader):
    texts, labels = corpus(90)
    inputs = Inputs([], texts, lambda: pytest.fail("no embeddings are asked for"), lambda: reader, list, 0)
    ensemble = {"probe": members.Probe.of(inputs, 1.0), "words": members.Words(texts, 10.0)}
    found = members.score(TASK, ensemble, labels, np.arange(90) % 3)
    measured = found.measure(np.ones(90, bool))
    assert measured["rows"] == 89
    assert measured["entity_f1"] > 0.9
    assert min(own["entity_f1"] for own in measured["members"].values()) > 0.8
    table = pa.table({"id": [str(row) for row in range(90)]} | found.columns())
    assert columns.models(table) == ["probe", "words"]
    layout = Layout.of(table["text"].to_pylist())
    assert columns.read(TASK, table, "scores.parquet", layout) == pytest.approx(found.mean)
    new = members.predict(TASK, ensemble, labels, np.arange(90) < 1)
    assert new.texts == texts[:1]
    np.testing.assert_allclose(new.mean.sum(axis=1), 1, atol=1e-5)
    assert members.predict(TASK, ensemble, labels, np.zeros(90, bool)).mean.shape == (0, 5)


def test_no_row_teaches_what_is_said_of_itself(reader):
    texts, labels = corpus(30)
    folds = np.arange(30) % 3
    layout = Layout.of(texts)
    for member in (
        members.Probe(texts, layout, states.of_words(reader, texts, layout, 1.0), 1.0),
        members.Words(texts, 10.0),
    ):
        before = members.score(TASK, {"one": member}, labels, folds).mean
        other = np.where(folds == 1, "[]", labels)
        after = members.score(TASK, {"one": member}, other, folds).mean
        inside = folds[layout.row] == 1
        np.testing.assert_array_equal(before[inside], after[inside])
        assert (before[~inside] != after[~inside]).any()


def test_a_fine_tuned_encoder_tells_tags_of_long_texts(reader):
    texts, labels = corpus(24)
    recipe = Recipe(epochs=12, batch_tokens=64, learning_rate=1e-2, head_learning_rate=1e-2, frozen_layers=0, seeds=[1])
    member = members.FineTuned(reader, texts, recipe)
    found = members.score(TASK, {"finetune": member}, labels, np.arange(24) % 2)
    np.testing.assert_allclose(found.mean.sum(axis=1), 1, atol=1e-5)
    assert found.measure(np.ones(24, bool))["entity_f1"] > 0.5


def test_a_fold_outside_of_which_no_row_has_a_span_is_one_line():
    texts, labels = ["a b", "b a", "a a"], np.array(['[[0,1,"drug"]]', "[]", "[]"], dtype=object)
    with pytest.raises(UserError, match="fold 0: outside of it no labelled row has both"):
        members.score(TASK, {"words": members.Words(texts, 1.0)}, labels, np.array([0, 1, 1]))


def test_of_many_words_those_near_spans_are_read_first_and_the_others_weigh_more(monkeypatch):
    monkeypatch.setattr(members, "MOST_WORDS", 40)
    tags = np.zeros(400, dtype=int)
    tags[[50, 200, 201]] = 1, 1, 2
    chosen, weights = members._sample(np.arange(400), tags)
    assert set(range(48, 53)) | set(range(198, 204)) <= set(chosen.tolist())
    assert len(chosen) == 40
    assert weights.sum() == pytest.approx(400)
    assert (weights[np.isin(chosen, [50, 200, 201])] == 1).all()
    everywhere = np.tile([1, 0, 0, 0, 0, 0, 0, 0], 50)
    chosen, weights = members._sample(np.arange(400), everywhere)
    assert len(chosen) == len(set(chosen.tolist())) == 40
    assert weights.sum() == pytest.approx(400)
    beside = np.arange(400) % 8 <= 2
    assert (np.isin(chosen, np.flatnonzero(beside | (np.arange(400) % 8 >= 6)))).sum() == 30


@settings(max_examples=50)
@given(st.lists(st.text(), max_size=4))
def test_features_of_any_text_are_of_its_words_alone(texts):
    layout = Layout.of(texts)
    forms = features.Forms(texts, layout)
    every = forms.matrix(np.arange(len(layout.offsets)))
    for row, text in enumerate(texts):
        own = layout.own(row)
        assert layout.offsets[own].tolist() == words.offsets(text).tolist()
        alone = features.Forms([text], Layout.of([text])).matrix(np.arange(own.stop - own.start))
        assert (every[own] != alone).nnz == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(alphabet="ab \U0001f600é\u0301ก", max_size=30), min_size=1, max_size=3))
def test_states_of_any_text_are_one_a_word_whatever_stands_beside_it(reader, texts):
    layout = Layout.of(texts)
    found = states.of_words(reader, texts, layout, 1.0)
    assert found.shape[0] == len(layout.offsets)
    assert np.isfinite(found).all()


def test_a_row_with_other_words_or_numbers_than_its_text_is_one_line():
    layout = Layout.of(["one two", ""])
    table = pa.table({"id": ["a", "b"]} | columns.of(["one two", ""], layout, {"": np.full((2, 5), 0.2)}))
    assert columns.read(TASK, table, "s", layout).shape == (2, 5)
    with pytest.raises(UserError, match="column 'p' of row a is not of its words"):
        columns.read(TASK, table, "s", Layout.of(["one two three", ""]))
    with pytest.raises(UserError, match="column 'x_p' is missing"):
        columns.read(TASK, table, "s", layout, "x")
    wrong = pa.table({"id": ["a", "b"]} | columns.of(["one two", ""], layout, {"": np.full((2, 5), 1.5)}))
    with pytest.raises(UserError, match="of row a holds a number that is no probability"):
        columns.read(TASK, wrong, "s", layout)
