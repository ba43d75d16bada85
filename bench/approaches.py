"""Approaches side by side: macro-F1 on dev of each, trained on the same rows as `transfer` with the same seed.

python -m bench.approaches --rows data/labelled.parquet --deduplicated data/deduplicated.parquet
    --split data/split.parquet --base models/base --out bench/results/approaches.json

A seed draws the training rows by `balance` (so many labels a class, or so many in all) and trains. The recipe and each
approach's settings are those of params.yaml; `--set approaches.multitask.alpha=0.5` tries others. `ours` is the mean
over seeds, `theirs` that of `transfer` on the same rows, `difference` the mean of the differences with its 95 %
interval, paired, of documents of dev (bootstrap) and of seeds (Student's t; with one seed, of documents alone). Test
rows are never read. Results are written after each run, so a run that is cut short leaves what it has measured.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ruamel.yaml import YAML

from bench import intervals, peers
from stages.auxiliary import __main__ as auxiliary
from stages.finetune import __main__ as finetune
from winnow.balance import balancing
from winnow.base import files, params
from winnow.encoder.compute import Compute, start
from winnow.kinds.classification import model
from winnow.kinds.classification.labels import Task
from winnow.kinds.classification.predictions import chances
from winnow.kinds.job import Job
from winnow.rows import predictions, tables
from winnow.rows.ledger import Ledger

REFERENCE = "transfer"
APPROACHES = (REFERENCE, "multitask", "few_shot", "few_shot_examples")
BUDGETS = ("8 a class", "16 a class", "300")
ALL = "all"
PREDICT_TOKENS = 2048  # padded tokens in one forward pass that predicts
SEEDS = (1, 2, 3)
COMMAND = "make bench-approaches"
PACKAGES = ("torch", "transformers", "scikit-learn")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("rows", "deduplicated", "split", "base", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--approaches", nargs="+", default=APPROACHES)
    parser.add_argument("--budgets", nargs="+", default=BUDGETS, help="labels: '8 a class', '300' in all, or all")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="parameters to change")
    args = parser.parse_args(argv)
    sections = changed(params.read(), args.set)
    rows = tables.read(args.rows)
    further = auxiliary.choose(tables.read(args.deduplicated), tables.read(args.split, ["id", "split"]))
    dev = predictions.evaluated(rows)
    dev = dev.filter(pc.equal(dev["split"], "dev"))
    task = params.parse(sections["task"], Task, "task")
    exam = intervals.Exam.of(dev, task)

    found: dict[tuple[str, str], dict[int, np.ndarray]] = {}
    usual = {"base": "models/base", "approaches": APPROACHES, "budgets": BUDGETS, "seeds": SEEDS, "set": []}
    common = {
        "device": peers.device(),
        "command": peers.command(COMMAND, args, usual),
        "versions": peers.versions(PACKAGES),
        "goal": None,
    }
    approaches = [REFERENCE, *(name for name in args.approaches if name != REFERENCE)]
    for budget in args.budgets:
        for seed in args.seeds:
            training = draw(rows, budget, seed, sections)
            for approach in approaches:
                predicted = predict(approach, Rows(training, dev, further), args.base, seed, sections)
                found.setdefault((budget, approach), {})[seed] = predicted
                score = exam.score(predicted)
                print(f"{budget} labels, {approach}, seed {seed}: {score:.4f} ({training.num_rows} rows)", flush=True)
                files.write_json(args.out, entries(found, exam, common))


def changed(sections: dict, changes: list[str]) -> dict:
    """Return params.yaml with values set, `finetune.epochs=3` each."""
    for change in changes:
        path, _, value = change.partition("=")
        *parents, key = path.split(".")
        section = sections
        for parent in parents:
            section = section[parent]
        section[key] = YAML(typ="safe").load(value)
    return sections


def draw(rows: pa.Table, budget: str, seed: int, sections: dict) -> pa.Table:
    """Return a training table of the budget, drawn by the seed."""
    number, _, a_class = budget.partition(" ")
    kind = {"max_labels": None if a_class or budget == ALL else int(number)}
    kind |= {"max_per_class": int(number)} if a_class else {}
    settings = params.parse(sections["balance"] | kind | {"seed": seed}, balancing.Params, "balance")
    ledger, task = Ledger("balance"), params.parse(sections["task"], Task, "task")
    chosen = balancing.chosen(rows, {}, settings, task, Path(), ledger)
    return balancing.weigh(chosen, settings, task)[0].sort_by("id")


@dataclass(frozen=True)
class Rows:
    """What an approach learns from and is judged by.

    Attributes:
        training: a training table.
        held_out: labelled rows to predict.
        further: train rows with labels of further tasks; None: none.
    """

    training: pa.Table
    held_out: pa.Table
    further: pa.Table | None = None


def predict(approach: str, rows: Rows, base: Path, seed: int, sections: dict) -> np.ndarray:
    """Return the classes of the held-out rows, (rows,) int, by an approach from the encoder of `base`."""
    return probabilities(approach, rows, base, seed, sections).argmax(axis=1)


def probabilities(approach: str, rows: Rows, base: Path, seed: int, sections: dict) -> np.ndarray:
    """Return the classes' probabilities of the held-out rows, (rows, classes) float64; see `predict`."""
    recipe = params.parse(sections["finetune"], finetune.Params, "finetune")
    task, compute = params.parse(sections["task"], Task, "task"), params.parse(sections["compute"], Compute, "compute")
    settings = finetune.settings_of(approach, finetune.Approaches(**sections["approaches"]), task)
    job = Job(
        task=task,
        rows=rows.training,
        dev=rows.held_out.slice(0, 0),
        auxiliary=rows.training.slice(0, 0) if rows.further is None else rows.further,
        folder=base,
        max_length=sections["encoder"]["max_length"],
        recipe=recipe,
        patience=None,
        seed=seed,
        accelerator=start(compute, seed),
    )
    trained = finetune.approach(approach, task).train(job, settings)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        if trained.add:  # what stands beside the model makes what it reads
            trained.add(out)
        reader = replace(job.reader, folder=out, batch_tokens=PREDICT_TOKENS)
        predict = model.predictor(task, rows.held_out, reader)
    predicted = predict(job.accelerator.prepare(trained.model).eval())
    job.accelerator.free_memory()
    return chances(task, predicted)


def entries(found: dict[tuple[str, str], dict[int, np.ndarray]], exam: intervals.Exam, common: dict) -> list[dict]:
    """Return the entries of the results file, from what each budget and approach predicts by seed, (rows,) int each."""
    made = []
    for (budget, approach), predicted in found.items():
        reference = found[budget, REFERENCE]
        seeds = sorted(set(predicted) & set(reference))
        ours, theirs = (exam.macro_f1({seed: of[seed] for seed in seeds}) for of in (predicted, reference))
        facts = {"seeds": len(seeds), "difference": intervals.told(ours.minus(theirs))}
        work = f"macro-F1 on dev, {budget} labels: {approach}"
        made.append(peers.entry(work, REFERENCE, ours.value, theirs.value, "macro-F1", **facts, **common))
    return made


if __name__ == "__main__":
    main()
