"""compare: differences between approaches, with paired bootstrap intervals over groups and seeds.

python -m stages.compare --predictions data/predictions --metrics reports/metrics/compare.json
    --plot reports/plots/compare.csv

In: the predictions of every arm. Out: the metrics of the kind of task for each approach (mean over its seeds) on dev
and test, the difference of each pair, which approach has the best headline on dev, and whether it beats the baseline on
test; a CSV file with columns approach, split, the headline's name, low, high.
"""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
from pydantic import Field

from winnow import kinds
from winnow.base import files, hashing, params
from winnow.base.errors import UserError
from winnow.base.stage import arguments, run
from winnow.kinds.headline import Headline
from winnow.kinds.task import Task
from winnow.rows import predictions
from winnow.statistics import intervals


class Params(params.Section):
    """Section `compare` of params.yaml."""

    pairs: list[list[str]]
    """Differences to measure, each the first arm minus the second."""

    baseline: str
    """The approach that the best of the others must beat."""

    resamples: int = Field(ge=100)
    """Of the bootstrap. Fewer give a ragged interval, more take time."""

    confidence: float = Field(gt=0.5, lt=1)
    """Of the intervals."""

    seed: int = Field(1, ge=0)
    """Of the bootstrap."""


def compare(arms: dict[str, pa.Table], task: Task, settings: Params) -> dict:
    """Return metrics of every approach and pair, as they stand in `reports/metrics/compare.json`.

    Raises:
        UserError: a pair is not two approaches, an approach has no predictions, there is nothing to compare with the
            baseline, a split has no rows, or the kind of task cannot read a label.
    """
    metrics: ModuleType = kinds.load(task, "metrics")
    headline: Headline = metrics.HEADLINE
    approaches = predictions.by_approach(arms)
    pairs = _pairs(approaches, settings)
    result: dict = {split: {} for split in predictions.SPLITS} | {"difference": {}}
    samples = {}
    for split in predictions.SPLITS:
        draws = None
        for approach, names in approaches.items():
            counts = np.stack([by_group(arms[name], split, task) for name in names])
            if draws is None:  # the same groups are drawn for every approach: the comparison is paired
                draws = intervals.resample(counts.shape[1], settings.resamples, np.random.default_rng(settings.seed))
            # Each approach has its own stream, so that another approach beside it does not change its interval.
            own = np.random.default_rng([settings.seed, int(hashing.digest(approach)[:8], 16)])
            seeds = intervals.resample(len(names), settings.resamples, own)
            result[split][approach] = {"seeds": len(names), "groups": counts.shape[1]}
            values = metrics.values(counts.sum(axis=1))
            samples[split, approach] = intervals.bootstrap(counts, metrics.values, draws, seeds)
            for name in metrics.WORDS:
                sample = samples[split, approach][name]
                result[split][approach] |= _interval(name, float(values[name].mean()), sample, settings)

    others = [approach for approach in approaches if approach != settings.baseline]
    best = max(others, key=lambda approach: headline.sign * result["dev"][approach][headline.name])
    if [best, settings.baseline] not in pairs:
        pairs.append([best, settings.baseline])
    for first, second in pairs:
        result["difference"][f"{first}-{second}"] = difference = {}
        for split in predictions.SPLITS:
            difference[split] = {}
            for name in metrics.WORDS:
                value = result[split][first][name] - result[split][second][name]
                sample = samples[split, first][name] - samples[split, second][name]
                difference[split] |= _interval(name, value, sample, settings)
    gain = result["difference"][f"{best}-{settings.baseline}"]["test"]
    worst = gain[f"{headline.name}_{'low' if headline.larger_is_better else 'high'}"]
    return result | {"best": best, "best_beats_baseline": headline.sign * worst > 0}


def by_group(arm: pa.Table, split: str, task: Task) -> np.ndarray:
    """Return the counts of the kind of task in each group of a split, (groups, ...), groups in sorted order.

    Raises:
        UserError: the split has no row.
    """
    rows = predictions.of_split(arm, split)
    if not rows.num_rows:
        raise UserError(f"compare: no {split} row has a given or human label; raise split.{split} or add rows")
    names, group = np.unique(np.array(rows["group"].to_pylist()), return_inverse=True)
    return kinds.load(task, "metrics").counts(task, rows, group, len(names))


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


def _interval(name: str, value: float, values: np.ndarray, settings: Params) -> dict[str, float]:
    low, high = intervals.interval(values, settings.confidence)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def write_plot(metrics: dict, headline: str, path: Path) -> None:
    """Write the headline of each approach and split with its interval."""
    columns = (headline, f"{headline}_low", f"{headline}_high")
    lines = [
        ",".join([approach, split, *(f"{values[column]:.6f}" for column in columns)]) + "\n"
        for split in predictions.SPLITS
        for approach, values in metrics[split].items()
    ]
    files.write_text(path, f"approach,split,{headline},low,high\n" + "".join(lines))


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "predictions", "metrics", "plot")
    settings, task = params.load("compare", Params), kinds.read_task()
    metrics = compare(predictions.read_all(args.predictions), task, settings)
    files.write_json(args.metrics, metrics)
    write_plot(metrics, kinds.load(task, "metrics").HEADLINE.name, args.plot)


if __name__ == "__main__":
    run(main)
