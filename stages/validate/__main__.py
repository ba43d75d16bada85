"""validate: stop before anything expensive runs on a broken table, or on data that drifted too far.

python -m stages.validate --raw data/raw --clean data/clean.parquet --deduplicated data/deduplicated.parquet
    --split data/split.parquet --annotations data/annotations.parquet --labelled data/labelled.parquet
    --ledger data/ledger --frozen data/frozen --out data/validated.txt --metrics reports/metrics/validate.json
    --profile reports/metrics/profile.json --drift reports/metrics/drift.json

Checks each table against its schema (`winnow.validation.schemas`), then the tables against one another: each row that
went into a stage is in its table or in its ledger; no group and no cluster is in two splits; no frozen test group is
outside of test; labels and splits are of the same rows. Then compares the profile of the dataset with that of the last
release (`winnow.validation.drift`). Expensive stages depend on `--out`, so a failure here stops them. That file always
says the same, so a new decision validates again and adapts nothing. `winnow lint` checks the tables that are made later
(issues, training, predictions) by schemas of the same module.
Memory: a batch, and some tens of bytes a row.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from stages.validate.profile import COLUMNS, Part
from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import write_json, write_text
from winnow.base.stage import arguments, run
from winnow.kinds.task import Task
from winnow.rows import splits, tables
from winnow.rows.ids import numbers
from winnow.rows.ledger import REMOVING
from winnow.validation import drift

SOUND = "Every table is as its schema says, and no row is lost between them.\n"
Ids = np.ndarray  # (rows,) uint64: 16 hex digits as a number, 8 bytes a row


class Profile(params.Section):
    """Section `validate.profile` of params.yaml."""

    words: int = Field(100, ge=1)
    """The most frequent words that the profile tells."""

    sample_rows: int = Field(5000, ge=1)
    """Rows of each split whose words are counted."""


class Params(params.Section):
    """Section `validate` of params.yaml."""

    years: list[int] = Field([1900, 2030], min_length=2, max_length=2)
    """The first and last year of publication; a date outside of them is a mistake."""

    profile: Profile = Profile()
    drift: drift.Drift

    @field_validator("years")
    @classmethod
    def _ordered(cls, years: list[int]) -> list[int]:
        if years[0] > years[1]:
            raise ValueError("the first year must not be after the last")
        return years


class Profiler:
    """The dataset's parts: the task's rows by split, and the rows that adapt the encoder ("text")."""

    def __init__(self, settings: Profile, task: Task) -> None:
        self.parts: dict[str, Part] = {}
        self.make = partial(Part, settings.words, settings.sample_rows, task)

    def add_labelled(self, batch: pa.Table) -> None:
        """Add rows of the labelled table."""
        for name in pc.unique(batch["split"]).to_pylist():
            self._add(name, batch.filter(pc.equal(batch["split"], name)))

    def add_texts(self, batch: pa.Table) -> None:
        """Add the rows of purpose text."""
        self._add("text", batch.filter(pc.equal(batch["purpose"], "text")))

    def _add(self, name: str, rows: pa.Table) -> None:
        if rows.num_rows:
            self.parts.setdefault(name, self.make()).add(rows.select(COLUMNS))

    def result(self) -> dict:
        """Return the profile."""
        return {name: part.result() for name, part in self.parts.items()}


class Checker:
    """Reads tables once each, against their schemas; keeps how many rows each had."""

    def __init__(self, settings: Params, task: Task) -> None:
        from winnow.validation import schemas  # imports pandas

        self.schemas = schemas
        self.domain = schemas.Domain(task, (settings.years[0], settings.years[1]))
        self.rows: dict[str, int] = {}

    def table(self, name: str, path: Path, stage: str, see: Callable[[pa.Table], None] = lambda batch: None) -> Ids:
        """Return a table's ids, (rows,) uint64, ascending; `name` is that of its schema, `stage` made it."""
        mend = f"mend the source or the stage that made it, then `dvc repro {stage}`"
        ids = self.schemas.check_table(path, getattr(self.schemas, name)(self.domain), mend, see)
        self.rows[name] = self.rows.get(name, 0) + len(ids)
        return ids

    def raw(self, folder: Path) -> Ids:
        """Return the ids of all sources."""
        files = sorted(folder.glob("*.parquet"))
        if not files:
            raise UserError(f"{folder}: holds no <source>.parquet; `dvc repro collect` makes them")
        ids = np.concatenate([self.table("raw", file, "collect") for file in files])
        if len(np.unique(ids)) < len(ids):
            raise UserError(f"{folder}: two sources have rows of one id; ids must be unique: run `dvc repro collect`")
        return ids

    def same(self, before: Ids, after: Ids, stage: str, ledger: Path | None = None) -> None:
        """Raise `UserError` unless a stage's rows are those that went in, less those that its ledger drops."""
        self.schemas.conserved(before, after, self._dropped(ledger) if ledger else np.empty(0, np.uint64), stage)

    def _dropped(self, ledger: Path) -> Ids:
        removing = pa.array(REMOVING)
        found = [np.empty(0, np.uint64)]
        for batch in tables.batches(ledger, ["id", "action"]):
            found.append(numbers(batch.filter(pc.is_in(batch["action"], removing))["id"]))
        return np.unique(np.concatenate(found))


class Assigned:
    """The split of every row, as arrays: 17 bytes a row."""

    def __init__(self) -> None:
        self.columns: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def see(self, batch: pa.Table) -> None:
        """Take rows of the split in."""
        columns = splits.codes(batch["group"]), splits.codes(batch["cluster"]), splits.indices(batch["split"])
        self.columns.append(columns)

    def check(self, ids: Ids, frozen: np.ndarray) -> np.ndarray:
        """Return each row's split, (rows,) int8.

        Raises:
            UserError: a group or a cluster crosses splits, or a frozen test group is not in test.
        """
        group, cluster, split = map(np.concatenate, zip(*self.columns, strict=True))
        for what, rows in splits.leaks(group, cluster, split, frozen):
            first = ", ".join(f"{number:016x}" for number in ids[rows[:3]].tolist())
            raise UserError(f"the split leaks: {len(rows)} row(s) {what}, first {first}; run `dvc repro --force split`")
        return split


def check(args: argparse.Namespace, checker: Checker, profiler: Profiler) -> None:
    """Check every table; raise `UserError` at the first that fails."""
    clean = checker.table("clean", args.clean, "clean")
    checker.same(checker.raw(args.raw), clean, "clean", args.ledger / "clean.parquet")

    task: list[np.ndarray] = []

    def see_deduplicated(batch: pa.Table) -> None:
        task.append(pc.equal(batch["purpose"], "task").to_numpy())
        profiler.add_texts(batch)

    deduplicated = checker.table("deduplicated", args.deduplicated, "deduplicate", see_deduplicated)
    checker.same(clean, deduplicated, "deduplicate", args.ledger / "deduplicate.parquet")
    of_task = deduplicated[np.concatenate(task)]

    assigned = Assigned()
    checker.same(deduplicated, checker.table("split", args.split, "split", assigned.see), "split")
    split = assigned.check(deduplicated, splits.read_frozen(args.frozen / "test_groups.txt"))

    annotated = checker.table("annotations", args.annotations, "annotate")
    checker.same(np.union1d(of_task, annotated), of_task, "annotate")

    labelled_splits: list[np.ndarray] = []

    def see_labelled(batch: pa.Table) -> None:
        labelled_splits.append(splits.indices(batch["split"]))
        profiler.add_labelled(batch)

    labelled = checker.table("labelled", args.labelled, "apply_decisions", see_labelled)
    checker.same(of_task, labelled, "apply_decisions", args.ledger / "apply_decisions.parquet")
    if (np.concatenate(labelled_splits) != split[np.searchsorted(deduplicated, labelled)]).any():
        raise UserError(f"{args.labelled}: the splits of its rows are not those of {args.split}; run `dvc repro`")


def main(argv: Sequence[str] | None = None) -> None:
    tables_in = "raw", "clean", "deduplicated", "split", "annotations", "labelled"
    args = arguments(__doc__, argv, *tables_in, "ledger", "frozen", "out", "metrics", "profile", "drift")
    settings, task = params.load("validate", Params), kinds.read_task()
    reference = drift.read_reference(args.frozen / drift.REFERENCE)
    checker, profiler = Checker(settings, task), Profiler(settings.profile, task)
    check(args, checker, profiler)

    profile = profiler.result()
    found = drift.compare(profile, reference, settings.drift)
    # Written before the run may stop, so that people see what drifted, and can freeze it if it is meant.
    write_json(args.profile, profile)
    write_json(args.drift, found)
    if failed := drift.failed(found):
        raise UserError(f"{args.drift}: {failed}; mend the data, or accept them: `winnow freeze`, then `dvc repro`")
    write_json(args.metrics, {"rows": checker.rows, "failures": 0})
    write_text(args.out, SOUND)


if __name__ == "__main__":
    run(main)
