"""balance: the training table, with class weights, under the label budget.

python -m stages.balance --rows data/labelled.parquet --left-out data/semantic_duplicates.parquet
    --out data/training.parquet --ledger data/ledger/balance.parquet --metrics reports/metrics/balance.json

Out: id, group, text, label, weight and aux_<task> of the rows that a classifier is trained on. Nothing
else goes in, so that a decision about another row leaves this file, and every model trained on it, as it was.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import pyarrow as pa
from pydantic import Field

from winnow import hashing, params, tables
from winnow.errors import UserError
from winnow.files import write_json
from winnow.ledger import Ledger
from winnow.stage import arguments, run
from winnow.tasks.labels import Task
from winnow.tasks.weights import Scheme, class_weights


class Params(params.Section):
    train_on: list[Literal["given", "rule", "model", "human"]] = Field(min_length=1)
    max_labels: int | None = Field(gt=0)
    weights: Scheme
    seed: int = Field(ge=0)


def choose(
    rows: pa.Table, left_out: dict[str, str], settings: Params, task: Task, ledger: Ledger, where: str
) -> pa.Table:
    """Return the rows to train on, sorted by id; the ledger says why each other row is left out.

    Args:
        left_out: for the id of a row that says what another says, the id of that one.

    Raises:
        UserError: a class has no row, before or under the budget.
    """
    eligible = []
    columns = rows.select(["id", "split", "label", "label_origin", "verdict"]).to_pylist()
    for index, row in enumerate(columns):
        if row["verdict"] == "ambiguous":
            ledger.add(row["id"], "skip", "ambiguous", "reviewers found the label ambiguous")
        elif row["label"] is None:
            ledger.add(row["id"], "skip", "unlabelled", "has no label")
        elif row["split"] != "train":
            ledger.add(row["id"], "skip", "not_train", f"is a {row['split']} row")
        elif row["label_origin"] not in settings.train_on:
            ledger.add(row["id"], "skip", "origin", f"balance.train_on leaves out origin {row['label_origin']}")
        elif row["id"] in left_out:
            ledger.add(row["id"], "skip", "semantic_duplicate", f"says what {left_out[row['id']]} says")
        else:
            eligible.append((hashing.digest(settings.seed, row["id"]), index))
    eligible.sort()
    task.check_counts((columns[index]["label"] for _, index in eligible), 1, f"{where}: rows to train on")

    budget = settings.max_labels or len(eligible)
    chosen, left_out = eligible[:budget], eligible[budget:]
    present = {columns[index]["label"] for _, index in chosen}
    for label in task.labels:
        if label not in present:
            raise UserError(
                f"params.yaml: balance.max_labels: no row of '{label}' is within the budget of {budget}; raise it"
            )
    for _, index in left_out:
        ledger.add(columns[index]["id"], "skip", "budget", f"beyond the budget of {budget} labels")
    return rows.take([index for _, index in chosen]).sort_by("id")


def weigh(rows: pa.Table, scheme: Scheme) -> tuple[pa.Table, dict[str, float]]:
    """Return the training table and the weight of each class; the mean weight over rows is one."""
    weights = class_weights(rows["label"].to_pylist(), scheme)
    aux = sorted(name for name in rows.column_names if name.startswith("aux_"))
    row_weights = [weights[label] for label in rows["label"].to_pylist()]
    table = rows.select(["id", "group", "text", "label"])
    table = tables.set_column(table, "weight", row_weights, pa.float64())
    for name in aux:
        table = tables.set_column(table, name, rows[name], pa.string())
    return table, weights


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "left_out", "out", "ledger", "metrics")
    settings, task = params.load("balance", Params), params.load("task", Task)
    rows = tables.read(args.rows)
    left_out = tables.read(args.left_out, ["id", "keeper"]).to_pylist()
    ledger = Ledger("balance")
    chosen = choose(rows, {row["id"]: row["keeper"] for row in left_out}, settings, task, ledger, str(args.rows))
    table, weights = weigh(chosen, settings.weights)
    ledger.check(rows.num_rows, table.num_rows)
    tables.write(table, args.out)
    ledger.write(args.ledger)
    counts = Counter(table["label"].to_pylist())
    left_out = {name.removeprefix("skip."): count for name, count in ledger.summary().items()}
    write_json(args.metrics, {"rows": table.num_rows, "labels": counts, "weights": weights, "left_out": left_out})


if __name__ == "__main__":
    run(main)
