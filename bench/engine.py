"""The engines beside each other: seconds that stage `clean` takes on a generated corpus, and the bytes it writes.

python -m bench.engine --base data/clean.parquet --folder /var/tmp --out bench/results/engine.json

`ours` is the engine that is named, `theirs` one process of this machine. Ray's time holds the start of a cluster of
this machine's cores, which a cluster that runs already saves. The outputs must be equal, else the bench fails.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import peers, workspace
from winnow.base import files

ENGINES = {
    "one process": {"engine": "local", "processes": 1},
    "two processes": {"engine": "local", "processes": 2},
    "Ray, a cluster of its own": {"engine": "ray"},
}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="on a disk with ten times the corpus free")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, default=300)
    args = parser.parse_args(argv)
    seconds, sums = {}, set()
    with tempfile.TemporaryDirectory(dir=args.folder, prefix="winnow-engine-") as scratch:
        place = Path(scratch)
        count = workspace.make(place, args.base, args.megabytes)
        workspace.run("collect", place)
        for name, settings in ENGINES.items():
            seconds[name] = workspace.run("clean", place, **settings).seconds
            sums.add(files.sha256(place / "data/clean.parquet"))
    if len(sums) > 1:
        raise SystemExit("bench.engine: the engines do not write the same bytes")
    common = {
        "device": peers.device(),
        "goal": None,
        "command": "python -m bench.engine --base data/clean.parquet --folder /var/tmp --out bench/results/engine.json",
        "versions": peers.versions(("pyarrow", "ray")),
    }
    work = f"clean, {args.megabytes:g} MB of text, {count} rows"
    files.write_json(
        args.out,
        [
            peers.entry(f"{work}: {name}", "one process", took, seconds["one process"], "s", **common)
            for name, took in seconds.items()
        ],
    )


if __name__ == "__main__":
    main()
