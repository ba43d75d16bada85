"""The fine-tuned member: what the frozen layers make of a text is computed once, and changes no score."""

import numpy as np
import pytest

from tests import tiny_encoder
from winnow.base.errors import UserError
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.classification import finetuned, members
from winnow.kinds.members import Recipe
from winnow.training import layer_cache

RECIPE = {
    **{"seeds": [1, 2], "epochs": 4, "batch_tokens": 64, "learning_rate": 1e-2},
    **{"head_learning_rate": 1e-2, "warmup_share": 0.1, "weight_decay": 0.01, "label_smoothing": 0.0, "dropout": 0.0},
    **{"freeze_embeddings": True, "frozen_layers": 1},
}
TEXTS = [f"the {'old new'.split()[n // 2 % 2]} {'cat red'.split()[n % 2]}" + " here" * (n % 3) for n in range(60)]
TRUTH, FOLDS = np.arange(60) % 2, np.arange(60) // 20


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    tiny_encoder.write(folder, "the old new cat red here".split())
    return folder


def member(folder, **changes) -> finetuned.FineTuned:
    accelerator = start(Compute(threads=1, device="cpu", precision="fp32"), 1)
    return finetuned.FineTuned(Reader.of(folder, 16, 64, accelerator), TEXTS, Recipe(**RECIPE | changes))


def test_the_cache_of_the_frozen_layers_changes_no_score(encoder_folder, monkeypatch):
    cached = members.out_of_fold(member(encoder_folder), TRUTH, FOLDS, ["a", "b"])
    monkeypatch.setattr(layer_cache, "MAX_BYTES", 0)
    plain = members.out_of_fold(member(encoder_folder), TRUTH, FOLDS, ["a", "b"])
    assert (plain.argmax(axis=1) == TRUTH).mean() > 0.95
    np.testing.assert_allclose(cached, plain, atol=1e-3)


def test_no_model_outlives_its_fold(encoder_folder):
    fine_tuned = member(encoder_folder, seeds=[1], epochs=1)
    accelerator = fine_tuned._reader.accelerator
    members.out_of_fold(fine_tuned, TRUTH, FOLDS, ["a", "b"])
    assert accelerator._models == accelerator._optimizers == []


def test_frozen_layers_do_not_count_where_the_embeddings_learn(encoder_folder):
    fine_tuned = member(encoder_folder, seeds=[1], epochs=1, freeze_embeddings=False)
    members.out_of_fold(fine_tuned, TRUTH, FOLDS, ["a", "b"])
    assert fine_tuned._cache is None


def test_rows_whose_loss_is_no_number_are_named(encoder_folder):
    recipe = Recipe(**RECIPE | {"learning_rate": 1e30, "head_learning_rate": 1e30})
    accelerator = start(Compute(threads=1, device="cpu", precision="fp32"), 1)
    ids = [f"id-{row}" for row in range(60)]
    broken = finetuned.FineTuned(Reader.of(encoder_folder, 16, 64, accelerator), TEXTS, recipe, ids)
    with pytest.raises(UserError, match=r"is (nan|inf) at step \d+; .* these rows: id-[2-5]\d, id-[2-5]\d"):
        members.out_of_fold(broken, TRUTH, FOLDS, ["a", "b"])


def test_freezing_every_layer_is_refused(encoder_folder):
    with pytest.raises(UserError, match="frozen_layers is 2, but the encoder has 2 layers"):
        members.out_of_fold(member(encoder_folder, frozen_layers=2), TRUTH, FOLDS, ["a", "b"])
