"""Label errors found: the tiered detector against cleanlab on several models' probabilities.

python -m bench.labels --rows data/labelled.parquet --embeddings data/embeddings --base models/base
    --encoder models/adapted --cache .dvc/tmp/bench --out bench/results/labels.json

Planted errors (`winnow.kinds.classification.scores.noise`): on the rows whose label people gave, of three kinds, at
four rates, drawn by five seeds. Instance-dependent ones are errors of a weak model that is none of those below
(`detectors.weak_model`). A fourth kind, `adjacent`, is the same but for the wrong label, which is that of the row
before or after it in its document: an error that the order of a document's labels hides.

Each detector gets the noisy labels and the out-of-fold probabilities of models that learnt from them: logistic
regressions on TF-IDF (`words`), on the base encoder's embeddings (`base`) and on the adapted one's (`probe`). The
ensemble is the mean of the first and the last, as in the stage `score`; the tiered detector gets these two. With
`--finetune` an encoder that is fine-tuned anew for each fold joins both. `tiered, without groups` does not know which
rows are of one document, as cleanlab does not.

The given labels hold errors of their own, of which nobody knows. On `all` rows a real error that is found counts as a
false alarm, for every detector alike. `settled` leaves out of the judgement (not of the work) the rows of which no
model, trained on the labels as given, confirms the label: most real errors are among them, and planting may have set
such a label right.

Several raters (bench/raters.py): one rater's label is to be found wrong where it differs from the majority of the
others. Here `probe` is on the base encoder: none is adapted to these texts.

The results are means over seeds with 95 % intervals (Student's t), which hold the draws of errors, not of rows: average
precision, precision at 100 and at the true number of errors (there it equals recall), precision and recall of what the
detector flags. Every run stands in a CSV file beside `--out`.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench import detectors, intervals, parallel, peers, raters
from bench.detectors import AP, METRICS, TIERED, Corpus
from stages.embed import __main__ as embed
from stages.score import __main__ as score
from winnow import kinds
from winnow.base import files, hashing, params
from winnow.encoder import embeddings, models, pooling
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader, Reading
from winnow.kinds.classification import finetuned
from winnow.kinds.classification.members import Probe, Words
from winnow.kinds.classification.scores import noise
from winnow.kinds.evidence import NOISES, Errors
from winnow.rows import origins, tables

ADJACENT = "adjacent"
KINDS = (*NOISES, ADJACENT)
RATES = (0.05, 0.1, 0.2, 0.4)
SEEDS = (1, 2, 3, 4, 5)
SENTENCES = 6000  # of the several raters', the first by a hash
WEAK_ROWS = 200  # what the weak model learns from
RATERS = "one rater"
GOALS = {"ensemble": 0.10, "words": 0.20}  # points of average precision above cleanlab's, under instance errors
PACKAGES = ("cleanlab", "scikit-learn", "numpy")
COMMAND = "make bench-labels"

Job = tuple[str, float, int]  # kind, rate, seed


@dataclass(frozen=True)
class Data:
    """What the runs are on: the default's rows, which of them are settled, (rows,) bool, and the rated sentences."""

    default: Corpus
    settled: np.ndarray
    rated: Corpus | None
    sentences: list[raters.Sentence]


_data: Data  # of a worker process


def work_on(data: Data) -> None:
    """Keep the data of this worker process."""
    global _data
    _data = data


def default_corpus(rows: Path, embedded: Path, base: Path, cache: Path) -> Corpus:
    """Return the rows whose label people gave."""
    settings, task = params.load("score", score.Params), kinds.read_task()
    table = tables.read(rows, ["id", "source_key", "group", "cluster", "text", "label", "label_origin"])
    table = table.filter(origins.trusted(table))
    groups, texts = table["group"].to_pylist(), table["text"].to_pylist()
    vectors = embeddings.of(table["id"].to_pylist(), embedded)
    members = {
        "words": Words(texts, settings.regularization.tfidf),
        "base": Probe(encoded(texts, base, cache), settings.regularization.probe),
        "probe": Probe(vectors, settings.regularization.probe),
    }
    return Corpus(
        labels=task.labels,
        truth=task.indices(table["label"].to_pylist()),
        folds=score.assign_folds(groups, table["cluster"].to_pylist(), settings.folds),
        groups=groups,
        keys=table["source_key"].to_pylist(),
        texts=texts,
        vectors=vectors,
        members=members,
    )


def rated_corpus(sentences: Sequence[raters.Sentence], base: Path, cache: Path) -> Corpus:
    """Return the rated sentences, without a truth: that depends on which rater is drawn."""
    settings = params.load("score", score.Params)
    groups, texts = [sentence.group for sentence in sentences], [sentence.text for sentence in sentences]
    vectors = encoded(texts, base, cache)
    members = {
        "words": Words(texts, settings.regularization.tfidf),
        "probe": Probe(vectors, settings.regularization.probe),
    }
    folds = score.assign_folds(groups, groups, settings.folds)
    keys = [sentence.key for sentence in sentences]
    return Corpus(raters.LABELS, np.full(len(texts), -1), folds, groups, keys, texts, vectors, members)


def encoded(texts: list[str], folder: Path, cache: Path) -> np.ndarray:
    """Return the texts' embeddings by the encoder of a folder, (rows, dimensions) float32, as the stage `embed` does.

    They are kept in the folder `cache` under a name that says what they are of.
    """
    settings, longest = params.load("embed", embed.Params), params.load("encoder", Reading).max_length
    weights = files.sha256(folder / models.WEIGHTS[1])
    kept = cache / f"embeddings-{hashing.digest(weights, longest, *texts)[:16]}"
    if not kept.exists():
        accelerator = start(params.load("compute", Compute), seed=0)
        model = pooling.load(folder, accelerator)
        reader = Reader.of(folder, longest, settings.batch_tokens, accelerator)
        vectors = pooling.embed(model, reader.tokenize(texts), reader)
        embeddings.write(kept, [str(number) for number in range(len(texts))], vectors)
    return embeddings.read(kept)[1]


def with_finetuning(corpus: Corpus, folder: Path) -> Corpus:
    """Return the corpus with one more member, an encoder fine-tuned for each fold."""
    recipe, reading = params.load("score", score.Params).finetune, params.load("encoder", Reading)
    accelerator = start(params.load("compute", Compute), recipe.seeds[0])
    reader = Reader.of(folder, reading.max_length, recipe.batch_tokens, accelerator)
    member = finetuned.FineTuned(reader, corpus.texts, recipe)
    return replace(corpus, members=corpus.members | {"finetune": member})


def measure(job: Job) -> list[dict]:
    """Return the figures of every detector in one run, one dict a detector and set of rows judged on."""
    kind, rate, seed = job
    if kind == RATERS:
        one, majority = raters.one_against_the_others(_data.sentences, seed)
        return judged(_data.rated, one, majority, {"all": majority >= 0}, job)
    corpus = _data.default
    weak = detectors.weak_model(corpus, WEAK_ROWS, seed) if kind in ("instance", ADJACENT) else None
    if kind == ADJACENT:
        kind, weak = "instance", detectors.adjacent(corpus, weak)
    given = noise.plant(corpus.truth, len(corpus.labels), Errors(kind, rate, seed), weak)
    everything = np.full(len(given), True)
    return judged(corpus, given, corpus.truth, {"all": everything, "settled": _data.settled}, job)


def judged(
    corpus: Corpus, given: np.ndarray, truth: np.ndarray, judged_on: dict[str, np.ndarray], job: Job
) -> list[dict]:
    """Return the figures of every detector on given labels, of which those unlike the truth are wrong.

    Args:
        given, truth: (rows,) int.
        judged_on: sets of rows, (rows,) bool, by name.
    """
    kind, rate, seed = job
    return [
        {"kind": kind, "rate": rate, "seed": seed, "rows": name, "detector": detector}
        | {"wrong": int((given != truth)[rows].sum()), **detectors.judge(found.of(rows), (given != truth)[rows])}
        for detector, found in detectors.detect(corpus, given).items()
        for name, rows in judged_on.items()
    ]


def entries(runs: list[dict], common: dict) -> list[dict]:
    """Return the entries of the results file: the tiered detector beside each other one, by kind, rate and rows."""
    values: dict[tuple, dict[str, dict[str, list]]] = {}
    for run in runs:
        of_detector = values.setdefault((run["kind"], run["rate"], run["rows"]), {}).setdefault(run["detector"], {})
        for name in METRICS:
            of_detector.setdefault(name, []).append(run[name])
    made = []
    for (kind, rate, rows), by_detector in values.items():
        for detector, theirs in by_detector.items():
            ours = by_detector[TIERED]
            gain = [a - b for a, b in zip(ours[AP], theirs[AP], strict=True)]
            goal = GOALS.get(detector.rpartition(", ")[2]) if kind == "instance" and "cleanlab" in detector else None
            facts = {
                "goal": goal,
                "difference": intervals.mean(gain),
                "metrics": {name: intervals.mean(theirs[name]) for name in METRICS if None not in theirs[name]},
                "kind": kind,
                "rate": rate,
                "rows": rows,
                "seeds": len(gain),
            }
            share = f"{rate:.0%}" if kind != RATERS else "as rated"
            work = f"label errors found, {kind}, {share}, {rows} rows: average precision"
            means = intervals.mean(ours[AP])[0], intervals.mean(theirs[AP])[0]
            made.append(peers.entry(work, detector, *means, "AP", **facts, **common))
    return made


def table(made: list[dict]) -> str:
    """Return average precisions as tables for people: one a kind and set of rows, a line a detector."""
    parts = []
    for kind, rows in dict.fromkeys((entry["kind"], entry["rows"]) for entry in made):
        chosen = [entry for entry in made if (entry["kind"], entry["rows"]) == (kind, rows)]
        rates = sorted({entry["rate"] for entry in chosen})
        heads = [f"{rate:.0%}" if kind != RATERS else "AP" for rate in rates]
        lines = [f"{kind}, {rows} rows", "", f"| detector | {' | '.join(heads)} |", "|---" * (len(rates) + 1) + "|"]
        for detector in dict.fromkeys(entry["peer"] for entry in chosen):
            by_rate = {entry["rate"]: entry["metrics"][AP] for entry in chosen if entry["peer"] == detector}
            lines.append(f"| {detector} | {' | '.join(intervals.cell(*by_rate[rate]) for rate in rates)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--embeddings", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True, help="folder of the base encoder")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of the encoder that --finetune begins with")
    parser.add_argument("--cache", type=Path, required=True, help="where embeddings and the rated sentences are kept")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS)
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--sentences", type=int, default=SENTENCES, help="of several raters; 0 leaves them out")
    parser.add_argument("--finetune", action="store_true", help="minutes for each kind, rate and seed; one process")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    args = parser.parse_args(argv)

    corpus = default_corpus(args.rows, args.embeddings, args.base, args.cache)
    sentences = raters.read(raters.fetch(args.cache))[: args.sentences] if args.sentences else []
    rated = rated_corpus(sentences, args.base, args.cache) if sentences else None
    data = Data(corpus, ~detectors.doubted(corpus), rated, sentences)
    if args.finetune:
        data = replace(data, default=with_finetuning(corpus, args.encoder))
    jobs: list[Job] = [(RATERS, 0.0, seed) for seed in args.seeds if sentences]
    jobs += [(kind, rate, seed) for kind in args.kinds for rate in args.rates for seed in args.seeds]
    processes = 1 if args.finetune else args.processes
    runs = [run for each in parallel.run(measure, jobs, processes, work_on, data) for run in each]

    command = f"{COMMAND}-finetune" if args.finetune else COMMAND
    common = {"device": peers.device(), "command": command, "versions": peers.versions(PACKAGES)}
    made = entries(runs, common)
    files.write_json(args.out, made)
    columns = ("kind", "rate", "seed", "rows", "detector", "wrong", *METRICS)
    files.write_csv(args.out.with_suffix(".csv"), columns, [[run[name] for name in columns] for run in runs])
    print(table(made))


if __name__ == "__main__":
    main()
