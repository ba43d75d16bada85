"""Scratch folders stand where neither Git nor DVC looks, belong to a living process, and go when it is dead."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.killing import ROOT, environment
from winnow.base import scratch

# A shell that starts it in the background would have it ignore Ctrl-C.
HOLD = """
import signal, sys, time
from pathlib import Path
from winnow.base import scratch
signal.signal(signal.SIGINT, signal.default_int_handler)
with scratch.folder(Path(sys.argv[1])) as own:
    (own / "half").write_text("half")
    print(own, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def hold():
    """Starts a process that has a scratch folder for a path; returns it and the folder."""
    running = []

    def start(near: Path) -> tuple[subprocess.Popen, Path]:
        command = [sys.executable, "-c", HOLD, str(near)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
        running.append(process)
        return process, Path(process.stdout.readline().strip())

    yield start
    for process in running:
        process.kill()
        process.wait()


def kill(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


@pytest.fixture
def repository(tmp_path):
    """A repository of Git and DVC that ignores what ours does, with a stage that depends on a folder of models."""
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "models/classifier").mkdir(parents=True)
    (tmp_path / "models/classifier/one").write_text("one")
    cmd = "mkdir -p data && cp -r models/classifier data/out"
    (tmp_path / "dvc.yaml").write_text(
        f"stages:\n  copy:\n    cmd: {cmd}\n    deps: [models/classifier]\n    outs: [data/out]\n"
    )
    for command in ("git init -q", "dvc init -q", "dvc repro -q", "git add -A"):
        subprocess.run(command.split(), cwd=tmp_path, env=environment(), check=True)
    subprocess.run([*"git -c user.name=a -c user.email=a@b commit -qm all".split()], cwd=tmp_path, check=True)
    return tmp_path


def said(repository: Path, command: str) -> str:
    done = subprocess.run(command.split(), cwd=repository, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("outside", [False, True])
def test_git_and_dvc_see_nothing_of_what_a_killed_process_left(repository, hold, outside):
    root = repository / ".dvc/tmp/scratch"
    if outside:  # on another file system
        elsewhere = Path(f"/dev/shm/winnow-{os.getpid()}")
        if not elsewhere.parent.is_dir() or elsewhere.parent.stat().st_dev == repository.stat().st_dev:
            pytest.skip("there is no second file system")
        shutil.rmtree(repository / ".dvc/tmp")
        elsewhere.mkdir()
        (repository / ".dvc/tmp").symlink_to(elsewhere)
        root = repository / "models/classifier/.winnow-scratch"
    try:
        for near in ("models/classifier/two", "models/classifier/three"):
            process, folder = hold(repository / near)
            assert folder.parent == root
            kill(process)
            assert (folder / "half").exists()
            assert said(repository, "git status --porcelain") == ""
            assert said(repository, "dvc status") == "Data and pipelines are up to date."
    finally:
        if outside:
            shutil.rmtree(elsewhere)


def test_the_dead_ones_folders_go_and_the_living_ones_stay(tmp_path, hold):
    dead, left = hold(tmp_path / "file")
    _, living = hold(tmp_path / "file")
    kill(dead)
    with scratch.folder(tmp_path / "other") as own:
        assert sorted(own.parent.iterdir()) == sorted(
            [living, living.with_name(f"{living.name}.lock"), own, own.with_name(f"{own.name}.lock")]
        )
    assert not left.exists()
    assert (living / "half").exists()


def test_one_who_is_about_to_begin_is_not_swept(tmp_path):
    """Many processes make and sweep folders at once; each finds its own as it left it."""
    lines = [
        "import sys",
        "from pathlib import Path",
        "from winnow.base import scratch",
        "for number in range(150):",
        "    with scratch.folder(Path(sys.argv[1])) as own:",
        "        (own / 'mine').write_text(str(number))",
        "        assert (own / 'mine').read_text() == str(number)",
        "        assert [file.name for file in own.iterdir()] == ['mine']",
    ]
    command = [sys.executable, "-c", "\n".join(lines), str(tmp_path / "file")]
    running = [subprocess.Popen(command, env=environment()) for _ in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    assert list(tmp_path.iterdir()) == []


def test_what_another_machine_left_goes_when_it_is_old(tmp_path, hold):
    process, folder = hold(tmp_path / "file")
    kill(process)
    foreign = folder.with_name(".".join(["elsewhere", *folder.name.rsplit(".", 2)[1:]]))
    folder.rename(foreign)
    lock = folder.with_name(f"{folder.name}.lock").rename(folder.with_name(f"{foreign.name}.lock"))
    with scratch.folder(tmp_path / "file"):
        assert foreign.exists()
    os.utime(lock, (0, time.time() - scratch.FOREIGN_SECONDS - 60))
    with scratch.folder(tmp_path / "file"):
        assert not foreign.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_signal_leaves_nothing(tmp_path, hold):
    process, folder = hold(tmp_path / "file")
    process.send_signal(signal.SIGINT)
    process.wait()
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []


def test_without_a_path_it_stands_in_the_repository_or_in_the_systems_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with scratch.folder(None) as own:
        assert tmp_path not in own.parents
    (tmp_path / ".dvc").mkdir()
    with scratch.folder(None) as own:
        assert own.parent == tmp_path / ".dvc/tmp/scratch"
    assert not own.exists()
