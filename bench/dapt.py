"""The search for a way to adapt: macro-F1 on dev after fine-tuning from each adapted encoder, against the base.

python -m bench.dapt --rows data/deduplicated.parquet --labelled data/labelled.parquet --split data/split.parquet
    --base models/base --cache .dvc/tmp/bench/dapt --out bench/results/dapt.json

A recipe is `adapt` of params.yaml with changes. Each adapts once; then `transfer` is fine-tuned from it, and from the
base, on the same rows with the same seeds, by the recipe of params.yaml. `difference` is the mean of the differences
with half of its 95 % interval (Student's t). Test rows are never read. What a recipe gave is kept in `--cache` and not
computed again: clear it after a change of the code.
"""

import argparse
import json
import pydoc_data.topics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench import approaches, intervals, peers
from stages import adapt, learning_curve
from winnow import checkpoints, encoder, files, hashing, params, pooling, predictions, tables
from winnow.compute import Compute, start

BUDGETS = ("300", "1000")
SEEDS = (1, 2, 3)
PROBES = 10  # draws of rows
TASK = ["pubmed-2021-sections"]
MASKED, POSITION = {"masked_lm": 1.0}, {"position": 1.0}
BOTH = {"masked_lm": 0.5, "position": 0.5}
NO_WARMUP = {"warmup_tokens": 0}
SMALL = {"batch_tokens": 1024, "dropout": 0.0, "interpolation": 1.0, **NO_WARMUP}
TEXT = ["pubmed-2021-abstracts", "pubmed-1976-abstracts"]
RECIPES: dict[str, dict] = {
    "p1024": {"objectives": POSITION, **SMALL},
    "p1024 text": {"objectives": POSITION, **SMALL, "sources": TEXT},
    "p1024 text lr1": {"objectives": POSITION, **SMALL, "sources": TEXT, "learning_rate": 1e-4},
    "p1024 long": {"objectives": POSITION, **SMALL, "tokens": 600_000},
    "p1024 text lr1 long": {"objectives": POSITION, **SMALL, "tokens": 600_000, "sources": TEXT, "learning_rate": 1e-4},
    "m1024": {"objectives": MASKED, **SMALL, "warmup_tokens": 30_000},
    "m1024 lr1": {"objectives": MASKED, **SMALL, "warmup_tokens": 30_000, "learning_rate": 1e-4},
    "m1024 mean": {"objectives": MASKED, **SMALL, "warmup_tokens": 30_000, "interpolation": 0.5},
    "both lr1 text": {"objectives": BOTH, **SMALL, "tokens": 300_000, "sources": TEXT, "learning_rate": 1e-4},
    "p frozen3": {
        "objectives": POSITION,
        **SMALL,
        "sources": TEXT,
        "learning_rate": 1e-4,
        "frozen_layers": 3,
        "tokens": 300_000,
    },
}
CORPORA = {"irrelevant"}
COMMAND = (
    "python -m bench.dapt --rows data/deduplicated.parquet --labelled data/labelled.parquet "
    "--split data/split.parquet --base models/base --cache .dvc/tmp/bench/dapt --out bench/results/dapt.json"
)
PACKAGES = ("torch", "transformers", "scikit-learn")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("rows", "labelled", "split", "base", "cache", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--budgets", nargs="+", default=BUDGETS)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="parameters to change, for all recipes"
    )
    args = parser.parse_args(argv)
    sections = approaches.changed(params.read(), args.set)
    rows, split = tables.read(args.rows, ["id", "source", "text"]), tables.read(args.split, ["id", "split"])
    labelled = tables.read(args.labelled)
    dev = predictions.evaluated(labelled)
    dev = dev.filter(pc.equal(dev["split"], "dev"))

    def scores(folder: Path, key: str) -> dict[str, list[float]]:
        """Return macro-F1 on dev by budget, one value a seed."""
        found = {}
        for budget in args.budgets:
            for seed in args.seeds:
                settings = (sections["finetune"], sections["balance"], sections["compute"], sections["task"])
                file = args.cache / f"{hashing.digest(key, budget, seed, json.dumps(settings, default=str))[:16]}.json"
                if not file.exists():
                    training = approaches.draw(labelled, budget, seed, sections)
                    value = approaches.measure("transfer", training, dev, dev.slice(0, 0), folder, seed, sections)
                    files.write_json(file, value)
                found.setdefault(budget, []).append(json.loads(file.read_text(encoding="utf-8")))
        return found

    def probes(folder: Path, key: str) -> dict[str, list[float]]:
        """Return macro-F1 on dev of a regression on the encoder's embeddings by budget, one value a draw."""
        file = args.cache / f"{hashing.digest(key, 'probe', sections['compute']['threads'])[:16]}.json"
        if not file.exists():
            files.write_json(file, probe(folder, labelled, sections))
        return json.loads(file.read_text(encoding="utf-8"))

    base, base_probe, measured = scores(args.base, "base"), probes(args.base, "base"), {}
    print({budget: round(float(np.mean(each)), 4) for budget, each in base_probe.items()}, flush=True)
    print("base", {budget: round(float(np.mean(each)), 4) for budget, each in base.items()}, flush=True)
    for name in args.recipes:
        changes = RECIPES[name]
        settings = params.parse(
            sections["adapt"] | {key: value for key, value in changes.items() if key != "corpus"}, adapt.Params, "adapt"
        )
        key = hashing.digest(settings.model_dump_json(), changes.get("corpus", ""), sections["compute"]["threads"])[:16]
        text = irrelevant() if changes.get("corpus") == "irrelevant" else adapt.choose(rows, split, settings)
        facts = adapted(args.cache / key, text, args.base, settings, sections)
        for budget, each in probes(args.cache / key, key).items():
            gain = intervals.mean((100 * (np.array(each) - base_probe[budget])).tolist())
            print(f"{name}, probe, {budget}: {np.mean(each):.4f}, {intervals.cell(*gain, '.1f', '+')}", flush=True)
        if args.probes:
            print(facts)
            continue
        measured[name] = (scores(args.cache / key, key), facts)
        for budget, each in measured[name][0].items():
            gain = intervals.mean((100 * (np.array(each) - base[budget])).tolist())
            print(f"{name}, {budget}: {np.mean(each):.4f}, {intervals.cell(*gain, '.1f', '+')}, {facts}", flush=True)
        write(args.out, base, measured)


def adapted(folder: Path, text: pa.Table, base: Path, settings: adapt.Params, sections: dict) -> dict:
    """Adapt into `folder`, unless that was done, and return the facts of it: seconds, tokens, losses."""
    file = folder.with_suffix(".facts.json")
    if not file.exists():
        accelerator = start(params.parse(sections["compute"], Compute, "compute"), settings.seed)
        began = time.perf_counter()
        model, _, metrics = adapt.train(text, base, settings, accelerator, checkpoints.NONE)
        seconds = time.perf_counter() - began
        encoder.save(model, base, folder)
        accelerator.free_memory()
        files.write_json(file, {"seconds": round(seconds), **metrics})
    return json.loads(file.read_text(encoding="utf-8"))


def probe(folder: Path, labelled: pa.Table, sections: dict) -> dict[str, list[float]]:
    """Return macro-F1 on dev of a logistic regression on the folder's embeddings, by budget and draw of the rows."""
    from transformers import AutoModel

    accelerator = start(params.parse(sections["compute"], Compute, "compute"), 1)
    tokenizer, model = encoder.load_tokenizer(folder), encoder.load_model(AutoModel, folder)
    tokens = encoder.tokenize(tokenizer, labelled["text"].to_pylist(), sections["embed"]["max_length"])
    found = pooling.embed(accelerator.prepare(model).eval(), tokens, tokenizer.pad_token_id, 2048, accelerator)
    labels, settings = sections["task"]["labels"], sections["learning_curve"]
    settings = params.parse(
        settings | {"budgets": [int(budget) for budget in BUDGETS], "seeds": list(range(PROBES))},
        learning_curve.Params,
        "learning_curve",
    )
    vectors = dict(zip(labelled["id"].to_pylist(), found, strict=True))
    out: dict[str, list[float]] = {}
    for arm, budget, _, score in learning_curve.learning_curve(labelled, vectors, labels, settings):
        if arm == "probe":
            out.setdefault(str(budget), []).append(score)
    return out


def irrelevant() -> pa.Table:
    """Return English text of another domain, (id, text): the Python language reference, which Python carries."""
    topics = sorted(pydoc_data.topics.topics.items())
    return pa.table({"id": [name for name, _ in topics], "text": [" ".join(text.split()) for _, text in topics]})


def write(out: Path, base: dict[str, list[float]], measured: dict[str, tuple]) -> None:
    """Write the results file, a list of entries, one for each recipe and budget."""
    entries = []
    common = {"device": peers.device(), "command": COMMAND, "versions": peers.versions(PACKAGES), "goal": None}
    for name, (scores, facts) in measured.items():
        for budget, each in scores.items():
            more = {
                "seeds": len(each),
                "difference": intervals.mean((np.array(each) - base[budget]).tolist()),
                "recipe": RECIPES[name],
                "adaptation": facts,
            }
            work = f"macro-F1 on dev, {budget} labels, adapted by: {name}"
            ours, theirs = float(np.mean(each)), float(np.mean(base[budget]))
            entries.append(peers.entry(work, "transfer from the base", ours, theirs, "macro-F1", **more, **common))
    files.write_json(out, entries)


if __name__ == "__main__":
    main()
