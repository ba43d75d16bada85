"""Judging labels: what the stages from `score` to `rounds` cost, and how well errors are found, by two revisions.

python -m bench.judging --data data --reports reports --before REVISION --out bench/results/judging.json

Two datasets: the default's rows, a tenth of the labels that nobody has settled made wrong (half at random, half as a
weak model errs: the nearest class centre of the embeddings), and generated messages of many classes with wrong labels
(bench/messages.py); the seed draws the errors, and of the messages all. The stages run by the commands of dvc.yaml on
one thread, each revision by its own code.

Told for each: processor seconds and peak memory of each stage of the first seed; and over seeds the mean and Student's
t interval of the average precision of `p_error` on the wrong labels, of its calibration error (ten bins of equal
width), and of the macro-F1 of what the models say out of fold, against the right labels; `difference` is this
revision's less the other's, paired by seed. Rows of the default hold real errors too, false alarms for both alike.
"""

import argparse
import csv
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench import intervals, messages, peers, process, workspace
from winnow import kinds
from winnow.base import params
from winnow.base.files import write_csv, write_json
from winnow.commands import pipeline
from winnow.encoder import embeddings
from winnow.kinds.classification.scores import noise
from winnow.kinds.evidence import Errors
from winnow.rows import origins, predictions, tables

KEY = ("revision", "dataset", "seed", "measure")
BEFORE_SCORE = ("annotate", "audit", "apply_decisions")  # of the messages; of the default they have run
JUDGING = ("score", "calibrate", "find_issues")  # what the quality is of
STAGES = (
    *JUDGING[:1],
    "agreement",
    *JUDGING[1:],
    "choose_rows",
    "semantic_duplicates",
    "balance",
    "baseline",
    "learning_curve",
    "rounds",
)
RATE, BINS = 0.1, 10
SHARPNESS = 20  # of the weak model, which is then as sure as it is right
DATASETS = ("default", "messages")
PACKAGES = ("scikit-learn", "scipy", "numpy", "cleanlab")
METRICS = ("average_precision", "calibration_error", "macro_f1")


def run(code: Path, stage: str, folder: Path) -> tuple[float, float]:
    """Run a stage of some code in a folder; return its processor seconds, and its peak memory in GiB."""
    command = shlex.split(pipeline.stages(code)[stage]["cmd"])
    command[0] = sys.executable
    environment = {**os.environ, **peers.ONE_THREAD, "PYTHONPATH": str(code)}
    usage = process.measured(command, folder, environment)
    if usage.status:
        raise SystemExit(f"{stage}: {usage.last_line}")
    return usage.processor, usage.largest / 2**30


def plant(folder: Path, seed: int) -> dict[str, str]:
    """Make labels of data/labelled.parquet wrong; return the right label of each row that nobody has settled, by id."""
    path, task = folder / "data/labelled.parquet", kinds.read_task(folder / params.FILE)
    table = tables.read(path)
    open_ = np.flatnonzero(pc.and_(origins.trusted(table), pc.is_null(table["verdict"])).to_numpy())
    labels = np.array(table["label"].to_pylist(), dtype=object)
    truth = task.indices(labels[open_])
    vectors = embeddings.of(table["id"].take(open_).to_pylist(), folder / "data/embeddings")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    centres = np.stack([vectors[truth == label].mean(axis=0) for label in range(len(task.labels))])
    said = np.exp(SHARPNESS * (vectors @ centres.T))
    said /= said.sum(axis=1, keepdims=True)
    given = noise.plant(truth, len(task.labels), Errors("instance", RATE / 2, seed), said)
    other = noise.plant(truth, len(task.labels), Errors("uniform", RATE / 2, seed), None)
    labels[open_] = np.array(task.labels, dtype=object)[np.where(given == truth, other, given)]
    for name in ("label", "given_label"):
        changed = np.array(table[name].to_pylist(), dtype=object)
        changed[open_] = labels[open_]
        table = tables.set_column(table, name, changed.tolist(), pa.string())
    tables.write(table, path)
    tables.write(predictions.read_evaluated(path), folder / "data/evaluated.parquet")
    ids = table["id"].take(open_).to_pylist()
    return dict(zip(ids, np.array(task.labels, dtype=object)[truth].tolist(), strict=True))


def prepare(dataset: str, folder: Path, seed: int, data: Path, reports: Path) -> dict[str, str]:
    """Fill a new folder with a dataset; return the right label of each row that is judged, by id."""
    if dataset == "messages":
        folder.mkdir()
        made = messages.generate(seed=seed)
        ids = messages.make(folder, made)
        for stage in BEFORE_SCORE:
            run(workspace.ROOT, stage, folder)
        return {id: made.names[label] for id, label in zip(ids, made.truth.tolist(), strict=True)}
    shutil.copytree(data, folder / "data", ignore=shutil.ignore_patterns("sources", "raw"))
    shutil.copytree(reports, folder / "reports")
    shutil.copy(workspace.ROOT / params.FILE, folder / params.FILE)
    return plant(folder, seed)


def quality(folder: Path, right: Mapping[str, str]) -> dict[str, float]:
    """Return how well the wrong labels were found, and the right ones told."""
    from sklearn.metrics import average_precision_score, f1_score

    rows = [
        row
        for row in tables.read(folder / "data/issues.parquet", ["id", "given_label", "p_error"]).to_pylist()
        if row["id"] in right and row["p_error"] is not None
    ]
    p_error = np.array([row["p_error"] for row in rows])
    wrong = np.array([row["given_label"] != right[row["id"]] for row in rows])
    bins = np.minimum((p_error * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, wrong, BINS) - np.bincount(bins, p_error, BINS)
    task = kinds.read_task(folder / params.FILE)
    scored = tables.read(folder / "data/scores.parquet", ["id", *(f"p_{label}" for label in task.labels)])
    likeliest = np.stack([scored[f"p_{label}"].to_numpy() for label in task.labels], axis=1).argmax(axis=1)
    said = dict(zip(scored["id"].to_pylist(), np.array(task.labels)[likeliest].tolist(), strict=True))
    return {
        "average_precision": float(average_precision_score(wrong, p_error)),
        "calibration_error": float(np.abs(gaps).sum() / len(rows)),
        "macro_f1": float(f1_score(list(right.values()), [said[id] for id in right], average="macro")),
    }


def revision(name: str, folder: Path) -> Path:
    """Write the files of a revision into a folder; return it."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", name], cwd=workspace.ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "x", "-C", folder], input=archive, check=True)
    return folder


class Runs:
    """The measured values by (revision, dataset, seed, measure), in a CSV file; a bench that is cut short goes on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = csv.DictReader(path.read_text(encoding="utf-8").splitlines()) if path.exists() else ()
        self.values = {tuple(line[name] for name in KEY): float(line["value"]) for line in lines}

    def has(self, code: str, dataset: str, seed: int) -> bool:
        """Return whether a run is done."""
        return any(key[:3] == (code, dataset, str(seed)) for key in self.values)

    def add(self, code: str, dataset: str, seed: int, measured: Mapping[str, float]) -> None:
        """Write down what a run measured."""
        self.values |= {(code, dataset, str(seed), measure): value for measure, value in measured.items()}
        write_csv(self._path, (*KEY, "value"), [(*key, f"{value:.6g}") for key, value in sorted(self.values.items())])

    def of(self, code: str, dataset: str, measure: str) -> dict[int, float]:
        """Return a measure of a revision, by seed."""
        return {
            int(key[2]): value for key, value in self.values.items() if (*key[:2], key[3]) == (code, dataset, measure)
        }


def measure(code: Path, folder: Path, right: Mapping[str, str], stages: Sequence[str]) -> dict[str, float]:
    """Run stages of some code in a prepared folder; return their costs and the quality."""
    measured = {}
    for stage in stages:
        measured[f"seconds {stage}"], measured[f"GiB {stage}"] = run(code, stage, folder)
        print(f"{code.name} {stage}: {measured[f'seconds {stage}']:.1f} s", file=sys.stderr)
    return measured | quality(folder, right)


def entries(runs: Runs, before: str, now: str, common: Mapping[str, object]) -> list[dict]:
    """Return the results: costs of the first seed, and qualities over seeds."""
    made = []
    for dataset in DATASETS:
        for stage in STAGES:
            for word, unit in (("seconds", "s"), ("GiB", "GiB")):
                ours, theirs = (runs.of(code, dataset, f"{word} {stage}") for code in (now, before))
                if both := sorted(ours.keys() & theirs.keys()):
                    work = f"{dataset}: {stage}: {'processor time' if word == 'seconds' else 'peak memory'}"
                    values = ours[both[0]], theirs[both[0]]
                    made.append(peers.entry(work, "before", *values, unit, **common))
        for metric in METRICS:
            ours, theirs = (runs.of(code, dataset, metric) for code in (now, before))
            if both := sorted(ours.keys() & theirs.keys()):
                values = [float(np.mean([each[seed] for seed in both])) for each in (ours, theirs)]
                difference = intervals.mean([ours[seed] - theirs[seed] for seed in both])
                entry = peers.entry(f"{dataset}: {metric}", "before", *values, metric, **common)
                made.append(entry | {"difference": difference, "seeds": both})
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--reports", type=Path, required=True)
    parser.add_argument("--before", default="main", help="a revision of Git")
    parser.add_argument("--now", default="HEAD", help="another")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3, 4, 5])
    parser.add_argument("--datasets", nargs="*", choices=DATASETS, default=list(DATASETS))
    args = parser.parse_args()
    names = [
        subprocess.run(["git", "rev-parse", "--short", name], check=True, capture_output=True, text=True).stdout.strip()
        for name in (args.before, args.now)
    ]
    runs = Runs(args.out.with_suffix(".csv"))
    told = f'make bench-judging ARGS="--before {names[0]} --now {names[1]}"'
    common = {"device": peers.device(), "command": told, "versions": peers.versions(PACKAGES)}
    with tempfile.TemporaryDirectory(prefix="winnow-judging-") as scratch:
        codes = {name: revision(name, Path(scratch) / name) for name in names}
        for seed, dataset, name in product(args.seeds, args.datasets, names):
            if runs.has(name, dataset, seed):
                continue
            folder = Path(scratch) / f"{dataset}-{seed}-{name}"
            right = prepare(dataset, folder, seed, args.data, args.reports)
            stages = STAGES if seed == args.seeds[0] else JUDGING
            runs.add(name, dataset, seed, measure(codes[name], folder, right, stages))
            shutil.rmtree(folder)
            write_json(args.out, entries(runs, *names, common))
    write_json(args.out, entries(runs, *names, common))


if __name__ == "__main__":
    main()
