"""How long to adapt: what `dapt` gains over `transfer` on dev, by the tokens of the adaptation.

python -m bench.adaptation --rows data/labelled.parquet --deduplicated data/deduplicated.parquet
    --split data/split.parquet --base models/base --cache .dvc/tmp/bench/adaptation --out bench/results/adaptation.json

A seed stands for one whole experiment: it seeds the adaptation, draws the training rows, makes the head and orders the
batches. Both arms fine-tune by the recipe of params.yaml; `dapt` of a seed starts from the encoder that was adapted
with that seed, `transfer` from the base. The difference is paired by seed; its 95 % interval holds dev's documents
(bootstrap) and seeds of adaptation and fine-tuning together (Student's t; winnow.statistics.intervals), so that it
tells how long to adapt with any seed, not how good one encoder is. Test rows are not read.

Encoders and runs are kept in `--cache` and not repeated: empty the folder when the code has changed. Several processes
may fill it, each with other `--seeds`; a last one, with all seeds, then only reads.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench import approaches as arms
from bench import peers
from bench.cache import remembered
from bench.dapt import adapted
from bench.intervals import Exam, cell, told
from bench.runs import ADAPTED, REFERENCE, Data, Wanted, run
from stages.adapt import __main__ as adapt
from stages.adapt.corpus import Corpus
from winnow.base import files, hashing, params
from winnow.encoder import models
from winnow.rows import tables

TOKENS = (150_000, 300_000, 600_000, 1_200_000)
BUDGETS = ("100", "300", "1000")
SEEDS = (1, 2, 3, 4, 5)
COMMAND = "make bench-adaptation"
PACKAGES = ("torch", "transformers")


def encoder(tokens: int, seed: int, sections: dict, paths: argparse.Namespace) -> tuple[Path, dict]:
    """Return the folder of an encoder adapted with so many tokens, and what its adaptation took."""
    settings = params.parse(sections["adapt"] | {"tokens": tokens, "seed": seed}, adapt.Params, "adapt")
    read = [files.sha256(path) for path in (paths.deduplicated, paths.split, paths.base / models.WEIGHTS[1])]
    depends_on = [settings.model_dump_json(), sections["compute"], *read]
    folder = paths.cache / f"encoder-{hashing.digest(*map(str, depends_on))[:16]}"

    def learn() -> dict:
        corpus = Corpus.read(paths.deduplicated)
        text = adapt.choose(corpus, tables.read(paths.split, ["id", "split"]), settings)
        return adapted(folder, text, paths.base, settings, sections)

    return folder, remembered(paths.cache, depends_on, learn)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("rows", "deduplicated", "split", "base", "cache", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--tokens", type=int, nargs="+", default=TOKENS)
    parser.add_argument("--budgets", nargs="+", default=BUDGETS, help="labels in all, or 'all'")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="parameters to change")
    args = parser.parse_args(argv)
    sections = arms.changed(params.read(), args.set)
    data = Data.read(args, sections, "dev")
    exam = Exam.of(data.held_out, data.task)
    usual = {"tokens": TOKENS, "budgets": BUDGETS, "seeds": SEEDS, "set": []}
    common = {"goal": None, "device": peers.device(), "command": peers.command(COMMAND, args, usual)}
    common |= {"versions": peers.versions(PACKAGES)}
    made, lines = [], []
    for tokens in args.tokens:
        folders = {seed: encoder(tokens, seed, sections, args) for seed in args.seeds}
        seconds = float(np.mean([facts["seconds"] for _, facts in folders.values()]))
        for budget in args.budgets:
            ours, theirs = {}, {}
            for seed, (folder, _) in folders.items():
                for arm, predicted in ((ADAPTED, ours), (REFERENCE, theirs)):
                    done = run(Wanted(arm, budget, seed, sections), replace(data, adapted=folder), args.cache)
                    predicted[seed] = done.predicted
                    lines.append((tokens, budget, arm, seed, done.labels, done.seconds, exam.score(done.predicted)))
            scores, reference = exam.macro_f1(ours), exam.macro_f1(theirs)
            difference = told(scores.minus(reference))
            facts = {"tokens": tokens, "labels": budget, "seeds": len(args.seeds), "difference": difference}
            facts |= {"adaptation_seconds": seconds}
            work = f"macro-F1 on dev, {budget} labels, {tokens} tokens of adaptation"
            made.append(peers.entry(work, REFERENCE, scores.value, reference.value, "macro-F1", **facts, **common))
            low, high = (f"{100 * bound:+.1f}" for bound in difference[1:])
            print(f"{work}: {cell(100 * difference[0], None, '.1f', '+')} ({low} to {high})", flush=True)
            header = ("tokens", "budget", "arm", "seed", "labels", "seconds", "macro_f1")
            files.write_csv(args.out.with_suffix(".csv"), header, lines)
            files.write_json(args.out, made)


if __name__ == "__main__":
    main()
