"""How even the splits of rows with several labels are: the stage split, iterative stratification, and a random draw.

python -m bench.evenness --out bench/results/evenness.json

Each row is its own group, so that nothing but the labels decides. The shares are those of params.yaml: split. Ten
draws: `split.salt`, or the seed. The rows are those of examples/mesh, the first thousand of them, and generated ones
whose labels are skewed: of forty, the most frequent is on two rows in five, the rarest on one in five hundred, and each
comes more often with the one before it.

labels: LD of Sechidis et al. (2011, On the stratification of multi-label data): by how much the odds of a label in a
split differ from those in all rows, the mean over splits and labels. pairs: LPD, the same of the pairs of labels that
occur together (Szymanski and Kajdanowicz 2017, A network perspective on stratification of multi-label data). rows: ED
of Sechidis et al., by how many rows a split differs from its share, the mean over splits. Less is more even.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench import headings, intervals, peers
from stages.split import __main__ as split
from winnow.base import files, params
from winnow.kinds.multilabel.labels import Task
from winnow.rows import splits

DRAWS = tuple(range(1, 11))
GENERATED = 5000, 40  # rows, labels
FEW = 1000  # rows
OURS, THEIRS, RANDOM = "stages/split", "iterative-stratification", "random"
METRICS = ("labels", "pairs", "rows")


def skewed(rows: int, labels: int, seed: int = 0) -> np.ndarray:
    """Return generated sets, (rows, labels) bool, of labels whose shares fall from 0.4 to 0.002."""
    random = np.random.default_rng(seed)
    shares = np.geomspace(0.4, 0.002, labels)
    sets = np.zeros((rows, labels), dtype=bool)
    for label, share in enumerate(shares):
        before = sets[:, label - 1] if label else np.zeros(rows, dtype=bool)
        sets[:, label] = random.random(rows) < np.where(before, np.minimum(3 * share, 0.5), share)
    return sets


def by_stage(sets: np.ndarray, shares: Sequence[float], draw: int) -> np.ndarray:
    """Return what the stage makes of rows that are each their own group, (rows,) int."""
    task = Task(kind="multilabel", labels=[f"label {number}" for number in range(sets.shape[1])])
    names, label = np.unique(task.sets(sets).astype(str), return_inverse=True)
    classes, counts = split.counted(label, names.tolist(), task)
    own = np.arange(len(sets), dtype=np.uint64)
    rows = split.Rows(own, own, np.ones(len(sets), dtype=bool), classes, counts)
    settings = split.Params(dev=shares[split.DEV], test=shares[split.TEST], salt=f"draw-{draw}")
    return split.split(rows, np.empty(0, np.uint64), settings)


def iterative(sets: np.ndarray, shares: Sequence[float], draw: int) -> np.ndarray:
    """Return what the peer makes of them."""
    listed = [np.flatnonzero(row).tolist() for row in sets]
    arguments = (listed, sets.shape[1], list(shares), draw)
    done = peers.run(peers.Contender(THEIRS, "evenness:iterative", arguments, True, (THEIRS,), "split"))
    if "error" in done:
        raise SystemExit(f"{THEIRS}: {done['error']}")
    return np.array(done["split"])


def at_random(sets: np.ndarray, shares: Sequence[float], draw: int) -> np.ndarray:
    """Return a random draw of splits of the wished sizes."""
    ends = np.round(np.cumsum(shares) * len(sets)).astype(int)
    order = np.random.default_rng(draw).permutation(len(sets))
    return np.searchsorted(ends, np.argsort(order), side="right").clip(max=len(shares) - 1)


def unevenness(sets: np.ndarray, assigned: np.ndarray, shares: Sequence[float]) -> dict[str, float]:
    """Return `METRICS` of a split, (rows,) int into `shares`; a split without rows is as uneven as can be."""
    first, second = np.triu_indices(sets.shape[1], 1)
    counts = sets.T.astype(int) @ sets
    together = counts[first, second] > 0
    first, second = first[together], second[together]
    found = {"labels": 0.0, "pairs": 0.0, "rows": 0.0}
    for number, share in enumerate(shares):
        inside = sets[assigned == number]
        own = inside.T.astype(int) @ inside
        for name, part, whole in (
            ("labels", own.diagonal(), counts.diagonal()),
            ("pairs", own[first, second], counts[first, second]),
        ):
            differs = np.abs(odds(part, len(inside)) - odds(whole, len(sets)))
            found[name] += float(differs.mean()) / len(shares)
        found["rows"] += abs(len(inside) - share * len(sets)) / len(shares)
    return found


def odds(counts: np.ndarray, rows: int) -> np.ndarray:
    """Return rows with a label over rows without; a label that all rows have has the odds of all but half a row."""
    return counts / np.maximum(rows - counts, 0.5)


def measure(name: str, sets: np.ndarray, draws: Sequence[int]) -> list[dict]:
    """Return the entries of one set of rows: ours beside each other way, by metric."""
    settings = params.load("split", split.Params)
    shares = [0.0] * len(splits.SPLITS)
    shares[split.DEV], shares[split.TEST] = settings.dev, settings.test
    shares[split.TRAIN] = 1 - settings.dev - settings.test
    ways = {OURS: by_stage, THEIRS: iterative, RANDOM: at_random}
    found = {way: [unevenness(sets, call(sets, shares, draw), shares) for draw in draws] for way, call in ways.items()}
    made = []
    for metric in METRICS:
        ours = [run[metric] for run in found[OURS]]
        for peer in (THEIRS, RANDOM):
            theirs = [run[metric] for run in found[peer]]
            facts = {"rows": len(sets), "labels": sets.shape[1], "metric": metric, "seeds": len(draws), "goal": None}
            gain = [other - own for own, other in zip(ours, theirs, strict=True)]
            facts |= {"difference": intervals.mean(gain), "of": name}
            facts |= {"own": intervals.mean(ours), "other": intervals.mean(theirs)}
            work = f"unevenness of {metric} over splits, {name}"
            made.append(peers.entry(work, peer, facts["own"][0], facts["other"][0], metric, **facts))
    return made


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--downloads", type=Path, default=headings.DOWNLOADS, help="where the papers are kept")
    parser.add_argument("--draws", type=int, nargs="+", default=DRAWS)
    args = parser.parse_args(argv)

    papers = headings.read(args.downloads).sets
    of = {"headings": papers, "few headings": papers[:FEW], "generated": skewed(*GENERATED)}
    usual = {"draws": DRAWS, "downloads": headings.DOWNLOADS}
    common = {"device": peers.device(), "command": peers.command("make bench-evenness", args, usual)}
    made = [entry | common for name, sets in of.items() for entry in measure(name, sets, args.draws)]
    files.write_json(args.out, made)
    for entry in made:
        print(f"{entry['work']}: {entry['ours']:.4f}, {entry['peer']} {entry['theirs']:.4f}")


if __name__ == "__main__":
    main()
