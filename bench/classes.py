"""Cost of every stage by the number of classes: processor seconds and peak memory, on generated messages.

python -m bench.classes --folder /var/tmp --out bench/results/classes.json

For each pair of rows and classes (`--sizes`) messages are generated (bench/messages.py), a tenth of them without a
label, and collected from a Parquet file. The stages then run one after another by the commands of dvc.yaml, on one
thread, with the default's parameters and no label budget. Embeddings are the generated ones, and predictions of three
runs are drawn for `compare`: no encoder runs. Told for each stage: processor seconds, and the peak of the resident
memory of its largest process.
"""

import argparse
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ruamel.yaml import YAML

from bench import messages, peers, process, workspace
from winnow import kinds
from winnow.base import params
from winnow.base.files import write_json, write_text
from winnow.commands import pipeline
from winnow.encoder import embeddings
from winnow.kinds.classification import predictions
from winnow.people import decisions
from winnow.rows import tables
from winnow.rows.predictions import read_evaluated

SIZES = ("13000x77", "13000x1000", "50000x1000")
MEMORY = 4  # GiB
UNLABELLED = 0.1  # share of the rows
RUNS, RIGHT = 3, 0.8  # of the drawn arm, and how many rows it gets right
BEFORE_EMBEDDINGS = (
    *("collect", "clean", "deduplicate", "split", "removals", "check_tables"),
    *("annotate", "audit", "apply_decisions", "validate"),
)
STAGES = (
    *("represent", "semantic_duplicates", "score", "agreement", "calibrate", "find_issues", "choose_rows"),
    *("auxiliary", "balance", "baseline", "learning_curve", "rounds", "evaluate", "compare", "report"),
)
OF_TRAINING = ("metrics/adapt.json", "plots/adapt.csv")  # that the report shows; no encoder is trained here
PACKAGES = ("numpy", "scipy", "scikit-learn", "cleanlab", "pyarrow")


def make(folder: Path, made: messages.Messages) -> None:
    """Fill an empty folder with a project whose only source is generated messages."""
    for name in ("data/sources", "data/frozen", "data/rounds", "data/test", "data/code", "rules", "models/classifier"):
        (folder / name).mkdir(parents=True)
    (folder / "data/frozen/test_groups.txt").touch()
    write_text(folder / "data/decisions.csv", f"{','.join(decisions.COLUMNS)}\n")
    write_text(folder / "data/code/packages.txt", "")
    shutil.copyfile(workspace.ROOT / "dvc.yaml", folder / "dvc.yaml")
    for name in OF_TRAINING:
        (folder / "reports" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(workspace.ROOT / "reports" / name, folder / "reports" / name)
    (folder / "reports/plots/training").mkdir()
    hidden = np.random.default_rng(0).random(len(made.texts)) < UNLABELLED
    labels = [None if unseen else made.names[label] for unseen, label in zip(hidden, made.given.tolist(), strict=True)]
    keys = [str(number) for number in range(len(made.texts))]
    source = pa.table({"source_key": keys, "text": made.texts, "label": pa.array(labels, pa.string())})
    pq.write_table(source, folder / "data/sources/messages.parquet")
    settings = params.read(workspace.ROOT / params.FILE)
    columns = {"key": "source_key", "text": "text", "label": "label"}
    settings["collect"]["sources"] = [{**workspace.SOURCE, "licence": "CC0-1.0", "columns": columns}]
    settings["clean"]["default_profile"] = "plain"
    settings["task"] = {"kind": "classification", "labels": made.names}
    settings["annotate"]["rules"], settings["balance"]["max_labels"] = [], None
    settings["arms"] = {"approaches": [], "encoders": [], "seeds": [], "ensembles": {}}
    settings["compare"]["pairs"] = []
    with (folder / params.FILE).open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(settings, file)


def embed(folder: Path, vectors: np.ndarray) -> None:
    """Write the embeddings of the rows that are left."""
    rows = tables.read(folder / "data/deduplicated.parquet", ["id", "source_key"])
    own = vectors[[int(key) for key in rows["source_key"].to_pylist()]]
    for name in ("embeddings", "base_embeddings"):
        embeddings.write(folder / "data" / name, rows["id"].to_pylist(), own)


def predict(folder: Path) -> None:
    """Write what the runs of a further baseline predict of the dev and test rows, which `evaluate` judges."""
    task, rows = kinds.read_task(folder / params.FILE), read_evaluated(folder / "data/evaluated.parquet")
    truth, count = task.indices(rows["label"].to_pylist()), len(task.labels)
    for run in range(1, RUNS + 1):
        random = np.random.default_rng(run)
        said = np.where(random.random(len(truth)) < RIGHT, truth, random.integers(0, count, len(truth)))
        chances = np.full((len(truth), count), 0.1 / count)
        chances[np.arange(len(truth)), said] += 0.9
        tables.write(predictions.table(task, rows, chances), folder / f"data/baseline/drawn-{run}.parquet")


def run(stage: str, folder: Path) -> process.Usage:
    """Run a stage on one thread and return what it cost."""
    command = shlex.split(pipeline.stages(workspace.ROOT)[stage]["cmd"])
    command[0] = sys.executable
    usage = process.measured(command, folder, {**os.environ, **peers.ONE_THREAD, "PYTHONPATH": str(workspace.ROOT)})
    if usage.status:
        raise SystemExit(f"{stage}: {usage.last_line}")
    return usage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), help="rows x classes, as 13000x77")
    args = parser.parse_args()
    command = peers.command("make bench-classes", args, {"sizes": list(SIZES)})
    common = {"device": peers.device(), "command": command, "versions": peers.versions(PACKAGES)}
    entries: list[dict] = []
    for size in args.sizes:
        rows, classes = map(int, size.split("x"))
        with tempfile.TemporaryDirectory(dir=args.folder, prefix="winnow-classes-") as scratch:
            folder, made = Path(scratch), messages.generate(rows, classes)
            make(folder, made)
            for stage in (*BEFORE_EMBEDDINGS, *STAGES):
                if stage == STAGES[0]:
                    embed(folder, made.vectors)
                if stage == "evaluate":
                    predict(folder)
                usage = run(stage, folder)
                where = f"{stage}, {rows} rows of {classes} classes"
                costs = (
                    ("processor time", usage.processor, "s", None),
                    ("memory", usage.largest / 2**30, "GiB", MEMORY),
                )
                for word, value, unit, goal in costs:
                    entries.append(peers.entry(f"{where}: {word}", None, value, None, unit, goal=goal, **common))
                print(f"{where}: {usage.processor:.1f} s, {usage.largest / 2**30:.2f} GiB", flush=True)
                write_json(args.out, entries)


if __name__ == "__main__":
    main()
