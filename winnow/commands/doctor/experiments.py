"""DVC's queue of experiments: tasks that a killed worker left, which DVC shows as running for ever."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.commands.doctor.finding import Finding
from winnow.commands.processes import is_alive

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.repo.experiments.queue.celery import LocalCeleryQueue

WORKERS = "dvc-exp-worker-*.pid"  # of DVC's queue, in its folder


def queue(repo: "Repo", mend: bool) -> Iterator[Finding]:
    """Yield whether each task of the queue that counts as running has a process that runs it, and forget those without.

    DVC's own way, `dvc queue kill`, sends such a process a signal. Where nobody has reaped the process, as in a
    container without an init, the signal arrives and changes nothing: the task runs on for DVC.
    """
    tasks = repo.experiments.celery_queue
    if not Path(tasks.wdir).is_dir():  # nothing was ever queued; DVC would make the folder
        return
    is_served = any(is_alive(int(file.read_text() or 0)) for file in Path(tasks.wdir).glob(WORKERS))
    running = {entry.stash_rev: (entry.name or entry.stash_rev[:7]) for entry in tasks.iter_active()}
    dead = {revision: name for revision, name in running.items() if not _runs(tasks, revision, is_served)}
    names = ", ".join(dead.values())
    if dead and mend:
        _forget(tasks, dead)
        yield Finding("queue", "ok", f"forgotten: {names}", "queued again, it goes on from its last checkpoint")
    elif dead:
        says = f"{names}: running for DVC, and no process runs it: its worker was killed"
        yield Finding("queue", "warn", says, "winnow doctor --mend; queued again, it goes on")
    elif running:
        yield Finding("queue", "ok", f"{len(running)} running")


def _runs(tasks: "LocalCeleryQueue", revision: str, is_served: bool) -> bool:
    process = tasks.proc.get(revision)
    if process is None:  # a worker has just taken the task
        return is_served
    return process.returncode is None and is_alive(process.pid)


def _forget(tasks: "LocalCeleryQueue", dead: dict[str, str]) -> None:
    for revision in dead:
        if process := tasks.proc.get(revision):
            process.returncode = -signal.SIGKILL  # as DVC has it of a process that it finds ended: it sends no signal
            tasks.proc[revision] = process
    tasks.kill(dead)  # which marks them as failed
    tasks.remove(dead)
