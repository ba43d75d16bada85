"""How time and memory grow with the corpus: collect, clean, deduplicate and split on 0.1 to 10 GB of text.

python -m bench.scale --base data/clean.parquet --folder /var/tmp --out bench/results/scale.json

For each length (`--megabytes`, 10^6 bytes of text) a corpus is generated (bench/corpus.py) below `--folder` and the
stages run on it with WINNOW_PROCESSES=`--processes`, by the commands of dvc.yaml. Told for each stage and length:
megabytes of corpus a second, and the peak of the resident memory of all its processes together (pages that they share
count twice). The slope is that of the least-squares line of log seconds over log megabytes: 1 is linear. A stage's
seconds hold the start of its processes, which the shortest corpora feel.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench import peers, workspace
from winnow.base.files import write_json

STAGES = ("collect", "clean", "deduplicate", "split")
MEMORY = 3  # GiB
SLOPE = 1.1
PACKAGES = ("pyarrow", "numpy", "selectolax", "ftfy", "numba")


def measured(base: Path, folder: Path, megabytes: float, processes: int) -> tuple[dict, int, int]:
    """Run the stages on a corpus of one length; return each one's usage, the rows, and the bytes on disk in the end."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="winnow-scale-") as scratch:
        place = Path(scratch)
        rows = workspace.make(place, base, megabytes)
        used = {}
        for stage in STAGES:
            used[stage] = workspace.run(stage, place, processes=processes)
            speed, memory = megabytes / used[stage].seconds, used[stage].tree / 2**30
            print(f"{megabytes:g} MB, {stage}: {speed:.1f} MB/s, {memory:.2f} GiB", flush=True)
        return used, rows, workspace.disk(place)


def slope(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Return the slope of the least-squares line of log(seconds) over log(sizes)."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="on a disk with five times the longest corpus free")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, nargs="+", default=[100, 300, 1000, 3000, 10_000])
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    command = "python -m bench.scale --base data/clean.parquet --folder /var/tmp --out bench/results/scale.json"
    common = {
        "device": f"{peers.device()}, WINNOW_PROCESSES={args.processes}",
        "command": command,
        "versions": peers.versions(PACKAGES),
    }
    entries: list[dict] = []

    def tell(work: str, value: float, unit: str, goal: float | None = None) -> None:
        entries.append(peers.entry(work, None, value, None, unit, goal=goal, **common))

    seconds: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for megabytes in args.megabytes:
        used, rows, disk = measured(args.base, args.folder, megabytes, args.processes)
        where = f"{megabytes:g} MB of text, {rows} rows"
        for stage, usage in used.items():
            seconds[stage].append(usage.seconds)
            tell(f"{stage}, {where}", megabytes / usage.seconds, "MB/s")
            tell(f"{stage}, {where}: peak memory of all processes", usage.tree / 2**30, "GiB", MEMORY)
        tell(f"corpus and all outputs, {where}: disk", disk / 10**9, "GB")
    if len(args.megabytes) > 1:
        for stage in STAGES:
            work = (
                f"{stage}: slope of log seconds over log megabytes, {args.megabytes[0]:g} to {args.megabytes[-1]:g} MB"
            )
            tell(work, slope(args.megabytes, seconds[stage]), "slope", SLOPE)
    write_json(args.out, entries)


if __name__ == "__main__":
    main()
