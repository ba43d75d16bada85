"""Wrong sets of labels found: the tiered detector against cleanlab on the same models' probabilities.

python -m bench.set_labels --base models/base --cache .dvc/tmp/bench --out bench/results/set_labels.json

Rows are papers of examples/mesh, a random sample of its source (`bench/headings.py`); each is its own group. Errors of
three sorts in equal parts, a label too many, a label missing and a label for another, are planted in a share of the
rows (`winnow.kinds.multilabel.scores.noise`): `uniform`, any of them, or `instance`, those that a weak model takes for
right. That model is none of those below: regressions on bags of words of 200 rows. Four rates, five seeds.

The models learn from the noisy sets, out of fold: regressions on TF-IDF and on the base encoder's embeddings. cleanlab
(`multilabel_classification`, Thyagarajan et al. 2022) gets the mean of both, and each alone; a row's score is put
together from its labels' by the softmin of its authors' benchmark (temperature 0.1) or by cleanlab's own choice, an
exponential moving average. The tiered detector gets both models and the same mean.

Rows: average precision of the rows whose set is wrong. Cells: that of single labels of a row, of which the stack of the
detector is compared with the models' self-confidence, which is cleanlab's score of a label. The sets as given hold
errors of their own, and headings that no abstract tells of: they count as false alarms of every detector alike.
`--part other` takes other rows: changes of the detector are tried on these.

Results are means over seeds with 95 % intervals (Student's t), which hold the draws of errors, not of rows. Every run
stands in a CSV file beside `--out`.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import headings, intervals, labels, parallel, peers, tiered
from bench.headings import Papers
from stages.score import __main__ as score
from winnow.base import files, params
from winnow.encoder import neighbours
from winnow.encoder.neighbours import Neighbours
from winnow.kinds.evidence import NEAREST, Errors, Noise, Surroundings
from winnow.kinds.multilabel import members, one_against_rest
from winnow.kinds.multilabel.scores import Evidence, detectors, noise, stack
from winnow.text.words import terms

KINDS: tuple[Noise, ...] = ("uniform", "instance")
RATES = (0.05, 0.1, 0.2, 0.4)
SEEDS = (1, 2, 3, 4, 5)
ROWS = 1000
WEAK_ROWS = 200  # what the weak model learns from
GOAL, AT_RATES = 0.05, (0.05, 0.1)  # points of average precision above cleanlab's better score
TIERED, STACK = "tiered", "stack"
AGGREGATORS = {"cleanlab_softmin": "softmin", "cleanlab_average": "moving average"}
COLUMNS = ("kind", "rate", "seed", "unit", "detector", "wrong", "average_precision")

Job = tuple[Noise, float, int]  # kind, rate, seed


@dataclass(frozen=True)
class Data:
    """Papers and what the models learn from.

    Attributes:
        folds: (rows,) int.
        models: by name.
        near: the nearest papers of each.
    """

    papers: Papers
    folds: np.ndarray
    models: dict[str, members.Member]
    near: Neighbours


_data: Data  # of a worker process


def work_on(data: Data) -> None:
    """Keep the data of this worker process."""
    global _data
    _data = data


def prepared(papers: Papers, base: Path, cache: Path) -> Data:
    """Return papers with their folds, models and neighbours."""
    settings = params.load("score", score.Params)
    vectors = labels.encoded(papers.texts, base, cache)
    own = np.arange(len(papers.keys))
    models = {
        "words": members.Words(papers.texts, settings.regularization.tfidf),
        "probe": members.Probe(vectors, settings.regularization.probe),
    }
    folds = score.assign_folds(papers.keys, papers.keys, settings.folds)
    return Data(papers, folds, models, neighbours.nearest(vectors, own, np.ones(len(own), dtype=bool), NEAREST))


def weak_model(data: Data, seed: int) -> np.ndarray:
    """Return probabilities out of fold by a weak model, which learns from few rows, (rows, labels) float64."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.preprocessing import normalize

    bags = normalize(
        CountVectorizer(analyzer=terms, max_features=members.MAX_FEATURES).fit_transform(data.papers.texts)
    )
    random = np.random.default_rng(seed)
    found = np.zeros(data.papers.sets.shape)
    for fold in np.unique(data.folds):
        outside = np.flatnonzero(data.folds != fold)
        drawn = random.choice(outside, min(WEAK_ROWS, len(outside)), replace=False)
        fitted = one_against_rest.fit(bags[drawn], data.papers.sets[drawn], 1.0)
        found[data.folds == fold] = one_against_rest.probabilities(fitted, bags[data.folds == fold])
    return found


def detect(data: Data, given: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return how suspicious each row is to each detector, (rows,) float, and each cell, (rows, labels) float, by name.

    Args:
        given: (rows,) sets; nothing is known of the truth.
    """
    task, own = data.papers.task, np.arange(len(given))
    scored = members.score(task, data.models, given, data.folds)
    evidence = Evidence.of(task, scored.members)
    surroundings = Surroundings(data.folds, own, own, np.full(len(given), None, dtype=object), data.near)
    found = evidence.signals(given, np.ones(len(given), dtype=bool), surroundings, given)
    rows, cells = {TIERED: tiered.suspicion(given, evidence, surroundings)}, {STACK: found.evidence.against(given)}
    sets = task.matrix(given)
    for name, chances in {"mean": evidence.probabilities, **scored.members}.items():
        cells[f"cleanlab, {name}"] = stack.against(chances.astype(np.float64), sets)
        for aggregator, told in AGGREGATORS.items():
            rows[f"cleanlab {told}, {name}"] = -detectors.quality(sets, chances.astype(np.float64), aggregator)
    return rows, cells


def measure(job: Job) -> list[dict]:
    """Return the average precision of every detector in one run, one dict a detector and unit."""
    from sklearn.metrics import average_precision_score

    kind, rate, seed = job
    truth, task = _data.papers.sets, _data.papers.task
    weak = weak_model(_data, seed) if kind == "instance" else None
    given = noise.plant(truth, Errors(kind, rate, seed), weak)
    rows, cells = detect(_data, task.sets(given))
    wrong = {"rows": (given != truth).any(axis=1), "cells": (given != truth).ravel()}
    return [
        {"kind": kind, "rate": rate, "seed": seed, "unit": unit, "detector": name, "wrong": int(wrong[unit].sum())}
        | {"average_precision": float(average_precision_score(wrong[unit], suspicion.ravel()))}
        for unit, found in (("rows", rows), ("cells", cells))
        for name, suspicion in found.items()
    ]


def entries(runs: list[dict], common: dict) -> list[dict]:
    """Return the entries of the results file: our detector beside each other one, by kind, rate and unit."""
    values: dict[tuple, dict[str, list[float]]] = {}
    for run in runs:
        of = values.setdefault((run["kind"], run["rate"], run["unit"]), {})
        of.setdefault(run["detector"], []).append(run["average_precision"])
    made = []
    for (kind, rate, unit), found in values.items():
        own = found[TIERED if unit == "rows" else STACK]
        for detector, theirs in found.items():
            gain = [a - b for a, b in zip(own, theirs, strict=True)]
            aims = unit == "rows" and rate in AT_RATES and detector.endswith(", mean")
            facts = {"goal": GOAL if aims else None, "kind": kind, "rate": rate, "of": unit, "seeds": len(own)}
            facts |= {"difference": intervals.mean(gain), "own": intervals.mean(own), "other": intervals.mean(theirs)}
            work = f"wrong sets of labels found, {kind}, {rate:.0%}, {unit}: average precision"
            made.append(peers.entry(work, detector, facts["own"][0], facts["other"][0], "AP", **facts, **common))
    return made


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="folder of the base encoder")
    parser.add_argument("--cache", type=Path, required=True, help="where embeddings are kept")
    parser.add_argument("--downloads", type=Path, default=headings.DOWNLOADS, help="where the papers are kept")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--part", choices=("reported", "other"), default="reported")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    args = parser.parse_args(argv)

    papers = headings.read(args.downloads)
    order = np.random.default_rng(0).permutation(len(papers.keys))
    chosen = order[: args.rows] if args.part == "reported" else order[args.rows : 2 * args.rows]
    data = prepared(papers.take(np.sort(chosen)), args.base, args.cache)
    jobs: list[Job] = [(kind, rate, seed) for kind in args.kinds for rate in args.rates for seed in args.seeds]
    runs = [run for each in parallel.run(measure, jobs, args.processes, work_on, data) for run in each]
    usual = {"kinds": KINDS, "rates": RATES, "seeds": SEEDS, "rows": ROWS, "part": "reported"}
    common = {"device": peers.device(), "command": peers.command("make bench-set-labels", args, usual)}
    common |= {"versions": peers.versions(labels.PACKAGES), "papers": len(data.papers.keys)}
    made = entries(runs, common)
    files.write_json(args.out, made)
    files.write_csv(args.out.with_suffix(".csv"), COLUMNS, [[run[name] for name in COLUMNS] for run in runs])
    for entry in made:
        print(f"{entry['work']}: {entry['peer']} {entry['theirs']:.3f}, ours {entry['difference'][0]:+.3f}")


if __name__ == "__main__":
    main()
