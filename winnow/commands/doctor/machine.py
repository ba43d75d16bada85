"""The machine against what a run needs: disk, memory, cores, processor, GPU, clocks."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from winnow.base import params, timing
from winnow.base.errors import UserError
from winnow.base.machine import this_machine, variable
from winnow.commands.doctor.finding import GIB, Finding, gib
from winnow.encoder import compute
from winnow.encoder.compute import Compute

RUN_BYTES = 3 * GIB  # of memory and of disk, of the example's first run, where nothing is measured yet
SKEW = 60.0  # seconds by which clocks may differ
FILE_SKEW = 2.0  # seconds by which the clock of the file system may differ
# `--workspace` alone would take the models of experiments and of other branches.
GC = "winnow gc --yes"
CGROUPS = Path("/sys/fs/cgroup")
MEMORY_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")  # of containers, version 2 and 1


def disk(folder: Path, needed: int | None, copies: int) -> Iterator[Finding]:
    """Yield whether a disk has room for a run that makes everything anew.

    Args:
        folder: on the disk.
        needed: bytes of all outputs; None: they are not known yet.
        copies: how many of each output it holds, in the workspace and in the cache.
    """
    free = shutil.disk_usage(folder).free
    wanted = RUN_BYTES if needed is None else needed * copies
    told = f"{gib(free)} free, a run that makes everything anew writes {gib(wanted)}"
    told += " or so: no run has told yet" if needed is None else ""
    mend = f"`{GC}` removes what no branch, tag or experiment needs; or another disk: `dvc cache dir`"
    if free < wanted:
        yield Finding("disk", "fail" if needed is not None else "warn", told, mend)
    else:
        yield Finding("disk", "warn" if free < 2 * wanted else "ok", told, mend if free < 2 * wanted else "")


def memory(root: Path) -> Iterator[Finding]:
    """Yield whether memory suffices for the stage that needs the most."""
    peaks = {name: run.peak_bytes for name, run in timing.read(root).items() if run.peak_bytes}
    name = max(peaks, key=peaks.__getitem__, default=None)
    wanted = RUN_BYTES if name is None else peaks[name]
    total, available = _memory()
    if total is None:
        return
    by = f"{name} needed {gib(wanted)} here" if name else f"the example needs {gib(wanted)}"
    told = f"{gib(total)}, of which {gib(available)} available; {by}"
    mend = "end other programs; a smaller batch needs less: embed.batch_tokens, finetune.batch_tokens"
    if total < wanted:
        yield Finding("memory", "fail", told, f"{mend}; or a machine with more")
    else:
        yield Finding("memory", "warn" if available < wanted else "ok", told, mend if available < wanted else "")


def _memory() -> tuple[int | None, int]:
    """Return bytes in all and available; of a container, its limit; None where the system does not say."""
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        total, available = os.sysconf("SC_PHYS_PAGES") * page, os.sysconf("SC_AVPHYS_PAGES") * page
    except (ValueError, OSError, AttributeError):
        return None, 0
    with suppress(OSError, ValueError, StopIteration):  # Linux counts what files only cache as available
        lines = Path("/proc/meminfo").read_text().splitlines()
        available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    for name in MEMORY_LIMITS:
        with suppress(OSError, ValueError):  # `max`: no limit
            total = min(total, int((CGROUPS / name).read_text()))
    return total, min(available, total)


def cores() -> int:
    """Return how many cores this process may use, within a container's quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = (CGROUPS / "cpu.max").read_text().split()
        count = min(count, max(1, -(-int(quota) // int(period))))
    return count


def processor(settings: Compute) -> Iterator[Finding]:
    """Yield how models will compute here: cores, instructions, precision, GPU."""
    import torch

    threads, count = settings.threads, cores()
    if threads > count:
        mend = f"params.yaml: compute.threads: {count} (other last bits: training runs again)"
        yield Finding("cores", "warn", f"{count}, for {threads} threads that wait for one another", mend)
    else:
        yield Finding("cores", "ok", f"{count}; compute.threads: {threads}")
    capability = torch.backends.cpu.get_cpu_capability()
    has_amx = bool(torch.cpu.get_capabilities().get("amx_bf16"))
    try:
        on_gpu, precision = compute.chosen(settings)
    except UserError as error:
        yield Finding("processor", "fail", str(error), "params.yaml: compute.device: auto")
        return
    told = f"{capability}{' with AMX' if has_amx else ', no AMX'}; models compute in {precision}"
    if not on_gpu and precision == "bf16" and not has_amx:
        yield Finding("processor", "warn", f"{told}, which it emulates, slowly", "params.yaml: compute.precision: auto")
    else:
        yield Finding("processor", "ok", f"{told} on {'the GPU' if on_gpu else 'the CPU'}")
    yield _gpu(on_gpu)


def _gpu(on_gpu: bool) -> Finding:
    import torch

    if torch.cuda.is_available():
        name, size = torch.cuda.get_device_name(0), torch.cuda.get_device_properties(0).total_memory
        unused = "" if on_gpu else "; params.yaml: compute.device: cpu leaves it idle"
        return Finding("gpu", "ok", f"{name}, {gib(size)}{unused}")
    if shutil.which("nvidia-smi") is None:
        return Finding("gpu", "ok", "none")
    if torch.version.cuda is None:
        mend = f"pip install --force-reinstall torch=={torch.__version__.partition('+')[0]} from a CUDA index"
        return Finding("gpu", "warn", "there is one, and this build of torch cannot use it", mend)
    return Finding("gpu", "warn", "there is one, and torch cannot reach it", "`nvidia-smi` says why; often the driver")


def variables() -> Iterator[Finding]:
    """Yield whether the variables of this machine are as the stages read them."""
    try:
        told = this_machine()
    except UserError as error:
        yield Finding("variables", "fail", str(error), "docs/parameters.md#settings-of-the-machine")
        return
    if told.engine == "ray" and find_spec("ray") is None:
        yield Finding(
            "variables", "fail", f"{variable('engine')}=ray, and Ray is not installed", "pip install '.[ray]'"
        )
    elif told.launcher and not Path(told.launcher).is_file():
        mend = f"name a file of launch/, or: unset {variable('launcher')}"
        yield Finding("variables", "fail", f"{variable('launcher')}: {told.launcher} is not there", mend)
    else:
        given = [f"{variable(name)}={value}" for name, value in told.model_dump(exclude_unset=True).items()]
        yield Finding("variables", "ok", ", ".join(given) or f"none of {variable('')}… is set")


def clocks(folder: Path, latest: Sequence[tuple[str, float]], now: float) -> Iterator[Finding]:
    """Yield whether the clocks can be true.

    Args:
        folder: where files are written.
        latest: what happened last, and when, seconds since the epoch.
        now: what the clock says, seconds since the epoch.
    """
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        before = time.time()
        file.write(b"x")
        file.flush()
        off = os.stat(file.name).st_mtime - before
    told = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC"
    behind = [f"{what} by {when - now:.0f} s" for what, when in latest if when - now > SKEW]
    if behind:
        mend = "set the clock: timedatectl set-ntp true" if sys.platform == "linux" else "set the clock"
        yield Finding("clock", "warn", f"{told} is before {', '.join(behind)}: decisions would count as older", mend)
    elif abs(off) > FILE_SKEW:
        told = f"the file system's is {abs(off):.0f} s {'ahead' if off > 0 else 'behind'}: DVC tells changes by times"
        yield Finding("clock", "warn", told, "set the clock of the file server")
    else:
        yield Finding("clock", "ok", told)


def settings(root: Path) -> Compute:
    """Return section `compute`.

    Raises:
        UserError: it cannot be read.
    """
    return params.load("compute", Compute, root / params.FILE)
