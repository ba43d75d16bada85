"""check_tables: stop before any model runs on a broken table or a split that leaks.

python -m stages.check_tables --raw data/raw --clean data/clean.parquet --deduplicated data/deduplicated.parquet
    --split data/split.parquet --ledger data/ledger --frozen data/frozen/test_groups.txt --out data/checked_tables.txt
    --metrics reports/metrics/check_tables.json

Checks each table against its schema (`winnow.validation.schemas`), then the tables against one another: each row that
went into a stage is in its table or in its ledger; no group and no cluster is in two splits; no frozen test group is
outside of test. Stages that may ask a model depend on `--out`, which always says the same.
Memory: a batch, and some tens of bytes a row.
"""

import argparse
from collections.abc import Sequence

from winnow import kinds
from winnow.base.files import write_json, write_text
from winnow.base.stage import arguments, run
from winnow.rows import splits
from winnow.validation.checking import Assigned, Checker

SOUND = "Every table is as its schema says, no row is lost between them, and the split does not leak.\n"


def check(args: argparse.Namespace, checker: Checker) -> None:
    """Check every table; raise `UserError` at the first that fails."""
    clean = checker.table("clean", args.clean, "clean")
    checker.same(checker.raw(args.raw), clean, "clean", args.ledger / "clean.parquet")
    deduplicated = checker.table("deduplicated", args.deduplicated, "deduplicate")
    checker.same(clean, deduplicated, "deduplicate", args.ledger / "deduplicate.parquet")
    assigned = Assigned()
    checker.same(deduplicated, checker.table("split", args.split, "split", assigned.see), "split")
    assigned.check(deduplicated, splits.read_frozen(args.frozen))


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "raw", "clean", "deduplicated", "split", "ledger", "frozen", "out", "metrics")
    checker = Checker(kinds.read_task())
    check(args, checker)
    write_json(args.metrics, {"rows": checker.rows})
    write_text(args.out, SOUND)


if __name__ == "__main__":
    run(main)
