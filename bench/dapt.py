"""The search for a way to adapt: what each recipe is worth on dev, against the base encoder.

python -m bench.dapt --rows data/deduplicated.parquet --labelled data/labelled.parquet --split data/split.parquet
    --base models/base --cache .dvc/tmp/bench/dapt --out bench/results/dapt.json

A recipe is `adapt` of params.yaml with changes. Each adapts once and is judged twice, at 300 and 1,000 labels: by a
logistic regression on the embeddings (`probe`: ten draws of the rows; cheap, for every recipe), and by fine-tuning as
`transfer` does, for the recipes of FINETUNED, from it and from the base on the same rows with the same seeds.
`difference` is the mean of the differences with half of its 95 % interval (Student's t). It holds the draws of rows and
of seeds for dev's documents and this one encoder: neither another draw of documents nor another seed of the adaptation,
so that it tells encoders apart, not recipes. Test rows are never read. What was computed is kept in `--cache`, by data
and settings: clear it after a change of the code.
"""

import argparse
import pydoc_data.topics
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench import approaches, intervals, peers
from bench.cache import remembered
from stages.adapt import __main__ as adapt
from stages.adapt.corpus import Corpus
from stages.learning_curve import __main__ as learning_curve
from winnow.base import files, hashing, params
from winnow.encoder import models, pooling
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.classification.labels import Task
from winnow.kinds.classification.metrics import f1_per_label
from winnow.rows import predictions, tables
from winnow.training import checkpoints

BUDGETS = (300, 1000)
SEEDS = (1, 2, 3)
DRAWS = 10
MASKED = {"objectives": {"masked_lm": 1.0}, "warmup_tokens": 30_000, "dropout": 0.1}
POSITION = {"objectives": {"position": 1.0}, "warmup_tokens": 0, "dropout": 0.0}
WHOLE = {"batch_tokens": 1024, "max_length": 64, "learning_rate": 1e-4, "interpolation": 1.0, "tokens": 150_000}
RECIPES: dict[str, dict] = {
    "position": {**WHOLE, **POSITION},
    "position, 300,000 tokens": {**WHOLE, **POSITION, "tokens": 300_000},
    "position, 600,000 tokens": {**WHOLE, **POSITION, "tokens": 600_000},
    "position, 1,200,000 tokens": {**WHOLE, **POSITION, "tokens": 1_200_000},
    "position, mean with base": {**WHOLE, **POSITION, "interpolation": 0.5},
    "position, three layers frozen": {**WHOLE, **POSITION, "frozen_layers": 3},
    "position, learning rate 5e-4": {**WHOLE, **POSITION, "learning_rate": 5e-4},
    "position, spans of sections too": {**WHOLE, **POSITION, "spans": "all"},
    "masked words": {**WHOLE, **MASKED},
    "masked words, mean with base": {**WHOLE, **MASKED, "interpolation": 0.5},
    "masked words, the task's rows alone": {**WHOLE, **MASKED, "sources": ["pubmed-2021-sections"]},
    "masked words and position": {**WHOLE, **MASKED, "objectives": {"masked_lm": 0.5, "position": 0.5}},
    "order": {**WHOLE, **POSITION, "objectives": {"order": 1.0}},
    "order and position": {**WHOLE, **POSITION, "objectives": {"order": 0.5, "position": 0.5}},
    "denoise": {**WHOLE, **POSITION, "objectives": {"denoise": 1.0}, "warmup_tokens": 30_000},
    "denoise and position": {
        **WHOLE, **POSITION, "objectives": {"denoise": 0.5, "position": 0.5}, "warmup_tokens": 30_000,
    },
    "contrast": {**WHOLE, **POSITION, "objectives": {"contrast": 1.0}, "dropout": 0.1},
    "position, another domain": {**WHOLE, **POSITION},
    "masked words, another domain": {**WHOLE, **MASKED},
}  # fmt: skip
FINETUNED = ("position", "position, 300,000 tokens", "position, 1,200,000 tokens", "masked words, mean with base")
COMMAND = "make bench-dapt"
PACKAGES = ("torch", "transformers", "scikit-learn")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("rows", "labelled", "split", "base", "cache", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--finetuned", nargs="*", default=FINETUNED, help="recipes that are judged by fine-tuning too")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="parameters to change")
    args = parser.parse_args(argv)
    sections = approaches.changed(params.read(), args.set)
    documents, split = Corpus.read(args.rows), tables.read(args.split, ["id", "split"])
    labelled = tables.read(args.labelled)

    judged_by = ("task", "compute", "balance", "encoder", "finetune", "learning_curve")
    judging = {name: sections[name] for name in judged_by}
    judging["files"] = [files.sha256(path) for path in (args.labelled, args.base / models.WEIGHTS[1])]
    read = [files.sha256(path) for path in (args.rows, args.split, args.base / models.WEIGHTS[1])]

    def judge(folder: Path, key: str, finetune: bool) -> dict[str, list[float]]:
        """Return macro-F1 on dev by what it is of, one value a draw or seed."""
        scores = remembered(args.cache, [key, "probe", judging], lambda: probe(folder, labelled, sections))
        for budget in BUDGETS if finetune else ():
            scores[f"fine-tuned, {budget} labels"] = [
                remembered(
                    args.cache, [key, budget, seed, judging], partial(tune, folder, labelled, budget, seed, sections)
                )
                for seed in args.seeds
            ]
        return scores

    base, found = judge(args.base, "base", bool(args.finetuned)), {}
    usual = {"recipes": list(RECIPES), "finetuned": FINETUNED, "seeds": SEEDS, "set": []}
    common = {
        "device": peers.device(),
        "goal": None,
        "command": peers.command(COMMAND, args, usual),
        "versions": peers.versions(PACKAGES),
    }
    for name in args.recipes:
        settings = params.parse(sections["adapt"] | RECIPES[name], adapt.Params, "adapt")
        text = (
            Corpus.of(another_domain()) if name.endswith("another domain") else adapt.choose(documents, split, settings)
        )
        key = hashing.digest(settings.model_dump_json(), name.endswith("another domain"), *read)[:16]
        folder = args.cache / key
        adaptation = partial(adapted, folder, text, args.base, settings, sections)
        facts = remembered(args.cache, [key, "adapted", sections["compute"]], adaptation)
        found[name] = judge(folder, key, name in args.finetuned), facts
        for what, each in found[name][0].items():
            gain = intervals.mean((100 * (np.array(each) - base[what])).tolist())
            print(f"{name}: {what}: {np.mean(each):.3f}, {intervals.cell(*gain, '.1f', '+')}, {facts}", flush=True)
        files.write_json(args.out, entries(base, found, common))
    print(table(base, found))


def adapted(folder: Path, text: Corpus, base: Path, settings: adapt.Params, sections: dict) -> dict:
    """Adapt into `folder` and return what it took and what was learnt."""
    accelerator = start(params.parse(sections["compute"], Compute, "compute"), settings.seed)
    began = time.perf_counter()
    model, _, metrics = adapt.train(text, base, settings, accelerator, checkpoints.NONE)
    seconds = time.perf_counter() - began
    models.save(model, base, folder)
    accelerator.free_memory()
    return {"seconds": round(seconds)} | metrics


def probe(folder: Path, labelled: pa.Table, sections: dict) -> dict[str, list[float]]:
    """Return macro-F1 on dev of a logistic regression on the folder's embeddings, by budget, one value a draw."""
    accelerator = start(params.parse(sections["compute"], Compute, "compute"), 1)
    reader = Reader.of(folder, sections["encoder"]["max_length"], 2048, accelerator)
    tokens = reader.tokenize(labelled["text"].to_pylist())
    vectors = pooling.embed(pooling.load(folder, accelerator), tokens, reader)
    draws = {"budgets": list(BUDGETS), "seeds": list(range(DRAWS))}
    settings = params.parse(sections["learning_curve"] | draws, learning_curve.Params, "learning_curve")
    by_id = dict(zip(labelled["id"].to_pylist(), vectors, strict=True))
    scores: dict[str, list[float]] = {}
    task = params.parse(sections["task"], Task, "task")
    for arm, budget, _, f1 in learning_curve.learning_curve(labelled, by_id, task, settings):
        if arm == "probe":
            scores.setdefault(f"probe, {budget} labels", []).append(f1)
    return scores


def tune(folder: Path, labelled: pa.Table, budget: int, seed: int, sections: dict) -> float:
    """Return macro-F1 on dev of a classifier fine-tuned from the encoder of `folder`."""
    dev = predictions.evaluated(labelled)
    dev = dev.filter(pc.equal(dev["split"], "dev"))
    training = approaches.draw(labelled, str(budget), seed, sections)
    predicted = approaches.predict("transfer", approaches.Rows(training, dev), folder, seed, sections)
    task = params.parse(sections["task"], Task, "task")
    truth = task.indices(dev["label"].to_pylist())
    return float(f1_per_label(truth, predicted, len(task.labels)).mean())


def another_domain() -> pa.Table:
    """Return English documents that have nothing to do with the task: the language reference that Python carries."""
    topics = sorted(pydoc_data.topics.topics.items())
    texts = [" ".join(text.split()) for _, text in topics]
    return pa.table({"id": [name for name, _ in topics], "purpose": ["text"] * len(topics), "text": texts})


def entries(base: dict[str, list[float]], found: dict[str, tuple], common: dict) -> list[dict]:
    """Return the entries of the results file, one for each recipe and judgement."""
    made = []
    for name, (scores, facts) in found.items():
        for what, each in scores.items():
            more = {"runs": len(each), "difference": intervals.mean((np.array(each) - base[what]).tolist())}
            more |= {"recipe": RECIPES[name], "adaptation": facts}
            work = f"macro-F1 on dev, {what}, encoder adapted by {name}"
            ours, theirs = float(np.mean(each)), float(np.mean(base[what]))
            made.append(peers.entry(work, "the base encoder", ours, theirs, "macro-F1", **more, **common))
    return made


def table(base: dict[str, list[float]], found: dict[str, tuple]) -> str:
    """Return macro-F1 on dev as a table for people, a line a recipe, with the points over the base encoder."""
    judged = sorted(
        {what for scores, _ in found.values() for what in scores},
        key=lambda what: (what[0] != "p", int(what.split()[-2])),
    )
    lines = [f"| recipe | {' | '.join(judged)} | seconds |", "|---" * (len(judged) + 2) + "|"]
    lines.append(f"| base encoder | {' | '.join(f'{np.mean(base[what]):.3f}' for what in judged)} | |")
    for name, (scores, facts) in found.items():
        cells = []
        for what in judged:
            each = np.array(scores.get(what, []))
            gain = intervals.mean((100 * (each - base[what])).tolist()) if len(each) else None
            cells.append(f"{each.mean():.3f} ({intervals.cell(*gain, '.1f', '+')})" if gain else "")
        lines.append(f"| {name} | {' | '.join(cells)} | {facts['seconds']} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
