"""Memory at 1 GB: the same corpus cleaned and deduplicated by Winnow and by its peers, from file to file.

python -m bench.memory --base data/clean.parquet --folder /var/tmp --out bench/results/memory.json

A corpus of `--megabytes` (10^6 bytes of text) is generated (bench/corpus.py). Winnow's stages run on it by the commands
of dvc.yaml with one process; the peers clean data/raw and deduplicate data/clean.parquet of the same folder, each by
its own pipeline, with one worker, in a process of its own (bench/workers/memory.py). Told: the peak of the resident
memory of the largest process, and of all processes of a job together (pages that they share count twice).
"""

import argparse
import dataclasses
import tempfile
from pathlib import Path

import pyarrow as pa

from bench import peers, workspace
from bench.peers import Contender
from winnow.base.files import write_json
from winnow.rows import tables

GOAL = 2  # at most half of the best peer's
PEERS = {
    "clean": {
        "datatrove": ("datatrove_clean", ("datatrove", "ftfy")),
        "Data-Juicer": ("data_juicer_clean", ("py-data-juicer", "datasets", "ftfy")),
    },
    "deduplicate": {
        "datatrove": ("datatrove_deduplicate", ("datatrove", "spacy")),
        "datasketch": ("datasketch_deduplicate", ("datasketch",)),
        "text-dedup": ("text_dedup_deduplicate", ("text-dedup", "datasets")),
        "Data-Juicer": ("data_juicer_deduplicate", ("py-data-juicer", "datasets")),
    },
}
NARROW = pa.schema([tables.ROW.field("id"), tables.ROW.field("text")])
OURS = ("pyarrow", "numpy", "numba", "selectolax", "ftfy")


def compared(stage: str, place: Path, rows: Path, where: str, limit: float) -> list[dict]:
    """Run a stage and its peers; return the entries, two a peer."""
    ours = dataclasses.asdict(workspace.run(stage, place))
    print(f"{stage}, Winnow: {ours['tree'] / 2**30:.2f} GiB, {ours['seconds']:.0f} s", flush=True)
    # Text and id alone: what no peer needs costs it nothing, and datasets cannot read a map.
    narrow = place / f"{stage}.parquet"
    tables.write_stream((part.select(["id", "text"]) for part in tables.batches(rows)), NARROW, narrow)
    entries = []
    for name, (function, packages) in PEERS[stage].items():
        with tempfile.TemporaryDirectory(dir=place) as scratch:
            contender = Contender(name, f"memory:{function}", (str(narrow), scratch), True, packages)
            theirs = peers.run(contender, limit)
        print(f"{stage}, {name}: {theirs.get('error') or format(theirs['tree'] / 2**30, '.2f') + ' GiB'}", flush=True)
        versions = peers.versions(OURS) | theirs.get("versions", {})
        reason = {"reason": theirs["error"]} if "error" in theirs else {}
        for key, what in (("largest", "largest process"), ("tree", "all processes")):
            gibibytes = None if "error" in theirs else theirs[key] / 2**30
            work = f"{stage}, {where}: peak memory, {what}"
            entry = peers.entry(work, name, ours[key] / 2**30, gibibytes, "GiB", goal=GOAL, versions=versions, **reason)
            entries.append(entry)
    return entries


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="on a disk with ten times the corpus free")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, default=1000)
    parser.add_argument("--limit", type=float, default=3600, help="seconds after which a peer is stopped")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder, prefix="winnow-memory-") as scratch:
        place = Path(scratch)
        count = workspace.make(place, args.base, args.megabytes)
        where = f"{args.megabytes:g} MB of text, {count} rows"
        workspace.run("collect", place)
        entries = compared("clean", place, place / "data/raw/generated.parquet", where, args.limit)
        entries += compared("deduplicate", place, place / "data/clean.parquet", where, args.limit)
    common = {
        "device": peers.device(),
        "command": "python -m bench.memory --base data/clean.parquet --folder /var/tmp --out bench/results/memory.json",
    }
    write_json(args.out, [{**entry, **common} for entry in entries])


if __name__ == "__main__":
    main()
