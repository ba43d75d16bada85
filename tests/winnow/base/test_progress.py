"""How long work shows itself, on a terminal and in a log."""

import os
import pty
import re
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from winnow.base import progress
from winnow.base.progress import Lines

ROOT = Path(__file__).parents[3]
# A stage that works for two seconds, with a log that gets a line each half second.
STAGE = """
import time
from winnow.base import progress
from winnow.base.stage import run
progress.LINE_SECONDS = 0.5

def main():
    {main}

if __name__ == "__main__":
    run(main)
"""
STEPS = "for _ in progress.over(range(20), 'training'): time.sleep(0.1)"
OPAQUE = "time.sleep(2.2)"


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_line_has_the_share_done_the_rate_and_the_time_left(clock):
    lines = Lines("training", 1172, clock)
    lines.advance()
    lines.advance(433)
    clock.now += 206.7
    assert str(lines) == "training: 37 % (434 of 1172), 2.1/s, 5 min 51 s left"
    lines.advance(738)
    assert str(lines).endswith("100 % (1172 of 1172), 5.7/s, 0 s left")


def test_steps_that_take_seconds_say_how_many(clock):
    lines = Lines("folds", 5, clock)
    lines.advance()
    clock.now += 1500
    assert str(lines) == "folds: 20 % (1 of 5), 1500.0 s each, 1 h 40 min left"


def test_what_is_not_known_is_not_told(clock):
    nothing_done, no_total, more = Lines("folds", 5, clock), Lines("reading", None, clock), Lines("asking", 2, clock)
    no_total.advance(120)
    more.advance(3)
    clock.now += 60
    assert str(nothing_done) == "folds: 0 % (0 of 5), 1 min 0 s so far"
    assert str(no_total) == "reading: 120 done, 2.0/s, 1 min 0 s so far"
    assert str(more) == "asking: 3 done, 20.0 s each, 1 min 0 s so far"


def test_items_pass_as_they_are_and_short_work_writes_nothing(capsys):
    assert list(progress.over(range(3), "count")) == [0, 1, 2]
    assert list(progress.over(iter("ab"), "count", 2)) == ["a", "b"]
    with progress.shown("count") as advance:
        advance()
    assert capsys.readouterr() == ("", "")


def test_a_loop_that_is_left_stops_to_show():
    before = threading.active_count()
    for _ in progress.over(range(3), "count"):
        assert threading.active_count() == before + 1
        break
    assert threading.active_count() == before


def progress_steps() -> Iterator[int]:
    for step in range(3):
        time.sleep(0.05)
        yield step


def program(tmp_path: Path, main: str) -> tuple[list[str], dict[str, str]]:
    """Return the command and environment of a stage that does `main`."""
    folder = tmp_path / "example"
    folder.mkdir()
    (folder / "__main__.py").write_text(STAGE.format(main=main))
    return [sys.executable, "-m", "example"], os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}


def in_log(tmp_path: Path, main: str) -> list[str]:
    command, environment = program(tmp_path, main)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_a_log_has_whole_lines_with_the_stages_name_while_it_works(tmp_path):
    lines = in_log(tmp_path, STEPS)
    known = r"example: (?:(training: \d+ % \(\d+ of 20\), [\d.]+(?:/s| s each), \d+ s left)|\d+ s so far)"
    told = [re.fullmatch(known, line)[1] for line in lines]
    assert len(lines) <= 8
    assert sum(line is not None for line in told) >= 2


def test_a_log_tells_of_work_that_counts_no_steps(tmp_path):
    lines = in_log(tmp_path, OPAQUE)
    assert len(lines) >= 2
    assert all(re.fullmatch(r"example: \d s so far", line) for line in lines)


def test_a_log_does_not_tell_how_long_a_program_waits_for_people(tmp_path):
    main = f"with progress.waiting(): {OPAQUE}\n    time.sleep(progress.LINE_SECONDS / 2)"  # what is left to do then
    assert in_log(tmp_path, main) == []


@pytest.mark.parametrize(("main", "shown"), [(STEPS, r"training: +\d+%\|.*\d+/20"), (OPAQUE, r"example: 00:0[12]")])
def test_a_terminal_has_a_bar_that_goes_when_the_work_is_done(tmp_path, main, shown):
    command, environment = program(tmp_path, main)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=theirs)
    os.close(theirs)
    written = b""
    try:
        while some := os.read(ours, 65536):
            written += some
    except OSError:  # Linux: the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    text = written.decode()
    assert re.search(shown, text), text
    assert "so far" not in text
    assert text.rpartition("\r")[0].rpartition("\r")[2].strip(" \x1b[A\n") == ""  # what stood there is blank


@pytest.mark.parametrize("main", [STEPS, OPAQUE])
def test_work_without_stderr_goes_on_in_silence(tmp_path, main):
    command, environment = program(tmp_path, main)
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" 2>&-', "sh", *command], cwd=tmp_path, env=environment, stdout=subprocess.PIPE
    )
    assert (done.returncode, done.stdout) == (0, b"")


def test_steps_are_counted_where_python_has_no_stderr(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr", None)  # as pythonw does
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.01)
    assert list(progress.over(progress_steps(), "count")) == [0, 1, 2]
    assert capsys.readouterr().out == ""


def test_a_closed_stderr_is_no_terminal(monkeypatch, tmp_path):
    with (tmp_path / "log").open("w") as file:
        monkeypatch.setattr("sys.stderr", file)
    assert list(progress.over(range(2), "count")) == [0, 1]


def test_a_command_speaks_under_its_own_name(monkeypatch, capsys):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.01)
    with progress.speaking_as("winnow predict"):
        assert list(progress.over(progress_steps(), "rows")) == [0, 1, 2]
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all(line.startswith("winnow predict: rows: ") for line in lines)


def test_a_log_that_nobody_reads_any_more_stops_no_work(tmp_path):
    command, environment = program(tmp_path, STEPS)
    environment |= {"PYTHONUNBUFFERED": ""}  # Python holds what it could not write, as it does by itself
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    process.stderr.close()
    assert process.wait() == 0
