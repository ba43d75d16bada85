"""How good each approach is with how many labels, by its best recipe, and how many labels adaptation is worth.

python -m bench.label_budget --rows data/labelled.parquet --deduplicated data/deduplicated.parquet
    --split data/split.parquet --base models/base --adapted models/adapted --cache .dvc/tmp/bench/label_budget
    --out bench/results/label_budget.json

A seed draws the training rows, makes the head and orders the batches (bench.runs). Every arm has the rows, the seed and
the test rows of the others.

Each arm has its own recipe of params.yaml; `bench.recipes` searches for it on dev. The arms do not read equally many
texts: the CSV file tells how many, and the seconds. What `dapt` reads before it has a label, it reads once for all
budgets; it is not counted. Nothing here is chosen on test; the look at it is logged (docs/test.md).

Differences are means over seeds, paired by seed, with 95 % intervals of documents of the test split (bootstrap) and of
seeds (Student's t; winnow.statistics.intervals). Labels that adaptation is worth: at n labels `dapt` has a macro-F1
that `transfer` reaches at m, read off its curve (over the logarithm of n, made monotone by isotonic regression, linear
between budgets). Its interval are the percentiles of m over draws: each is a resample of documents plus a draw of all
points' means over seeds, that are spread as Student's t is and move together as they do over the seeds. An m beyond the
last budget is told as that budget, with the share of draws in which it was (`beyond`). With one seed no interval holds
the draw of seeds. None holds the draw of the adaptation: one adapted encoder serves all runs, so that differences are
of this encoder, not of adaptation with any seed.

Each run is kept in `--cache` and not repeated: empty the folder when the code has changed. Several processes may fill
it, each with other `--seeds`; a last one, with all seeds, then only reads. Each run stands in a CSV file beside
`--out`.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench import approaches as arms
from bench import peers
from bench.intervals import CONFIDENCE, RESAMPLES, Exam, told
from bench.runs import ADAPTED, APPROACH, REFERENCE, WORDS, Data, Run, Wanted, run
from stages.finetune import __main__ as finetune
from winnow.base import files, params
from winnow.commands import pipeline
from winnow.kinds.classification.metrics import f1_per_label
from winnow.statistics import intervals
from winnow.statistics.intervals import Estimate
from winnow.validation import looks

ARMS = (REFERENCE, ADAPTED, "few_shot", "multitask", WORDS)
BUDGETS = ("50", "100", "200", "500", "1000", "2000", arms.ALL)
SEEDS = (1, 2, 3, 4, 5)
SEED_DRAWS = 5  # of each resample of documents: the tails of Student's t with few seeds need many draws
GOALS = {(ADAPTED, REFERENCE, "1000"): 0.02, (ADAPTED, WORDS, arms.ALL): 0.05}  # of the difference in macro-F1
COMMAND = "make bench-label-budget"
PACKAGES = ("torch", "transformers", "scikit-learn")


def texts_read(wanted: Wanted, labels: int, data: Data) -> int:
    """Return how many texts a run reads in training."""
    recipe = params.parse(wanted.sections["finetune"], finetune.Params, "finetune")
    if wanted.arm == WORDS:
        return labels
    sections = finetune.Approaches(**wanted.sections["approaches"])
    settings = finetune.settings_of(APPROACH.get(wanted.arm, wanted.arm), sections, data.task)
    if wanted.arm == "few_shot":
        distinct = labels * (1 - (1 - 1 / labels) ** (2 * settings.batch_pairs))  # rows of a batch, on average
        return round(settings.pairs / settings.batch_pairs * distinct)
    shares = 1.0
    if wanted.arm == "multitask":
        names = [name for name in data.further.column_names if name.startswith("aux_")]
        counts = [data.further.num_rows - data.further[name].null_count for name in names]
        shares += sum((count / labels) ** settings.alpha for count in counts)
    return round(recipe.passes(labels) * labels * shares)


@dataclass(frozen=True)
class Curves:
    """Macro-F1 on test of arms and budgets.

    Attributes:
        budgets: by name, how many labels each has; ascending.
        points: by (arm, budget), the mean over seeds.
        seeds: how many.
    """

    budgets: dict[str, int]
    points: dict[tuple[str, str], Estimate]
    seeds: int

    def difference(self, first: tuple[str, str], second: tuple[str, str]) -> dict:
        """Return the difference of two points, and its interval."""
        return {"difference": told(self.points[first].minus(self.points[second]))}

    def worth(self, budget: str) -> dict:
        """Return how many labels the reference needs for what `dapt` reaches with a budget, with its interval."""
        counts = np.array(list(self.budgets.values()))
        keys = [*((REFERENCE, name) for name in self.budgets), (ADAPTED, budget)]
        *curve, score = (self.points[key].value for key in keys)
        point = float(labels_needed(counts, np.array(curve), score))
        of_documents = np.stack([self.points[key].resampled for key in keys], axis=1)
        runs = np.stack([self.points[key].by_seed[0] for key in keys], axis=1)
        of_seeds = intervals.seed_draws(runs, SEED_DRAWS * len(of_documents), np.random.default_rng(0))
        draws = np.tile(of_documents, (SEED_DRAWS, 1)) + of_seeds
        needed = labels_needed(counts, draws[:, :-1], draws[:, -1])
        return {
            "needed": [point, *intervals.interval(needed, CONFIDENCE)],
            "beyond": float(np.mean(needed == counts[-1])),
        }


def labels_needed(counts: np.ndarray, curve: np.ndarray, score: np.ndarray | float) -> np.ndarray:
    """Return with how many labels curves reach a score, (...) float; the first or last budget if it lies outside.

    Args:
        counts: (budgets,) int, ascending.
        curve: (..., budgets) float; a larger budget that scored worse is averaged with those before it.
        score: (...) float.
    """
    heights = rising(curve)
    above = (heights < np.asarray(score)[..., None]).sum(axis=-1)  # budgets that do not reach it
    end = np.clip(above, 1, len(counts) - 1)
    low, high = (np.take_along_axis(heights, place[..., None], -1)[..., 0] for place in (end - 1, end))
    share = np.divide(score - low, high - low, out=np.zeros_like(low), where=high > low)
    start, stop = np.log(counts[end - 1]), np.log(counts[end])
    inside = np.exp(start + np.clip(share, 0, 1) * (stop - start))
    return np.where(above == 0, float(counts[0]), np.where(above == len(counts), float(counts[-1]), inside))


def rising(curve: np.ndarray) -> np.ndarray:
    """Return the isotonic regression of curves, (..., budgets) float, by its formula of largest least means."""
    sums = np.cumsum(np.insert(curve, 0, 0, axis=-1), axis=-1)
    budgets, heights = curve.shape[-1], np.full(curve.shape, -np.inf)
    for first in range(budgets):
        lengths = np.arange(1, budgets - first + 1)
        means = (sums[..., first + 1 :] - sums[..., first : first + 1]) / lengths
        least = np.minimum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]  # of means from `first` to here or beyond
        heights[..., first:] = np.maximum(heights[..., first:], least)
    return heights


def curves(runs: list[Run], data: Data) -> Curves:
    """Return the curves of runs, every arm and budget with the same seeds."""
    test = data.of("test")
    exam, points = Exam.of(data.held_out.filter(pa.array(test)), data.task), {}
    for key in dict.fromkeys((done.wanted.arm, done.wanted.budget) for done in runs):
        of_key = [done for done in runs if (done.wanted.arm, done.wanted.budget) == key]
        points[key] = exam.macro_f1({done.wanted.seed: done.predicted[test] for done in of_key})
    budgets = {done.wanted.budget: done.labels for done in sorted(runs, key=lambda done: done.labels)}
    return Curves(budgets, points, len({done.wanted.seed for done in runs}))


def entries(found: Curves, common: dict) -> list[dict]:
    """Return the entries of the results file."""
    arms_found = list(dict.fromkeys(arm for arm, _ in found.points))
    made = []
    for budget, labels in found.budgets.items():
        for peer in (REFERENCE, WORDS):
            for arm in arms_found:
                ours, theirs = (arm, budget), (peer, budget)
                if arm == peer or theirs not in found.points:
                    continue
                facts = {"labels": labels, "seeds": found.seeds, "goal": GOALS.get((arm, peer, budget))}
                facts |= {"resamples": RESAMPLES, **found.difference(ours, theirs), **common}
                work = f"macro-F1 on test, {budget} labels: {arm}"
                values = (found.points[key].value for key in (ours, theirs))
                made.append(peers.entry(work, peer, *values, "macro-F1", **facts))
    if {REFERENCE, ADAPTED} <= set(arms_found) and len(found.budgets) > 1:
        for budget, labels in found.budgets.items():
            facts = {"labels": labels, "seeds": found.seeds, "goal": None, "resamples": RESAMPLES}
            facts |= found.worth(budget) | common
            work = f"labels for the macro-F1 of {ADAPTED} with {budget}"
            entry = peers.entry(work, REFERENCE, labels, facts["needed"][0], "labels", **facts)
            made.append(entry | {"ratio": facts["needed"][0] / labels})
    return made


def table(found: Curves) -> str:
    """Return the curves as a table for people, a line an arm, and what adaptation is worth."""
    lines = [f"| labels | {' | '.join(found.budgets)} |", "|---" * (len(found.budgets) + 1) + "|"]
    for arm in dict.fromkeys(arm for arm, _ in found.points):
        values = [f"{found.points[arm, name].value:.3f}" for name in found.budgets]
        lines.append(f"| {arm} | {' | '.join(values)} |")
    if {(arm, name) for arm in (REFERENCE, ADAPTED) for name in found.budgets} <= set(found.points):
        cells = []
        for name in found.budgets:
            cells.append("{:.0f} [{:.0f}, {:.0f}]".format(*found.worth(name)["needed"]))
        lines.append(f"| {REFERENCE} needs, for what {ADAPTED} has | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("rows", "deduplicated", "split", "base", "adapted", "cache", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--budgets", nargs="+", default=BUDGETS, help="labels in all, or 'all'")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="parameters to change")
    args = parser.parse_args(argv)
    sections = arms.changed(params.read(), args.set)
    data = Data.read(args, sections)
    truth = data.task.indices(data.held_out["label"].to_pylist())
    usual = {"arms": ARMS, "budgets": BUDGETS, "seeds": SEEDS, "set": []}
    command = peers.command(COMMAND, args, usual)
    common = {"device": peers.device(), "command": command, "versions": peers.versions(PACKAGES)}
    runs: list[Run] = []
    header = ["arm", "budget", "seed", "labels", "texts", "seconds", "dev_macro_f1", "test_macro_f1"]
    lines = []
    for seed in args.seeds:
        for wanted in (Wanted(arm, budget, seed, sections) for budget in args.budgets for arm in args.arms):
            done = run(wanted, data, args.cache)
            runs.append(done)
            scores = [
                f1_per_label(truth[of], done.predicted[of], len(data.task.labels)).mean()
                for of in (data.of("dev"), data.of("test"))
            ]
            cost = done.labels, texts_read(wanted, done.labels, data), done.seconds
            lines.append([wanted.arm, wanted.budget, seed, *cost, *scores])
        found = curves(runs, data)
        files.write_json(args.out, entries(found, common))
        files.write_csv(args.out.with_suffix(".csv"), header, lines)
    looks.record_bench(pipeline.path("report", "test"), args.rows, args.out.with_suffix(".csv"), command)
    print(table(found))


if __name__ == "__main__":
    main()
