"""How the encoder stages compute: device, precision, threads, and the switches that make a run repeatable."""

import ctypes
import os
import sys
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from winnow.base.errors import UserError
from winnow.base.params import Section

if TYPE_CHECKING:
    from accelerate import Accelerator


class Compute(Section):
    """Section `compute` of params.yaml: how the encoder stages compute."""

    threads: int = Field(gt=0)
    """Threads of a stage. Another number gives other last bits, so it is pinned."""

    device: Literal["auto", "cpu", "cuda"]
    """`auto` takes CUDA if there is one."""

    precision: Literal["auto", "fp32", "bf16"]
    """`auto` takes bf16 on CUDA and on a CPU with AMX, else fp32. On a CPU without AMX bf16 is five times slower."""


def start(compute: Compute, seed: int) -> "Accelerator":
    """Return an `accelerate.Accelerator` on the device and in the precision asked for, with all generators seeded.

    Raises:
        UserError: CUDA is asked for and there is none.
    """
    # Must stand before CUDA starts: https://pytorch.org/docs/stable/notes/randomness.html
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    _keep_freed_memory()
    _spin_briefly()
    import torch
    from accelerate import Accelerator

    on_gpu, precision = chosen(compute)
    torch.set_num_threads(compute.threads)
    torch.use_deterministic_algorithms(True)
    # Nothing here reads memory that it has not written; filling it first costs time.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.manual_seed(seed)
    return Accelerator(cpu=not on_gpu, mixed_precision="bf16" if precision == "bf16" else "no")


def chosen(compute: Compute) -> tuple[bool, Literal["fp32", "bf16"]]:
    """Return whether a GPU computes on this machine, and in which precision.

    Raises:
        UserError: CUDA is asked for and there is none.
    """
    import torch

    on_gpu = torch.cuda.is_available() and compute.device != "cpu"
    if compute.device == "cuda" and not on_gpu:
        raise UserError("params.yaml: compute.device is cuda, but torch sees no CUDA device; use auto or cpu")
    bf16 = compute.precision == "bf16" or (compute.precision == "auto" and _bf16_is_faster(on_gpu))
    return on_gpu, "bf16" if bf16 else "fp32"


def _keep_freed_memory() -> None:
    """Tell glibc to keep freed blocks: it returns large ones to the kernel, and each step would fault them in again."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt:
            trim_threshold, mmap_threshold = -1, -3
            mallopt(mmap_threshold, 1 << 30)
            mallopt(trim_threshold, (1 << 31) - 1)


def _spin_briefly() -> None:
    """Tell libgomp, which torch is about to load, that a thread without work soon sleeps instead of turning idly.

    Where other programs have the cores too, half of a stage's CPU time went into waiting for a thread that was not
    running. An operator that follows at once still finds the threads awake.
    """
    if "OMP_WAIT_POLICY" not in os.environ:  # what somebody says goes first
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")


def _bf16_is_faster(on_gpu: bool) -> bool:
    """Tell whether bf16 is native: without AMX a CPU emulates it, hundreds of times slower than fp32."""
    import torch

    if on_gpu:
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))


def environment(accelerator: "Accelerator") -> dict:
    """Return what a model's last bits depend on beside inputs and parameters; no name of a machine, no time, no path.

    It goes beside the metrics, where `dvc metrics diff` shows what two runs were computed on.
    """
    import platform
    from importlib.metadata import version

    import torch

    cpu = torch.cpu.get_capabilities()
    on_gpu = accelerator.device.type == "cuda"
    libraries = ("accelerate", "numpy", "safetensors", "tokenizers", "transformers")
    return {
        "device": torch.cuda.get_device_name(accelerator.device) if on_gpu else cpu.get("cpu_name", platform.machine()),
        "cpu_capability": torch.backends.cpu.get_cpu_capability() + (" AMX" if cpu.get("amx_bf16") else ""),
        "threads": torch.get_num_threads(),
        "precision": "bf16" if accelerator.mixed_precision == "bf16" else "fp32",
        "versions": {"python": platform.python_version(), "torch": torch.__version__}  # torch's with its build
        | {name: version(name) for name in libraries},
    }


def quiet() -> None:
    """Silence the progress bars and advice that transformers prints while it loads a model."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
