"""What approaches reach on one split and how far they differ, from their predictions alone."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from winnow import kinds
from winnow.base.errors import UserError
from winnow.base.params import Section
from winnow.kinds.headline import Headline
from winnow.kinds.task import Task
from winnow.rows import predictions
from winnow.statistics import intervals
from winnow.statistics.intervals import Estimate

ALONE = "no interval over seeds"


class Params(Section):
    """Section `compare` of params.yaml."""

    pairs: list[list[str]]
    """Differences to measure, each the first arm minus the second; that of each arm from the baseline always is."""

    baseline: str
    """The approach that the best of the others must beat."""

    resamples: int = Field(ge=100)
    """Resamples of the bootstrap. Fewer give a ragged interval, more take time."""

    confidence: float = Field(gt=0.5, lt=1)
    """Confidence level of the intervals."""

    seed: int = Field(1, ge=0)
    """Seed of the bootstrap."""


def compare(arms: Mapping[str, pa.Table], split: str, task: Task, settings: Params) -> dict:
    """Return the metrics of the kind of task on one split; no row of another split has a part in them.

    Args:
        arms: predictions of the same rows by `<approach>-<seed>`.
        split: dev or test.

    Returns:
        `approaches`: by name the number of seeds and groups, each metric's mean over seeds with its interval, and in
        words what the interval holds; `difference`: the same of the first minus the second by `<first>-<second>`, for
        each of `compare.pairs`, for each arm and those that learn from its rows unrepaired, and for each approach and
        the baseline.

    Raises:
        UserError: a pair is not two approaches, an approach has no predictions, there is nothing to compare with the
            baseline, the split has no rows, or the kind of task cannot read a label.
    """
    metrics: ModuleType = kinds.load(task, "metrics")
    approaches = predictions.by_approach(arms)
    measured = pairs(approaches, settings)
    group, groups = grouped(next(iter(arms.values())), split)
    draws = intervals.Draws.of(groups, settings.resamples, settings.seed)
    estimates = {}
    for approach, names in approaches.items():  # the same groups are drawn for every approach: they are paired
        counts = counted((arms[name] for name in names), split, task, draws.bundle[group])
        seeds = tuple(predictions.split_name(name)[1] for name in names)
        estimates[approach] = intervals.over_runs(counts, metrics.values, draws, seeds)
    result: dict = {"approaches": {}, "difference": {}}
    for approach, of_metrics in estimates.items():
        facts = {"seeds": len(approaches[approach]), "groups": groups, "interval": holds([approaches[approach]])}
        shares = set(metrics.WORDS) if metrics.HEADLINE.is_share else set()
        result["approaches"][approach] = facts | _told(of_metrics, settings, shares)
    for first, second in measured:
        of_metrics = {name: estimate.minus(estimates[second][name]) for name, estimate in estimates[first].items()}
        facts = {"interval": holds([approaches[first], approaches[second]])}
        result["difference"][f"{first}-{second}"] = facts | _told(of_metrics, settings)
    return result


def grouped(arm: pa.Table, split: str) -> tuple[np.ndarray, int]:
    """Return the group of each row of a split, (rows,) int in sorted order of their names, and their number.

    Raises:
        UserError: the split has no row.
    """
    groups = predictions.of_split(arm, split)["group"].combine_chunks().dictionary_encode()
    if not len(groups):
        raise UserError(f"compare: no {split} row has a given or human label; raise split.{split} or add rows")
    place = np.empty(len(groups.dictionary), int)
    place[pc.array_sort_indices(groups.dictionary).to_numpy()] = np.arange(len(place))
    return place[groups.indices.to_numpy()], len(place)


def counted(runs: Iterable[pa.Table], split: str, task: Task, bundle: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the counts of the kind of task in each bundle of groups of a split, (bundles, ...), run by run."""
    for run in runs:
        rows = predictions.of_split(run, split)
        yield kinds.load(task, "metrics").counts(task, rows, bundle, int(bundle.max()) + 1)


def holds(arms: Sequence[list[str]]) -> str:
    """Return in words what the interval of an arm, or of the difference of two, holds.

    Args:
        arms: the names of the runs of each. Run 0 draws no random number, so that it has no seed to hold.
    """
    seeds = [[predictions.split_name(run)[1] for run in runs] for runs in arms]
    several = [predictions.split_name(runs[0])[0] for runs in arms if len(runs) > 1]
    alone = [
        predictions.split_name(runs[0])[0]
        for runs, numbers in zip(arms, seeds, strict=True)
        if len(runs) == 1 and numbers != [predictions.NO_SEED]
    ]
    drawn = "groups"
    if several:
        paired = len(arms) == 2 and seeds[0] == seeds[1]
        drawn = "groups and seeds, paired by seed" if paired else "groups and seeds"
    if alone:
        return f"{drawn}; one run of {' and of '.join(alone)}: {ALONE}"
    return drawn if several else f"{drawn}; no random number is drawn"


def is_judged(difference: dict) -> bool:
    """Return whether the interval of a difference holds the seeds of both arms: with one seed, nothing is shown."""
    return ALONE not in difference["interval"]


def best(compared: dict, headline: Headline, baseline: str) -> str:
    """Return the approach with the best headline of all but the baseline and those that learn from unrepaired rows.

    One of a single run, as an ensemble is, cannot be judged: it is chosen only where no other can be either.

    Args:
        compared: what `compare` says of dev: what selects must not see test.
    """
    others = [name for name in compared["approaches"] if name != baseline and not predictions.is_control(name)]
    judged = [approach for approach in others if is_judged(compared["difference"][f"{approach}-{baseline}"])]
    return max(judged or others, key=lambda approach: headline.sign * compared["approaches"][approach][headline.name])


def beats(compared: dict, headline: Headline, first: str, second: str) -> bool:
    """Return whether the whole interval of the headline's difference says that the first approach is better."""
    worst = f"{headline.name}_{'low' if headline.larger_is_better else 'high'}"
    return headline.sign * compared["difference"][f"{first}-{second}"][worst] > 0


def pairs(approaches: Mapping[str, list[str]], settings: Params) -> list[tuple[str, str]]:
    """Return the pairs of approaches whose difference is measured.

    Args:
        approaches: the runs of each.

    Raises:
        UserError: a pair is not two different approaches, or an approach has no runs.
    """
    known = ", ".join(approaches)
    for pair in settings.pairs:
        if len(pair) != 2 or pair[0] == pair[1]:
            raise UserError(f"params.yaml: compare.pairs: each must be two different approaches, got {pair}")
    for name in [settings.baseline, *(name for pair in settings.pairs for name in pair)]:
        if name not in approaches:
            raise UserError(f"params.yaml: compare: approach '{name}' has no predictions; there are {known}")
    if len(approaches) == 1:
        raise UserError(f"compare: '{settings.baseline}' is the only approach; add one to params.yaml: arms")
    chosen = [(first, second) for first, second in settings.pairs]
    controls = [(predictions.of_repaired(name), name) for name in approaches if predictions.is_control(name)]
    against = [(approach, settings.baseline) for approach in approaches if approach != settings.baseline]
    return list(dict.fromkeys(chosen + controls + against))


def _told(of_metrics: Mapping[str, Estimate], settings: Params, shares: Collection[str] = ()) -> dict[str, float]:
    """Return each metric and the ends of its interval.

    Args:
        shares: metrics that lie between 0 and 1, where their intervals end.
    """
    told = {}
    for name, estimate in of_metrics.items():
        if np.isnan(estimate.value):  # nothing of it is known of this arm
            continue
        bounds = (0.0, 1.0) if name in shares else (-np.inf, np.inf)
        low, high = (float(np.clip(end, *bounds)) for end in estimate.interval(settings.confidence))
        told |= {name: estimate.value, f"{name}_low": low, f"{name}_high": high}
    return told
