"""`winnow diff` on two generated revisions of millions of rows: processor seconds and peak memory.

python -m bench.diff --folder /var/tmp --out bench/results/diff.json

A small repository of Git and DVC is made below `--folder`, with the tables that the command reads and no others; no
stage runs. HEAD differs from BASE in one row of a hundred: a quarter of these left, a quarter came, a quarter has
another text and a quarter another label. Predictions are those of three arms, two of them of three seeds. The report
is made as Markdown.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ruamel.yaml import YAML

from bench import peers, process, workspace
from winnow.base.files import write_json, write_text
from winnow.people import decisions
from winnow.rows import ledger, tables

ROWS, CHARACTERS = 2_000_000, 300
SECONDS, MEMORY = 120, 3  # of processor time; GiB
BLOCK = 2**17  # rows that are made at once
CHANGED = 0.01  # share of the rows
WAYS = ("removed", "added", "text", "label")
LABELS = [f"class {number}" for number in range(5)]
SPLITS = ("train", "train", "train", "dev", "test")
ARMS = {"tfidf-0": 0.6} | {
    f"{arm}-{seed}": right for arm, right in (("transfer", 0.75), ("dapt", 0.8)) for seed in (1, 2, 3)
}
BETTER = 0.01  # how much oftener HEAD's arms are right
CLEANED = 0.2  # share of the rows of which the ledger of `clean` tells
PARAMS = {
    "task": {"kind": "classification", "labels": LABELS},
    "compare": {"baseline": "tfidf", "pairs": [], "resamples": 2000, "confidence": 0.95},
}
PACKAGES = ("pyarrow", "numpy", "dvc")
PROGRAM = "import sys; from winnow.commands.cli import main; main(sys.argv[1:])"


def rows(count: int, characters: int, is_head: bool) -> Iterator[pa.Table]:
    """Yield one revision's rows by id, a block at a time; `way` says how the two revisions differ in a row."""
    ids = np.unique(np.random.default_rng(0).integers(0, 2**63, count, dtype=np.uint64))
    words = pa.array([f"word{number} " for number in range(50_000)])
    for number, start in enumerate(range(0, len(ids), BLOCK)):
        own = ids[start : start + BLOCK]
        random, size = np.random.default_rng([1, number]), len(own)
        way = np.where(random.random(size) < CHANGED, random.integers(0, len(WAYS), size), len(WAYS))
        parts = [words.take(pa.array(random.integers(0, len(words), size))) for _ in range(characters // 10)]
        text = pc.binary_join_element_wise(*parts, pa.array([f"row {id}" for id in own.tolist()]), "")
        label, group = random.integers(0, len(LABELS), size), start + np.arange(size) // 2
        split = np.array(SPLITS)[group * 7919 % len(SPLITS)]
        if is_head:
            text = pc.if_else(pa.array(way == WAYS.index("text")), pc.binary_join_element_wise(text, "more", " "), text)
            label = np.where(way == WAYS.index("label"), (label + 1) % len(LABELS), label)
        name = pa.array(LABELS).take(pa.array(label))
        table = pa.table(
            {
                "id": pa.array([f"{id:016x}" for id in own.tolist()]),
                "source": pa.repeat("generated", size),
                "group": pa.array([f"group {each}" for each in group.tolist()]),
                "text": text,
                "label": name,
                "label_origin": pa.repeat("given", size),
                "given_label": name,
                "split": pa.array(split),
                "way": pa.array(way),
            }
        )
        yield table.filter(pa.array(way != WAYS.index("added" if not is_head else "removed")))


def entries(table: pa.Table, is_head: bool) -> pa.Table:
    """Return what the ledger of `clean` tells of some rows."""
    random = np.random.default_rng(len(table))
    way = table["way"].to_numpy()
    told = table.filter(pa.array((random.random(len(table)) < CLEANED) | (is_head & (way == WAYS.index("text")))))
    columns = {"id": told["id"], "stage": "clean", "action": "change", "rule": "strip_markup", "reason": "markup"}
    full = {name: pa.repeat(value, len(told)) if isinstance(value, str) else value for name, value in columns.items()}
    full |= {name: pa.nulls(len(told), pa.string()) for name in ledger.DETAILS}
    return pa.table(full).select(ledger.SCHEMA.names).cast(ledger.SCHEMA)


def predicted(table: pa.Table, arm: str, is_head: bool) -> pa.Table:
    """Return what a run predicts of the rows of dev and test."""
    rows_ = table.filter(pc.is_in(table["split"], pa.array(["dev", "test"])))
    draw = pc.cast(pc.utf8_slice_codeunits(rows_["id"], 8, 16), pa.binary()).combine_chunks()
    salt = int(hashlib.sha256(arm.encode()).hexdigest()[:8], 16)
    unit = (np.frombuffer(b"".join(draw.to_pylist()), "S8").view(np.uint64) * np.uint64(2 * salt + 1)) / 2**64
    true = pc.index_in(rows_["label"], pa.array(LABELS)).to_numpy()
    said = np.where(unit < ARMS[arm] + is_head * BETTER, true, (true + 1) % len(LABELS))
    chances = {f"p_{name}": pa.array(np.where(said == place, 0.8, 0.05)) for place, name in enumerate(LABELS)}
    columns = {"predicted": pa.array(LABELS).take(pa.array(said))} | chances
    return pa.table({name: rows_[name] for name in ("id", "group", "split", "label")} | columns)


class Repository:
    """A repository of Git and DVC whose objects are written into the cache."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / ".dvc").mkdir(parents=True)
        write_text(folder / ".dvc/config", "[core]\n    analytics = false\n")
        write_text(folder / ".dvc/.gitignore", "/config.local\n/tmp\n/cache\n")
        shutil.copyfile(workspace.ROOT / "dvc.yaml", folder / "dvc.yaml")
        self._git("init", "-q", "-b", "main")
        self._git("config", "user.name", "bench")
        self._git("config", "user.email", "bench@example.org")

    def _git(self, *words: str) -> None:
        subprocess.run(["git", *words], cwd=self._folder, check=True, capture_output=True)

    def commit(self, name: str, outs: Mapping[str, Mapping[str, str]]) -> None:
        """Write a revision and tag it.

        Args:
            outs: of each stage the hash of each output, by path.
        """
        for path, document in (("params.yaml", PARAMS), ("dvc.lock", {"schema": "2.0", "stages": _locked(outs)})):
            with (self._folder / path).open("w", encoding="utf-8") as file:
                YAML(typ="safe").dump(document, file)
        write_text(self._folder / "data/decisions.csv", f"{','.join(decisions.COLUMNS)}\n")
        self._git("add", "-A")
        self._git("commit", "-q", "-m", name)
        self._git("tag", name)

    def put(self, file: Path, suffix: str = "") -> str:
        """Move a file into the cache; return its hash."""
        with file.open("rb") as opened:
            md5 = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() + suffix
        place = self._folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        file.rename(place)
        return md5


def _locked(outs: Mapping[str, Mapping[str, str]]) -> dict:
    return {
        stage: {"cmd": stage, "outs": [{"path": path, "hash": "md5", "md5": md5} for path, md5 in each.items()]}
        for stage, each in outs.items()
    }


def make(repository: Repository, scratch: Path, count: int, characters: int, is_head: bool) -> None:
    """Write one revision."""
    labelled, narrow = scratch / "labelled", ["id", "group", "split", "label"]
    _write(rows(count, characters, is_head), labelled)
    parts = {
        "split": (narrow, lambda table: table.append_column("cluster", table["id"])),
        "training": (["id", "split", "text"], lambda table: table.filter(pc.equal(table["split"], "train"))),
        "evaluated": (
            [*narrow, "label_origin", "text"],
            lambda table: table.filter(pc.not_equal(table["split"], "train")),
        ),
        "clean": (["id", "way"], lambda table: entries(table, is_head)),
    } | {arm: (narrow, lambda table, arm=arm: predicted(table, arm, is_head)) for arm in ARMS}
    hashes = {}
    for name, (columns, part) in parts.items():
        _write(map(part, tables.batches(labelled, columns, BLOCK)), scratch / name)
        hashes[name] = repository.put(scratch / name)
    hashes["labelled"] = repository.put(labelled)
    listed = [{"md5": hashes[arm], "relpath": f"{arm}.parquet"} for arm in sorted(ARMS)]
    write_text(scratch / "folder", json.dumps(listed))
    applied = {"data/labelled.parquet": hashes["labelled"], "data/evaluated.parquet": hashes["evaluated"]}
    outs = {
        "split": {"data/split.parquet": hashes["split"]},
        "balance": {"data/training.parquet": hashes["training"]},
        "clean": {"data/ledger/clean.parquet": hashes["clean"]},
        "apply_decisions": applied,
        "evaluate": {"data/predictions": repository.put(scratch / "folder", ".dir")},
    }
    repository.commit("head" if is_head else "base", outs)


def _write(parts: Iterator[pa.Table], path: Path) -> None:
    first = next(parts)
    tables.write_stream(chain([first], parts), first.schema, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="on a disk with four times the texts free")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--characters", type=int, default=CHARACTERS, help="of each text")
    parser.add_argument("--keep", action="store_true", help="leave the repository, and say where")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=args.folder, prefix="winnow-diff-"))
    try:
        repository, scratch = Repository(folder / "repository"), folder / "scratch"
        scratch.mkdir()
        for is_head in (False, True):
            make(repository, scratch, args.rows, args.characters, is_head)
        environment = {**os.environ, **peers.ONE_THREAD, "PYTHONPATH": str(workspace.ROOT)}
        command = [sys.executable, "-c", PROGRAM, "diff", "base", "head", "--out", folder / "report.md"]
        usage = process.measured(command, folder / "repository", environment)
        if usage.status:
            raise SystemExit(f"diff: {usage.last_line}")
        told = peers.command("make bench-diff", args, {"rows": ROWS, "characters": CHARACTERS})
        common = {"device": peers.device(), "command": told, "versions": peers.versions(PACKAGES)}
        where = f"winnow diff, {args.rows} rows of {args.characters} characters"
        costs = (("processor time", usage.processor, "s", SECONDS), ("memory", usage.tree / 2**30, "GiB", MEMORY))
        made = [
            peers.entry(f"{where}: {word}", None, value, None, unit, goal=goal, **common)
            for word, value, unit, goal in costs
        ]
        print(*(f"{entry['work']}: {entry['ours']:.2f} {entry['unit']}" for entry in made), sep="\n")
        write_json(args.out, made)
    finally:
        if args.keep:
            print(folder)
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
