"""init is killed at each of its writes, by a signal that nobody can catch; and two work at once in one project."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.check_params import __main__ as check_params
from tests.winnow.commands.init.conftest import ROOT
from tests.winnow.commands.init.test_lockfile import LOCK
from winnow.base import params
from winnow.base.errors import UserError
from winnow.commands.init import journal
from winnow.people import decisions

OWN = "0123456789abcdef,0123456789abcdef,METHODS,keep,,ana,2026-01-31,,\n"
# Imports once; then a process each runs `winnow init` in a folder, and kills itself before its n-th write, where n is
# not 0. Each line of stdin is such a run, each of stdout the status of its process.
DRIVER = """
import os, signal, sys
from pathlib import Path
from winnow.commands import cli, parameters
parameters.models(Path())

WRITES = {"os.rename", "os.remove", "os.rmdir", "shutil.rmtree"}

def run(folder, last):
    seen = 0
    def count(event, arguments):
        nonlocal seen
        if event in WRITES:
            seen += 1
            if seen == last:
                os.kill(os.getpid(), signal.SIGKILL)
    os.chdir(folder)
    sys.addaudithook(count)
    cli.main(["init", "--example", "intents", "--yes", "--force"])

for line in sys.stdin:
    folder, last = line.split()
    child = os.fork()
    if not child:
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        try:
            run(folder, int(last))
            os._exit(0)
        except BaseException:
            os._exit(3)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def rows(tmp_path):
    """A file of rows beside the project."""
    path = tmp_path / "rows.csv"
    lines = (f"the {'old' if n % 2 else 'new'} message number {n} of this list,{'AB'[n % 2]}\n" for n in range(60))
    path.write_text("text,label\n" + "".join(lines))
    return path


def content(folder: Path) -> dict[str, bytes]:
    """All files of a project, but for the code that is linked into it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not any(part.is_symlink() for part in (path, *path.parents))
    }


def test_a_kill_at_any_write_leaves_what_the_next_one_ends(project, tmp_path):
    with (project / "data/decisions.csv").open("a") as file:
        file.write(OWN)
    (project / "models/classifier/transfer-base-1").mkdir(parents=True)
    (project / "models/classifier/transfer-base-1/task.json").write_text("{}")
    (project / ".dvc").mkdir()
    of_the_encoder = "        fetch_model:\n          kind: package\n"
    assert of_the_encoder in LOCK
    (project / "dvc.lock").write_text(LOCK.replace(of_the_encoder, "        approaches.multitask: {}\n"))
    (project / "models/base").mkdir()
    (project / "data/training.parquet").write_text("of the example")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    driver = subprocess.Popen([sys.executable, "-c", DRIVER], env=environment, cwd=project, **pipes)

    def init(folder: Path, last: int) -> int:
        print(folder, last, file=driver.stdin, flush=True)
        return int(driver.stdout.readline())

    def copy(name: str) -> Path:
        return Path(shutil.copytree(project, tmp_path / name, symlinks=True))

    whole = copy("whole")
    assert init(whole, 0) == 0
    before, after = content(project), content(whole)
    assert after["data/decisions.csv"].decode() == decisions.EMPTY
    assert not {"models/classifier/transfer-base-1/task.json", "data/training.parquet"} & after.keys()
    assert list(YAML(typ="safe").load(after["dvc.lock"])["stages"]) == ["fetch_model"]
    ended, last, states = False, 0, set()
    while not ended:
        last += 1
        folder = copy(f"killed{last}")
        status = init(folder, last)
        ended = status == 0
        assert status in (0, -signal.SIGKILL)
        there = content(folder)
        is_written = there["params.yaml"] == after["params.yaml"]
        states.add(is_written)
        assert is_written or there["params.yaml"] == before["params.yaml"]
        if not is_written:
            assert {name: there.get(name) for name in before} == before
        assert init(folder, 0) == 0, last
        assert content(folder) == after, last
        shutil.rmtree(folder)
    driver.stdin.close()
    driver.wait()
    assert states == {True, False}
    assert last > 10


def test_the_next_one_takes_nothing_that_came_meanwhile(init, project, rows, monkeypatch, capsys):
    def cut(begun):
        raise KeyboardInterrupt

    removing = journal._remove
    monkeypatch.setattr(journal, "_remove", cut)
    with pytest.raises(SystemExit):
        init(rows, "--yes")
    monkeypatch.setattr(journal, "_remove", removing)
    assert journal.unfinished(project)
    with pytest.raises(UserError, match="`winnow init` was cut off"):
        check_params.main(["--out", "checked.txt"])
    example = (project / "data/decisions.csv").read_bytes()
    (project / "data/decisions.csv").write_text(decisions.EMPTY + OWN)
    with pytest.raises(SystemExit):
        init(rows, "--yes")
    assert "data/decisions.csv: not of the example" in capsys.readouterr().err
    assert (project / "data/decisions.csv").read_text() == decisions.EMPTY + OWN
    assert decisions.EMPTY.encode() != example
    assert not journal.unfinished(project)


def test_a_lock_that_came_meanwhile_stays(init, project, rows, monkeypatch):
    (project / "dvc.lock").write_text(LOCK)
    removing = journal._remove
    monkeypatch.setattr(journal, "_remove", lambda begun: None)
    init(rows, "--yes")
    monkeypatch.setattr(journal, "_remove", removing)
    with (project / "dvc.lock").open("a") as file:
        file.write("  more:\n    cmd: true\n")
    there = (project / "dvc.lock").read_bytes()
    journal.finish()
    assert (project / "dvc.lock").read_bytes() == there


def test_a_project_whose_params_were_taken_back_is_as_if_nothing_was(init, project, rows, monkeypatch):
    before = (project / "params.yaml").read_text(), (project / "data/decisions.csv").read_bytes()
    monkeypatch.setattr(journal, "_remove", lambda begun: None)
    init(rows, "--yes")
    monkeypatch.undo()
    monkeypatch.chdir(project)
    (project / "params.yaml").write_text(before[0])  # git checkout params.yaml
    assert not journal.unfinished(project)
    journal.finish()
    assert (project / "data/decisions.csv").read_bytes() == before[1]


def test_two_at_once_end_in_one_result_and_a_line(project, rows):
    with (project / "dvc.yaml").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", "from winnow.commands import cli; cli.main()", "init", str(rows), "--yes"]
        pipes = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
        done = subprocess.run(command, cwd=project, env=environment, **pipes)
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "winnow init: another `winnow init` works in this project; wait for its end, then run again"
        ]
        assert subprocess.run([*command, "--look"], cwd=project, env=environment, **pipes).returncode == 0
    before = params.read(project / "params.yaml")
    starts = [subprocess.Popen(command, cwd=project, env=environment, stderr=subprocess.PIPE, text=True) for _ in "ab"]
    told = [(process.communicate()[1], process.returncode) for process in starts]
    assert {status for _, status in told} <= {0, 1}
    assert any(status == 0 for _, status in told)
    assert all("another `winnow init`" in text for text, status in told if status)
    assert params.read(project / "params.yaml") != before
    assert decisions.read(project / "data/decisions.csv") == []
    assert not journal.unfinished(project)
