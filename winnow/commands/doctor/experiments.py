"""DVC's queue of experiments: tasks that a killed worker left, which DVC shows as running for ever."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.commands.doctor.finding import Finding
from winnow.commands.processes import is_alive

if TYPE_CHECKING:
    from dvc.repo import Repo

WORKERS = "dvc-exp-worker-*.pid"  # of DVC's queue, in its folder


def queue(repo: "Repo") -> Iterator[Finding]:
    """Yield whether each task of the queue that counts as running has a process that runs it."""
    tasks = repo.experiments.celery_queue
    if not Path(tasks.wdir).is_dir():  # nothing was ever queued; DVC would make the folder
        return
    is_served = any(is_alive(int(file.read_text() or 0)) for file in Path(tasks.wdir).glob(WORKERS))
    running = {entry.name or entry.stash_rev[:7]: tasks.proc.get(entry.stash_rev) for entry in tasks.iter_active()}
    # A task that a worker has just taken has no process yet.
    dead = [
        name
        for name, process in running.items()
        if not (is_served if process is None else process.returncode is None and is_alive(process.pid))
    ]
    if dead:
        says = f"{', '.join(dead)}: running for DVC, and no process runs it: its worker was killed"
        mend = f"dvc queue kill {' '.join(dead)} && dvc queue remove {' '.join(dead)}; queued again, it goes on"
        yield Finding("queue", "warn", says, mend)
    elif running:
        yield Finding("queue", "ok", f"{len(running)} running")
