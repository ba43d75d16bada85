"""Kills commands: one as soon as it has written a checkpoint, or all that work in a folder."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent
PATIENCE = 600  # seconds; a busy machine imports torch for a minute


def environment() -> dict[str, str]:
    """The commands' own: our code and our Python, no folder of another DVC run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PYTHONPATH": str(ROOT), "PATH": path, "DVC_NO_ANALYTICS": "1"}


def newest(checkpoints: Path, series: str) -> int:
    """Return the step of the newest checkpoint of any run's series, 0 if there is none."""
    return max((int(path.name) for path in checkpoints.glob(f"*/{series}/[0-9]*")), default=0)


def kill(command: list[str], folder: Path, checkpoints: Path, series: str, step: int) -> int:
    """Run `command` in `folder` until there is a checkpoint of `step` or later, SIGKILL it and return that step."""
    with (folder / "killed.log").open("w+") as log:
        session = {"start_new_session": True, "cwd": folder, "env": environment()}
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **session)
        began = time.monotonic()
        try:
            while newest(checkpoints, series) < step:
                assert process.poll() is None, f"ended before step {step}:\n{(folder / 'killed.log').read_text()}"
                assert time.monotonic() - began < PATIENCE
                time.sleep(0.002)
        finally:
            _kill_session(process.pid)
            process.wait()
    return newest(checkpoints, series)


def _kill_session(leader: int) -> None:
    """SIGKILL every process of a session; DVC puts what it runs into groups of their own."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[3]) == leader:
            with suppress(ProcessLookupError):
                os.kill(int(stat.parent.name), signal.SIGKILL)


def kill_in(folder: Path) -> None:
    """SIGKILL every process whose command names a folder, or whose current folder lies in it."""
    for _ in range(100):
        left = _processes(folder)
        if not left:
            return
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.1)
    raise AssertionError("processes are left")


def _processes(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told, place = (entry / "cmdline").read_bytes().decode(errors="replace"), os.readlink(entry / "cwd")
        except OSError:
            continue  # it has ended, or nobody has reaped it
        if int(entry.name) != os.getpid() and (str(folder) in told or place.startswith(str(folder))):
            found.append(int(entry.name))
    return found


def finish(command: list[str], folder: Path) -> tuple[str, list[int]]:
    """Run `command` to its end; return what it printed, and after which steps its training went on."""
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    out = done.stdout + done.stderr
    return out, [int(step) for step in re.findall(r"training: goes on after step (\d+)", out)]


def content(*paths: Path) -> dict[str, bytes]:
    """Return the bytes of files and of all files in folders, by name."""
    found = {}
    for path in paths:
        files = path.rglob("*") if path.is_dir() else [path]
        found |= {str(file.relative_to(path.parent)): file.read_bytes() for file in files if file.is_file()}
    return found
