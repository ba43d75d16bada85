"""Fine-tuning: what is computed once for all epochs, and which attention learns, change no result."""

import numpy as np
import pytest

from tests import tiny_encoder
from tests.conftest import forget_precision
from winnow.encoder import compute, models
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.classification import head
from winnow.kinds.classification.model import Labelled, class_losses
from winnow.training import finetuning, layer_cache
from winnow.training.finetuning import Texts

RECIPE = {
    **{"epochs": 4, "batch_tokens": 64, "learning_rate": 1e-2, "head_learning_rate": 1e-2},
    **{"warmup_share": 0.1, "weight_decay": 0.01, "label_smoothing": 0.0, "dropout": 0.0},
    **{"freeze_embeddings": True, "frozen_layers": 1},
}
TEXTS = [f"the {'old new'.split()[n // 2 % 2]} {'cat red'.split()[n % 2]}" + " here" * (n % 5) for n in range(60)]
TRUTH = np.arange(60) % 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    tiny_encoder.write(folder, "the old new cat red here".split())
    return folder


def learn(folder, precision="fp32", **changes):
    """Return the curve, and the model's probabilities of texts, of which it has not read the last."""
    import torch

    forget_precision()
    accelerator = start(Compute(threads=1, device="cpu", precision=precision), 1)
    recipe, reader = finetuning.Recipe(**RECIPE | changes), Reader.of(folder, 16, 256, accelerator)
    tokens = reader.tokenize([*TEXTS, "here red the"])
    torch.manual_seed(1)
    model = finetuning.prepare(head.build(folder, ["a", "b"]), recipe)
    rows = Labelled(Texts(tokens[:-1], TEXTS), TRUTH, np.ones(len(TRUTH)))
    loss_of = class_losses(rows, 2, recipe, reader)
    curve = finetuning.train(model, rows.texts, loss_of, finetuning.Run(recipe, reader, 1))
    chances = head.probabilities(accelerator.prepare(model).eval(), Texts(tokens, [*TEXTS, ""]), reader)
    return [point["loss"] for point in curve], chances, model


def test_the_cache_of_the_frozen_layers_changes_no_model(folder, monkeypatch):
    made = []
    cache = layer_cache.LayerCache
    monkeypatch.setattr(layer_cache, "LayerCache", lambda *args: made.append(cache(*args)) or made[-1])
    curve, chances, _ = learn(folder)
    assert len(made) == 1
    monkeypatch.setattr(layer_cache, "MAX_BYTES", 0)
    plain, expected, _ = learn(folder)
    assert len(made) == 1
    assert plain[-1] < plain[0] / 10
    np.testing.assert_allclose(curve, plain, atol=1e-4)
    np.testing.assert_allclose(chances, expected, atol=1e-3)


@pytest.mark.parametrize(
    "changes", [{"epochs": 1}, {"dropout": 0.1}, {"frozen_layers": 0}, {"freeze_embeddings": False}]
)
def test_no_cache_is_made_where_it_saves_nothing_or_the_layers_change(folder, monkeypatch, changes):
    monkeypatch.setattr(layer_cache, "LayerCache", None)
    learn(folder, **changes)


def test_in_bf16_a_cpu_learns_by_separate_products_to_the_same_end(folder, monkeypatch):
    if not compute._bf16_is_faster(False):
        pytest.skip("bf16 is emulated here: hundreds of times slower")
    used = []
    fused = head.logits
    monkeypatch.setattr(
        head, "logits", lambda model, *args: used.append(model.config._attn_implementation) or fused(model, *args)
    )
    curve, chances, model = learn(folder, "bf16", frozen_layers=0)
    steps = len(curve)
    assert used[:steps] == ["eager"] * steps
    assert set(used[steps:]) == {model.config._attn_implementation} == {"sdpa"}
    monkeypatch.setattr(models, "MAX_SEPARATE", 2)
    plain, expected, _ = learn(folder, "bf16", frozen_layers=0)
    np.testing.assert_allclose(curve, plain, atol=0.02)
    np.testing.assert_allclose(chances, expected, atol=0.02)


def test_the_model_that_is_saved_asks_for_no_kind_of_attention(folder, tmp_path):
    import json

    _, _, model = learn(folder)
    models.save(model, folder, tmp_path / "model")
    assert "attn" not in " ".join(json.loads((tmp_path / "model/config.json").read_text(encoding="utf-8")))
