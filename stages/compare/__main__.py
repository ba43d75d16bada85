"""compare: differences between approaches, with paired bootstrap intervals over groups and seeds.

python -m stages.compare --predictions data/predictions --metrics reports/metrics/compare.json
    --plot reports/plots/compare.csv

In: the predictions of every arm. Out: accuracy and macro-F1 of each approach (mean over its seeds) on dev and test,
the difference of each pair, which approach is best on dev, and whether it beats the baseline on test; a CSV file
with columns approach, split, macro_f1, low, high.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from winnow import kinds
from winnow.base import files, hashing, params
from winnow.base.errors import UserError
from winnow.base.stage import arguments, run
from winnow.kinds.classification.metrics import f1_from_confusion
from winnow.rows import predictions
from winnow.statistics import intervals

SPLITS = ("dev", "test")


class Params(params.Section):
    """Section `compare` of params.yaml."""

    baseline: str  # the approach that the best of the others must beat
    pairs: list[list[str]]  # differences to measure, each the first approach minus the second
    resamples: int = Field(ge=100)  # fewer give a ragged interval, more cost time
    confidence: float = Field(gt=0.5, lt=1)
    seed: int = Field(ge=0)


def compare(arms: dict[str, pa.Table], labels: list[str], settings: Params) -> dict:
    """Return metrics of every approach and pair, as they stand in `reports/metrics/compare.json`.

    Raises:
        UserError: a pair is not two approaches, an approach has no predictions, there is nothing to compare with the
            baseline, or a split has no rows.
    """
    approaches = predictions.by_approach(arms)
    pairs = _pairs(approaches, settings)
    result: dict = {split: {} for split in SPLITS} | {"difference": {}}
    samples = {}
    for split in SPLITS:
        draws = None
        for approach, names in approaches.items():
            confusions = np.stack([_confusions(arms[name], labels, split) for name in names])
            if draws is None:  # the same groups are drawn for every approach: the comparison is paired
                draws = intervals.resample(
                    confusions.shape[1], settings.resamples, np.random.default_rng(settings.seed)
                )
            # Each approach has its own stream, so that another approach beside it does not change its interval.
            own = np.random.default_rng([settings.seed, int(hashing.digest(approach)[:8], 16)])
            seeds = intervals.resample(len(names), settings.resamples, own)
            result[split][approach] = {"seeds": len(names), "groups": confusions.shape[1]}
            for name, metric in (("accuracy", accuracy), ("macro_f1", macro_f1)):
                samples[split, approach, name] = intervals.bootstrap(confusions, metric, draws, seeds)
                value = float(metric(confusions.sum(axis=1)).mean())
                result[split][approach] |= _interval(name, value, samples[split, approach, name], settings)

    others = [approach for approach in approaches if approach != settings.baseline]
    best = max(others, key=lambda approach: result["dev"][approach]["macro_f1"])
    if [best, settings.baseline] not in pairs:
        pairs.append([best, settings.baseline])
    for first, second in pairs:
        result["difference"][f"{first}-{second}"] = difference = {}
        for split in SPLITS:
            difference[split] = {}
            for name in ("accuracy", "macro_f1"):
                value = result[split][first][name] - result[split][second][name]
                values = samples[split, first, name] - samples[split, second, name]
                difference[split] |= _interval(name, value, values, settings)
    gain = result["difference"][f"{best}-{settings.baseline}"]["test"]
    return result | {"best": best, "best_beats_baseline": gain["macro_f1_low"] > 0}


def accuracy(confusions: np.ndarray) -> np.ndarray:
    """Return accuracy of confusion counts (..., classes, classes)."""
    return np.trace(confusions, axis1=-2, axis2=-1) / confusions.sum(axis=(-2, -1))


def macro_f1(confusions: np.ndarray) -> np.ndarray:
    """Return the unweighted mean of the classes' F1 of confusion counts (..., classes, classes)."""
    return f1_from_confusion(confusions).mean(axis=-1)


def _pairs(approaches: dict[str, list[str]], settings: Params) -> list[list[str]]:
    known = ", ".join(approaches)
    for pair in settings.pairs:
        if len(pair) != 2 or pair[0] == pair[1]:
            raise UserError(f"params.yaml: compare.pairs: each must be two different approaches, got {pair}")
    for name in [settings.baseline, *(name for pair in settings.pairs for name in pair)]:
        if name not in approaches:
            raise UserError(f"params.yaml: compare: approach '{name}' has no predictions; there are {known}")
    if len(approaches) == 1:
        raise UserError(f"compare: '{settings.baseline}' is the only approach; add one to params.yaml: arms")
    return list(settings.pairs)


def _confusions(arm: pa.Table, labels: list[str], split: str) -> np.ndarray:
    """Return confusion counts of each group, (groups, classes, classes) int, groups in sorted order."""
    chosen = np.array(arm["split"].to_pylist()) == split
    if not chosen.any():
        raise UserError(f"compare: no {split} row has a given or human label; raise split.{split} or add rows")
    names, group = np.unique(np.array(arm["group"].to_pylist())[chosen], return_inverse=True)
    confusions = np.zeros((len(names), len(labels), len(labels)), dtype=int)
    actual, predicted = (predictions.indices(arm[column], labels)[chosen] for column in ("label", "predicted"))
    np.add.at(confusions, (group, actual, predicted), 1)
    return confusions


def _interval(name: str, value: float, values: np.ndarray, settings: Params) -> dict[str, float]:
    low, high = intervals.interval(values, settings.confidence)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def write_plot(metrics: dict, path: Path) -> None:
    """Write macro-F1 of each approach and split with its interval."""
    lines = [
        f"{approach},{split},{of['macro_f1']:.6f},{of['macro_f1_low']:.6f},{of['macro_f1_high']:.6f}\n"
        for split in SPLITS
        for approach, of in metrics[split].items()
    ]
    files.write_text(path, "approach,split,macro_f1,low,high\n" + "".join(lines))


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "predictions", "metrics", "plot")
    settings = params.load("compare", Params)
    labels = kinds.read_task().labels
    metrics = compare(predictions.read_all(args.predictions, labels), labels, settings)
    files.write_json(args.metrics, metrics)
    write_plot(metrics, args.plot)


if __name__ == "__main__":
    run(main)
