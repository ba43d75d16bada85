"""split: assign every row to train, dev or test, so that no group and no duplicate stands in two of them.

python -m stages.split --rows data/deduplicated.parquet --frozen data/frozen/test_groups.txt --out data/split.parquet
    --metrics reports/metrics/split.json

A unit is what a shared group or duplicate cluster ties together, directly or by a chain; it is never parted.
*Frozen*: a unit that holds a group of `--frozen` is test, whatever else is added, removed or set; `winnow freeze` adds
the groups of today's test rows to that file. *Stable*: the other units stand in the order of a hash of their groups'
names, test at the low end, dev at the high end, so added rows move units at the two borders only, and none from dev to
test. *Stratified*: this is done within strata, a unit's stratum being the rarest class that it holds (Sechidis et al.
2011, On the stratification of multi-label data, also serve rare labels first); then units near a border that make the
classes more even on the other side cross it. Where rows have several labels, units cross in pairs too (`swaps`);
docs/notebook/multilabel.md compares this with iterative stratification. Where each unit holds one class, a class's rows
in a split differ from their exact share by at most half of the class's largest unit, as long as no more of them are
frozen. The kind of task says for which classes a label counts.
Rows that only adapt the encoder and are tied to no task row are all train: nothing is measured on them.

Writes id, group, cluster and split for each row, and counts; `test_sha` is the fingerprint of the test rows. A dev or
test of few groups is in doubt, and one much of which stands in rows that train (`stages.split.overlaps`).
Memory: about a hundred bytes a row, and the words of `overlap.rows` rows of dev and of test.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from stages.split import overlaps
from stages.split.swaps import swap
from winnow import kinds
from winnow.base import gates, hashing, params
from winnow.base.errors import UserError
from winnow.base.files import write_json
from winnow.base.gates import Doubt
from winnow.base.stage import arguments, run
from winnow.kinds import sides
from winnow.kinds.task import Task
from winnow.rows import splits, tables
from winnow.rows.splits import SPLITS

if TYPE_CHECKING:
    from scipy.sparse import csr_array

TRAIN, DEV, TEST = range(3)
BATCH_ROWS = 64 * 1024  # narrow rows, without their text
# Units may cross a border from this far, as a share of the split: enough to even the classes out, few enough to move.
BORDER = 0.25
FAR = 0.5  # the same of units that cross in pairs
OUT = pa.schema([pa.field(name, pa.string(), nullable=False) for name in ("id", "group", "cluster", "split")])


class Params(params.Section):
    """Section `split` of params.yaml."""

    dev: float = Field(0.12, gt=0, lt=1)
    """Share of the task's rows on which choices are made."""

    test: float = Field(0.2, gt=0, lt=1)
    """Share of the task's rows that only the report looks at."""

    salt: str = Field(min_length=1)
    """Another salt draws other rows, but for the test rows that `winnow freeze` has frozen."""

    min_groups: int = Field(10, ge=1)
    """Groups of the task's rows in dev and in test; one with fewer is in doubt: intervals draw groups anew, and those
    of a handful say little."""

    overlap: overlaps.Overlap = overlaps.Overlap()

    @model_validator(mode="after")
    def leaves_train(self) -> Self:
        if self.dev + self.test >= 1:
            raise ValueError("dev + test must be below 1, else nothing is left to train on")
        return self


@dataclass(frozen=True)
class Rows:
    """What the split depends on.

    Attributes:
        group, cluster: (rows,) uint64, `splits.codes`.
        task: (rows,) bool, of purpose task.
        classes: sorted, those of labels that occur.
        counts: (rows, classes) int32, 1 where a task row's label counts for a class.
    """

    group: np.ndarray
    cluster: np.ndarray
    task: np.ndarray
    classes: list[str]
    counts: "csr_array"


@dataclass(frozen=True)
class Units:
    """What stays together and holds a task row or a frozen group."""

    number: np.ndarray  # (units,) float, place in the order
    frozen: np.ndarray  # (units,) bool
    rows: np.ndarray  # (units,) int, task rows
    stratum: np.ndarray  # (units,) int
    classes: "csr_array"  # (units, classes) int, rows of each class; the indices of each unit ascend
    has_sets: bool  # whether a row counts for several classes


def read(path: Path, task: Task) -> Rows:
    """Return a table's groups, clusters, purposes and classes."""
    labels: dict[str, int] = {}
    group, cluster, of_task, label = [], [], [], []
    for batch in tables.batches(path, ["group", "cluster", "purpose", "label"], BATCH_ROWS):
        for name in ("group", "cluster"):
            if missing := batch[name].null_count:
                raise UserError(
                    f"{path}: column '{name}' has no value in {missing} row(s); run `dvc repro deduplicate`"
                )
        group.append(splits.codes(batch["group"]))
        cluster.append(splits.codes(batch["cluster"]))
        of_task.append(pc.equal(batch["purpose"], "task").to_numpy())
        encoded = batch["label"].combine_chunks().dictionary_encode()
        places = [labels.setdefault(name, len(labels)) for name in encoded.dictionary.to_pylist()]
        label.append(np.array([*places, -1], np.int32)[encoded.indices.fill_null(len(places)).to_numpy()])
    if not group:
        raise UserError(f"{path}: has no row")
    group, cluster, of_task, label = map(np.concatenate, (group, cluster, of_task, label))
    classes, counts = counted(np.where(of_task, label, -1), list(labels), task)
    return Rows(group, cluster, of_task, classes, counts)


def counted(label: np.ndarray, labels: Sequence[str], task: Task) -> tuple[list[str], "csr_array"]:
    """Return the classes of labels, sorted, and 1 where a row counts for one, (rows, classes) int32.

    Args:
        label: (rows,) int, index into `labels`; -1 for none.
    """
    from scipy.sparse import csr_array

    names = [task.names(name) for name in labels]
    classes = sorted({name for each in names for name in each})
    place = {name: number for number, name in enumerate(classes)}
    inner = [sorted(place[name] for name in each) for each in names]
    of_label = csr_array(
        (
            np.ones(sum(map(len, inner)), np.int32),
            np.array([number for each in inner for number in each], np.int32),
            np.cumsum([0, *map(len, inner)]),
        ),
        shape=(len(labels), len(classes)),
    )
    rows = np.flatnonzero(label >= 0)
    ends = np.zeros(len(label) + 1, np.int64)
    ends[rows + 1] = 1
    of_row = csr_array((np.ones(len(rows), np.int32), label[rows], np.cumsum(ends)), shape=(len(label), len(labels)))
    return classes, of_row @ of_label


def components(group: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """Return the component of each group, (groups,) int: groups that share a cluster, directly or by a chain.

    Args:
        group: (rows,) int, from 0 without gaps.
        cluster: (rows,) uint64.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    groups = int(group.max()) + 1
    ordered = np.sort(cluster)
    several = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])  # a row alone in its cluster ties nothing
    tied = np.isin(cluster, several)
    shared = np.searchsorted(several, cluster[tied])
    nodes = groups + len(several)
    edges = coo_array((np.ones(len(shared), np.int32), (group[tied], groups + shared)), shape=(nodes, nodes))
    return connected_components(edges, directed=False)[1][:groups]


def units(rows: Rows, frozen: np.ndarray, salt: str) -> tuple[Units, np.ndarray]:
    """Return the units, and the unit of each row, (rows,) int; rows of no unit, which train, have -1.

    Args:
        frozen: (groups,) uint64, ascending: codes of frozen test groups.
    """
    from scipy.sparse import coo_array

    names, group = np.unique(rows.group, return_inverse=True)
    component = components(group, rows.cluster)
    is_frozen = np.zeros(component.max() + 1, bool)
    is_frozen[component[np.isin(names, frozen)]] = True
    wanted = is_frozen.copy()
    wanted[component[group[rows.task]]] = True
    place = np.where(wanted, np.cumsum(wanted) - 1, -1).astype(np.int32)  # component -> unit
    unit, row_unit = place[component], place[component][group]
    count = int(wanted.sum())

    # The lowest number of its groups: what ties units together draws them towards test, never out of it.
    number = np.ones(count)
    named = names[unit >= 0]
    drawn = np.fromiter((hashing.unit(salt, f"{code:016x}") for code in named), float, len(named))
    np.minimum.at(number, unit[unit >= 0], drawn)

    row, class_ = rows.counts.nonzero()
    totals = np.bincount(class_, minlength=len(rows.classes))
    rarity = np.argsort(np.argsort(totals, kind="stable"), kind="stable")
    stratum = np.full(count, len(rows.classes))
    np.minimum.at(stratum, row_unit[row], rarity[class_])
    entries = np.ones(len(row), np.int32), (row_unit[row], class_)
    matrix = coo_array(entries, shape=(count, len(rows.classes))).tocsr()
    has_sets = bool((np.diff(rows.counts.indptr) > 1).any())
    sizes = np.bincount(row_unit[rows.task], minlength=count)
    return Units(number, is_frozen[wanted], sizes, stratum, matrix, has_sets), row_unit


def assign(units: Units, options: Params) -> np.ndarray:
    """Return each unit's split, (units,) int8."""
    totals = np.maximum(np.bincount(units.stratum, units.rows), 1)[units.stratum]
    position = middles(units.rows, units.stratum, units.number) / totals
    split = np.where(position < options.test, TEST, TRAIN).astype(np.int8)
    even_out(split, units, position, TEST, options.test)
    if units.has_sets:
        exchange(split, units, position, TEST, options)
    keep_frozen(split, units)
    # The other end, test rows out of the way: those frozen by another salt may stand anywhere.
    position = middles(units.rows, units.stratum, units.number, split != TEST) / totals
    split[(position > 1 - options.dev) & (split != TEST)] = DEV
    even_out(split, units, 1 - position, DEV, options.dev)
    if units.has_sets:
        exchange(split, units, 1 - position, DEV, options)
    return split


def middles(rows: np.ndarray, stratum: np.ndarray, *keys: np.ndarray) -> np.ndarray:
    """Return how many rows of its stratum stand before the middle of each unit, (units,) float.

    A border that takes the units whose middle lies below it errs by at most half a unit.

    Args:
        rows, stratum: (units,) int.
        keys: (units,) each; the last one sorts first, as in `numpy.lexsort`.
    """
    order = np.lexsort((*keys, stratum))
    totals = np.bincount(stratum, rows)
    result = np.empty(len(order))
    result[order] = np.cumsum(rows[order]) - rows[order] / 2 - (np.cumsum(totals) - totals)[stratum[order]]
    return result


def keep_frozen(split: np.ndarray, units: Units) -> None:
    """Make the frozen units test; others stay test only while their stratum lacks rows for the number it had.

    What was frozen from this very split changes nothing: then no other unit is in test.

    Args:
        split: (units,) int8, changed in place.
    """
    wanted = np.bincount(units.stratum, units.rows * (split == TEST))
    split[units.frozen] = TEST
    test = np.flatnonzero(split == TEST)
    stratum, frozen = units.stratum[test], units.frozen[test]
    middle = middles(units.rows[test], stratum, units.number[test], ~frozen)
    split[test[~frozen & (middle >= wanted[stratum])]] = TRAIN


def even_out(split: np.ndarray, units: Units, position: np.ndarray, to: int, share: float) -> None:
    """Let units within `BORDER` of a split's border cross it, the nearest first, if that makes the classes more even.

    Uneven is the sum over classes of (rows in the split - share x all rows)^2 / all rows.

    Args:
        split: (units,) int8, changed in place.
        position: (units,) float; the split is below `share`.
    """
    totals = np.maximum(units.classes.sum(axis=0), 1)
    excess = units.classes[split == to].sum(axis=0) - share * totals
    distance = np.abs(position - share)
    near = np.flatnonzero((distance <= BORDER * share) & ((split == TRAIN) | (split == to)))
    near = near[np.argsort(distance[near], kind="stable")]
    held = units.classes[near]
    for index, unit in enumerate(near.tolist()):
        start, end = held.indptr[index : index + 2]
        class_, count = held.indices[start:end], held.data[start:end] * (1 if split[unit] == TRAIN else -1)
        if (((excess[class_] + count) ** 2 - excess[class_] ** 2) / totals[class_]).sum() < -1e-9:
            excess[class_] += count
            split[unit] = to if split[unit] == TRAIN else TRAIN


def exchange(split: np.ndarray, units: Units, position: np.ndarray, to: int, options: Params) -> None:
    """Let units near a split's border cross it in pairs, so that classes and rows are more even.

    None of them is in reach of both borders, so that added rows move none from dev to test.

    Args:
        split: (units,) int8, changed in place.
        position: (units,) float; the split is below its share.
        to: TEST or DEV.
    """
    from scipy.sparse import csr_array, hstack

    share = options.test if to == TEST else options.dev
    distance = np.abs(position - share)
    reach = min(FAR * share, (1 - options.test - options.dev) / 2)
    near = np.flatnonzero((distance < reach) & ((split == TRAIN) | (split == to)))
    near = near[np.argsort(distance[near], kind="stable")]
    swap(split, csr_array(hstack([units.classes, csr_array(units.rows[:, None])])), share, near, (to, TRAIN))


def split(rows: Rows, frozen: np.ndarray, options: Params) -> np.ndarray:
    """Return each row's split, (rows,) int8, an index into `SPLITS`."""
    found, unit = units(rows, frozen, options.salt)
    return np.where(unit < 0, np.int8(TRAIN), assign(found, options)[unit]) if len(found.rows) else np.zeros_like(unit)


def measure(rows: Rows, assigned: np.ndarray, frozen: np.ndarray) -> dict:
    """Return rows, groups and classes of the task per split, the unevenness of classes, leaks, and what is frozen.

    `stratification_error` is the largest difference of a class's share in a split from its share in all of them.
    """
    table = np.stack([rows.counts[assigned == index].sum(axis=0) for index in range(len(SPLITS))])
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    overall = table.sum(axis=0) / max(table.sum(), 1)
    result: dict = {}
    for index, name in enumerate(SPLITS):
        here = assigned == index
        result[name] = {
            "rows": int((here & rows.task).sum()),
            "groups": len(np.unique(rows.group[here & rows.task])),
            "text_rows": int((here & ~rows.task).sum()),
            "label_shares": {
                class_: float(shares[index, i]) for i, class_ in enumerate(rows.classes) if table[index, i]
            },
            "stratification_error": float(np.abs(shares[index] - overall).max(initial=0)),
        }
    test_groups = np.unique(rows.group[(assigned == TEST) & rows.task])
    result["frozen"] = {
        "groups": len(frozen),
        "absent": int((~np.isin(frozen, rows.group)).sum()),  # no row of theirs is left
        "not_yet": int((~np.isin(test_groups, frozen)).sum()),  # of test; `winnow freeze` adds them
    }
    return result | {"leaks": leaks(rows, assigned)}


def doubts(metrics: dict, settings: Params) -> list[Doubt]:
    """Return the doubt in dev and test of few groups.

    Args:
        metrics: of `measure`.
    """
    few = {name: metrics[name]["groups"] for name in ("dev", "test") if metrics[name]["groups"] < settings.min_groups}
    if not few:
        return []
    told = " and ".join(f"{name} has {count:,} group{'s' if count > 1 else ''}" for name, count in few.items())
    return [
        Doubt(
            "split.min_groups",
            f"{told}, fewer than {settings.min_groups:,} (split.min_groups): an interval over so few says little",
            f"split.min_groups: {min(few.values())}",
            "add rows of other groups, enlarge split.dev or split.test, or name another column as the sources' "
            "columns.group",
        )
    ]


def leaks(rows: Rows, assigned: np.ndarray) -> int:
    """Return how many groups and clusters stand in more than one split."""
    return sum(len(np.unique(keys[splits.crossing(keys, assigned)])) for keys in (rows.group, rows.cluster))


def write(source: Path, assigned: np.ndarray, out: Path) -> str:
    """Write the split of each row of `source`, in its order, which is by id; return the fingerprint of the test rows.

    That is the digest of the sorted ids of the task's rows in test.
    """
    names = pa.array(SPLITS)
    test = []

    def parts() -> Iterator[pa.Table]:
        start = 0
        for batch in tables.batches(source, ["id", "group", "cluster", "purpose"], BATCH_ROWS):
            here = assigned[start : start + batch.num_rows]
            start += batch.num_rows
            test.append(batch["id"].filter(pc.and_(pc.equal(batch["purpose"], "task"), pa.array(here == TEST))))
            part = batch.drop_columns("purpose").append_column("split", names.take(pa.array(here)))
            yield part.cast(OUT)

    tables.write_stream(parts(), OUT, out)
    ids = pa.chunked_array([chunk for column in test for chunk in column.chunks], pa.string())
    return hashing.digest(*pc.take(ids, pc.sort_indices(ids)).to_pylist())


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "frozen", "out", "metrics")
    options, task = params.load("split", Params), kinds.read_task()
    rows, frozen = read(args.rows, task), splits.read_frozen(args.frozen)
    assigned = split(rows, frozen, options)
    metrics = measure(rows, assigned, frozen)
    if empty := [name for name in SPLITS if not metrics[name]["rows"]]:
        raise UserError(
            f"{args.rows}: no row with purpose task falls into {' or '.join(empty)}; "
            f"add rows in more groups, or enlarge the shares in params.yaml: split"
        )
    found = doubts(metrics, options)
    if options.overlap.rows:
        metrics["overlap"], more = overlaps.find(args.rows, assigned, rows.task, options.overlap, sides.turns(task))
        found += more
    told = {gates.KEY: gates.told(found)} if found else {}
    write_json(args.metrics, metrics | {"test_sha": write(args.rows, assigned, args.out)} | told)
    gates.settle("split", found, args.metrics)


if __name__ == "__main__":
    run(main)
