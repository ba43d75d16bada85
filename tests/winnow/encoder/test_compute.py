import os

import pytest

from winnow.base import params
from winnow.base.errors import UserError
from winnow.encoder import compute

SECTION = {"threads": 1, "device": "cpu", "precision": "fp32"}


pytestmark = pytest.mark.usefixtures("own_precision")


def section(**changes) -> compute.Compute:
    return params.parse(SECTION | changes, compute.Compute, "compute")


@pytest.mark.parametrize("policy", [None, "passive"])
def test_threads_that_wait_turn_briefly_unless_somebody_says_how(policy, monkeypatch):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if policy:
        monkeypatch.setenv("OMP_WAIT_POLICY", policy)
    compute.start(section(), seed=1)
    assert ("GOMP_SPINCOUNT" in os.environ) == (policy is None)
    os.environ.pop("GOMP_SPINCOUNT", None)


def test_threads_seed_and_precision_are_set():
    import torch

    before = torch.get_num_threads()
    try:
        draws = []
        for seed in (1, 1, 2):
            accelerator = compute.start(section(), seed)
            draws.append(torch.rand(3).tolist())
        assert torch.get_num_threads() == 1
        assert draws[0] == draws[1] != draws[2]
        assert accelerator.device.type == "cpu"
        assert accelerator.mixed_precision == "no"
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("has_amx", "precision"), [(True, "bf16"), (False, "no")])
def test_auto_precision_is_bf16_where_the_cpu_has_it(monkeypatch, has_amx, precision):
    import torch

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": has_amx})
    assert compute.start(section(precision="auto"), 0).mixed_precision == precision


def test_cuda_that_is_not_there_is_named(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"compute\.device is cuda, but torch sees no CUDA device"):
        compute.start(section(device="cuda"), 0)


def test_the_environment_names_what_the_last_bits_hang_on():
    import torch

    before = torch.get_num_threads()
    try:
        found = compute.environment(compute.start(section(precision="bf16"), 0))
    finally:
        torch.set_num_threads(before)
    assert set(found) == {"device", "cpu_capability", "threads", "precision", "versions"}
    assert (found["threads"], found["precision"]) == (1, "bf16")
    assert found["versions"]["torch"] == torch.__version__
    assert all(isinstance(value, str) and value for value in (found["device"], found["cpu_capability"]))


@pytest.mark.parametrize("changes", [{"threads": 0}, {"threads": "2"}, {"precision": "fp16"}, {"gpu": 1}])
def test_bad_parameters_are_named(changes):
    with pytest.raises(UserError, match=f"compute.{next(iter(changes))}"):
        section(**changes)
