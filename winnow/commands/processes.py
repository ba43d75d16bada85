"""Whether a process that a file names is still there."""

import json
from collections.abc import Iterator
from pathlib import Path

import psutil

SECOND = 1.0  # the system's clock of processes and ours differ by less


def is_alive(number: int, since: float | None = None) -> bool:
    """Return whether a process of the number works on, and has since a time (seconds since the epoch) if one is given.

    A process that was killed keeps its number until its parent asks for it, in many containers for ever; and a number
    is given again, after a restart of the machine above all. Neither counts.
    """
    if number <= 0:
        return False
    try:
        process = psutil.Process(number)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return False
        return since is None or process.create_time() <= since + SECOND
    except psutil.AccessDenied:  # another user's
        return True
    except (psutil.NoSuchProcess, OverflowError):  # OverflowError: a number that none can have
        return False


def holders(rwlock: Path) -> Iterator[tuple[int, str]]:
    """Yield the numbers and commands of the processes that run a stage, by a file in which DVC tells what runs."""
    try:
        held = json.loads(rwlock.read_text(encoding="utf-8"))
        entries = [*held.get("write", {}).values(), *(each for many in held.get("read", {}).values() for each in many)]
        yield from ((int(entry["pid"]), str(entry["cmd"])) for entry in entries)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # DVC says so itself, or makes it anew
