"""validate: stop before anything expensive runs on broken labels; say how far the data drifted.

python -m stages.validate --deduplicated data/deduplicated.parquet --split data/split.parquet
    --annotations data/annotations.parquet --labelled data/labelled.parquet
    --ledger data/ledger/apply_decisions.parquet --frozen data/frozen --out data/validated.txt
    --metrics reports/metrics/validate.json --profile reports/metrics/profile.json --drift reports/metrics/drift.json

`check_tables` has checked the rows and their splits before `annotate` ran. This stage checks the tables of labels
against their schemas (`winnow.validation.schemas`) and against those rows: each is in the labelled table or in its
ledger, in its split. Then compares the profile of the dataset with that of the last release
(`winnow.validation.drift`). Expensive stages depend on `--out`, so a failure here stops them. That file always says the
same, so a new decision validates again and adapts nothing. `winnow lint` checks the tables that are made later (issues,
training, predictions) by schemas of the same module.
Memory: a batch, and some tens of bytes a row.
"""

import argparse
from collections.abc import Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.validate.profile import COLUMNS, Part
from winnow import kinds
from winnow.base import gates, params
from winnow.base.errors import UserError
from winnow.base.files import write_json, write_text
from winnow.base.stage import arguments, run
from winnow.kinds.task import Task
from winnow.rows import splits, tables
from winnow.rows.ids import numbers
from winnow.validation import drift
from winnow.validation.checking import Checker

SOUND = "Every label is as its schema says, and no row of the task is lost.\n"


class Profile(params.Section):
    """Section `validate.profile` of params.yaml."""

    words: int = Field(100, ge=1)
    """The most frequent words that the profile tells."""

    sample_rows: int = Field(5000, ge=1)
    """Rows of each split whose words are counted."""


class Params(params.Section):
    """Section `validate` of params.yaml."""

    profile: Profile = Profile()
    drift: drift.Drift


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


def check(args: argparse.Namespace, checker: Checker, profiler: Profiler) -> None:
    """Check the tables of labels against the rows and their splits; raise `UserError` at the first that fails."""
    of_task = [np.empty(0, np.uint64)]
    for batch in tables.batches(args.deduplicated, ["id", "purpose", *COLUMNS]):
        of_task.append(numbers(batch["id"].filter(pc.equal(batch["purpose"], "task"))))
        profiler.add_texts(batch)
    ids = np.concatenate(of_task)

    annotated = checker.table("annotations", args.annotations, "annotate")
    checker.same(np.union1d(ids, annotated), ids, "annotate")

    labelled_splits: list[np.ndarray] = []

    def see_labelled(batch: pa.Table) -> None:
        labelled_splits.append(splits.indices(batch["split"]))
        profiler.add_labelled(batch)

    labelled = checker.table("labelled", args.labelled, "apply_decisions", see_labelled)
    checker.same(ids, labelled, "apply_decisions", args.ledger)
    assigned = tables.read(args.split, ["id", "split"])
    known = numbers(assigned["id"])
    place = np.minimum(np.searchsorted(known, labelled), len(known) - 1)
    differ = np.concatenate(labelled_splits) != splits.indices(assigned["split"])[place]
    if (differ | (known[place] != labelled)).any():
        raise UserError(f"{args.labelled}: the splits of its rows are not those of {args.split}; run `dvc repro`")


def main(argv: Sequence[str] | None = None) -> None:
    tables_in = "deduplicated", "split", "annotations", "labelled", "ledger", "frozen"
    args = arguments(__doc__, argv, *tables_in, "out", "metrics", "profile", "drift")
    settings, task = params.load("validate", Params), kinds.read_task()
    reference = drift.read_reference(args.frozen / drift.REFERENCE)
    checker, profiler = Checker(task), Profiler(settings.profile, task)
    check(args, checker, profiler)

    profile = profiler.result()
    drifted = drift.compare(profile, reference, settings.drift)
    doubts = drift.doubts(drifted)
    write_json(args.profile, profile)
    write_json(args.drift, drifted)
    write_json(args.metrics, {"rows": checker.rows, "failures": 0, gates.KEY: gates.told(doubts)})
    # After writing, so that people see what drifted, and can freeze it if it is meant.
    gates.settle("validate", doubts, args.drift)
    write_text(args.out, SOUND)


if __name__ == "__main__":
    run(main)
