"""winnow status in a repository with DVC, Git and a pipeline of a few cheap stages, and what comes next."""

import errno
import json
import os
import shutil
import subprocess
import sys
import time

import pytest
from dvc.repo import Repo

from tests.conftest import ROOT, make_rows
from tests.review_project import entries, write_queue
from winnow.base import timing
from winnow.commands import cli
from winnow.commands.status import advice, lines, reruns, standing
from winnow.commands.status.standing import Queue, Remote, Standing, WrongLabels
from winnow.people import decisions

PIPELINE = """
stages:
  collect:
    cmd: python -m stages.copy --sources data/sources --out data/raw
    deps: [data/sources]
    outs: [data/raw]
  validate:
    cmd: python -m stages.copy --raw data/raw --out data/validated.txt
    meta: {constant: [data/validated.txt]}
    deps: [data/raw]
    outs: [data/validated.txt]
  apply_decisions:
    cmd: python -m stages.copy --sources data/raw --decisions data/decisions.csv --out data/applied
    deps: [data/raw, data/decisions.csv]
    outs: [data/applied]
  adapt:
    cmd: python -m stages.copy --sources data/sources --out models/adapted
    deps: [data/validated.txt, data/sources/text]
    outs: [models/adapted]
  find_issues:
    cmd: python -m stages.copy --sources data/applied --out data/issues --queue data/queue.parquet
      --metrics reports/metrics/find_issues.json
    deps: [data/applied]
    outs: [data/issues]
"""
STAGE = """
import shutil, sys
from pathlib import Path
from winnow.base.errors import UserError
from winnow.base.stage import run
words = sys.argv[1:]
given = dict(zip(words[::2], words[1::2]))
def main():
    if Path("broken").exists():
        raise UserError("rows.csv: line 3 is broken; mend it")
    out = Path(given["--out"])
    out.parent.mkdir(exist_ok=True)
    if "--raw" in given:
        out.write_text("sound")
    else:
        shutil.copytree(given["--sources"], out, dirs_exist_ok=True)
    if "--decisions" in given:
        shutil.copy(given["--decisions"], out)
if __name__ == "__main__":
    run(main)
"""


def call(folder, *command: str, check: bool = True) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_"))}
    own = {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "DVC_NO_ANALYTICS": "1", "PATH": path()}
    done = subprocess.run(command, cwd=folder, env=kept | own, capture_output=True, text=True, timeout=120)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def path() -> str:
    return f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"


def commit(folder) -> None:
    call(folder, "git", "add", "-A")
    call(folder, "git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-qm", "a commit")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with Git and DVC, committed, in which nothing has run."""
    monkeypatch.chdir(tmp_path)
    for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "params.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/__init__.py").touch()
    (tmp_path / "stages/copy.py").write_text(STAGE)
    (tmp_path / "data/sources").mkdir(parents=True)
    (tmp_path / "data/sources/rows").write_text("a row")
    (tmp_path / "data/sources/text").write_text("a text")
    (tmp_path / "data/decisions.csv").write_text(decisions.EMPTY)
    call(tmp_path, "git", "init", "-q")
    commit(tmp_path)
    return tmp_path


def status(capsys) -> dict:
    cli.main(["status", "--json"])
    return json.loads(capsys.readouterr().out)


def decide(folder, id: str = "0123456789abcdef", verdict: str = "keep") -> None:
    with (folder / "data/decisions.csv").open("a") as file:
        file.write(f"{id},{'0' * 64},FRUIT,{verdict},,ana,2026-01-31,,,\n")


def test_a_repository_from_its_first_run_to_a_decision(repository, capsys):
    found = status(capsys)
    assert found["reruns"]["stages"] == ["collect", "validate", "apply_decisions", "adapt", "find_issues"]
    assert found["next"]["do"] == "make repro"

    (repository / "broken").touch()
    call(repository, "dvc", "repro", check=False)
    found = status(capsys)
    assert found["stopped"] == {"collect": "rows.csv: line 3 is broken; mend it"}
    assert found["next"]["do"] == "mend this, then `make repro`"
    (repository / "broken").unlink()
    (repository / "data/sources/rows").write_text("a row")  # mended
    found = status(capsys)
    assert found["next"] == {"do": "make repro", "why": "data/sources has changed since collect stopped"}
    cli.main(["status"])
    assert "stopped       collect: rows.csv: line 3 is broken; mend it; data/sources has" in capsys.readouterr().out

    assert not standing.find(repository).is_locked
    call(repository, "dvc", "repro")
    assert standing.find(repository).is_locked
    found = status(capsys)
    assert (found["reruns"]["stages"], found["stopped"], found["problems"]) == ([], {}, [])
    assert found["next"]["do"].startswith("git add -A dvc.lock reports")
    commit(repository)
    assert status(capsys)["next"]["do"] == "dvc push"

    decide(repository)
    found = status(capsys)
    assert found["reruns"]["changed"] == {"apply_decisions": ["data/decisions.csv modified"]}
    assert found["reruns"]["stages"] == ["apply_decisions", "find_issues"]
    assert found["untimed"] == []
    times = timing.read()
    assert found["seconds"] == pytest.approx(times["apply_decisions"].seconds + times["find_issues"].seconds)
    assert (found["new_decisions"], found["decisions"]) == (1, 1)
    assert found["next"]["do"] == 'git commit -m "Decisions" data/decisions.csv && make repro'

    # Another row is collected: what follows validate's file, which always says the same, does not run for that.
    (repository / "data/sources/rows").write_text("another row")
    assert status(capsys)["reruns"]["stages"] == ["collect", "validate", "apply_decisions", "find_issues"]
    cli.main(["status"])
    told = capsys.readouterr().out
    assert "to run        at most 4 of 5 stages, " in told
    assert told.splitlines()[-2].startswith("next          git commit")


def test_what_never_ran_to_its_end_is_not_called_modified(repository, capsys):
    call(repository, "dvc", "repro", "collect")
    found = status(capsys)
    assert "collect" not in found["reruns"]["stages"]
    assert found["reruns"]["changed"]["adapt"] == ["not finished yet"]
    assert reruns.would_run(Repo()).changed == found["reruns"]["changed"]


def test_a_decision_on_no_row_is_told_before_a_run_stops_at_it(repository, capsys):
    with_rows = PIPELINE.replace("--decisions data", "--rows data/rows.parquet --decisions data")
    (repository / "dvc.yaml").write_text(with_rows)
    rows = make_rows([{"source": "notes", "source_key": "k1"}, {"source": "notes", "source_key": "k2"}])
    standing.tables.write(rows, repository / "data/rows.parquet")
    decide(repository, rows["id"][0].as_py())
    assert status(capsys)["problems"] == []
    decide(repository)
    found = status(capsys)
    (problem,) = found["problems"]
    assert problem.startswith("data/decisions.csv: line 3: id '0123456789abcdef' is not in the table; `winnow why")
    assert found["next"]["do"] == "mend this"


def test_the_queue_and_what_people_settled_of_it(repository, capsys):
    write_queue(repository, entries(4))
    found = status(capsys)
    assert found["queues"] == {"issues": {"waiting": 4, "rows": 4, "wrong": pytest.approx(4 * 0.8)}}
    row = standing.tables.read(repository / "data/queue.parquet", ["id", "text_sha", "given_label"]).to_pylist()[0]
    with (repository / "data/decisions.csv").open("a") as file:
        for who, verdict in (("ana", "keep"), ("bo", "ambiguous")):
            file.write(f"{row['id']},{row['text_sha']},{row['given_label']},{verdict},,{who},2026-01-31,,,\n")
            waiting = 3 if who == "ana" else 4  # reviewers who disagree have settled nothing
            file.flush()
            wrong = pytest.approx(waiting * 0.8)
            assert status(capsys)["queues"]["issues"] == {"waiting": waiting, "rows": 4, "wrong": wrong}
    cli.main(["status"])
    assert (
        "to review     4 of 4 rows of the queue issues are open (about 3 wrong); 2 decisions" in capsys.readouterr().out
    )


def test_a_run_in_progress_and_a_killed_one(repository, capsys):
    folder = repository / timing.FOLDER
    folder.mkdir(parents=True)

    def record(**changed) -> None:
        values = {"process": os.getpid(), "began": time.time() - 0.5} | changed
        (folder / "collect.json").write_text(json.dumps(values))

    record()
    found = status(capsys)
    assert 0.5 <= found["running"]["collect"] < 100
    assert (found["next"]["do"], found["reruns"]) == ("wait for collect", None)
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    record(process=int(dead.stdout))
    found = status(capsys)
    assert (found["running"], found["stopped"]) == ({}, {"collect": "it was killed"})
    assert found["next"]["do"] == "make repro"
    assert "did not end" in found["next"]["why"]


def test_a_stage_that_begins_while_the_command_starts_has_run_for_no_negative_time(repository, monkeypatch):
    folder = repository / timing.FOLDER
    folder.mkdir(parents=True)
    opened = standing.opened

    def opening(root):  # takes seconds of import, in which DVC goes on to the next stage
        (folder / "collect.json").write_text(json.dumps({"process": os.getpid(), "began": time.time()}))
        return opened(root)

    monkeypatch.setattr(standing, "opened", opening)
    told = []

    def clock() -> float:
        told.append((folder / "collect.json").exists())
        return time.time()

    assert 0 <= standing.find(repository, clock).running["collect"] < 100
    assert told == [True]  # not before the file was read
    assert standing.find(repository, lambda: time.time() - 7200).running == {"collect": 0}  # the clock was set back


def test_while_another_dvc_command_holds_the_repository(repository, capsys, monkeypatch):
    monkeypatch.setattr(reruns, "WAIT", 0.01)
    with Repo(".") as other, other.lock:
        found = status(capsys)
    assert (found["is_busy"], found["reruns"], found["problems"]) == (True, None, [])
    assert found["next"]["do"] == "wait for the DVC command that runs"
    assert status(capsys)["next"]["do"] == "make repro"


def test_the_lock_is_left_to_a_run_whose_stage_begins(repository, capsys, monkeypatch):
    """A stage's process tells that it runs once it has imported itself; DVC takes its lock again when it has ended."""
    entry = {"pid": os.getpid(), "cmd": "dvc repro"}
    (repository / ".dvc/tmp").mkdir(exist_ok=True)
    (repository / ".dvc/tmp/rwlock").write_text(json.dumps({"read": {}, "write": {"data/raw": entry}}))
    with Repo(".") as other, other.lock:
        monkeypatch.setattr(reruns, "WAIT", 0.01)
        found = status(capsys)
    assert found["is_busy"] is False
    assert found["reruns"]["stages"]


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("data/decisions.csv", "id,verdict\n1,keep\n", "data/decisions.csv"),
        ("dvc.lock", "schema: '9.0'\nstages: []\n", "dvc.lock"),
        ("data/queue.parquet", "no table", "data/queue.parquet"),
        ("params.yaml", "a: [\n", "params.yaml"),
        ("reports/metrics/split.json", "{", "reports/metrics"),
    ],
)
def test_a_broken_file_is_named_and_the_rest_is_told(repository, capsys, file, text, told):
    (repository / file).parent.mkdir(parents=True, exist_ok=True)
    (repository / file).write_text(text)
    found = status(capsys)
    assert any(told in problem for problem in found["problems"]), found["problems"]
    assert found["next"]["do"] == "mend this"
    assert found["remote"]["name"] == "local"


def test_marks_of_a_merge_come_first(repository, capsys):
    (repository / "dvc.lock").write_text("<<<<<<< HEAD\n=======\n>>>>>>> theirs\n")
    found = status(capsys)
    assert found["conflicts"] == ["dvc.lock"]
    assert found["next"]["do"].startswith("`git checkout --ours dvc.lock`")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["rm", "-rf", ".dvc"], "no DVC repository: run `git init` and `dvc init` here"),
        (["rm", "dvc.yaml"], "dvc.yaml: not found; run from the repository's root"),
    ],
)
def test_outside_of_a_repository_it_is_one_line(repository, capsys, command, message):
    subprocess.run(command, check=True)
    with pytest.raises(SystemExit):
        cli.main(["status"])
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


def test_without_git_it_tells_the_rest(repository, capsys):
    shutil.rmtree(repository / ".git")
    (repository / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    assert status(capsys)["next"]["do"] == "make repro"


def test_a_password_in_a_remote_s_address_is_not_told(repository, capsys):
    call(repository, "dvc", "remote", "add", "--default", "web", "https://ana:secret@example.org/data?token=secret")
    found = status(capsys)
    assert found["remote"] == {"name": "web", "url": "https://example.org/data", "is_inside": False}
    cli.main(["status"])
    assert "secret" not in capsys.readouterr().out


def ran(**changed) -> Standing:
    return Standing(**{"has_run": True, "reruns": reruns.Reruns(3), "remote": Remote("s3", "s3://b", False)} | changed)


@pytest.mark.parametrize(
    ("found", "do"),
    [
        (ran(), "dvc push"),
        (ran(has_run=False, is_locked=True), "dvc pull"),
        (ran(has_run=False), "make repro"),  # after `winnow init`: others ran no such data
        (ran(remote=None), "dvc remote add --default NAME URL, then `dvc push`"),
        (ran(queues={"round": Queue(5, 9), "issues": Queue(5, 9)}), "winnow review --queue round"),
        (ran(queues={"issues": Queue(5, 9)}), "winnow review"),
        (ran(queues={"issues": Queue(5, 9)}, decisions=4), "winnow round --start"),
        (ran(queues={"issues": Queue(5, 9)}, decisions=4, rounds=1), "winnow review"),
        (
            ran(queues={"issues": Queue(5, 9), "audit": Queue(1, 1)}, advice={"verdict": "stop"}),
            "winnow review --queue audit",
        ),
        (ran(queues={"issues": Queue(0, 9), "unlabelled": Queue(1, 1)}), "winnow review --queue unlabelled"),
        (
            ran(doubts=[("split", "few rows")], queues={"issues": Queue(5, 9)}),
            "read reports/report.html on what is in doubt",
        ),
        (ran(doubts=[("split", "few rows")], queues={"issues": Queue(5, 9)}, decisions=1, rounds=1), "winnow review"),
        (
            ran(uncommitted=["reports/summary.json"], queues={"issues": Queue(5, 9)}),
            'git add -A dvc.lock reports && git commit -m "Run"',
        ),
    ],
)
def test_one_thing_comes_next(found, do):
    assert advice.next_thing(found).do == do


def test_the_reason_tells_how_many_labels_of_the_open_rows_are_wrong():
    told = advice.next_thing(ran(queues={"issues": Queue(280, 300, 41.7)})).why
    assert told == "280 rows of the queue are open, of whose labels about 42 are wrong"
    says = {"says": "go on"}
    assert advice.next_thing(ran(queues={"issues": Queue(280, 300)}, advice=says)).why.endswith("are open; go on")


def test_what_no_decision_has_checked_is_called_a_guess():
    told = [dict(lines(ran(wrong_labels=WrongLabels(158, guess))))["wrong labels"] for guess in (True, False)]
    assert told == ["about 158 expected in all, a guess until people have decided on some", "about 158 expected in all"]


def test_a_project_that_must_not_be_written_tells_the_rest(repository, monkeypatch, capsys):
    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system", ".dvc/tmp/lock")

    monkeypatch.setattr("dvc.repo.lock_repo", refuse)
    cli.main(["status"])
    told = capsys.readouterr().out
    assert "not readable  .dvc/tmp/lock: Read-only file system: what would run is known only where" in told
    assert "remote" in told


def test_a_folder_without_git_has_its_mend(repository, capsys):
    shutil.rmtree(repository / ".git")
    with pytest.raises(SystemExit):
        cli.main(["status"])
    assert capsys.readouterr().err == (
        "winnow status: no Git repository, which DVC wants here: run `git init`, or clone Winnow\n"
    )
