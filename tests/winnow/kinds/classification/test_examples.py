"""Examples in the input: which neighbours stand beside a text, and that the model reads their labels."""

from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import make_rows
from tests.winnow.kinds.classification.conftest import LABELS, predicted_by, sentences
from tests.winnow.kinds.classification.test_few_shot import settings
from winnow.base import files
from winnow.base.errors import UserError
from winnow.kinds.classification import examples, few_shot, head, predictions


def store_of(job, count: int = 3) -> examples.Store:
    return examples.build(job.rows, count, 8, job.reader)


def test_a_row_is_never_shown_itself_nor_a_row_of_its_group(make_job):
    rows = [row | {"group": f"paper-{number // 4}"} for number, row in enumerate(sentences(4, 24))]
    job = make_job(rows)
    store = store_of(job, 21)
    for row, near in zip(job.rows.to_pylist(), store.neighbours(job.rows, job.accelerator), strict=True):
        shown = [store.rows[place] for place in near]
        assert len(shown) == 20, "all the others"
        assert row["group"] not in {example["group"] for example in shown}
        assert row["id"] not in {example["id"] for example in shown}


def test_neighbours_are_the_nearest_by_cosine_and_only_rows_of_the_store(make_job, monkeypatch):
    monkeypatch.setattr(examples, "BLOCK", 5)
    job, asked = make_job(sentences(4, 24)), make_rows(sentences(4, 12, source="elsewhere", group="dev"))
    store = store_of(job)
    vectors = examples.unit_vectors(job.folder, asked["text"].to_pylist(), 16, job.accelerator)
    for vector, near in zip(vectors, store.neighbours(asked, job.accelerator), strict=True):
        assert near == np.argsort(-(store.vectors @ vector), kind="stable")[:3].tolist()
    assert {row["id"] for row in store.rows} == set(job.rows["id"].to_pylist())


def test_an_input_is_the_text_then_each_neighbour_with_its_label(make_job):
    job = make_job(sentences(4, 24))
    tokenizer, store = job.reader.tokenizer, store_of(job, 2)
    texts = store.inputs(job.rows, job.reader)
    near = store.neighbours(job.rows, job.accelerator)
    for text, ids, length, places in zip(job.rows["text"].to_pylist(), texts.tokens, texts.own, near, strict=True):
        shown = [f"{store.rows[place]['label'].lower()} : {store.rows[place]['text']}" for place in places]
        assert tokenizer.decode(ids) == f"[CLS] {text} [SEP] {shown[0]} [SEP] {shown[1]} [SEP]"
        assert tokenizer.decode(ids[:length]) == f"[CLS] {text} [SEP]"


def test_a_document_s_mean_is_over_its_own_tokens(make_job):
    import torch

    job = make_job(sentences(4, 8))
    model = head.build(job.folder, LABELS).eval()
    ids, mask = torch.tensor([[2, 5, 6, 3, 9, 3]]), torch.ones(1, 6, dtype=torch.int64)
    each = model(input_ids=ids, attention_mask=mask).logits[0]
    found = head.logits(model, ids, mask, torch.tensor([4]))
    torch.testing.assert_close(found[0], each[:4].mean(dim=0))


def test_the_model_reads_the_labels_of_the_examples(make_job, accuracy, tmp_path):
    job, rows = make_job(sentences(4, 64), epochs=12), sentences(4, 32, source="elsewhere")
    how = settings(method="classify", labels_per_class=None, examples=2)
    trained = few_shot.train(job, how)
    assert accuracy(job, trained, rows) > 0.9

    def chances(store, name: str) -> np.ndarray:
        found = predicted_by(job, replace(trained, add=store.save), rows, tmp_path / name)
        return predictions.chances(job.task, found)

    other, store = {"COLOUR": "ANIMAL", "ANIMAL": "COLOUR"}, examples.load(tmp_path / "classifier")
    swapped = replace(store, rows=[row | {"label": other[row["label"]]} for row in store.rows])
    # As logarithms, since a sure model's chances hardly move.
    assert np.abs(np.log(chances(swapped, "swapped")) - np.log(chances(store, "again"))).max() > 0.01


def test_a_saved_store_finds_the_same(make_job, tmp_path):
    job = make_job(sentences(4, 24))
    store = store_of(job)
    store.save(tmp_path)
    asked = make_rows(sentences(4, 12, source="elsewhere"))
    again = examples.load(tmp_path)
    assert again.folder == tmp_path / "retriever"
    one, two = store.inputs(asked, job.reader), again.inputs(asked, job.reader)
    assert one.tokens == two.tokens
    assert list(one.own) == list(two.own)
    assert files.sha256(tmp_path / "retriever/model.safetensors") == files.sha256(job.folder / "model.safetensors")
    assert examples.load(job.folder) is None


def test_a_damaged_store_and_too_long_an_input_are_named(make_job, tmp_path):
    job = make_job(sentences(4, 24))
    store = store_of(job, 20)
    with pytest.raises(UserError, match="16 tokens of a text and 20 examples of 8 are more than the 128"):
        store.inputs(job.rows, job.reader)
    store.save(tmp_path)
    (tmp_path / "examples.safetensors").write_bytes(b"no")
    with pytest.raises(UserError, match=r"no store of examples: .*; run `dvc repro finetune`"):
        examples.load(tmp_path)
