"""Cleaning: Winnow's profile against datatrove's formatters and Data-Juicer's mappers for the same rules.

python -m bench.cleaning --raw data/raw --out bench/results/cleaning.json

Megabytes (10^6 bytes of UTF-8) a second on one core, over all texts of `--raw`, in memory. Each tool runs in a process
of its own, one after another, `--rounds` times; the best round counts. The works, each the nearest that a peer has:

- characters: entities, mojibake, control characters, NFC (ftfy in both peers), e-mail and IP addresses, white space
  (datatrove: `str.split`, since it has no such rule);
- markup: the same, and tags and scripts (datatrove: its trafilatura extractor, on texts with a `<`);
- whole: params.yaml's default profile with all kinds of personal data. Here Winnow does more than the peers, which have
  no rule for copyright sentences (Data-Juicer's is for comments in code), headings, cut-off marks, phone numbers, IBANs
  and cards.
"""

import argparse
import json
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from bench import peers
from bench.peers import Contender
from winnow.base.files import write_json

GOAL = 3  # times the best peer's speed
OURS = "Winnow"
TOOLS = {
    OURS: ("winnow", ("selectolax", "ftfy", "pyarrow")),
    "datatrove": ("datatrove", ("datatrove", "ftfy", "trafilatura")),
    "Data-Juicer": ("data_juicer", ("py-data-juicer", "ftfy", "selectolax")),
}
WORKS = {
    "characters": "characters, addresses and white space",
    "markup": "markup, characters, addresses and white space",
    "whole": "the whole default profile; peers lack some of its rules",
}


def compared(work: str, texts: list[str], rounds: int) -> list[dict]:
    """Return the entries of one work, one a peer."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "texts.json"
        file.write_text(json.dumps(texts), encoding="utf-8")
        contenders = [
            Contender(name, "cleaning:clean", (function, work, str(file)), name != OURS, packages)
            for name, (function, packages) in TOOLS.items()
        ]
        best = peers.fastest(contenders, rounds)
    megabytes = sum(len(text.encode()) for text in texts) / 10**6
    ours = best.pop(OURS)
    entries = []
    for name, theirs in best.items():
        speed = megabytes / theirs["seconds"] if "seconds" in theirs else None
        what = f"cleaning, one core, {WORKS[work]}: {len(texts)} texts, {megabytes:.2f} MB"
        more = {"reason": theirs["error"]} if "error" in theirs else {"changed": [ours["changed"], theirs["changed"]]}
        versions = ours["versions"] | theirs.get("versions", {})
        entries.append(peers.entry(what, name, megabytes / ours["seconds"], speed, "MB/s", versions=versions, **more))
    return entries


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raw", type=Path, required=True, help="folder of Parquet files with a column `text`")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    files = sorted(args.raw.glob("*.parquet"))
    if not files:
        raise SystemExit(f"{args.raw}: no Parquet file; `dvc repro collect` makes them")
    texts = [text for file in files for text in pq.read_table(file, columns=["text"])["text"].to_pylist()]
    common = {
        "goal": GOAL,
        "device": peers.device(),
        "command": "python -m bench.cleaning --raw data/raw --out bench/results/cleaning.json",
    }
    entries = [entry for work in WORKS for entry in compared(work, texts, args.rounds)]
    write_json(args.out, [{**entry, **common} for entry in entries])


if __name__ == "__main__":
    main()
