"""What DVC knows of experiments by their names: those that ran, and those of its queue."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvc.repo import Repo

HAS_RUN = "has a result"
FAILED = "failed; `dvc queue logs {0}` says why, `dvc queue remove {0}` lets it be queued again"
QUEUED = "is queued"
RUNNING = "is running; `winnow doctor` says if its worker was killed"


def known(repo: "Repo", commit: str) -> dict[str, str]:
    """Return the names of a commit's experiments, and how each stands."""
    found = {}
    queue = repo.experiments.celery_queue
    if Path(queue.wdir).is_dir():  # else nothing was ever queued; DVC would make the folder
        told = [(done.entry, FAILED) for done in queue.iter_failed()]
        told += [(entry, QUEUED) for entry in queue.iter_queued()]
        told += [(entry, RUNNING) for entry in queue.iter_active()]
        for entry, how in told:
            name = entry.name or entry.stash_rev[:7]
            if entry.baseline_rev == commit:
                found[name] = how.format(name)
    for name, made in repo.experiments.ls(rev=commit).get(commit, []):
        if made:
            found[name] = HAS_RUN
    return found
