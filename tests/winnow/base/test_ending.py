"""A stage that is told to end cleans up, ends its workers and says 143; one whose DVC dies ends too."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.killing import ROOT, environment

STAGE = """
import sys, time
from pathlib import Path
import pyarrow as pa
from winnow.base import files
from winnow.base.engine import map_batches
from winnow.base.machine import Machine
from winnow.base.stage import run

def slow(batch):
    Path(f"worker-{batch['number'][0].as_py()}").write_text("working")
    time.sleep(600)
    return {}

def main():
    with files.replacing(Path("out")) as new:
        new.mkdir()
        (new / "half").write_text("half")
        batches = (pa.table({"number": [number]}) for number in range(50))
        for _ in map_batches(slow, batches, Machine(processes=2, batch_rows=1)):
            pass

if __name__ == "__main__":
    run(main)
"""
PATIENCE = 300  # seconds; a busy machine


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "example.py").write_text(STAGE)
    return tmp_path


def settings(folder: Path) -> dict:
    paths = f"{folder}{os.pathsep}{ROOT}"
    own = {"cwd": folder, "env": environment() | {"PYTHONPATH": paths}, "start_new_session": True}
    return own | {"preexec_fn": hear}


def hear() -> None:
    """Take the signal that these tests would ignore where they run under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def until(true) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.01)


def of_session(leader: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name == "out" or path.name == ".winnow-scratch"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_unwinds_a_stage_and_ends_its_workers(folder, number, status):
    process = subprocess.Popen([sys.executable, "-m", "example"], **settings(folder))
    until(lambda: len(list(folder.glob("worker-*"))) == 2)
    assert leftovers(folder) == [".winnow-scratch"]
    os.killpg(process.pid, number) if number == signal.SIGHUP else process.send_signal(number)
    process.send_signal(number)  # twice, as a group and a dying parent may tell it
    assert process.wait(PATIENCE) == status
    until(lambda: not of_session(process.pid))
    assert leftovers(folder) == []


def test_a_signal_that_nohup_ignores_stays_ignored(folder):
    process = subprocess.Popen(
        ["nohup", sys.executable, "-m", "example"], stdout=subprocess.DEVNULL, **settings(folder)
    )
    until(lambda: len(list(folder.glob("worker-*"))) == 2)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 143


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_a_stage_ends_with_the_dvc_that_started_it(folder, shell, monkeypatch):
    monkeypatch.setenv("SHELL", shell)
    cmd = f"{sys.executable} -m example"
    (folder / "dvc.yaml").write_text(f"stages:\n  example:\n    cmd: {cmd}\n    outs: [out]\n")
    subprocess.run(["dvc", "init", "-q", "--no-scm"], cwd=folder, env=environment(), check=True)
    process = subprocess.Popen(["dvc", "repro", "-q"], **settings(folder))
    until(lambda: len(list(folder.glob("worker-*"))) == 2)
    scratch = folder / ".dvc/tmp/scratch"
    assert scratch.exists()
    process.kill()
    process.wait()
    until(lambda: not of_session(process.pid))
    assert list(scratch.iterdir()) == []
    assert not (folder / "out").exists()


SANDBOX = """
import errno, os
from winnow.base.stage import run

def refuse(process):
    raise OSError(errno.ENOSYS, "the sandbox has no such call")

os.pidfd_open = refuse
run(lambda: print("done"))
"""


def test_a_sandbox_that_cannot_wait_for_dvc_stops_no_stage():
    command = [sys.executable, "-c", SANDBOX]
    done = subprocess.run(command, env=environment() | {"DVC_STAGE": "clean"}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
