"""An encoder learns sets of labels, and its folder gives the same probabilities in transformers' pipeline."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from stages.finetune import transfer
from tests import tiny_encoder
from tests.conftest import make_rows
from winnow import kinds
from winnow.base.errors import UserError
from winnow.encoder import models
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds import members as recipes
from winnow.kinds.job import Job
from winnow.kinds.multilabel import graph, members, model, predictions, served, thresholds
from winnow.kinds.multilabel.labels import Task
from winnow.rows import tables
from winnow.training.finetuning import Recipe

NAMES = ["red", "cat", "here"]
TASK = Task(kind="multilabel", labels=NAMES)
RECIPE = {
    **{"epochs": 12, "batch_tokens": 128, "learning_rate": 1e-2, "head_learning_rate": 1e-2},
    **{"warmup_share": 0.1, "weight_decay": 0.01, "label_smoothing": 0.0, "dropout": 0.0},
    **{"freeze_embeddings": False, "frozen_layers": 0},
}
SETS = [[name for place, name in enumerate(NAMES) if number >> place & 1] for number in range(8)] * 6
TEXTS = [f"the old {' '.join(names)} one{' sees' * (number // 8)}" for number, names in enumerate(SETS)]
ROWS = [
    {"text": text, "label": TASK.check(repr(names), ""), "source_key": str(number)}
    for number, (text, names) in enumerate(zip(TEXTS, SETS, strict=True))
]


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    tiny_encoder.write(folder, ["the", "old", "one", "sees", *NAMES])
    return folder


@pytest.fixture(scope="module")
def accelerator():
    return start(Compute(threads=1, device="cpu", precision="fp32"), 1)


@pytest.fixture(scope="module")
def folder(encoder_folder, accelerator, tmp_path_factory):
    """A trained model's folder."""
    rows = make_rows(ROWS).select(["id", "group", "text", "label"]).sort_by("id")
    weighed = tables.set_column(rows, "weight", [1.0] * len(ROWS), pa.float64())
    job = Job(TASK, weighed, rows.slice(0, 0), rows, encoder_folder, 16, Recipe(**RECIPE), None, 1, accelerator)
    trained = transfer.train(job, transfer.Settings())
    into = tmp_path_factory.mktemp("model") / "transfer-base-1"
    models.save(trained.model, encoder_folder, into, job.reader.save)
    kinds.save_task(TASK, into)
    served.accompany(into, 16)
    return into


@pytest.fixture(scope="module")
def told(folder, accelerator):
    """Predictions of the rows by the saved model, in their order."""
    rows = tables.set_column(make_rows(ROWS).sort_by("id"), "split", ["test"] * len(ROWS), pa.string())
    loaded = accelerator.prepare(model.load(TASK, folder)).eval()
    return rows, model.predictor(TASK, rows, Reader.load(folder, 128, accelerator))(loaded)


def test_it_learns_which_words_stand_in_a_text(told):
    rows, predicted = told
    right = np.array(predicted["predicted"].to_pylist()) == np.array(rows["label"].to_pylist())
    assert right.mean() > 0.8


def test_transformers_pipeline_gives_the_probabilities_of_evaluate(folder, told):
    from transformers import pipeline

    rows, predicted = told
    classify = pipeline("text-classification", str(folder), trust_remote_code=True, device="cpu")
    wanted = predictions.chances(TASK, predicted)
    for options in ({"function_to_apply": "sigmoid"}, {}):
        said = classify(rows["text"].to_pylist(), top_k=None, batch_size=5, **options)
        found = [[{each["label"]: each["score"] for each in own}[name] for name in NAMES] for own in said]
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_thresholds_of_a_folder_cut_rows_without_a_label(folder, told, accelerator, tmp_path):
    rows, predicted = told
    loaded = accelerator.prepare(model.load(TASK, folder)).eval()
    reader = replace(Reader.load(folder, 128, accelerator), folder=tmp_path)
    thresholds.write(tmp_path, TASK, [2.0, 0.5, -1.0])
    found = model.predictor(TASK, rows, reader)(loaded)
    sets = TASK.matrix(found["predicted"].to_pylist())
    assert not sets[:, 0].any()
    assert sets[:, 2].all()
    assert found["p_cat"].equals(predicted["p_cat"])


def test_a_graph_is_asked_as_the_model_is(folder, told, accelerator):
    import torch

    rows, predicted = told
    asked = graph.module(TASK, folder)

    def run(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return asked(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()

    found = model.predictor(TASK, rows, Reader.load(folder, 128, accelerator))(graph.wrapped(TASK, run))
    np.testing.assert_allclose(predictions.chances(TASK, found), predictions.chances(TASK, predicted), atol=1e-5)


def test_a_folder_of_other_labels_is_one_line(folder):
    with pytest.raises(UserError, match="was trained for another task, with red, cat, here; run `dvc repro finetune`"):
        model.load(Task(kind="multilabel", labels=["cat", "red", "here"]), folder)


@pytest.mark.parametrize("changes", [{}, {"label_smoothing": 0.1}, {"focal_gamma": 2.0}])
def test_the_loss_is_the_weighted_mean_of_binary_cross_entropy(changes):
    import torch

    class Fixed(torch.nn.Module):
        def forward(self, input_ids, attention_mask):
            logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
            return type("Out", (), {"logits": logits.unsqueeze(1).expand(-1, input_ids.shape[1], -1)})

    reader = type("R", (), {"device": "cpu", "pad": lambda self, rows: (torch.ones(2, 4).long(), torch.ones(2, 4))})()
    truth, weights = np.array([[True, False, True], [False, True, True]]), np.array([1.0, 3.0])
    texts = type("T", (), {"tokens": [[1], [1]]})
    recipe = Recipe(**RECIPE | changes)
    loss, weighs = model.set_losses(texts, truth, weights, recipe, reader)(Fixed(), type("B", (), {"rows": [0, 1]}))
    p = 1 / (1 + np.exp(-np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])))
    target = truth * (1 - recipe.label_smoothing) + recipe.label_smoothing / 2
    each = -(target * np.log(p) + (1 - target) * np.log(1 - p))
    each *= np.where(truth, 1 - p, p) ** recipe.focal_gamma
    assert float(loss) == pytest.approx((each.mean(axis=1) * weights).sum() / 4, rel=1e-5)
    assert float(weighs) == 4


def test_the_fine_tuned_member_scores_sets_out_of_fold(encoder_folder, accelerator):
    recipe = recipes.Recipe(**RECIPE | {"seeds": [1], "epochs": 24})
    member = members.FineTuned(Reader.of(encoder_folder, 16, 128, accelerator), TEXTS, recipe)
    labels = np.array([row["label"] for row in ROWS], dtype=object)
    found = members.score(TASK, {"finetune": member}, labels, np.arange(len(ROWS)) // 8 % 2)
    assert found.measure(np.ones(len(ROWS), bool))["micro_f1"] > 0.7
