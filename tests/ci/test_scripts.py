"""The scripts that CI calls, in a small repository with stages that cost nothing; tests/pipeline has the real one."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

STAGES = """
stages:
  clean:
    cmd: python write.py clean.txt
    deps: [write.py]
    outs: [clean.txt]
  train:
    cmd: python write.py model.txt
    deps: [clean.txt]
    outs: [model.txt]
"""
SOUND = "import sys\nopen(sys.argv[1], 'w').write('the same each time')\n"
# What a stage must not let into its output.
UNSOUND = {
    "folder": "os.path.basename(os.getcwd())",
    "hash": "hash('text')",
    "zone": "time.tzname",
    "umask": "os.stat('dvc.yaml').st_mode",
}


def call(folder: Path, *command: str, status: int = 0, **variables: str) -> str:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GIT_", "DVC_", "PYTHON"))
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=kept | {"DVC_NO_ANALYTICS": "1", "HOME": str(folder.parent)} | variables,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def commit(folder: Path) -> None:
    call(folder, "git", "add", "-A")
    call(folder, "git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-qm", "a commit")


@pytest.fixture
def repository(tmp_path):
    """A committed repository that was run, with no remote, and the scripts and environment of this one."""
    folder = tmp_path / "with a space"
    folder.mkdir()
    call(folder, "git", "init", "-q")
    shutil.copytree(ROOT / ".ci", folder / ".ci", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".venv").symlink_to(sys.prefix)
    shutil.copy(ROOT / ".gitignore", folder)
    call(folder, ".venv/bin/dvc", "init", "-q")
    (folder / "dvc.yaml").write_text(STAGES)
    (folder / "write.py").write_text(SOUND)
    call(folder, ".venv/bin/dvc", "repro", PATH=f"{folder}/.venv/bin:{os.environ['PATH']}")
    commit(folder)
    return folder


def test_a_remote_that_this_machine_cannot_have_is_no_fault(repository):
    assert "has no default remote" in call(repository, ".ci/pull")
    call(repository, ".venv/bin/dvc", "remote", "add", "--default", "local", ".dvc-remote")
    assert "the remote is a folder of one machine" in call(repository, ".ci/pull")


def test_what_was_pushed_is_pulled_and_what_was_not_is_a_fault_but_in_a_fork(repository):
    call(repository, ".venv/bin/dvc", "remote", "add", "--default", "shared", "../the shared one")
    (repository.parent / "the shared one").mkdir()
    commit(repository)
    clone = repository.parent / "clone"
    call(repository.parent, "git", "clone", "-q", str(repository), "clone")
    (clone / ".venv").symlink_to(sys.prefix)
    assert "run 'dvc push' where the pipeline ran" in call(clone, ".ci/pull", status=1)
    assert "a fork has no keys for the remote" in call(clone, ".ci/pull", FORK="true")
    call(repository, ".venv/bin/dvc", "push", "-q")
    call(clone, ".ci/pull")
    assert (clone / "model.txt").read_text() == "the same each time"


def test_two_rebuilds_are_equal_and_the_committed_ones(repository, tmp_path):
    told = call(repository, ".ci/rebuild", str(tmp_path / "rebuilt"))
    assert "two clean runs gave the same bytes\nthey are the committed ones\n" in told


def test_outputs_that_depend_on_where_the_stage_runs_are_named(repository, tmp_path):
    values = ", ".join(f"{name}={value}" for name, value in UNSOUND.items())
    (repository / "write.py").write_text(
        f"import os, sys, time\nvalues = dict({values})\nopen(sys.argv[1], 'w').write(str(values.get(sys.argv[1])))\n"
    )
    stage = "  {0}:\n    cmd: python write.py {0}\n    outs: [{0}]\n"
    (repository / "dvc.yaml").write_text(STAGES + "".join(stage.format(name) for name in UNSOUND))
    commit(repository)
    told = call(repository, ".ci/rebuild", str(tmp_path / "rebuilt"), status=1)
    assert sorted(re.findall(r"^(\w+): .+ differs$", told, re.MULTILINE)) == sorted(UNSOUND)


def test_a_lock_of_another_processor_is_told_and_is_a_fault_where_the_bytes_must_be_the_committed_ones(
    repository, tmp_path
):
    (repository / "write.py").write_text(SOUND.replace("each time", "here"))  # as if dvc.lock were of another machine
    commit(repository)
    told = call(repository, ".ci/rebuild", str(tmp_path / "rebuilt"))
    assert "clean: clean.txt differs\ntrain: model.txt differs\nnote: the committed dvc.lock" in told
    shutil.rmtree(tmp_path / "rebuilt")
    call(repository, ".ci/rebuild", str(tmp_path / "rebuilt"), status=1, EXACT="true")
