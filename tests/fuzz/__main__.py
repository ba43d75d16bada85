"""Fuzz every reader: inputs changed at random, by a seed, until one breaks something.

make fuzz ARGS="--minutes 10"
python -m tests.fuzz --cases 2000 --only csv eml --seed 3
python -m tests.fuzz --replay .fuzz/csv-0123456789ab      an input that broke, once more

A traceback, a hang, a leap of memory or a row that is lost without a word is a defect: it is printed once for each
place in the code, and the input is kept. New lines of code that an input reaches make it a seed of later ones. Equal
seeds give equal inputs.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

KEPT = Path(".fuzz")  # Git ignores it
DEAD = 90  # seconds without a new input, after which the worker counts as hung in C code


def main() -> int:
    """Run workers until the time is over; a worker that a reader killed is followed by another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, help="how long; default: until --cases are done")
    parser.add_argument("--cases", type=int, default=1000, help="inputs a target, without --minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=[], metavar="TARGET", help="these targets alone")
    parser.add_argument("--keep", type=Path, default=KEPT, metavar="FOLDER", help="for inputs that broke something")
    parser.add_argument(
        "--replay", type=Path, metavar="FILE", help="run an input that was kept, and show its traceback"
    )
    given = parser.parse_args()
    if given.replay:
        from tests.fuzz import worker

        return worker.replay(given.replay)
    given.keep.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * given.minutes if given.minutes else None
    died, broken = 0, False
    while end is None or time.monotonic() < end:
        settings = ["--seed", str(given.seed + 1000 * died), "--keep", str(given.keep), "--dead", str(DEAD)]
        settings += ["--seconds", str(end - time.monotonic())] if end else ["--cases", str(given.cases)]
        settings += ["--only", *given.only] if given.only else []
        status = subprocess.run([sys.executable, "-m", "tests.fuzz.worker", *settings], check=False).returncode
        broken = broken or status != 0
        if status in (0, 1):
            break
        last = given.keep / "running"
        name = given.keep / f"killed-{given.seed}-{died}-{last.read_bytes().split(b' ', 1)[0].decode()}"
        name.write_bytes(last.read_bytes().split(b" ", 1)[1])
        print(f"KILLED with status {status}: the input is {name}", flush=True)
        died += 1
        if end is None and died > 10:
            break
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
