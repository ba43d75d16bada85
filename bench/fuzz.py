"""What the readers stand: inputs that are changed at random, by several seeds, and what of them broke something.

python -m bench.fuzz --minutes 10 --seeds 1 2 3 --out bench/results/fuzz.json

`python -m tests.fuzz` says what counts as broken. What it found is in --keep.
"""

import argparse
import re
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import peers
from winnow.base import files

MINUTES, SEEDS = 10.0, [1, 2, 3, 4, 5, 6]
KEPT = Path(".fuzz")
COUNTED = re.compile(r"^(\w+): (\d+) inputs, \d+ lines, (\d+) defects$", re.MULTILINE)


def measure(minutes: float, seed: int, keep: Path, options: Sequence[str] = ()) -> dict:
    """Fuzz by one seed; return its inputs by target, and how many places in the code broke."""
    command = [sys.executable, "-m", "tests.fuzz", "--minutes", str(minutes), "--seed", str(seed), "--keep", str(keep)]
    before = _processor()
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr, sep="", end="", flush=True)
    counted = COUNTED.findall(done.stdout)
    if not counted or done.returncode not in (0, 1):
        raise SystemExit(f"the fuzzer ended with {done.returncode}")
    targets = {name: int(inputs) for name, inputs, _ in counted}
    broken = sum(int(defects) for *_, defects in counted) + done.stdout.count("KILLED")
    facts = {"seed": seed, "minutes": minutes, "processor_minutes": (_processor() - before) / 60}
    return facts | {"inputs": sum(targets.values()), "targets": targets, "defects": broken}


def _processor() -> float:
    """Return the seconds of processor time of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of each seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--keep", type=Path, default=KEPT, metavar="FOLDER", help="for inputs that broke something")
    args = parser.parse_args(argv)
    usual = {"minutes": MINUTES, "seeds": SEEDS}
    common = {"work": "readers on inputs changed at random", "device": peers.device()}
    common |= {"command": peers.command("make bench-fuzz", args, usual)}
    made = []
    for seed in args.seeds:
        made.append(common | measure(args.minutes, seed, args.keep))
        files.write_json(args.out, made)  # now: the next one may be interrupted


if __name__ == "__main__":
    main()
