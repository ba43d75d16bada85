"""The record of each stage's last run: its time, how it ended, and that it is in nobody's way."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from winnow.base import stage, timing
from winnow.base.errors import UserError


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A folder in which DVC runs `finetune@transfer-base-1`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_STAGE", "finetune@transfer-base-1")
    (tmp_path / ".dvc").mkdir()
    return tmp_path


def only() -> timing.Last:
    (name, run), *others = timing.read().items()
    assert (name, others) == ("finetune@transfer-base-1", [])
    return run


def fail(error: BaseException) -> None:
    raise error


def test_a_run_is_timed_and_a_failed_one_leaves_the_time_of_the_whole_one(repository):
    stage.run(lambda: time.sleep(0.05))
    run = only()
    assert run.ended
    assert run.error is None
    assert 0.05 <= run.seconds < 30
    assert 2**20 < run.peak_bytes < 2**36
    with pytest.raises(SystemExit):
        stage.run(lambda: fail(UserError("rows.csv:\n no rows")))
    assert only() == timing.Last(run.process, only().began, True, "rows.csv: no rows", run.seconds, run.peak_bytes)
    with pytest.raises(ZeroDivisionError):
        stage.run(lambda: fail(ZeroDivisionError("by 0")))
    assert only().error == "a defect: ZeroDivisionError: by 0"
    with pytest.raises(SystemExit):
        stage.run(lambda: fail(KeyboardInterrupt()))
    assert only().error == "it was interrupted"
    stage.run(lambda: None)
    assert only().error is None


def test_while_it_runs_its_process_is_told_and_when_it_is_killed_it_has_no_end(repository):
    lines = [
        "import time",
        "from winnow.base.stage import run",
        "run(lambda: (print('in', flush=True), time.sleep(60)))",
    ]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        [sys.executable, "-c", "\n".join(lines)], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "in\n"
        assert (only().process, only().ended) == (process.pid, False)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not only().ended


def test_nothing_is_recorded_without_dvc_nor_by_the_workers_of_a_training(repository, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    stage.run(lambda: None)
    monkeypatch.delenv("LOCAL_RANK")
    monkeypatch.delenv("DVC_STAGE")
    stage.run(lambda: None)
    monkeypatch.setenv("DVC_STAGE", "clean")
    (repository / ".dvc").rmdir()
    stage.run(lambda: None)
    assert list(repository.iterdir()) == []


def test_a_record_that_cannot_be_written_or_read_stops_nothing(repository):
    (repository / ".dvc/tmp").mkdir()
    (repository / ".dvc/tmp/winnow").write_text("a file where the folder should be")
    stage.run(lambda: None)
    assert timing.read() == {}
    (repository / ".dvc/tmp/winnow").unlink()
    stage.run(lambda: None)
    for name, text in (("clean", "{"), ("split", "[1]"), ("adapt", '{"process": 1}'), ("embed", "\x00")):
        (timing.FOLDER / f"{name}.json").write_text(text)
    assert list(timing.read()) == ["finetune@transfer-base-1"]


def test_any_name_of_a_stage_is_a_name_of_a_file(repository, monkeypatch):
    for name in ("../dvc.yaml:clean", "a/b", "Wörter"):
        monkeypatch.setenv("DVC_STAGE", name)
        stage.run(lambda: None)
    assert set(timing.read()) == {"../dvc.yaml:clean", "a/b", "Wörter"}
