"""A job of fine-tuning on sentences whose one telling word says whether they are of a COLOUR or an ANIMAL."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests import predicted, tiny_encoder
from tests.conftest import make_rows
from winnow.encoder import models
from winnow.encoder.compute import Compute, start
from winnow.kinds.classification import model
from winnow.kinds.job import Job
from winnow.rows import tables
from winnow.training.finetuning import Recipe

COLOURS, ANIMALS = ["red", "green", "blue", "white"], ["cat", "dog", "horse", "mouse"]
FILLER = ["the", "a", "one", "sees", "and", "here", "there", "old", "new"]
LABELS = ["COLOUR", "ANIMAL"]
RECIPE = {
    **{"epochs": 8, "batch_tokens": 128, "learning_rate": 1e-2, "head_learning_rate": 1e-2},
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
            task=predicted.task(LABELS),
            rows=tables.set_column(training, "weight", [1.0] * len(rows), tables.ROW.field("label_confidence").type),
            dev=make_rows(list(dev)).select(["id", "group", "text", "label"]),
            auxiliary=make_rows(list(auxiliary), ("kind",)).select(["id", "group", "text", "aux_kind"]),
            folder=encoder_folder,
            max_length=16,
            recipe=Recipe(**RECIPE | changes),
            patience=patience,
            seed=1,
            accelerator=start(Compute(threads=1, device="cpu", precision="fp32"), 1),
        )

    return make


def predicted_by(job: Job, trained, rows: list[dict], folder: Path) -> pa.Table:
    """Return the predictions of rows by a classifier that was saved into a folder and loaded."""
    reader, table = replace(job.reader, folder=folder), make_rows(rows)
    models.save(trained.model, job.folder, folder, trained.add)
    classifier = job.accelerator.prepare(model.load(job.task, folder)).eval()
    table = tables.set_column(table, "split", ["test"] * len(rows), pa.string())
    return model.predictor(job.task, table, reader)(classifier)


@pytest.fixture
def accuracy(tmp_path):
    """Return a function that gives the share of labelled rows that a trained classifier has right."""

    def measure(job: Job, trained, rows: list[dict]) -> float:
        predictions = predicted_by(job, trained, rows, tmp_path / "classifier")
        return float(pc.mean(pc.equal(predictions["label"], predictions["predicted"]).cast(pa.float64())).as_py())

    return measure
