"""Learning from few labels a class: the approach `few_shot` against setfit, on the same rows and the same encoder.

python -m bench.few_shot --rows data/labelled.parquet --base models/base --cache .dvc/tmp/bench/few_shot
    --out bench/results/few_shot.json

A seed draws so many rows of each class by hash, and trains. Both begin with the same weights, read the same number of
tokens of each text (`encoder.max_length`) and use one thread; `seconds` is loading, training and predicting the dev
and test rows, without the import of libraries. setfit has its default settings (all pairs of different classes once,
as many of one class, a learning rate of 2e-5, all layers), but for 64 labels a class and more, where these are too many
pairs: there it has the 20 iterations of its paper. It predicts by `predict`, as its `evaluate` needs a network.

Macro-F1 on test are means over seeds; `difference` is the mean of the differences with its 95 % interval, paired, of
documents (bootstrap) and of seeds (Student's t). `--judged-on dev --set approaches.few_shot.pairs=4000` is how settings
are chosen: no score of test is computed. Without it the look at test is logged (docs/test.md). Runs are kept in
`--cache` and not repeated (empty it when the code has changed); each stands in a CSV file beside `--out`.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from bench import approaches as arms
from bench import cache, intervals, peers
from winnow.base import files, params
from winnow.commands import pipeline
from winnow.encoder import models
from winnow.kinds.classification.labels import Task
from winnow.rows import predictions, tables
from winnow.validation import looks

APPROACH, PEER = "few_shot", "setfit"
SHOTS = (8, 16, 64)
SEEDS = (1, 2, 3, 4, 5)
MANY_SHOTS, ITERATIONS = 64, 20
GOAL = 0.0  # of the difference: at least as good
COMMAND = "make bench-few-shot"
PACKAGES = ("torch", "transformers", "scikit-learn")
PEER_PACKAGES = ("setfit", "sentence-transformers", "transformers", "torch", "scikit-learn")


def ours(rows: arms.Rows, base: Path, seed: int, sections: dict) -> dict:
    """Return the classes that `few_shot` predicts, (rows,) int, and its seconds."""
    started = time.perf_counter()
    predicted = arms.predict(APPROACH, rows, base, seed, sections)
    return {"predicted": predicted.tolist(), "seconds": time.perf_counter() - started}


def theirs(rows: arms.Rows, base: Path, seed: int, sections: dict, shots: int) -> dict:
    """Return the same of setfit, with `versions`.

    Raises:
        SystemExit: it failed.
    """
    columns = {"texts": rows.training["text"], "labels": rows.training["label"], "held_out": rows.held_out["text"]}
    task, max_length = params.parse(sections["task"], Task, "task"), sections["encoder"]["max_length"]
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "rows.json"
        file.write_text(json.dumps({name: column.to_pylist() for name, column in columns.items()}), encoding="utf-8")
        iterations = ITERATIONS if shots >= MANY_SHOTS else None
        arguments = (str(base.resolve()), str(file), max_length, iterations, seed)
        contender = peers.Contender(PEER, "few_shot:setfit", arguments, True, PEER_PACKAGES, "neural")
        found = peers.run(contender)
    if "error" in found:
        raise SystemExit(f"{PEER}: {found['error']}")
    found["predicted"] = task.indices(found["predicted"]).tolist()
    return found


def entries(runs: list[dict], judged_on: str, exam: intervals.Exam, common: dict) -> list[dict]:
    """Return the entries of the results file, one for each number of labels a class.

    Args:
        runs: approach, shots, seed, seconds, and by split the classes that are predicted, (rows of it,) int.
    """
    made = []
    for shots in dict.fromkeys(run["shots"] for run in runs):
        chosen = {name: [run for run in runs if (run["shots"], run["approach"]) == (shots, name)]
                  for name in (APPROACH, PEER)}  # fmt: skip
        scores = {name: exam.macro_f1({run["seed"]: run[judged_on] for run in of}) for name, of in chosen.items()}
        facts = {"seeds": len(chosen[PEER]), "goal": GOAL}
        facts |= {"difference": intervals.told(scores[APPROACH].minus(scores[PEER]))}
        facts |= {"seconds": {name: float(np.mean([run["seconds"] for run in of])) for name, of in chosen.items()}}
        work = f"macro-F1 on {judged_on}, {shots} labels a class"
        means = (of.value for of in scores.values())
        made.append(peers.entry(work, PEER, *means, "macro-F1", **facts, **common))
    return made


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("rows", "base", "cache", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--shots", type=int, nargs="+", default=SHOTS, help="labels a class")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--judged-on", choices=("dev", "test"), default="test")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="parameters to change")
    args = parser.parse_args(argv)
    command = peers.command(COMMAND, args, {"judged_on": "test", "shots": SHOTS, "seeds": SEEDS, "set": []})
    sections = arms.changed(params.read(), args.set)
    sections["compute"]["threads"] = 1
    task, max_length = params.parse(sections["task"], Task, "task"), sections["encoder"]["max_length"]
    rows = tables.read(args.rows)
    held_out = predictions.evaluated(rows)
    splits = np.array(held_out["split"].to_pylist())
    judged = predictions.SPLITS if args.judged_on == "test" else ("dev",)
    exams = {split: intervals.Exam.of(predictions.of_split(held_out, split), task) for split in judged}
    inputs = [files.sha256(path) for path in (args.rows, args.base / models.WEIGHTS[1])]
    settings = [sections[name] for name in ("task", "encoder", "finetune", "compute")]
    settings.append(sections["approaches"][APPROACH])

    runs, versions = [], peers.versions(PACKAGES)
    for seed in args.seeds:
        for shots in args.shots:
            training = arms.draw(rows, f"{shots} a class", seed, sections)
            of_run = [*inputs, shots, seed, sections["balance"]]
            learn = partial(ours, arms.Rows(training, held_out), args.base, seed, sections)
            peer = partial(theirs, arms.Rows(training, held_out), args.base, seed, sections, shots)
            found = {
                APPROACH: cache.remembered(args.cache, [APPROACH, settings, *of_run], learn),
                PEER: cache.remembered(args.cache, [PEER, max_length, *of_run], peer),
            }
            versions |= {f"{PEER}'s {name}": number for name, number in found[PEER]["versions"].items()}
            for approach, result in found.items():
                predicted = {split: np.array(result["predicted"])[splits == split] for split in exams}
                runs.append(
                    {"approach": approach, "shots": shots, "seed": seed, "seconds": result["seconds"]} | predicted
                )
                score = exams[args.judged_on].macro_f1({seed: predicted[args.judged_on]}).value
                print(f"{shots} labels a class, {approach}, seed {seed}: {score:.4f}", flush=True)
            common = {"device": peers.device(), "command": command, "versions": versions}
            files.write_json(args.out, entries(runs, args.judged_on, exams[args.judged_on], common))
            header = ["approach", "shots", "seed", "seconds"]
            lines = [
                [*(run[name] for name in header), *(exam.score(run[split]) for split, exam in exams.items())]
                for run in runs
            ]
            files.write_csv(args.out.with_suffix(".csv"), [*header, *exams], lines)
    if "test" in judged:
        looks.record_bench(pipeline.path("report", "test"), args.rows, args.out.with_suffix(".csv"), command)


if __name__ == "__main__":
    main()
