"""Memory and time of the stages after `split`, on a generated table of any number of rows and length of text.

python -m bench.rows --base data/clean.parquet --embeddings data/base_embeddings --folder /var/tmp
    --out bench/results/rows.json

The table (`--rows`, each with `--characters` of text) is generated from bench/corpus.py, with splits, headings, and
embeddings made from real ones; the stages of `--stages` run on it one after another by the commands of
dvc.yaml, with the default's parameters. Told for each: seconds, and the peak of the resident memory of all its
processes together.
`adapt: reading` is what `adapt` does before it tokenizes: it chooses documents and reads their texts; with
`apply_decisions` it is what two gibibytes of text once stopped. Beyond 50,000 rows also told: of the nearest rows, the
share that the graph finds (winnow/encoder/neighbours.py), and its time. Stages that train an encoder or embed texts
are not here.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ruamel.yaml import YAML

from bench import corpus, peers, process, workspace
from winnow import kinds
from winnow.base import hashing, params
from winnow.base.files import write_json, write_text
from winnow.encoder import embeddings, neighbours
from winnow.people import decisions
from winnow.rows import ledger, tables

READING = "adapt: reading"
STAGES = (
    *("annotate", "audit", "apply_decisions", "auxiliary", READING, "score", "agreement", "calibrate", "find_issues"),
    *("choose_rows", "semantic_duplicates", "balance", "baseline", "learning_curve", "rounds", "represent", "compare"),
)
ROWS, CHARACTERS = 2_000_000, 2500
MEMORY = 8  # GiB
NOISE, SEPARATION = 0.25, 0.15  # of a row, and of the classes' centres, beside the spread of the real embeddings
SAMPLE = 300  # rows whose nearest rows are looked for among all, to measure what the graph finds
PACKAGES = ("faiss-cpu", "numpy", "pyarrow", "scikit-learn")
SCHEMA = tables.row_schema().append(pa.field("cluster", pa.string(), nullable=False))
SPLIT = pa.schema([pa.field(name, pa.string(), nullable=False) for name in ("id", "group", "cluster", "split")])
CONFLICTS = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("kept", pa.bool_()),
        pa.field("others", pa.list_(pa.struct([("id", pa.string()), ("label", pa.string()), ("kept", pa.bool_())]))),
        pa.field("others_total", pa.int64()),
    ]
)


def generated(base: corpus.Base, rows: int, characters: int) -> Iterator[pa.Table]:
    """Yield tables of schema `SCHEMA` with `rows` rows together; each text is repeated up to `characters`."""
    for block, start in enumerate(range(0, rows, corpus.BLOCK)):
        table = corpus.rows(base, 1, block).slice(0, rows - start)
        times = np.ceil(characters / np.maximum(pc.utf8_length(table["text"]).to_numpy(), 1)).astype(np.int64)
        repeated = pc.binary_repeat(pc.cast(table["text"], pa.large_string()), pa.array(times))
        headings = pc.fill_null(table["label"], "OTHER").combine_chunks()
        keys = pa.repeat(pa.scalar("heading"), len(table))
        meta = pa.MapArray.from_arrays(pa.array(range(len(table) + 1), pa.int32()), keys, headings)
        table = tables.set_column(
            table, "text", pc.utf8_slice_codeunits(repeated, 0, characters).cast(pa.string()), pa.string()
        )
        yield tables.set_column(table, "meta", meta, tables.META).append_column(SCHEMA.field("cluster"), table["id"])


def embedded(real: Path, labels: np.ndarray) -> np.ndarray:
    """Return embeddings, (rows, dimensions) float32: of two real ones the mean at random weights, noise, and a class.

    Args:
        real: a folder of the pipeline's embeddings.
        labels: (rows,) int.
    """
    random, (_, base) = np.random.default_rng(1), embeddings.read(real)
    centres = SEPARATION * base.std() * random.standard_normal((labels.max() + 1, base.shape[1]), np.float32)
    made = np.empty((len(labels), base.shape[1]), np.float32)
    for start in range(0, len(made), corpus.BLOCK):
        own = labels[start : start + corpus.BLOCK]
        first, second = base[random.integers(0, len(base), (2, len(own)))]
        weight = random.random((len(own), 1), np.float32)
        noise = NOISE * base.std() * random.standard_normal(first.shape, np.float32)
        made[start : start + corpus.BLOCK] = weight * first + (1 - weight) * second + noise + centres[own]
    return made


def make(folder: Path, base: Path, real: Path, rows: int, characters: int) -> None:
    """Fill an empty folder with what the stages read."""
    for name in ("data/frozen", "data/rounds", "rules", "models"):
        (folder / name).mkdir(parents=True)
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(params.read(workspace.ROOT / "params.yaml"), file)
    data = folder / "data"
    with tables.writer(data / "deduplicated.parquet", SCHEMA) as sorter:
        for table in generated(corpus.read_base(base), rows, characters):
            sorter.add(table)
    for name in ("clean", "edited"):  # that were cleaned before, and that nobody edited
        os.link(data / "deduplicated.parquet", data / f"{name}.parquet")
    table = tables.read(data / "deduplicated.parquet", ["id", "group", "cluster", "label"])
    draws = [hashing.unit("split", group) for group in table["group"].to_pylist()]
    names = np.array(["train", "dev", "test"])[np.searchsorted([0.68, 0.8], draws)]
    split = table.select(SPLIT.names[:-1]).append_column("split", pa.array(names))
    tables.write(split.cast(SPLIT), data / "split.parquet")
    labels = table["label"].combine_chunks().dictionary_encode().indices.fill_null(0).to_numpy()
    vectors = embedded(real, labels)
    for name in ("embeddings", "base_embeddings"):
        embeddings.write(data / name, table["id"].to_pylist(), vectors)
    predicted = tables.set_column(split.drop_columns(["cluster"]), "label", table["label"], pa.string())
    predict(predicted.filter(pc.and_(pc.not_equal(split["split"], "train"), table["label"].is_valid())), data)
    tables.write(CONFLICTS.empty_table(), data / "conflicts.parquet")
    ledger.Ledger("deduplicate").write(data / "ledger/deduplicate.parquet")
    write_text(data / "decisions.csv", f"{','.join(decisions.COLUMNS)}\n")


def predict(rows: pa.Table, data: Path) -> None:
    """Write predictions of the arms that params.yaml compares, right for most rows (id, group, split, label)."""
    task, random = kinds.read_task(workspace.ROOT / params.FILE), np.random.default_rng(2)
    truth = np.eye(len(task.labels))[task.indices(rows["label"].to_pylist())]
    compared = params.read(workspace.ROOT / params.FILE)["compare"]
    arms = {compared["baseline"], *(name for pair in compared["pairs"] for name in pair)}
    for name in sorted(arms):
        chances = truth + random.random(truth.shape)
        made = kinds.load(task, "predictions").table(task, rows, chances / chances.sum(axis=1, keepdims=True))
        tables.write(made, data / f"predictions/{name}-1.parquet")


def read_as_adapt_does(folder: Path) -> None:
    """Choose the documents that may adapt the encoder, and read their texts."""
    from stages.adapt import __main__ as adapt
    from stages.adapt.corpus import Corpus

    settings = params.load("adapt", adapt.Params, folder / "params.yaml").model_copy(update={"transductive": True})
    split = tables.read(folder / "data/split.parquet", ["id", "split"])
    chosen = adapt.choose(Corpus.read(folder / "data/deduplicated.parquet"), split, settings)
    print(sum(map(len, chosen.texts)), "characters")


def measured(stage: str, folder: Path) -> process.Usage:
    """Run a stage, or the part of one, and return what it cost."""
    if stage != READING:
        return workspace.run(stage, folder)
    command = [sys.executable, "-m", "bench.rows", "--read", folder]
    usage = process.measured(command, folder, {**os.environ, "PYTHONPATH": str(workspace.ROOT)})
    if usage.status != 0:
        raise SystemExit(f"{stage}: {usage.last_line}")
    return usage


def recall(folder: Path) -> tuple[float, float]:
    """Return the share of the nearest rows that the graph finds, and the seconds that it took for all rows."""
    _, vectors = embeddings.read(folder / "data/embeddings")
    rows, k = len(vectors), 15
    begun = time.perf_counter()
    found = neighbours.nearest(vectors, np.arange(rows), np.ones(rows, dtype=bool), k)
    seconds = time.perf_counter() - begun
    sample = np.linspace(0, rows - 1, SAMPLE).astype(int)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit[sample] @ unit.T
    cosines[np.arange(SAMPLE), sample] = -np.inf
    exact = np.argpartition(cosines, -k, axis=1)[:, -k:]
    same = [len(set(one) & set(other)) / k for one, other in zip(found.index[sample], exact, strict=True)]
    return float(np.mean(same)), seconds


def command(args: argparse.Namespace) -> str:
    """Return how to measure the same again."""
    told = peers.command("make bench-rows", args, {"rows": ROWS, "characters": CHARACTERS, "stages": list(STAGES)})
    return told if not args.shared else f'{told[:-1]} --shared"' if told.endswith('"') else f'{told} ARGS="--shared"'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--embeddings", type=Path, help="real ones, from which those of the rows are made")
    parser.add_argument("--folder", type=Path, help="on a disk with three times the texts free")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--characters", type=int, default=CHARACTERS, help="of each text")
    parser.add_argument("--shared", action="store_true", help="others use the machine too: tell no times")
    parser.add_argument("--stages", nargs="*", default=list(STAGES), help="in their order; each needs those before it")
    args = parser.parse_args()
    if args.read:
        read_as_adapt_does(args.read)
        return
    common = {
        "device": peers.device(),
        "command": command(args),
        "versions": peers.versions(PACKAGES),
    }
    where = f"{args.rows} rows of {args.characters} characters"
    entries: list[dict] = []

    def tell(work: str, value: float, unit: str, goal: float | None = None) -> None:
        entries.append(peers.entry(f"{work}, {where}", None, value, None, unit, goal=goal, **common))
        print(entries[-1]["work"], f"{value:.2f} {unit}", flush=True)
        write_json(args.out, entries)

    with tempfile.TemporaryDirectory(dir=args.folder, prefix="winnow-rows-") as scratch:
        place = Path(scratch)
        make(place, args.base, args.embeddings, args.rows, args.characters)
        for stage in args.stages:
            usage = measured(stage, place)
            tell(f"{stage}: peak memory of all processes", usage.tree / 2**30, "GiB", MEMORY)
            if not args.shared:
                tell(f"{stage}: time", usage.seconds, "s")
        if args.rows**2 > neighbours.EXACT:
            share, seconds = recall(place)
            tell("nearest rows: share that the graph finds", share, "recall")
            if not args.shared:
                tell("nearest rows: time", seconds, "s")


if __name__ == "__main__":
    main()
