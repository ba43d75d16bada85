"""Runs a command and tells what it cost: seconds, and the memory of it and all its children, from /proc."""

import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FIRST, EVERY = 0.005, 0.1  # seconds between two looks; a command may end within a tenth of a second
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """What a command cost. Memory is resident pages in bytes; those that processes share count in each of them."""

    status: int | None  # None: stopped at the limit
    last_line: str  # of what it printed to stderr
    seconds: float
    processor: float  # seconds of it and of its children
    largest: int  # peak of the largest process
    tree: int  # peak of all processes together


def measured(
    command: Sequence[str | Path],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    limit: float | None = None,
) -> Usage:
    """Run a command in `folder`, in a session of its own, and return what it cost.

    Memory is looked at from outside: what the system tells of an ended process counts the peak of the process that
    started it too. Processor seconds are right where no other command is measured at the same time.

    Args:
        limit: seconds after which the whole session is killed.
    """
    peaks = [0, 0]
    with tempfile.TemporaryFile() as errors:
        before = _processor()
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
        )
        done = threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, done, peaks))
        watch.start()
        try:
            status: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            seconds = time.perf_counter() - start
            if process.returncode is None:  # at the limit, or at Ctrl-C, which a session of its own does not get
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            done.set()
            watch.join()
        errors.seek(0)
        lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    return Usage(status, lines[-1] if lines else "", seconds, _processor() - before, *peaks)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(session: int, done: threading.Event, peaks: list[int]) -> None:
    pause = FIRST
    while not done.wait(pause):
        pause = min(2 * pause, EVERY)
        sizes = resident(session)
        peaks[0] = max(peaks[0], *sizes, 0)
        peaks[1] = max(peaks[1], sum(sizes))


def resident(session: int) -> list[int]:
    """Return the resident memory, in bytes, of each process of a session."""
    sizes = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                # After the command's name in brackets: state, parent, group, session, …; the 22nd is resident pages.
                fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue
            if int(fields[3]) == session:
                sizes.append(int(fields[21]) * PAGE)
    return sizes
