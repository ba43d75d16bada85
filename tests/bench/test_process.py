"""What a command costs: its memory with that of its children, and how it ended."""

import sys
import textwrap

from bench import process

MIB = 2**20


def run(code: str, tmp_path, **options) -> process.Usage:
    return process.measured([sys.executable, "-c", textwrap.dedent(code)], tmp_path, **options)


def test_memory_of_the_process_and_of_its_children(tmp_path):
    child = "import time; held = bytearray(b'x') * (60 * 2**20); time.sleep(1.5)"
    usage = run(
        f"""
        import subprocess, sys, time
        held = bytearray(b'x') * (100 * 2**20)
        subprocess.run([sys.executable, "-c", {child!r}])
        """,
        tmp_path,
    )
    assert usage.status == 0
    assert 100 * MIB < usage.largest < 150 * MIB
    assert usage.largest + 60 * MIB < usage.tree < 250 * MIB
    assert usage.seconds > 1.5


def test_memory_is_not_that_of_the_process_that_asks(tmp_path):
    held = bytearray(b"x") * (300 * MIB)
    usage = run("total = sum(number for number in range(5_000_000))", tmp_path)
    assert len(held) > usage.largest > MIB
    assert 0 < usage.processor < usage.seconds + 1


def test_a_failure_is_told_with_its_last_line(tmp_path):
    usage = run("raise ValueError('no such thing')", tmp_path)
    assert usage.status == 1
    assert usage.last_line == "ValueError: no such thing"


def test_a_command_and_its_children_are_stopped_at_the_limit(tmp_path):
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    usage = run(code, tmp_path, limit=1)
    assert usage.status is None
    assert usage.seconds < 30
