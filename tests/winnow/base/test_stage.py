"""How a stage starts and fails."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from winnow.base import stage
from winnow.base.errors import UserError


def test_a_users_mistake_is_one_line_and_exit_status_1(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["/somewhere/stages/example.py"])

    def main():
        raise UserError("data/rows.parquet:\n  not found;\n  mend it")

    with pytest.raises(SystemExit) as caught:
        stage.run(main)
    assert caught.value.code == 1
    output = capsys.readouterr()
    assert output.err == "example: data/rows.parquet: not found; mend it\n"
    assert output.out == ""


def test_a_defect_keeps_its_traceback():
    def main():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stage.run(main)


def test_success_is_silent(capsys):
    stage.run(lambda: None)
    assert capsys.readouterr() == ("", "")


def test_a_stage_runs_under_its_own_name_so_that_other_processes_find_its_functions(tmp_path):
    lines = [
        "from winnow.base.stage import run",
        "def main(): print(main.__module__)",
        "if __name__ == '__main__': run(main)",
    ]
    (tmp_path / "example.py").write_text("\n".join(lines))
    command = [sys.executable, "-m", "example"]
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).parents[3]}"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "example\n"


def test_arguments_are_paths_and_typed_values():
    args = stage.arguments("doc", ["--rows", "a/b", "--queue-csv=c", "--seed", "3"], "rows", "queue_csv", seed=int)
    assert (args.rows, args.queue_csv, args.seed) == (Path("a/b"), Path("c"), 3)


@pytest.mark.parametrize("argv", [[], ["--rows", "a", "--more", "b"], ["--rows"]])
def test_missing_and_unknown_arguments_are_refused(argv, capsys):
    with pytest.raises(SystemExit) as caught:
        stage.arguments("doc", argv, "rows")
    assert caught.value.code == 2
    assert "--rows" in capsys.readouterr().err


def test_what_a_library_writes_to_a_stderr_that_is_closed_stands_in_no_file(tmp_path):
    lines = [
        "import os",
        "from winnow.base.stage import run",
        "def main():",
        "    with open('rows.csv', 'w') as file:",
        "        os.write(2, b'a warning')",
        "        print('the rows')",
        "if __name__ == '__main__': run(main)",
    ]
    (tmp_path / "example.py").write_text("\n".join(lines))
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).parents[3]}"}
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-m", "example"]
    assert subprocess.run(command, cwd=tmp_path, env=environment).returncode == 0
    assert (tmp_path / "rows.csv").read_text() == ""


def start(tmp_path: Path, *lines: str) -> subprocess.Popen:
    """Start a program that runs a `main` of these lines."""
    body = ["import time", "from winnow.base.stage import run", "def main():", *(f"    {line}" for line in lines)]
    (tmp_path / "example.py").write_text("\n".join([*body, "if __name__ == '__main__': run(main)"]))
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).parents[3]}"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-m", "example"]
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a background shell's children ignore Ctrl-C
    return subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, preexec_fn=heeding, **pipes)


def test_ctrl_c_is_a_line(tmp_path):
    process = start(tmp_path, "print('ready', flush=True)", "time.sleep(60)")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate()[1] == "example: interrupted\n"
    assert process.returncode == 130


@pytest.mark.parametrize("line", ["print('x' * 10**6)", "time.sleep(1); print('x')"])
def test_who_has_read_enough_ends_it_without_a_word(tmp_path, line):
    process = start(tmp_path, line)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141


def test_a_pipe_that_breaks_elsewhere_is_a_defect(tmp_path):
    process = start(tmp_path, "raise BrokenPipeError(32, 'Broken pipe')")
    assert "BrokenPipeError" in process.communicate()[1]


def test_what_the_terminal_s_encoding_lacks_is_written_as_its_number(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    out, err = start(tmp_path, "print('Tür 東')").communicate()
    assert (out, err) == ("T\\xfcr \\u6771\n", "")
