"""removals: what each rule took out, by class, source and split, and whether it took one class more than the others.

python -m stages.removals --raw data/raw --rows data/clean.parquet --split data/split.parquet
    --clean data/ledger/clean.parquet --deduplicate data/ledger/deduplicate.parquet
    --metrics reports/metrics/removals.json --plot reports/plots/removals.csv

A share is of the rows that entered the stage, with Wilson's 95 % interval. A row's classes are those for which its
collected label counts. A removed row counts for the split of the rest of its group, and for none where nothing of the
group is left. What `collect` refused never was a row, so it is counted by source alone. Rows are joined to ledgers by
id, as a number of 8 bytes: memory holds 12 bytes a removed row and 9 a group, and a batch.

What is beyond a limit is a doubt (`stages.removals.gate`), told with rows that show it.

Writes metrics (stage -> rule -> rows, removed, share, its interval, and `skew`: the largest ratio of a class's share to
that of all classes; doubts) and the plot: rule, stage, dimension, value, rows, removed, share, low, high.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.removals.examples import Reader, doubts
from stages.removals.gate import Params, findings
from stages.removals.lines import TEXT, UNLABELLED, Line, Removed, base_rate, by_rule, classes
from winnow import kinds
from winnow.base import gates, params
from winnow.base.errors import UserError
from winnow.base.files import read_text, write_csv, write_json
from winnow.base.stage import arguments, run
from winnow.kinds.task import Task
from winnow.rows import ids, splits, tables
from winnow.rows.ledger import REMOVING

STAGES = ("clean", "deduplicate")
DIMENSIONS = ("all", "class", "source", "split")
NOWHERE = "(none)"
BATCH_ROWS = 64 * 1024  # narrow rows, without their text
HEADER = ("rule", "stage", "dimension", "value", "rows", "removed", "share", "low", "high")


def numbers(column: pa.ChunkedArray, where: Path) -> np.ndarray:
    """Return a column of ids as numbers, (rows,) uint64, in the same order as the ids sort.

    Raises:
        UserError: an id is none of this pipeline.
    """
    wrong = pc.invert(pc.match_substring_regex(column, ids.PATTERN))
    if pc.any(wrong).as_py():
        raise UserError(f"{where}: id '{column.filter(wrong)[0]}' is not 16 hex digits; run `dvc repro collect`")
    return ids.numbers(column)


def read_removed(path: Path) -> Removed:
    """Return the rows that a ledger says left."""
    rules: dict[str, int] = {}
    found, codes = [np.array([], np.uint64)], [np.array([], np.int32)]
    for batch in tables.batches(path, ["id", "action", "rule"], BATCH_ROWS):
        batch = batch.filter(pc.is_in(batch["action"], pa.array(REMOVING)))
        for rule in batch["rule"].unique().to_pylist():
            rules.setdefault(rule, len(rules))
        found.append(numbers(batch["id"], path))
        codes.append(pc.index_in(batch["rule"], pa.array(list(rules), pa.string())).to_numpy().astype(np.int32))
    removed = np.concatenate(found)
    order = np.argsort(removed, kind="stable")
    return Removed(removed[order], np.concatenate(codes)[order], list(rules))


def read_splits(path: Path) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the groups, (groups,) uint64 ascending `splits.codes`, their splits, (groups,) int8, and the rows."""
    groups, found = [np.array([], np.uint64)], [np.array([], np.int8)]
    for batch in tables.batches(path, ["group", "split"], BATCH_ROWS):
        groups.append(splits.codes(batch["group"]))
        found.append(splits.indices(batch["split"]))
    every = np.concatenate(groups)
    unique, first = np.unique(every, return_index=True)
    return unique, np.concatenate(found)[first], len(every)


@dataclass(frozen=True)
class Values:
    """The values that the rows of a batch have in one dimension: one a row, or of `class` none or several.

    Attributes:
        row: (pairs,) int, a row's place in the batch.
        code: (pairs,) int, index into `names`.
    """

    row: np.ndarray
    code: np.ndarray
    names: Sequence[str]

    def table(self, rule: np.ndarray, rules: int) -> np.ndarray:
        """Return how many rows of each value each rule removed, (1 + rules, names) int; the first line: none did.

        Args:
            rule: (rows,) int, index of the rule that removed the row; -1: it stayed; -2: it does not count.
        """
        own = rule[self.row].astype(np.int64)  # times the names, of which there may be many
        keys = ((own + 1) * len(self.names) + self.code)[own >= -1]
        return np.bincount(keys, minlength=(rules + 1) * len(self.names)).reshape(-1, len(self.names))


def count(raw: Path, removed: dict[str, Removed], split: Path, task: Task) -> list[Line]:
    """Return a line for each rule, dimension and value, even where the rule removed no row.

    Raises:
        UserError: rows, ledgers and split are not of one run of the pipeline: a row is lost, or a removed one unknown.
    """
    groups, group_splits, rows_split = read_splits(split)
    entered: Counter = Counter()  # (stage, dimension, value)
    taken: Counter = Counter()  # (stage, rule, dimension, value)
    for file in source_files(raw):
        for batch in tables.batches(file, ["id", "source", "purpose", "group", "label"], BATCH_ROWS):
            entering = numbers(batch["id"], file)
            values = _values(batch, groups, group_splits, task)
            left = np.zeros(len(entering), bool)  # by an earlier stage
            for stage, of_stage in removed.items():
                rule = np.where(left, -2, of_stage.rule_of(entering))
                for dimension, of_dimension in values.items():
                    names = of_dimension.names
                    table = of_dimension.table(rule, len(of_stage.rules))
                    for value, total in zip(names, table.sum(axis=0).tolist(), strict=True):
                        entered[stage, dimension, value] += total
                    for index, place in zip(*np.nonzero(table[1:]), strict=True):
                        key = stage, of_stage.rules[index], dimension, names[place]
                        taken[key] += int(table[index + 1, place])
                left |= rule >= 0
    _check_accounts(raw, removed, taken)
    left = entered[STAGES[0], "all", "all"] - sum(len(of_stage.ids) for of_stage in removed.values())
    if left != rows_split:
        raise UserError(
            f"{split}: has {rows_split} rows; {left} of {raw} are in no ledger as removed; they are of different runs: "
            f"`dvc repro`"
        )
    return [
        Line(rule, stage, dimension, value, rows, taken[stage, rule, dimension, value])
        for stage, of_stage in removed.items()
        for rule in sorted(of_stage.rules)
        for dimension in DIMENSIONS
        for (_, _, value), rows in sorted(
            item for item in entered.items() if item[0][:2] == (stage, dimension) and item[1]
        )
    ]


def source_files(raw: Path) -> list[Path]:
    """Return the sources' Parquet files; raises `UserError` if there is none."""
    found = sorted(raw.glob("*.parquet"))
    if not found:
        raise UserError(f"{raw}: no source's Parquet file; run `dvc repro collect`")
    return found


def _values(batch: pa.Table, groups: np.ndarray, group_splits: np.ndarray, task: Task) -> dict[str, Values]:
    """Return the values of each dimension."""
    codes = splits.codes(batch["group"])
    place = np.minimum(np.searchsorted(groups, codes), max(len(groups) - 1, 0))
    split = np.where(groups[place] == codes, group_splits[place], -1) if len(groups) else np.full(len(codes), -1)
    rows = np.arange(batch.num_rows)
    return {
        "all": Values(rows, np.zeros(batch.num_rows, np.int64), ("all",)),
        "class": _classes(batch, task),
        "source": Values(rows, *_encoded(batch["source"])),
        "split": Values(rows, split.astype(np.int64) % (len(splits.SPLITS) + 1), (*splits.SPLITS, NOWHERE)),
    }


def _classes(batch: pa.Table, task: Task) -> Values:
    """Return the classes of each row; `UNLABELLED` or `TEXT` for one that has none."""
    label = pc.if_else(pc.equal(batch["purpose"], "task"), pc.fill_null(batch["label"], UNLABELLED), TEXT)
    codes, labels = _encoded(label)
    classes = [[name] if name in (UNLABELLED, TEXT) else task.names(name) for name in labels]
    names = list(dict.fromkeys(name for of_label in classes for name in of_label))
    place = {name: number for number, name in enumerate(names)}
    # The classes of all labels one after another, and where each label's begin.
    inner = np.array([place[name] for of_label in classes for name in of_label], np.int64)
    lengths = np.array(list(map(len, classes)), np.int64)
    starts = np.cumsum(lengths) - lengths
    number = lengths[codes]  # of classes, of each row
    row = np.repeat(np.arange(len(codes)), number)
    within = np.arange(len(row)) - np.repeat(np.cumsum(number) - number, number)
    return Values(row, inner[starts[codes][row] + within], names)


def _encoded(column: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def _check_accounts(raw: Path, removed: dict[str, Removed], taken: Counter) -> None:
    for stage, of_stage in removed.items():
        met = sum(number for key, number in taken.items() if key[0] == stage and key[2] == "all")
        if met != len(of_stage.ids):
            raise UserError(
                f"the ledger of {stage} removes {len(of_stage.ids)} rows, {met} of which entered it from {raw}; they "
                f"are of different runs: `dvc repro`"
            )


def measure(lines: Sequence[Line], refused: Sequence[Line]) -> dict:
    """Return the metrics: for each stage and rule the rows in all, and the class that it removed most."""
    metrics: dict = {stage: {} for stage in ("collect", *STAGES)}
    for line in refused:
        metrics["collect"].setdefault(line.value, {})[line.rule] = {"rows": line.rows, "removed": line.removed}
    for of_rule in by_rule(lines):
        line = next(line for line in of_rule if line.dimension == "all")
        low, high = line.interval
        found = {"rows": line.rows, "removed": line.removed, "share": line.share, "low": low, "high": high}
        if base := base_rate(classes(of_rule)):
            most = max(classes(of_rule), key=lambda line: line.share)
            found |= {"skew": most.share / base, "most_removed_class": most.value}
        metrics[line.stage][line.rule] = found
    return metrics


def read_refused(manifest: Path) -> list[Line]:
    """Return what `collect` refused, a line for each source and rule.

    Raises:
        UserError: the manifest is missing or is not one that `collect` writes.
    """
    try:
        return [
            Line(rule, "collect", "source", source, entry["rows"]["read"], number)
            for source, entry in sorted(json.loads(read_text(manifest)).items())
            for rule, number in sorted(entry["refused"].items())
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{manifest}: not the manifest that collect writes; run `dvc repro collect`") from None


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "raw", "rows", "split", *STAGES, "metrics", "plot")
    settings, task = params.load("removals", Params), kinds.read_task()
    refused = read_refused(args.raw / "manifest.json")
    ledgers = {stage: getattr(args, stage) for stage in STAGES}
    removed = {stage: read_removed(ledger) for stage, ledger in ledgers.items()}
    lines = count(args.raw, removed, args.split, task)
    reader = Reader(source_files(args.raw), args.rows, ledgers, removed)
    found = doubts(findings(lines, settings), reader, task)
    rows = [
        (line.rule, line.stage, line.dimension, line.value, line.rows, line.removed, line.share, *line.interval)
        for line in [*refused, *lines]
    ]
    write_json(args.metrics, measure(lines, refused) | {gates.KEY: gates.told(found)})
    write_csv(args.plot, HEADER, rows)
    # After writing, so that people see what was measured.
    gates.settle("removals", found, args.metrics)


if __name__ == "__main__":
    run(main)
