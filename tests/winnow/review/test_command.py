"""`winnow review` as a person starts and ends it."""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import review_project
from winnow.base import hashing
from winnow.commands import cli, review
from winnow.people import decisions
from winnow.review import browser

ROOT = Path(__file__).parents[3]
TASK = {"kind": "classification", "labels": review_project.LABELS}
DECISION = f"row-000,{hashing.text_sha('the text of row 0')},FRUIT,keep,,bo,2026-01-31,"


@pytest.fixture
def project(workspace, monkeypatch):
    monkeypatch.setattr(browser.webbrowser, "open", lambda address: pytest.fail("a browser was opened"))
    return review_project.make(workspace(task=TASK, review={"overlap": 0.0}))


def run(*arguments: str) -> None:
    cli.main(["review", "--no-browser", "--port", "0", *arguments])


def fails(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as exit:
        run(*arguments)
    assert exit.value.code == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_waits_in_silence_and_ctrl_c_ends_it(project, tmp_path, ending):
    code = (
        "from winnow.base import progress; from winnow.commands import cli; progress.LINE_SECONDS = 0.2;"
        "cli.main(['review', '--reviewer', 'ana', '--no-browser', '--port', '0'])"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # As in the background of a shell: Ctrl-C is ignored until the command says otherwise.
    ignore = functools.partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment, preexec_fn=ignore, **pipes)
    assert process.stdout.readline() == "6 rows of data/queue.parquet for ana, 0 decided already\n"
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    os.set_blocking(process.stderr.fileno(), False)
    with contextlib.suppress(BlockingIOError):
        os.read(process.stderr.fileno(), 65536)  # what was told while it started
    os.set_blocking(process.stderr.fileno(), True)
    time.sleep(1)
    process.send_signal(ending)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines()[-1] == "no decision was added"


BROWSER = """#!/bin/sh
printf '%s\\n' "$0" "$@" > seen
page=${1#file://}
stat -c %a "$page" "$(dirname "$page")" >> seen
cp "$page" page.new
mv page.new page
"""


def test_a_browser_opens_and_no_other_account_sees_the_token(project, tmp_path):
    program = tmp_path / "browser"
    program.write_text(BROWSER)
    program.chmod(0o755)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    code = "from winnow.commands import cli; cli.main(['review', '--reviewer', 'ana', '--port', '0'])"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "BROWSER": str(program), "TMPDIR": str(temporary)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment, **pipes)
    process.stdout.readline()
    address = process.stdout.readline().strip()
    while not (tmp_path / "page").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    own, argument, file_mode, folder_mode = (tmp_path / "seen").read_text().splitlines()
    assert own == str(program)
    assert argument.startswith("file://")
    assert address.partition("#")[2] not in argument
    assert (file_mode, folder_mode) == ("600", "700")
    assert f'content="0; url={address}"' in (tmp_path / "page").read_text()
    assert list(temporary.iterdir()) == []


def test_an_empty_queue_and_a_settled_one_are_said_and_are_no_fault(project, tmp_path, capsys):
    review_project.write_queue(tmp_path, [])
    run("--reviewer", "ana")
    assert capsys.readouterr().out == "data/queue.parquet: the queue is empty, there is nothing to review\n"
    review_project.write_queue(tmp_path, review_project.entries(1))
    with project.decisions.open("a") as file:
        file.write(f"{DECISION}\n")
    run("--reviewer", "ana")
    assert capsys.readouterr().out.startswith("data/queue.parquet: all 1 rows are decided; commit data/decisions.csv")


def test_before_the_first_run(project, capsys):
    project.queue.unlink()
    assert "data/queue.parquet: not found; `dvc repro`" in fails(capsys, "--reviewer", "ana")


def test_the_reviewer_s_name_comes_from_git(project, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    assert "who decides? give --reviewer NAME" in fails(capsys)
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "config", "user.name", "Ana María"], check=True)
    assert review.reviewer(None) == "Ana María"
    assert review.reviewer(" bo\n") == "bo"


def test_broken_decisions_are_one_line(project, capsys):
    project.decisions.write_text("id,verdict\n")
    assert "decisions.csv: line 1: the header must begin with" in fails(capsys, "--reviewer", "ana")


def test_what_was_decided_elsewhere_is_taken_in(project, tmp_path, capsys):
    filled = tmp_path / "filled.csv"
    filled.write_text(f"{','.join(decisions.COLUMNS)}\n{DECISION}\n")
    cli.main(["review", "--import", "filled.csv"])
    assert "1 decisions added" in capsys.readouterr().out
    assert [decision.reviewer for decision in decisions.read(project.decisions)] == ["bo"]


def test_a_queue_is_exported_for_label_studio(project, tmp_path, capsys):
    cli.main(["review", "--export", "tasks.json"])
    assert "6 tasks" in capsys.readouterr().out
    assert (tmp_path / "tasks.json").exists()
    assert (tmp_path / "tasks.xml").exists()


def test_pulling_needs_to_know_where_from(project, capsys):
    assert "--pull: give --label-studio URL" in fails(capsys, "--pull")
