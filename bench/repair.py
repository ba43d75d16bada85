"""What mending wrong responses is worth to a language model, beside leaving rows out: by scores, or at random.

python -m bench.repair --base models/base --generator models/generator --cache .dvc/tmp/bench
    --out bench/results/repair.json

Rows, planted errors and the detector are those of `bench.pairs`; a further hundred papers are held out, whose titles
are as PubMed has them. Per seed errors are planted anew in a share of the training rows, and as many rows as have an
error, the budget, are looked at. The same model then learns from

`unrepaired`   the rows with the errors,
`repaired`     these, where the rows that our detector ranks first were given to people who mend what is wrong,
`left_out`     these without the rows that our detector ranks first,
`filtered`     these without the rows of the highest loss, as a perplexity filter leaves them out,
`thinned`      these without as many rows drawn at random,
`right`        the rows without an error,

by the recipe of examples/titles (`--epochs` of it), with the same order of rows for a seed. Models are judged on the
held-out papers by the metrics of the stage `compare`, with its intervals: over papers and seeds, paired by both. People
are played by the truth, so that `repaired` is what a reviewer without errors brings. Every model's predictions are kept
in `--cache`, so that a run that was ended goes on. What the frozen layers make of a pair is computed once in a run, for
all its models.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
from ruamel.yaml import YAML

from bench import pairs, peers
from bench.headings import DOWNLOADS
from stages.finetune import __main__ as finetune
from winnow.base import files, hashing, params
from winnow.encoder import models
from winnow.encoder.compute import Compute, start
from winnow.kinds.generation import model as kind
from winnow.kinds.generation import transfer
from winnow.kinds.generation.labels import Task
from winnow.kinds.job import Job
from winnow.rows import tables
from winnow.training import layer_cache
from winnow.validation import comparison

TASK = Task(kind="generation")
EXAMPLE = peers.ROOT / "examples/titles" / params.FILE
ROWS, HELD_OUT, SEEDS, RATE, EPOCHS = 300, 100, (1, 2, 3, 4, 5), 0.3, 2
ARMS = ("unrepaired", "repaired", "left_out", "filtered", "thinned", "right")
PAIRS = [
    ["repaired", "unrepaired"],
    ["repaired", "thinned"],
    ["repaired", "left_out"],
    ["left_out", "unrepaired"],
    ["left_out", "thinned"],
    ["filtered", "thinned"],
    ["thinned", "unrepaired"],
    ["right", "unrepaired"],
]
LOSS = "loss"  # the detector of `bench.pairs` that is a perplexity filter


@dataclass(frozen=True)
class Lesson:
    """What is learnt from, and how.

    Attributes:
        training: id, group, text, label, weight.
        held_out: id, group, split, text, label.
        sections: params.yaml with those of the example.
        folder: of the language model.
    """

    training: pa.Table
    held_out: pa.Table
    sections: dict
    folder: Path


def sections(epochs: int) -> dict:
    """Return params.yaml with the example's sections that training reads."""
    own = YAML(typ="safe").load(EXAMPLE.read_text(encoding="utf-8"))
    made = params.read(peers.ROOT / params.FILE)
    for name in ("finetune", "approaches"):
        made[name] = made[name] | own[name]
    made["finetune"] |= {"epochs": epochs, "reads": 0}
    return made


def table(data: pairs.Data, rows: np.ndarray, responses: np.ndarray) -> pa.Table:
    """Return a training table of some rows, (some,) int, with responses of all, (rows,) object."""
    columns = {"id": data.ids, "group": data.ids, "text": data.prompts, "label": responses.tolist()}
    made = pa.table({name: pa.array([values[row] for row in rows], pa.string()) for name, values in columns.items()})
    return made.append_column("weight", pa.array(np.ones(len(rows)))).sort_by("id")


def lessons(data: pairs.Data, by: pairs.Models, rate: float, seed: int) -> dict[str, tuple[pa.Table, dict]]:
    """Return the training table of each arm, and how many errors it holds, with one draw of errors."""
    given, sorts = pairs.planted(data, rate, seed)
    wrong, every = sorts != "", np.arange(len(given))
    budget = int(wrong.sum())
    found = pairs.detect(data, given, by)
    first, unlikely = (np.argsort(-found[name], kind="stable")[:budget] for name in (pairs.TIERED, LOSS))
    # Of another seed than the errors, which else were the very rows that leave.
    drawn = np.array(Random(f"thinned {seed}").sample(range(len(given)), budget))
    mended = given.copy()
    mended[first] = data.truth[first]
    kept = {
        name: np.setdiff1d(every, out)
        for name, out in (("left_out", first), ("filtered", unlikely), ("thinned", drawn))
    }
    made = {"unrepaired": (every, given), "repaired": (every, mended), "right": (every, data.truth)}
    made |= {name: (rows, given) for name, rows in kept.items()}
    return {
        name: (
            table(data, rows, responses),
            {"rows": len(rows), "errors": int((responses[rows] != data.truth[rows]).sum()), "budget": budget},
        )
        for name, (rows, responses) in made.items()
    }


@contextmanager
def shared(known: dict) -> Iterator[None]:
    """Let models that learn until the block ends take from `known` what their frozen layers make of a row's tokens."""
    own = layer_cache.LayerCache

    class Shared(own):
        def __init__(self, model, layers, tokens, reader):
            new = [list(row) for row in dict.fromkeys(map(tuple, tokens)) if row not in known]
            if new:
                super().__init__(model, layers, new, reader)
                known.update(self._states)
            self._layers, self._states, self._rest = layers, known, None  # layers of language models give no tuple

    layer_cache.LayerCache = Shared
    try:
        yield
    finally:
        layer_cache.LayerCache = own


def predicted(lesson: Lesson, seed: int) -> pa.Table:
    """Return what a model that learnt the lesson predicts of the held-out rows."""
    own = lesson.sections
    recipe = params.parse(own["finetune"], finetune.Params, "finetune")
    settings = params.parse(own["approaches"]["transfer"], transfer.Settings, "approaches.transfer")
    job = Job(
        task=TASK,
        rows=lesson.training,
        dev=lesson.held_out.slice(0, 0),
        auxiliary=lesson.training.slice(0, 0),
        folder=lesson.folder,
        max_length=settings.max_length,
        recipe=recipe,
        patience=None,
        seed=seed,
        accelerator=start(params.parse(own["compute"], Compute, "compute"), seed),
    )
    trained = transfer.train(job, settings)
    reading = kind.Reading(settings.max_length, settings.max_new_tokens)
    template = kind.Template.of(lesson.folder)
    reader = replace(job.reader, batch_tokens=own["evaluate"].get("batch_tokens", recipe.batch_tokens))
    ask = kind.predictor_of(TASK, lesson.held_out, reader, template, reading)
    model = trained.model.merge_and_unload() if settings.adapter else trained.model  # faster, as `evaluate` asks it
    found = ask(job.accelerator.prepare(model).eval())
    job.accelerator.free_memory()
    return found


def entries(arms: dict[str, pa.Table], facts: dict[str, list[dict]], common: dict) -> Iterator[dict]:
    """Yield the entries of the results file.

    Args:
        arms: predictions by `<arm>-<seed>`.
        facts: of each arm, how many rows and errors it learnt from, by seed.
    """
    made = [pair for pair in PAIRS if set(pair) <= set(facts)]
    settings = comparison.Params(pairs=made, baseline="unrepaired", resamples=2000, confidence=0.95)
    compared = comparison.compare(arms, "dev", TASK, settings)
    for first, second in made:
        own, other = (compared["approaches"][name] for name in (first, second))
        difference = compared["difference"][f"{first}-{second}"]
        for metric in ("chrf", "rouge_l", "exact_match", "loss_per_byte"):
            ends = {
                what: [values[f"{metric}{end}"] for end in ("", "_low", "_high")]
                for what, values in {"own": own, "other": other, "difference": difference}.items()
            }
            learnt = {"errors": float(np.mean([each["errors"] for each in facts[first]]))}
            learnt |= {"rows": facts[first][0]["rows"], "budget": facts[first][0]["budget"]}
            work = f"a model of {first} rows: {metric}"
            told = {"arm": first, "groups": own["groups"], "seeds": own["seeds"], "goal": None}
            yield peers.entry(work, second, own[metric], other[metric], metric, **told, **learnt, **ends, **common)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="folder of the base encoder")
    parser.add_argument("--generator", type=Path, required=True, help="folder of the language model")
    parser.add_argument("--cache", type=Path, required=True, help="where embeddings, losses and predictions are kept")
    parser.add_argument("--downloads", type=Path, default=DOWNLOADS, help="where the papers are kept")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--held-out", type=int, default=HELD_OUT)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--part", choices=("reported", "other"), default="reported")
    args = parser.parse_args(argv)

    part = 0 if args.part == "reported" else 1
    whole = pairs.read(args.downloads, args.rows + args.held_out, part)
    order = np.random.default_rng(1).permutation(args.rows + args.held_out)
    train, held = np.sort(order[: args.rows]), np.sort(order[args.rows :])
    data = pairs.prepared(tuple([column[row] for row in train] for column in whole), args.base, args.cache)
    columns = dict(zip(("id", "text", "label"), ([column[row] for row in held] for column in whole), strict=True))
    held_out = pa.table(columns | {"group": columns["id"], "split": ["dev"] * len(held)}).sort_by("id")
    by, weights = pairs.loaded(args.base, args.generator, args.cache), files.sha256(args.generator / models.WEIGHTS[1])
    own = sections(args.epochs)
    arms: dict[str, pa.Table] = {}
    known: dict = {}
    facts: dict[str, list[dict]] = {name: [] for name in args.arms}
    for seed in args.seeds:
        for name, (training, told) in lessons(data, by, args.rate, seed).items():
            if name not in args.arms:
                continue
            facts[name].append(told)
            depends = [
                weights,
                seed,
                training.to_pylist(),
                held_out["id"].to_pylist(),
                own["finetune"],
                own["approaches"],
            ]
            kept = args.cache / f"repair-{hashing.digest(str(depends))[:24]}.parquet"
            if not kept.exists():
                with shared(known):
                    tables.write(predicted(Lesson(training, held_out, own, args.generator), seed), kept)
            arms[f"{name}-{seed}"] = tables.read(kept)
            print(f"{name}, seed {seed}: {told['errors']} errors in {told['rows']} rows", flush=True)
    usual = {
        "rows": ROWS,
        "held_out": HELD_OUT,
        "rate": RATE,
        "epochs": EPOCHS,
        "seeds": SEEDS,
        "arms": ARMS,
        "part": "reported",
    }
    common = {"device": peers.device(), "command": peers.command("make bench-repair", args, usual)}
    common |= {"versions": peers.versions(("torch", "transformers", "peft")), "rate": args.rate}
    made = list(entries(arms, facts, common))
    files.write_json(args.out, made)
    for entry in made:
        low, high = entry["difference"][1:]
        print(
            f"{entry['work']}: {entry['ours']:.4f}, {entry['peer']} {entry['theirs']:.4f} ({low:+.4f} to {high:+.4f})"
        )


if __name__ == "__main__":
    main()
