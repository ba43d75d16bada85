"""DVC's queue of experiments: tasks that a killed worker left, which DVC shows as running for ever."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.commands.doctor.finding import Finding

if TYPE_CHECKING:
    from dvc.repo import Repo

WORKERS = "dvc-exp-worker-*.pid"  # of DVC's queue, in its folder


def queue(repo: "Repo") -> Iterator[Finding]:
    """Yield whether each task of the queue that counts as running has a process that runs it."""
    tasks = repo.experiments.celery_queue
    if not Path(tasks.wdir).is_dir():  # nothing was ever queued; DVC would make the folder
        return
    is_served = any(_lives(int(file.read_text() or 0)) for file in Path(tasks.wdir).glob(WORKERS))
    running = {entry.name or entry.stash_rev[:7]: tasks.proc.get(entry.stash_rev) for entry in tasks.iter_active()}
    # A task that a worker has just taken has no process yet.
    dead = [
        name
        for name, process in running.items()
        if not (is_served if process is None else process.returncode is None and _lives(process.pid))
    ]
    if dead:
        says = f"{', '.join(dead)}: running for DVC, and no process runs it: its worker was killed"
        mend = f"dvc queue kill {' '.join(dead)} && dvc queue remove {' '.join(dead)}; queued again, it goes on"
        yield Finding("queue", "warn", says, mend)
    elif running:
        yield Finding("queue", "ok", f"{len(running)} running")


def _lives(process: int) -> bool:
    """Return whether there is a process of the number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return process > 0
