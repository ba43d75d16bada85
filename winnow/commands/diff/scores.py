"""How far metrics of two revisions differ on one split, and why: the model, the labels or the rows.

Of a run, what changed is three parts, which add up: `model`, both models scored on HEAD's labels of the common rows;
`labels`, the old model scored on the new labels and on the old ones; `rows`, what rows that came and went are worth.
The intervals are made as those of the stage `compare`: groups of rows are resampled, the same for both revisions, and
seeds have Student's t, paired by seed.

Of many differences some are beyond their intervals by chance. The approach that is judged is one, chosen by BASE's own
figures. The intervals of the other approaches, and of its classes and slices, are wider: one is wrong in twenty
comparisons, however many are looked at (Bonferroni).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow import kinds
from winnow.commands.diff.pairs import Pairs
from winnow.kinds.task import Task
from winnow.rows import predictions
from winnow.statistics import intervals
from winnow.statistics.intervals import Draws, Estimate
from winnow.validation import comparison

PARTS = ("model", "labels", "rows", "all")
FEWEST = 10  # rows of a class or slice that is looked at


@dataclass(frozen=True)
class Flips:
    """Rows whose prediction turned right or wrong, both judged by HEAD's labels.

    Attributes:
        broken, fixed: (common,) int, in how many of the paired runs.
        runs: how many are paired.
    """

    broken: np.ndarray
    fixed: np.ndarray
    runs: int


@dataclass(frozen=True)
class Judge:
    """What judges predictions.

    Attributes:
        task, settings: of HEAD.
        slices: (common,) bool each, by what they are called: classes, sources and so on.
    """

    task: Task
    settings: comparison.Params
    slices: Mapping[tuple[str, str], np.ndarray]

    @property
    def metrics(self) -> ModuleType:
        """Return the kind of task's metrics."""
        return kinds.load(self.task, "metrics")


def compared(pairs: Pairs, approach: str, judge: Judge, confidence: float) -> dict:
    """Return how far an approach's metrics differ, by part, and its values at both revisions.

    Raises:
        UserError: the kind of task cannot read a label.
    """
    estimates, found = _estimates(pairs, approach, judge), {}
    for part in PARTS:
        found[part] = {name: _told(each, confidence) for name, each in estimates[part].items()}
    for name in ("base", "head"):
        found[name] = {metric: each.value for metric, each in estimates[name].items()}
    seeds = [predictions.split_name(name)[1] for name in pairs.runs[approach]]
    return found | {"seeds": seeds, "is_judged": len(seeds) > 1 or seeds == [predictions.NO_SEED]}


def _estimates(pairs: Pairs, approach: str, judge: Judge) -> dict[str, dict[str, Estimate]]:
    groups = _Groups.of(pairs, judge)
    counts: dict[str, list[np.ndarray]] = {"base": [], "head": [], "old": [], "relabelled": [], "new": []}
    for name in pairs.runs[approach]:
        base, head = pairs.read(name)
        old, new = pairs.common(base, head)
        counts["old"].append(groups.counts(old, judge, groups.common))
        counts["relabelled"].append(groups.counts(pairs.relabelled(old), judge, groups.common))
        counts["new"].append(groups.counts(new, judge, groups.common))
        if not pairs.same_rows:
            counts["base"].append(groups.counts(base, judge, groups.base))
            counts["head"].append(groups.counts(head, judge, groups.head))
    seeds = tuple(predictions.split_name(name)[1] for name in pairs.runs[approach])
    over = {
        key: intervals.over_runs(each, judge.metrics.values, groups.draws, seeds)
        for key, each in counts.items()
        if each
    }
    found = {"model": _minus(over["new"], over["relabelled"]), "labels": _minus(over["relabelled"], over["old"])}
    base, head = over.get("base", over["old"]), over.get("head", over["new"])
    found |= {"all": _minus(head, base), "base": base, "head": head}
    common = _minus(over["new"], over["old"])
    return found | {"rows": {} if pairs.same_rows else _minus(found["all"], common)}


@dataclass(frozen=True)
class _Groups:
    """The groups of both revisions' rows, by one numbering, and how often each is drawn.

    Attributes:
        base, head, common: (rows,) int each, the group of each row.
    """

    base: np.ndarray
    head: np.ndarray
    common: np.ndarray
    draws: Draws

    @classmethod
    def of(cls, pairs: Pairs, judge: Judge) -> "_Groups":
        group, groups = _numbered(pairs)
        base, head = np.split(group, [pairs.base.rows.num_rows])
        draws = Draws.of(groups, judge.settings.resamples, judge.settings.seed)
        return cls(base, head, head[pairs.at_head], draws)

    @property
    def size(self) -> int:
        """Return the number of bundles of groups."""
        return self.draws.times.shape[1]

    def counts(self, table: pa.Table, judge: Judge, group: np.ndarray) -> np.ndarray:
        """Return what the kind of task counts in each bundle."""
        return judge.metrics.counts(judge.task, table, self.draws.bundle[group], self.size)


def _numbered(pairs: Pairs) -> tuple[np.ndarray, int]:
    """Return the group of each row of BASE, then of HEAD, and the number of groups."""
    sides = [each.rows.select(["group", "split"]) for each in (pairs.base, pairs.head)]
    return comparison.grouped(pa.concat_tables(sides), pairs.head.split)


def apart(pairs: Pairs, old: str, new: str, judge: Judge) -> dict[str, float]:
    """Return how far the headline of HEAD's approach `new` is from that of BASE's `old`, on HEAD's labels."""
    groups, found = _Groups.of(pairs, judge), []
    for side, approach in ((pairs.base, old), (pairs.head, new)):
        names = predictions.by_approach(side.files)[approach]
        tables_ = (pairs.relabelled(side.run(name).take(pa.array(pairs.at(side)))) for name in names)
        counts = (groups.counts(table, judge, groups.common) for table in tables_)
        seeds = tuple(predictions.split_name(name)[1] for name in names)
        over = intervals.over_runs(counts, judge.metrics.values, groups.draws, seeds)
        found.append(over[judge.metrics.HEADLINE.name])
    return _told(found[1].minus(found[0]), judge.settings.confidence)


def _minus(first: Mapping[str, Estimate], second: Mapping[str, Estimate]) -> dict[str, Estimate]:
    return {name: first[name].minus(second[name]) for name in first}


def _told(estimate: Estimate, confidence: float) -> dict[str, float]:
    low, high = estimate.interval(confidence)
    return {"value": estimate.value, "low": low, "high": high}


def flips(pairs: Pairs, approach: str) -> Flips:
    """Return which rows' predictions turned right or wrong, in how many runs of an approach."""
    broken = np.zeros(len(pairs.at_head), np.int32)
    fixed, names = broken.copy(), pairs.runs[approach]
    for name in names:
        if pairs.is_unchanged(name):
            continue
        was, is_ = _right(pairs, name)
        broken += was & ~is_
        fixed += is_ & ~was
    return Flips(broken, fixed, len(names))


def _right(pairs: Pairs, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return which common rows each revision's run predicts as HEAD labels them, (common,) bool each."""
    tables_ = pairs.common(*pairs.read(name))
    return tuple(pc.equal(table["predicted"], pairs.labels).to_numpy(zero_copy_only=False) for table in tables_)


def by_slice(pairs: Pairs, approach: str, judge: Judge, confidence: float) -> list[dict]:
    """Return how the share of right rows differs in each class and slice, those beyond chance marked."""
    kept = {key: mask for key, mask in judge.slices.items() if mask.sum() >= FEWEST}
    if not kept:
        return []
    groups = _Groups.of(pairs, judge)
    bundle, size = groups.draws.bundle[groups.common], groups.size
    masks = np.stack(list(kept.values()))
    rows = _sums(masks, bundle, size)
    names, sides = pairs.runs[approach], ([], [])
    for name in names:
        for found, right in zip(sides, _right(pairs, name), strict=True):
            found.append(np.stack([_sums(masks & right, bundle, size), rows], axis=1))
    seeds = tuple(predictions.split_name(name)[1] for name in names)
    old, new = (intervals.over_runs(side, lambda counts: _shares(counts, kept), groups.draws, seeds) for side in sides)
    each = 1 - (1 - confidence) / len(kept)
    return [
        {
            "dimension": key[0],
            "name": key[1],
            "rows": int(kept[key].sum()),
            "base": old[key].value,
            "head": new[key].value,
            **_told(new[key].minus(old[key]), each),
        }
        for key in kept
    ]


def _sums(masks: np.ndarray, bundle: np.ndarray, size: int) -> np.ndarray:
    """Return how many rows of each mask stand in each bundle, (bundles, masks) float."""
    return np.stack([np.bincount(bundle[mask], minlength=size) for mask in masks], axis=1).astype(float)


def _shares(counts: np.ndarray, keys: Mapping[tuple[str, str], np.ndarray]) -> dict:
    right, rows = counts[..., 0, :], counts[..., 1, :]
    shares = np.divide(right, rows, out=np.zeros(np.shape(right)), where=rows > 0)
    return {key: shares[..., place] for place, key in enumerate(keys)}


def sign_test(pairs: Pairs, flipped: Flips) -> dict | None:
    """Return in how many groups more rows turned right than wrong, the reverse, and how likely chance does as much.

    With one row a group it is McNemar's exact test; rows of one group are not independent, so that groups are counted.
    Several runs do not add to one table: of these the interval tells.
    """
    if flipped.runs != 1:
        return None
    from scipy.stats import binomtest

    group, groups = _numbered(pairs)
    common = group[pairs.base.rows.num_rows :][pairs.at_head]
    net = np.bincount(common, flipped.fixed - flipped.broken, minlength=groups)
    better, worse = int((net > 0).sum()), int((net < 0).sum())
    p = float(binomtest(worse, better + worse).pvalue) if better + worse else 1.0
    return {"better": better, "worse": worse, "p": p}
