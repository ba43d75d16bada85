"""Beside tags, an encoder learns hidden words or classes of texts; what is kept are the tags' outputs."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tests import tiny_encoder
from winnow.base.errors import UserError
from winnow.encoder.compute import Compute, start
from winnow.kinds.job import Job
from winnow.kinds.token_classification import metrics, model, multitask
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.rows import tables
from winnow.training.finetuning import Recipe

TASK = Task(kind="token_classification", labels=["drug"])
RECIPE = Recipe(
    **{"epochs": 6, "batch_tokens": 96, "learning_rate": 1e-2, "head_learning_rate": 1e-2},
    **{"freeze_embeddings": False, "frozen_layers": 0},
)
WORDS = ["the", "old", "man", "took", "aspirin", "codeine", "tea", "for", "days"]


def made(number: int) -> dict:
    """A text longer than a window, with a drug at its end or without one."""
    said = " ".join(WORDS[(number + step) % 4] for step in range(12 + number % 7))
    drug = ["aspirin", "codeine", "tea"][number % 3]
    text, start = f"{said} {drug}", len(said) + 1
    label = canonical([(start, start + len(drug), "drug")] if drug != "tea" else [])
    own = {"id": f"{number:03}", "group": f"{number:03}", "text": text, "label": label}
    return own | {"weight": 1.0, "aux_length": "long" if number % 7 > 3 else "short"}


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    tiny_encoder.write(folder, WORDS)
    rows = pa.Table.from_pylist([made(number) for number in range(42)])
    accelerator = start(Compute(threads=1, device="cpu", precision="fp32"), 1)
    return Job(TASK, rows, rows, rows, folder, 12, RECIPE, None, 1, accelerator)


@pytest.mark.parametrize(
    "changes", [{"masked_lm": True, "tasks": []}, {"min_rows": 3, "weighting": "uncertainty"}], ids=["words", "classes"]
)
def test_tags_are_learnt_beside_another_task_and_their_outputs_kept(job, changes):
    trained = multitask.train(replace(job, patience=9), multitask.Settings(**changes))
    assert list(trained.model.config.id2label.values()) == TASK.tags
    rows = tables.set_column(job.dev, "split", ["dev"] * job.dev.num_rows, pa.string())
    predict = model.predictor(TASK, rows, job.reader)
    predicted = predict(job.accelerator.prepare(trained.model).eval())
    counts = metrics.counts(TASK, predicted, np.zeros(rows.num_rows, dtype=int), 1)
    assert metrics.values(counts)["entity_f1"][0] > 0.8


def test_no_further_task_is_one_clear_line(job):
    rows = job.auxiliary.drop_columns("aux_length")
    with pytest.raises(UserError, match="multitask needs a further task"):
        multitask.train(replace(job, auxiliary=rows), multitask.Settings())
