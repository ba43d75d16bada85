"""Beside sets of labels, an encoder learns hidden words or classes of texts; what is kept are the labels' outputs."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tests import tiny_encoder
from winnow.base.errors import UserError
from winnow.encoder.compute import Compute, start
from winnow.kinds.job import Job
from winnow.kinds.multilabel import metrics, model, multitask
from winnow.kinds.multilabel.labels import Task
from winnow.rows import tables
from winnow.training.finetuning import Recipe

NAMES = ["cat", "here", "red"]
TASK = Task(kind="multilabel", labels=NAMES)
RECIPE = Recipe(
    **{"epochs": 12, "batch_tokens": 128, "learning_rate": 1e-2, "head_learning_rate": 1e-2},
    **{"freeze_embeddings": False, "frozen_layers": 0},
)


def made(number: int) -> dict:
    names = [name for place, name in enumerate(NAMES) if number >> place & 1]
    text = f"the old {' '.join(names)} one{' sees' * (number // 8)}"
    row = {"id": f"{number:03}", "group": f"{number:03}", "text": text, "label": TASK.check(repr(names), "")}
    return row | {"weight": 1.0, "aux_length": "long" if number % 7 > 3 else "short"}


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    tiny_encoder.write(folder, ["the", "old", "one", "sees", *NAMES])
    rows = pa.Table.from_pylist([made(number) for number in range(48)])
    accelerator = start(Compute(threads=1, device="cpu", precision="fp32"), 1)
    return Job(TASK, rows, rows, rows, folder, 16, RECIPE, None, 1, accelerator)


@pytest.mark.parametrize(
    "changes", [{"masked_lm": True, "tasks": []}, {"min_rows": 3, "weighting": "uncertainty"}], ids=["words", "classes"]
)
def test_sets_are_learnt_beside_another_task_and_their_outputs_kept(job, changes, tmp_path):
    trained = multitask.train(replace(job, patience=11), multitask.Settings(**changes))
    trained.model.save_pretrained(tmp_path)
    kept = model.load(TASK, tmp_path)  # refuses other labels, and what is no model of sets
    rows = tables.set_column(job.dev, "split", ["dev"] * job.dev.num_rows, pa.string())
    predicted = model.predictor(TASK, rows, job.reader)(job.accelerator.prepare(kept).eval())
    counts = metrics.counts(TASK, predicted, np.zeros(rows.num_rows, dtype=int), 1)
    assert metrics.values(counts)["macro_f1"][0] > 0.9


def test_no_further_task_is_one_clear_line(job):
    rows = job.auxiliary.drop_columns("aux_length")
    with pytest.raises(UserError, match="multitask needs a further task"):
        multitask.train(replace(job, auxiliary=rows), multitask.Settings())
