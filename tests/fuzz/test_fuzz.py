"""The fuzzer tells what is broken, each place once, and is the same for a seed; the readers stand a short run."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import mutation, worker
from tests.fuzz.targets import Target, answered, expect
from tests.fuzz.worker import State, fuzz
from winnow.base.errors import UserError

ROOT = Path(__file__).parents[2]
LIGHT = [name for name in worker.TARGETS if name not in ("params", "init", "model")]


def state(run) -> State:
    return State("a", Target(run, [b"seed"]), Random(1), [b"seed"])


def broken(data: bytes, folder: Path) -> None:
    raise ZeroDivisionError


def refusing(data: bytes, folder: Path) -> None:
    def refuse() -> None:
        raise UserError("mend it")

    answered(refuse)


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (broken, "DEFECT a: ZeroDivisionError"),
        (lambda data, folder: expect(len(data) < 0, "a row"), "DEFECT a: LostError"),
        (lambda data, folder: bytearray(2**30).count(1), "DEFECT a: MemoryError"),
    ],
)
def test_what_breaks_is_told_once_and_kept(run, told, tmp_path, capsys):
    one = state(run)
    fuzz(one, tmp_path, 3)
    said = capsys.readouterr().out
    assert said.count("DEFECT") == 1
    assert told in said
    assert next(tmp_path.glob("a-????????????")).read_bytes() == b"seed"


def test_a_hang_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(worker, "HANG", 0.2)

    def hang(data: bytes, folder: Path) -> None:
        while True:
            pass

    fuzz(state(hang), tmp_path, 1)
    assert "DEFECT a: HangError" in capsys.readouterr().out


def test_a_right_answer_is_no_defect(tmp_path, capsys):
    fuzz(state(refusing), tmp_path, 5)
    assert "DEFECT" not in capsys.readouterr().out


def test_equal_seeds_give_equal_inputs():
    def inputs(seed: int) -> list[bytes]:
        random = Random(seed)
        return [mutation.mutated(b'{"a": [1, 2]}\n', [b"x,y\n"], [b"z"], random) for _ in range(200)]

    assert inputs(1) == inputs(1) != inputs(2)


def test_a_short_run_finds_nothing(tmp_path):
    settings = ["--cases", "8", "--keep", str(tmp_path), "--only", *LIGHT]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *settings], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
