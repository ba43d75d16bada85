"""Whether a process is still there: one that lives, one that ended and is not reaped, a number that is given again."""

import os
import subprocess
import sys
import time

from winnow.commands.processes import is_alive

ENDLESS = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_process_lives_until_it_is_killed_even_if_nobody_reaps_it():
    with subprocess.Popen(ENDLESS) as process:
        assert is_alive(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and keeps its number
        os.kill(process.pid, 0)
        assert not is_alive(process.pid)
        process.wait()
        assert not is_alive(process.pid)


def test_a_process_that_began_later_is_another():
    now = time.time()
    with subprocess.Popen(ENDLESS) as process:
        try:
            assert is_alive(process.pid, now)
            assert not is_alive(process.pid, now - 3600)
        finally:
            process.kill()


def test_no_process_has_such_a_number():
    assert not is_alive(-1)
    assert not is_alive(0)
    assert not is_alive(2**40)
