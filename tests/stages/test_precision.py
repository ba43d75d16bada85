"""Other devices and precisions learn the same within a tolerance; which, docs/training.md tells."""

import csv
import json

import numpy as np
import pytest

from stages.adapt import __main__ as adapt
from stages.finetune import __main__ as finetune
from tests.conftest import forget_precision
from tests.stages.test_resume import adapt_command, corpus, finetune_command, training  # noqa: F401
from winnow.encoder import compute

pytestmark = pytest.mark.usefixtures("own_precision")


def losses(encoder_params, encoder_folder, device, precision) -> tuple[dict, dict]:
    """Return the loss of each step of both stages, without dropout, and what finetune says it was computed on."""
    forget_precision()
    changes = {"compute": {"device": device, "precision": precision}, "finetune": {"dropout": 0.0, "epochs": 3}}
    folder = encoder_params(adapt={"tokens": 2000, "warmup_tokens": 500, "dropout": 0.0}, **changes)
    name = f"{device}-{precision}"
    adapt.main(adapt_command(encoder_folder, f"adapt-{name}"))
    finetune.main(finetune_command(encoder_folder, f"finetune-{name}"))
    found = {}
    for stage in ("adapt", "finetune"):
        with (folder / f"{stage}-{name}.csv").open(encoding="utf-8", newline="") as file:
            found[stage] = np.array([float(row["loss"]) for row in csv.DictReader(file)])
    metrics = json.loads((folder / f"finetune-{name}.json").read_text(encoding="utf-8"))
    return found, metrics["computed_on"]


@pytest.mark.parametrize(
    ("device", "precision", "tolerance"), [("cpu", "bf16", 0.03), ("cuda", "fp32", 0.001), ("cuda", "bf16", 0.03)]
)
@pytest.mark.usefixtures("corpus", "training")
def test_it_learns_as_on_a_cpu_in_fp32(encoder_params, encoder_folder, device, precision, tolerance):
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    if precision == "bf16" and not compute._bf16_is_faster(device == "cuda"):
        pytest.skip("bf16 is emulated here: hundreds of times slower")
    expected, plain = losses(encoder_params, encoder_folder, "cpu", "fp32")
    found, other = losses(encoder_params, encoder_folder, device, precision)
    for stage, curve in expected.items():
        assert (found[stage] != curve).any(), "computed in another way, not twice in one"
        np.testing.assert_allclose(found[stage], curve, atol=tolerance)
    assert plain["precision"] == "fp32"
    assert other["precision"] == precision
