"""Active learning: labels needed to reach 95 % of the macro-F1 of all labels, each strategy against random choice.

python -m bench.active --rows data/labelled.parquet --embeddings data/embeddings --out bench/results/active.json

Labelling is simulated on the rows of train and dev whose label people gave. Each seed draws 70 % of their groups as the
pool, its labels hidden, and measures on the others. The cold start chooses the first batch without any model. Then,
batch after batch, the ensemble of the stage `score` (probe and words) learns from the labels so far, is measured, and
the strategy chooses the next batch by the ensemble's probabilities and the embeddings.

Labels needed: where the curve, made monotone (isotonic regression) and straight between batches, comes to 95 % of the
macro-F1 that the ensemble reaches with the labels of the whole pool. A curve that does not come there counts with the
most labels tried, and the result says how many did not.

The results are, of each arm over seeds: labels needed and mean macro-F1 of the curve, and both minus those of random
choice with the same seed, with 95 % intervals (Student's t). They hold the draw of the pool from these documents, not
of the documents. The curves stand in a CSV file beside `--out`.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench import intervals, parallel, peers
from stages.score import __main__ as score
from winnow import kinds
from winnow.base import files, params
from winnow.detect import active
from winnow.encoder import embeddings
from winnow.kinds.classification.labels import Task
from winnow.kinds.classification.members import Member, Probe, Words
from winnow.kinds.classification.metrics import f1_per_label
from winnow.kinds.classification.scores import Evidence
from winnow.rows import origins, tables

POOL = 0.7  # share of the groups
TARGET = 0.95  # of the macro-F1 of all labels
RANDOM = ("random", "random")
Arm = tuple[active.ColdStart, active.Strategy]
ARMS: tuple[Arm, ...] = (
    RANDOM,
    ("random", "entropy"),
    ("random", "margin"),
    ("random", "k_center"),
    ("random", "typical"),
    ("random", "mixed"),
    ("typical", "random"),
    ("typical", "mixed"),
    ("k_center", "mixed"),
)
SEEDS = (1, 2, 3, 4, 5)
BATCH, MOST = 50, 1400  # labels a round, and in all
PACKAGES = ("scikit-learn", "numpy")
COMMAND = "make bench-active"

_corpus: "Corpus"  # of a worker process


@dataclass(frozen=True)
class Corpus:
    """Rows whose label people gave, in the order of the table.

    Attributes:
        labels: names of the classes.
        truth: (rows,) int.
        groups: (rows,) strings; a pool is drawn by group.
        vectors: (rows, dimensions) float32 of unit length.
        members: the ensemble.
    """

    labels: list[str]
    truth: np.ndarray
    groups: np.ndarray
    vectors: np.ndarray
    members: tuple[Member, ...]


def read(rows: Path, embedded: Path) -> Corpus:
    """Return the default's rows of train and dev."""
    settings, task = params.load("score", score.Params), kinds.read_task()
    table = tables.read(rows, ["id", "group", "split", "text", "label", "label_origin"])
    table = table.filter(origins.trusted(table))
    table = table.filter(pc.is_in(table["split"], pa.array(["train", "dev"])))
    vectors = embeddings.of(table["id"].to_pylist(), embedded)
    return Corpus(
        labels=task.labels,
        truth=task.indices(table["label"].to_pylist()),
        groups=np.array(table["group"].to_pylist()),
        vectors=active.unit_length(vectors),
        members=(
            Probe(vectors, settings.regularization.probe),
            Words(table["text"].to_pylist(), settings.regularization.tfidf),
        ),
    )


def pool(corpus: Corpus, seed: int) -> np.ndarray:
    """Return the rows of a random share of the groups, (rows,) bool."""
    groups = np.unique(corpus.groups)
    drawn = np.random.default_rng(seed).permutation(groups)[: round(POOL * len(groups))]
    return np.isin(corpus.groups, drawn)


def predict(corpus: Corpus, train: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return the ensemble's probabilities of rows, (rows inside, classes) float, after learning from others.

    Args:
        train, inside: (rows,) bool.
    """
    truth, classes = corpus.truth[train], len(corpus.labels)
    if len(np.unique(truth)) < 2:  # nothing to tell apart yet
        return np.repeat(np.bincount(truth, minlength=classes)[None] / len(truth), inside.sum(), axis=0)
    return np.mean([member.predict(train, truth, inside, classes) for member in corpus.members], axis=0)


def macro_f1(corpus: Corpus, rows: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the macro-F1 of probabilities on rows, (rows,) bool."""
    return float(f1_per_label(corpus.truth[rows], probabilities.argmax(axis=1), len(corpus.labels)).mean())


def simulate(corpus: Corpus, arm: Arm, seed: int, batch: int, most: int) -> list[tuple[int, float]]:
    """Return an arm's curve: numbers of labels, and the macro-F1 that the ensemble has with them outside the pool."""
    hidden = pool(corpus, seed)
    outside = ~hidden
    labelled, chances, curve = np.zeros(len(hidden), bool), None, []
    while labelled.sum() < most and hidden.any():
        candidates = np.flatnonzero(hidden)
        strategy = arm[0] if chances is None else arm[1]
        doubt = None if strategy not in active.DOUBT else doubts(corpus, chances, strategy)
        asked = active.Pool(corpus.vectors[candidates], corpus.vectors[labelled], doubt)
        places = active.choose(strategy, batch, asked, seed + 1000 * len(curve))
        labelled[candidates[places]], hidden[candidates[places]] = True, False
        inside = hidden | outside
        probabilities = predict(corpus, labelled, inside)
        chances = probabilities[hidden[inside]]
        curve.append((int(labelled.sum()), macro_f1(corpus, outside, probabilities[outside[inside]])))
    return curve


def doubts(corpus: Corpus, chances: np.ndarray, strategy: active.Strategy) -> np.ndarray:
    """Return how unsure the ensemble is of rows by what a strategy asks of it, (rows,) float."""
    task = Task(kind="classification", labels=corpus.labels)
    return Evidence.of(task, {"ensemble": chances}).doubt(active.DOUBT[strategy])


def needed(curve: Sequence[tuple[int, float]], target: float) -> float | None:
    """Return the number of labels at which a curve comes to the target; None: it does not."""
    from sklearn.isotonic import IsotonicRegression

    labels, values = np.array(curve, float).T
    rising = IsotonicRegression().fit_transform(labels, values)
    above = np.flatnonzero(rising >= target)
    if not len(above):
        return None
    end = above[0]
    if not end:
        return float(labels[0])
    share = (target - rising[end - 1]) / (rising[end] - rising[end - 1])
    return float(labels[end - 1] + share * (labels[end] - labels[end - 1]))


def measure(job: tuple[active.ColdStart, active.Strategy, int, int, int]) -> dict:
    """Return one arm's result with one seed: cold_start, strategy, seed, curve, full, target and needed."""
    cold_start, strategy, seed, batch, most = job
    inside = pool(_corpus, seed)
    full = macro_f1(_corpus, ~inside, predict(_corpus, inside, ~inside))
    curve = simulate(_corpus, (cold_start, strategy), seed, batch, most)
    return {
        "cold_start": cold_start,
        "strategy": strategy,
        "seed": seed,
        "curve": curve,
        "pool": int(inside.sum()),
        "full": full,
        "needed": needed(curve, TARGET * full),
        "mean": float(np.mean([value for _, value in curve])),
    }


def work_on(corpus: Corpus) -> None:
    """Keep the corpus of this worker process."""
    global _corpus
    _corpus = corpus


def entries(results: list[dict], common: dict) -> list[dict]:
    """Return the entries of the results file: labels needed, random choice's beside each arm's."""
    arms: dict[tuple[str, str], dict[int, dict]] = {}
    for result in results:
        arms.setdefault((result["cold_start"], result["strategy"]), {})[result["seed"]] = result
    seeds = sorted(arms[RANDOM])

    def labels(arm: tuple[str, str]) -> list[float]:
        return [arms[arm][seed]["needed"] or float(arms[arm][seed]["curve"][-1][0]) for seed in seeds]

    def mean(arm: tuple[str, str]) -> list[float]:
        return [arms[arm][seed]["mean"] for seed in seeds]

    made = []
    for arm in arms:
        fewer = [theirs - ours for ours, theirs in zip(labels(arm), labels(RANDOM), strict=True)]
        higher = [ours - theirs for ours, theirs in zip(mean(arm), mean(RANDOM), strict=True)]
        facts = {
            "goal": 1,
            "interval": intervals.mean(labels(arm))[1],
            "fewer_labels": intervals.mean(fewer),
            "mean_macro_f1": intervals.mean(mean(arm)),
            "mean_macro_f1_difference": intervals.mean(higher),
            "not_reached": sum(arms[arm][seed]["needed"] is None for seed in seeds),
            "seeds": len(seeds),
            "full_macro_f1": intervals.mean([arms[arm][seed]["full"] for seed in seeds]),
            "pool": intervals.mean([arms[arm][seed]["pool"] for seed in seeds])[0],
        }
        ours, theirs = (float(np.mean(labels(which))) for which in (arm, RANDOM))
        work = f"labels to 95 % of the full macro-F1: {arm[1]} after a cold start by {arm[0]}"
        # `ratio` says how many times fewer labels an arm needs; fewer is better, as with seconds.
        entry = peers.entry(work, "random choice", ours, theirs, "labels", **facts, **common)
        made.append(entry | {"ratio": theirs / ours})
    return made


def table(made: list[dict]) -> str:
    """Return the entries as a table for people, the fewest labels first."""
    lines = ["| arm | labels needed | fewer than random | mean macro-F1 | above random |", "|---|---|---|---|---|"]
    for entry in sorted(made, key=lambda entry: entry["ours"]):
        cells = (
            entry["work"].partition(": ")[2],
            intervals.cell(entry["ours"], entry["interval"], ".0f"),
            intervals.cell(*entry["fewer_labels"], ".0f"),
            intervals.cell(*entry["mean_macro_f1"]),
            intervals.cell(*entry["mean_macro_f1_difference"], sign="+"),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--embeddings", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--most", type=int, default=MOST, help="labels at which a curve ends")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    args = parser.parse_args(argv)
    corpus = read(args.rows, args.embeddings)
    jobs = [(*arm, seed, args.batch, args.most) for seed in args.seeds for arm in ARMS]
    results = list(parallel.run(measure, jobs, args.processes, work_on, corpus))
    common = {"device": peers.device(), "command": COMMAND, "versions": peers.versions(PACKAGES)}
    made = entries(results, common)
    files.write_json(args.out, made)
    points = [
        (result["cold_start"], result["strategy"], result["seed"], labels, value)
        for result in results
        for labels, value in result["curve"]
    ]
    files.write_csv(args.out.with_suffix(".csv"), ("cold_start", "strategy", "seed", "labels", "macro_f1"), points)
    print(table(made))


if __name__ == "__main__":
    main()
