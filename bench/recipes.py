"""Which recipe of fine-tuning is best for each arm, on dev: the search behind params.yaml's `finetune`.

python -m bench.recipes --rows data/labelled.parquet --deduplicated data/deduplicated.parquet
    --split data/split.parquet --base models/base --adapted models/adapted --cache .dvc/tmp/bench/recipes
    --out bench/results/recipes.json

Each arm is tried with each recipe of its list, with the same rows and seeds; a recipe is what it changes of
params.yaml. `macro_f1` and `log_loss` are means over seeds on dev, `difference` is the mean of the differences in
macro-F1 from the arm's best recipe with half of its 95 % interval (Student's t). Test rows are not read, let alone
predicted. Runs are kept in `--cache` and not repeated (bench.runs); each stands in a CSV file beside `--out`.
"""

import argparse
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np

from bench import approaches as arms
from bench import intervals, peers
from bench.runs import Data, Run, Wanted, run
from winnow.base import files, params
from winnow.kinds.classification.metrics import f1_per_label

NARROW, WIDE = (
    "baseline.regularization=[1,3,10,30,100,300]",
    "baseline.regularization=[1,3,10,30,100,300,1000,3000,10000]",
)
READS = [f"finetune.reads={reads}" for reads in (600, 1200, 2400)]
AROUND = [
    f"finetune.reads=1200 finetune.{change}"
    for change in (
        "learning_rate=1e-4",
        "learning_rate=4e-4",
        "label_smoothing=0.1",
        "average_decay=0.95",
        "warmup_share=0.3",
    )
]
RECIPES: dict[str, list[str]] = {
    "tfidf": [f"baseline.ngrams={ngrams} {grid}" for ngrams in (1, 2, 3) for grid in (NARROW, WIDE)],
    "transfer": READS + AROUND,
    "dapt": READS + AROUND,
    "few_shot": [f"approaches.few_shot.pairs={pairs}" for pairs in (1000, 2000, 4000)],
    "multitask": [f"finetune.reads={reads}" for reads in (600, 1200, 2400)],
}
BUDGETS = ("300",)
SEEDS = (1, 2, 3, 4, 5)
COMMAND = "make bench-recipes"
PACKAGES = ("torch", "transformers", "scikit-learn")


def scores(found: Run, data: Data) -> tuple[float, float]:
    """Return macro-F1 and log loss of a run."""
    truth = data.task.indices(data.held_out["label"].to_pylist())
    chances = found.chances[np.arange(len(truth)), truth].clip(min=1e-9)
    return float(f1_per_label(truth, found.predicted, len(data.task.labels)).mean()), float(-np.log(chances).mean())


def entries(runs: dict[tuple[str, str, str], dict[int, tuple[float, float]]]) -> list[dict]:
    """Return what stands in the results file, from (macro-F1, log loss) by arm, budget and recipe, and by seed."""
    made = []
    for arm, budget in dict.fromkeys((arm, budget) for arm, budget, _ in runs):
        of_arm = {recipe: found for (*key, recipe), found in runs.items() if key == [arm, budget]}
        best = max(of_arm, key=lambda recipe: np.mean([score[0] for score in of_arm[recipe].values()]))
        for recipe, found in of_arm.items():
            seeds = sorted(set(found) & set(of_arm[best]))
            macro_f1, log_loss = np.mean([found[seed] for seed in seeds], axis=0).tolist()
            gaps = [found[seed][0] - of_arm[best][seed][0] for seed in seeds]
            facts = {"arm": arm, "budget": budget, "recipe": recipe, "seeds": len(seeds), "best": recipe == best}
            facts |= {"macro_f1": macro_f1, "log_loss": log_loss}
            made.append(facts | {"difference": None if recipe == best else intervals.mean(gaps)})
    return made


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("rows", "deduplicated", "split", "base", "adapted", "cache", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--arms", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--budgets", nargs="+", default=BUDGETS, help="labels in all, or 'all'")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="parameters to change")
    args = parser.parse_args(argv)
    sections = arms.changed(params.read(), args.set)
    data = Data.read(args, sections, "dev")
    usual = {"arms": list(RECIPES), "budgets": BUDGETS, "seeds": SEEDS, "set": []}
    common = {"device": peers.device(), "command": peers.command(COMMAND, args, usual)}
    common |= {"versions": peers.versions(PACKAGES)}
    found: dict[tuple[str, str, str], dict[int, tuple[float, float]]] = {}
    lines = []
    for seed in args.seeds:
        for arm in args.arms:
            for budget in args.budgets:
                for recipe in RECIPES[arm]:
                    changed = arms.changed(deepcopy(sections), recipe.split())
                    done = run(Wanted(arm, budget, seed, changed), data, args.cache)
                    macro_f1, log_loss = scores(done, data)
                    found.setdefault((arm, budget, recipe), {})[seed] = macro_f1, log_loss
                    lines.append((arm, budget, recipe, seed, done.labels, done.seconds, macro_f1, log_loss))
                    print(f"{arm}, {budget} labels, {recipe}, seed {seed}: {macro_f1:.4f}, {log_loss:.4f}", flush=True)
                    header = ("arm", "budget", "recipe", "seed", "labels", "seconds", "macro_f1", "log_loss")
                    files.write_csv(args.out.with_suffix(".csv"), header, lines)
                    files.write_json(args.out, [entry | common for entry in entries(found)])


if __name__ == "__main__":
    main()
