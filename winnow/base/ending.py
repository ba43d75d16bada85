"""How a process ends that is told to: it cleans up, and ends what it has started."""

import multiprocessing
import os
import select
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

REPEATED_SECONDS = 10.0  # a process group and a dying parent may tell one ending twice
SHELLS = ("sh", "dash", "bash", "zsh", "fish")  # DVC calls one; some stay until the stage ends


def unwind_on_signals() -> None:
    """Let SIGTERM and SIGHUP raise `SystemExit` with 128 + the signal, after this process's workers were ended.

    A signal that is ignored, as under `nohup`, stays so. A stage that DVC started ends with DVC: it would write its
    outputs beside those of the next run.
    """
    told_at: list[float] = []

    def end(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if told_at and now - told_at[-1] < REPEATED_SECONDS:
            return
        told_at.append(now)
        for worker in multiprocessing.active_children():
            worker.terminate()
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)
    if "DVC_STAGE" in os.environ and sys.platform == "linux":
        with suppress(OSError):  # some sandboxes hide processes, or cannot wait for one: the stage goes to its end
            _end_with(_dvc())


def _dvc() -> int:
    """Return the process that runs this stage: the parent, or that of the shell in between."""
    parent = Path("/proc") / str(os.getppid())
    if (parent / "comm").read_text().strip() in SHELLS:
        return int((parent / "stat").read_text().rpartition(")")[2].split()[1])
    return os.getppid()


def _end_with(process: int) -> None:
    """Send SIGTERM to this process when another one dies."""
    waiting = select.poll()
    waiting.register(os.pidfd_open(process), select.POLLIN)

    def wait() -> None:
        waiting.poll()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
