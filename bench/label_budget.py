"""How good each approach is with how many labels, at equal compute, and how many labels adaptation is worth.

python -m bench.label_budget --rows data/labelled.parquet --deduplicated data/deduplicated.parquet
    --split data/split.parquet --base models/base --adapted models/adapted --cache .dvc/tmp/bench/label_budget
    --out bench/results/label_budget.json

A seed draws the training rows (by hash: a larger budget holds the smaller), makes the head and orders the batches;
`all` is the same rows for every seed. Every approach has the rows, the seed and the test rows of the others.

Equal compute: with n labels each encoder approach reads as many texts in training, `finetune.epochs` times n or
MIN_READS if that is more, since two epochs of 50 labels would be ten steps and teach nobody anything. `transfer` and
`dapt` read each row so often. `multitask` spends a part of the same texts on its further tasks, so its own rows are
read less often. `few_shot` draws as many pairs as read so many texts; one that stands in several pairs of a batch is
read once. Epochs are whole numbers, so the texts may differ by a third at some budgets; the CSV file tells them. What
`dapt` reads before it has a label, it reads once for all budgets; it is not counted. TF-IDF is what the stage
`baseline` does, with C chosen on dev by log loss. All else is as params.yaml says; nothing here is chosen on test.

Differences are means over seeds with the 95 % interval of a bootstrap over documents of the test split and seeds,
paired. Labels that adaptation is worth: at n labels `dapt` has a macro-F1 that `transfer` reaches at m, read off its
curve (over the logarithm of n, made monotone by isotonic regression, linear between budgets), in each resample anew. An
m beyond the last budget is told as that budget, with the share of resamples in which it was (`beyond`).

Each run is kept in `--cache` under a name made of all that it depends on but the code, and not repeated: empty the
folder when the code has changed. Several processes may fill it, each with other `--seeds`; a last one, with all seeds,
then only reads. Results are of the seeds that have all runs, and every run stands in a CSV file beside `--out`.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench import approaches as arms
from bench import peers
from bench.cache import remembered
from stages.auxiliary import __main__ as auxiliary
from stages.baseline import __main__ as baseline
from stages.finetune import __main__ as finetune
from winnow.base import files, params
from winnow.encoder import models
from winnow.kinds.classification import metrics
from winnow.kinds.classification.labels import Task
from winnow.kinds.classification.metrics import f1_per_label
from winnow.rows import predictions, tables
from winnow.statistics import intervals

REFERENCE, ADAPTED, WORDS = "transfer", "dapt", "tfidf"
FROM = {ADAPTED: REFERENCE}  # the approach of an arm, where it is not the arm's name
APPROACHES = (REFERENCE, ADAPTED, "few_shot", "multitask", WORDS)
BUDGETS = ("50", "100", "200", "500", "1000", "2000", arms.ALL)
SEEDS = (1, 2, 3, 4, 5)
MIN_READS = 1000
RESAMPLES, CONFIDENCE = 2000, 0.95
GOALS = {(ADAPTED, REFERENCE, "1000"): 0.02, (ADAPTED, WORDS, arms.ALL): 0.05}  # of the difference in macro-F1
COMMAND = "make bench-label-budget"
PACKAGES = ("torch", "transformers", "scikit-learn")


@dataclass(frozen=True)
class Data:
    """What all runs share.

    Attributes:
        rows: the labelled table.
        held_out: its dev and test rows.
        further: rows of further tasks.
        base, adapted: folders of the encoders.
        sections: of params.yaml.
        files: hashes of the tables.
    """

    rows: pa.Table
    held_out: pa.Table
    further: pa.Table
    base: Path
    adapted: Path
    sections: dict
    files: list[str]

    @property
    def task(self) -> Task:
        """Return the task."""
        return params.parse(self.sections["task"], Task, "task")

    @property
    def labels(self) -> list[str]:
        """Return the names of the classes."""
        return self.task.labels

    def encoder(self, approach: str) -> Path:
        """Return the folder of the encoder that an approach starts from."""
        return self.adapted if approach == ADAPTED else self.base

    def of(self, split: str) -> np.ndarray:
        """Return which held-out rows are of a split, (rows,) bool."""
        return np.array(self.held_out["split"].to_pylist()) == split


@dataclass(frozen=True)
class Run:
    """One approach trained once.

    Attributes:
        labels: rows that it learnt from.
        texts: read in training.
        seconds: of training and prediction.
        predicted: (held-out rows,) int.
    """

    approach: str
    budget: str
    seed: int
    labels: int
    texts: int
    seconds: float
    predicted: np.ndarray


def sized(approach: str, labels: int, data: Data) -> tuple[dict, int]:
    """Return the parameters with which an approach reads as many texts as the others, and how many it reads."""
    recipe, approaches = data.sections["finetune"], data.sections["approaches"]
    settings = finetune.settings_of(FROM.get(approach, approach), finetune.Approaches(**approaches), data.task)
    wanted = max(MIN_READS, params.parse(recipe, finetune.Params, "finetune").epochs * labels)
    if approach == "few_shot":
        batch = settings.batch_pairs
        in_batch = labels * (1 - (1 - 1 / labels) ** (2 * batch))  # distinct rows of a batch, on average
        steps = max(1, round(wanted / in_batch))
        changed = approaches | {approach: approaches[approach] | {"pairs": steps * batch}}
        return data.sections | {"approaches": changed}, round(steps * in_batch)
    shares = 1.0
    if approach == "multitask":
        names = [name for name in data.further.column_names if name.startswith("aux_")]
        counts = [data.further.num_rows - data.further[name].null_count for name in names]
        shares += sum((count / labels) ** settings.alpha for count in counts)
    epochs = max(1, round(wanted / labels / shares))
    return data.sections | {"finetune": recipe | {"epochs": epochs}}, round(epochs * labels * shares)


def run(approach: str, budget: str, seed: int, data: Data, cache: Path) -> Run:
    """Return a run from the cache, or do it and keep it there."""
    training = arms.draw(data.rows, budget, seed, data.sections)
    if approach == WORDS:
        sections, texts = data.sections, 0
        key = ["baseline"]
    else:
        sections, texts = sized(approach, training.num_rows, data)
        key = ["encoder", "finetune", "compute"]
    depends_on = [sections[name] for name in ("task", "balance", *key)]
    if approach != WORDS:
        depends_on += [
            sections["approaches"][FROM.get(approach, approach)],
            files.sha256(data.encoder(approach) / models.WEIGHTS[1]),
        ]
    depends_on += [approach, budget, seed, *data.files]

    def learn() -> dict:
        print(f"{budget} labels, {approach}, seed {seed}", file=sys.stderr, flush=True)
        started = time.perf_counter()
        if approach == WORDS:
            settings = params.parse(sections["baseline"], baseline.Params, "baseline")
            table, _ = baseline.baseline(training, data.rows, data.task, settings)
            predicted = data.task.indices(table["predicted"].to_pylist())
        else:
            folder = data.encoder(approach)
            name = FROM.get(approach, approach)
            rows = arms.Rows(training, data.held_out, data.further)
            predicted = arms.predict(name, rows, folder, seed, sections)
        return {"seconds": time.perf_counter() - started, "predicted": predicted.tolist()}

    found = remembered(cache, depends_on, learn)
    predicted = np.array(found["predicted"])
    return Run(approach, budget, seed, training.num_rows, texts, found["seconds"], predicted)


@dataclass(frozen=True)
class Curves:
    """Macro-F1 on test of approaches and budgets.

    Attributes:
        budgets: by name, how many labels each has; ascending.
        mean: by (approach, budget), the mean over seeds.
        draws: by (approach, budget), that mean in each resample of documents and seeds, (resamples,) float.
        seeds: how many.
    """

    budgets: dict[str, int]
    mean: dict[tuple[str, str], float]
    draws: dict[tuple[str, str], np.ndarray]
    seeds: int

    def difference(self, first: tuple[str, str], second: tuple[str, str]) -> dict:
        """Return the difference of two points, and its interval."""
        low, high = intervals.interval(self.draws[first] - self.draws[second], CONFIDENCE)
        return {"difference": [self.mean[first] - self.mean[second], low, high]}

    def worth(self, budget: str) -> dict:
        """Return how many labels the reference needs for what `dapt` reaches with a budget, with its interval."""
        counts = np.array(list(self.budgets.values()))
        curve = np.array([self.mean[REFERENCE, name] for name in self.budgets])
        draws = np.stack([self.draws[REFERENCE, name] for name in self.budgets], axis=1)
        needed = np.array(
            [labels_needed(counts, *pair) for pair in zip(draws, self.draws[ADAPTED, budget], strict=True)]
        )
        point = labels_needed(counts, curve, self.mean[ADAPTED, budget])
        return {
            "needed": [point, *intervals.interval(needed, CONFIDENCE)],
            "beyond": float(np.mean(needed == counts[-1])),
        }


def labels_needed(counts: np.ndarray, curve: np.ndarray, score: float) -> float:
    """Return with how many labels a curve reaches a score; its first or last budget if it lies outside.

    Args:
        counts: (budgets,) int, ascending.
        curve: (budgets,) float; a larger budget that scored worse is averaged with those before it.
    """
    from sklearn.isotonic import isotonic_regression

    rising = isotonic_regression(curve)
    if score > rising[-1]:
        return float(counts[-1])
    above = int(np.argmax(rising >= score))
    if above == 0:
        return float(counts[0])
    share = (score - rising[above - 1]) / (rising[above] - rising[above - 1])
    start, end = np.log(counts[above - 1 : above + 1])
    return float(np.exp(start + share * (end - start)))


def curves(runs: list[Run], data: Data) -> Curves:
    """Return the curves of runs, every approach and budget with the same seeds."""
    test, seeds = data.of("test"), sorted({run.seed for run in runs})
    truth = data.task.indices(data.held_out["label"].to_pylist())[test]
    names, group = np.unique(np.array(data.held_out["group"].to_pylist())[test], return_inverse=True)
    random = np.random.default_rng(0)
    group_draws, seed_draws = (intervals.resample(count, RESAMPLES, random) for count in (len(names), len(seeds)))
    mean, draws = {}, {}
    for key in dict.fromkeys((run.approach, run.budget) for run in runs):
        confusions = np.zeros((len(seeds), len(names), len(data.labels), len(data.labels)), dtype=int)
        for run in runs:
            if (run.approach, run.budget) == key:
                np.add.at(confusions, (seeds.index(run.seed), group, truth, run.predicted[test]), 1)
        mean[key] = float(metrics.values(confusions.sum(axis=1))["macro_f1"].mean())
        draws[key] = intervals.bootstrap(confusions, metrics.values, group_draws, seed_draws)["macro_f1"]
    budgets = {run.budget: run.labels for run in sorted(runs, key=lambda run: run.labels)}
    return Curves(budgets, mean, draws, len(seeds))


def entries(found: Curves, common: dict) -> list[dict]:
    """Return the entries of the results file."""
    approaches = list(dict.fromkeys(approach for approach, _ in found.mean))
    made = []
    for budget, labels in found.budgets.items():
        for peer in (REFERENCE, WORDS):
            for approach in approaches:
                ours, theirs = (approach, budget), (peer, budget)
                if approach == peer or theirs not in found.mean:
                    continue
                facts = {"labels": labels, "seeds": found.seeds, "goal": GOALS.get((approach, peer, budget))}
                facts |= {"resamples": RESAMPLES, **found.difference(ours, theirs), **common}
                work = f"macro-F1 on test, {budget} labels: {approach}"
                made.append(peers.entry(work, peer, found.mean[ours], found.mean[theirs], "macro-F1", **facts))
    if {REFERENCE, ADAPTED} <= set(approaches) and len(found.budgets) > 1:
        for budget, labels in found.budgets.items():
            facts = {"labels": labels, "seeds": found.seeds, "goal": None, "resamples": RESAMPLES}
            facts |= found.worth(budget) | common
            work = f"labels for the macro-F1 of {ADAPTED} with {budget}"
            entry = peers.entry(work, REFERENCE, labels, facts["needed"][0], "labels", **facts)
            made.append(entry | {"ratio": facts["needed"][0] / labels})
    return made


def table(found: Curves) -> str:
    """Return the curves as a table for people, a line an approach, and what adaptation is worth."""
    lines = [f"| labels | {' | '.join(found.budgets)} |", "|---" * (len(found.budgets) + 1) + "|"]
    for approach in dict.fromkeys(approach for approach, _ in found.mean):
        lines.append(f"| {approach} | {' | '.join(f'{found.mean[approach, name]:.3f}' for name in found.budgets)} |")
    if {(REFERENCE, name) for name in found.budgets} | {(ADAPTED, name) for name in found.budgets} <= set(found.mean):
        cells = []
        for name in found.budgets:
            cells.append("{:.0f} [{:.0f}, {:.0f}]".format(*found.worth(name)["needed"]))
        lines.append(f"| {REFERENCE} needs, for what {ADAPTED} has | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("rows", "deduplicated", "split", "base", "adapted", "cache", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--approaches", nargs="+", choices=APPROACHES, default=APPROACHES)
    parser.add_argument("--budgets", nargs="+", default=BUDGETS, help="labels in all, or 'all'")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="parameters to change")
    args = parser.parse_args(argv)
    rows = tables.read(args.rows)
    data = Data(
        rows=rows,
        held_out=predictions.evaluated(rows),
        further=auxiliary.choose(tables.read(args.deduplicated), tables.read(args.split, ["id", "split"])),
        base=args.base,
        adapted=args.adapted,
        sections=arms.changed(params.read(), args.set),
        files=[files.sha256(path) for path in (args.rows, args.deduplicated, args.split)],
    )
    truth = data.task.indices(data.held_out["label"].to_pylist())
    usual = {"approaches": APPROACHES, "budgets": BUDGETS, "seeds": SEEDS, "set": []}
    command = peers.command(COMMAND, args, usual)
    common = {"device": peers.device(), "command": command, "versions": peers.versions(PACKAGES)}
    runs: list[Run] = []
    for seed in args.seeds:
        for budget in args.budgets:
            runs += [run(approach, budget, seed, data, args.cache) for approach in args.approaches]
        found = curves(runs, data)
        files.write_json(args.out, entries(found, common))
        header = ["approach", "budget", "seed", "labels", "texts", "seconds", "dev_macro_f1", "test_macro_f1"]
        lines = []
        for each in runs:
            scores = [
                f1_per_label(truth[of], each.predicted[of], len(data.labels)).mean()
                for of in (data.of("dev"), data.of("test"))
            ]
            lines.append([getattr(each, name) for name in header[:6]] + scores)
        files.write_csv(args.out.with_suffix(".csv"), header, lines)
    print(table(found))


if __name__ == "__main__":
    main()
