"""How a stage starts and fails."""

import os
import subprocess
import sys
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


def test_progress_is_quiet_when_no_terminal_watches(capsys):
    assert list(stage.progress(range(3), "count", 3)) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")
