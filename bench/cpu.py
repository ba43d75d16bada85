"""CPU seconds on an ordinary machine: a processor with AVX2 alone, in fp32, on which other programs may run too.

python -m bench.cpu --rows data/labelled.parquet --classifiers models/classifier --encoder models/base
    --out bench/results/cpu.json

- predicting: `evaluate`'s classifiers that were trained from one encoder, together (`ours`) and each alone (`theirs`).
- embedding by two threads, while as many other processes as there are cores have nothing else to do: with threads that
  turn briefly before they sleep (`ours`) and as long as libgomp does by itself (`theirs`).

Each is a process of its own (bench/workers/cpu.py); the bytes of both sides must be equal, else the bench fails.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import peers
from winnow.base import files

AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
LIBGOMP = {"GOMP_SPINCOUNT": "300000"}  # its own choice where nothing is set
COMMAND = "make bench-cpu"
PACKAGES = ("torch", "transformers")


def measured(what: str, threads: int, arguments: Sequence[object], more: dict[str, str]) -> dict:
    """Return what a worker measures: seconds, wall, rows and sha of what it computed."""
    command = [sys.executable, "-m", "bench.workers.cpu", what, str(threads), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(peers.ROOT), **AVX2, **more}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Let so many processes compute until the block ends."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("rows", "classifiers", "encoder", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--predicted", type=int, default=300, help="rows of dev and test")
    parser.add_argument("--embedded", type=int, default=300, help="rows")
    args = parser.parse_args(argv)
    usual = {"predicted": 300, "embedded": 300}
    common = {"device": f"{peers.device()}, AVX2", "goal": None, "versions": peers.versions(PACKAGES)}
    common |= {"command": peers.command(COMMAND, args, usual)}
    folders = sorted(args.classifiers.glob("transfer-base-*"))
    predict = [args.rows, args.predicted, *folders]
    entries = [
        compared(
            f"predicting {args.predicted} rows by {len(folders)} classifiers of one encoder",
            "each alone",
            (measured("together", 1, predict, {}), measured("alone", 1, predict, {})),
        )
    ]
    embed = [args.rows, args.embedded, args.encoder]
    with busy(os.cpu_count() or 1):
        sides = measured("embed", 2, embed, {}), measured("embed", 2, embed, LIBGOMP)
    work = f"embedding {args.embedded} rows by two threads beside {os.cpu_count()} busy processes"
    entries.append(compared(work, "threads that turn as long as libgomp does", sides))
    files.write_json(args.out, [entry | common for entry in entries])


def compared(work: str, peer: str, sides: tuple[dict, dict]) -> dict:
    """Return an entry of the results from both sides, ours first.

    Raises:
        SystemExit: they computed different bytes.
    """
    ours, theirs = sides
    if ours["sha"] != theirs["sha"]:
        raise SystemExit(f"bench.cpu: {work}: the two sides do not give the same bytes")
    return peers.entry(work, peer, ours["seconds"], theirs["seconds"], "s", wall=[ours["wall"], theirs["wall"]])


if __name__ == "__main__":
    main()
