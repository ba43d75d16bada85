"""A job of fine-tuning on sentences whose one telling word says whether they are of a COLOUR or an ANIMAL."""

import pytest

from stages.finetune.approaches.job import Job
from tests import tiny_encoder
from tests.conftest import make_rows
from winnow.encoder.compute import Compute, start
from winnow.kinds.classification.finetuning import Recipe
from winnow.rows import tables

COLOURS, ANIMALS = ["red", "green", "blue", "white"], ["cat", "dog", "horse", "mouse"]
FILLER = ["the", "a", "one", "sees", "and", "here", "there", "old", "new"]
LABELS = ["COLOUR", "ANIMAL"]
RECIPE = {
    **{"epochs": 8, "max_length": 16, "batch_tokens": 128, "learning_rate": 1e-2, "head_learning_rate": 1e-2},
    **{"warmup_share": 0.1, "weight_decay": 0.01, "label_smoothing": 0.0, "dropout": 0.0},
    **{"freeze_embeddings": False, "frozen_layers": 0},
}


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    tiny_encoder.write(folder, [*COLOURS, *ANIMALS, *FILLER, "colour", "animal", ":"])
    return folder


def sentences(words: int, count: int, **more) -> list[dict]:
    """Return rows, every other of each label, with the first `words` telling words of each."""
    rows = []
    for number in range(count):
        filler = [FILLER[(number * step) % len(FILLER)] for step in (1, 2, 5)]
        word = (COLOURS, ANIMALS)[number % 2][(number // 2) % words]
        text = " ".join([*filler[:2], word, *filler[2:]])
        rows.append({"text": text, "label": LABELS[number % 2], "source_key": f"{text} {number}"} | more)
    return rows


@pytest.fixture
def make_job(encoder_folder):
    """Return a function that makes a job of rows, of auxiliary ones (with aux_kind) and of changes of the recipe."""

    def make(rows: list[dict], auxiliary: list[dict] = (), dev: list[dict] = (), patience=None, **changes) -> Job:
        training = make_rows(rows).select(["id", "group", "text", "label"]).sort_by("id")
        return Job(
            rows=tables.set_column(training, "weight", [1.0] * len(rows), tables.ROW.field("label_confidence").type),
            dev=make_rows(list(dev)).select(["id", "group", "text", "label"]),
            auxiliary=make_rows(list(auxiliary), ("kind",)).select(["id", "group", "text", "aux_kind"]),
            folder=encoder_folder,
            labels=LABELS,
            recipe=Recipe(**RECIPE | changes),
            patience=patience,
            seed=1,
            accelerator=start(Compute(threads=1, device="cpu", precision="fp32"), 1),
        )

    return make


@pytest.fixture
def accuracy():
    """Return a function that gives the share of labelled rows that a trained classifier has right."""
    from winnow.encoder import models
    from winnow.kinds.classification import head

    def measure(job: Job, trained, rows: list[dict]) -> float:
        tokenizer, table = models.load_tokenizer(job.folder), make_rows(rows)
        inputs = job.inputs(table, tokenizer, trained.store)
        arguments = (inputs.tokens, tokenizer.pad_token_id, 256, job.accelerator, inputs.own)
        return float((head.predict(trained.model, *arguments).argmax(axis=1) == inputs.truth).mean())

    return measure
