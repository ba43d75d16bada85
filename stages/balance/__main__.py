"""balance: the training table, under the label budget, with what each row weighs.

python -m stages.balance --rows data/labelled.parquet --left-out data/semantic_duplicates.parquet
    --embeddings data/base_embeddings --out data/training.parquet --dev data/dev.parquet
    --ledger data/ledger/balance.parquet --metrics reports/metrics/balance.json

Out: id, group, text, label, weight and aux_<task> of the rows that a classifier is trained on, and `copies` if it
oversamples. Nothing else goes in, so that a decision about another row leaves this file, and every model trained on
it, as it was. `--dev`: id, group, text and label of the dev rows that people labelled, for early stop; without
`dev_rows` none, so that a decision about one of them trains nothing again.
"""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from winnow import kinds
from winnow.balance import balancing
from winnow.balance.balancing import READ, Params, by_class
from winnow.base import gates, params
from winnow.base.files import write_json
from winnow.base.gates import Doubt
from winnow.base.stage import arguments, run
from winnow.kinds.task import Task
from winnow.rows import origins, tables
from winnow.rows.ledger import Ledger


def doubts(table: pa.Table, rows: pa.Table, settings: Params, task: Task) -> list[Doubt]:
    """Return the doubt in classes of which the training table has few rows.

    Args:
        table: the training table.
        rows: all rows, with split and label.
    """
    counts = Counter({name: len(places) for name, places in by_class(table, task).items()})
    rare = task.rare(counts, settings.min_per_class)
    if not rare:
        return []
    of_train = rows.filter(pc.and_(pc.equal(rows["split"], "train"), pc.is_valid(rows["label"])))
    held = set(by_class(of_train, task))
    beyond = sum(name in held for name in rare)
    mend = f"raise balance.max_labels, beyond which {beyond} of them stand" if beyond else "add rows of them"
    return [
        Doubt(
            "balance.min_per_class",
            f"{len(rare)} class(es) have fewer than {settings.min_per_class} row(s) to train on "
            f"(balance.min_per_class): {gates.listed(rare)}",
            f"balance.min_per_class: {min(rare.values())}",
            mend,
        )
    ]


def dev_rows(rows: pa.Table, wanted: bool) -> pa.Table:
    """Return `READ` of the dev rows that people labelled, or none of them."""
    table = rows.select([name for name in READ if name in rows.column_names])
    if not wanted:
        return table.slice(0, 0)
    return table.filter(pc.and_(pc.equal(rows["split"], "dev"), origins.trusted(rows)))


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "left_out", "embeddings", "out", "dev", "ledger", "metrics")
    settings, task = params.load("balance", Params), kinds.read_task()
    rows = tables.read(args.rows, tables.without_texts(args.rows))
    left_out = tables.read(args.left_out, ["id", "keeper"]).to_pylist()
    ledger = Ledger("balance")
    keepers = {row["id"]: row["keeper"] for row in left_out}
    chosen = balancing.chosen(rows, keepers, settings, task, args.embeddings, ledger)
    table, weights = balancing.weigh(chosen, settings, task)
    ledger.check(rows.num_rows, table.num_rows)
    balancing.write(table, args.rows, args.out)
    balancing.write(dev_rows(rows, settings.dev_rows), args.rows, args.dev)
    ledger.write(args.ledger)
    counts = {name: len(places) for name, places in by_class(table, task).items()}
    left_out = {name.removeprefix("skip."): count for name, count in ledger.summary().items()}
    found = doubts(table, rows, settings, task)
    told = {"rows": table.num_rows, "labels": counts, "weights": weights, "left_out": left_out}
    write_json(args.metrics, told | {gates.KEY: gates.told(found)})
    gates.settle("balance", found, args.metrics)


if __name__ == "__main__":
    run(main)
