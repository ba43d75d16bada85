"""Experiments in DVC's queue: starts workers, and waits for results."""

import subprocess
import sys
import time
from collections.abc import Callable

from tests.pipeline.clone import Clone

PATIENCE = 900  # seconds; a busy machine imports torch for a minute


def winnow(clone: Clone, *words: str) -> str:
    """Return what a command of `winnow` prints in a clone."""
    return clone.call(sys.executable, "-c", f"from winnow.commands.cli import main; main({list(words)!r})")


def start(clone: Clone, jobs: int) -> None:
    """Start workers, which live on; their training keeps a checkpoint of each step."""
    subprocess.run(
        ["dvc", "queue", "start", "--jobs", str(jobs)],
        cwd=clone.folder,
        env=clone.environment | {"WINNOW_CHECKPOINT_SECONDS": "0"},
        check=True,
        stdout=subprocess.DEVNULL,  # which a worker would hold open
        stderr=subprocess.DEVNULL,
    )


def results(clone: Clone) -> dict[str, str]:
    """Return the experiments that have a result, and the commit of each."""
    told = clone.call("git", "for-each-ref", "--format=%(refname) %(objectname)", "refs/exps").split("\n")
    pairs = [line.split(" ") for line in told if line]
    return {ref.rpartition("/")[2]: made for ref, made in pairs if len(ref.split("/")) == 5}


def until(holds: Callable[[], object], what: str, pause: float = 0.5) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(pause)
