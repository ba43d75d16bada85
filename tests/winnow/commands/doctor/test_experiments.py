"""What the doctor and `winnow experiments` say of tasks of DVC's queue, in a small repository of one slow stage."""

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from dvc.repo import Repo

from tests.killing import ROOT, kill_in
from winnow.commands.doctor import experiments
from winnow.commands.experiments import queue

PR_SET_CHILD_SUBREAPER = 36  # of linux/prctl.h
SLOW = """\
stages:
  slow:
    cmd: grep -v 3 params.yaml && touch {started} && sleep 300
    params: [seed]
    outs: [out]
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with one stage, that never ends; what the test left running is ended."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    call("git", "init", "-q")
    call("git", "config", "user.name", "test")
    call("git", "config", "user.email", "test@example.org")
    call("dvc", "init", "-q")
    (folder / "dvc.yaml").write_text(SLOW.format(started=tmp_path / "started"))
    (folder / "params.yaml").write_text("seed: 1\n")
    call("git", "add", "-A")
    call("git", "commit", "-qm", "a commit")
    yield folder
    kill_in(folder)


def call(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def found(folder: Path) -> list:
    with Repo(str(folder)) as repo:
        return list(experiments.queue(repo, mend=False))


def mended() -> str:
    """Mend in a process of its own, as the command does: what Celery opens is closed with it."""
    code = "from winnow.commands.doctor import experiments; print(*experiments.queue(Repo(), True))"
    return call(
        sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); from dvc.repo import Repo; {code}"
    )


def known(folder: Path) -> dict[str, str]:
    with Repo(str(folder)) as repo:
        return queue.known(repo, call("git", "rev-parse", "HEAD").strip())


@pytest.fixture(params=["reaped", "left as zombies"])
def orphans(request):
    """What is killed is reaped by whoever does so here; or by nobody, as in a container without an init."""
    is_left = request.param != "reaped"
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(is_left), 0, 0, 0)
    mine = {child.pid for child in psutil.Process().children()}
    yield
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    zombies = [child for child in psutil.Process().children() if child.pid not in mine]
    assert bool(zombies) == is_left
    for child in zombies:
        os.waitpid(child.pid, 0)


def test_a_task_whose_worker_was_killed_is_forgotten_and_can_be_queued_again(orphans, project):
    assert found(project) == []
    variant = ("dvc", "exp", "run", "--queue", "-n", "variant", "-S", "seed=2")
    call("dvc", "exp", "run", "--queue", "-n", "broken", "-S", "seed=3")
    call(*variant)
    assert known(project) == {"broken": queue.QUEUED, "variant": queue.QUEUED}
    # Its worker lives on, and would hold a pipe open.
    subprocess.run(["dvc", "queue", "start"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not (project.parent / "started").exists():
        assert time.monotonic() < end
        time.sleep(0.2)
    assert [(finding.level, finding.says) for finding in found(project)] == [("ok", "1 running")]
    assert "1 running" in mended()
    stands = {"broken": queue.FAILED.format("broken"), "variant": queue.RUNNING}
    assert known(project) == stands
    kill_in(project)
    assert known(project) == stands
    (finding,) = found(project)
    assert (finding.area, finding.level) == ("queue", "warn")
    assert finding.says.startswith("variant: running for DVC")
    assert "forgotten: variant" in mended()
    assert found(project) == []
    assert known(project).keys() == {"broken"}
    call(*variant)
    assert known(project)["variant"] == queue.QUEUED
