"""split: assign every row to train, dev or test, so that no paper and no duplicate stands in two of them.

python -m stages.split --rows data/deduplicated.parquet --out data/split.parquet --metrics reports/metrics/split.json

Each group draws a number in [0, 1) from its name and the salt alone. Rows that share a group or a duplicate cluster,
directly or by a chain, go together: to test if any of their groups draws test, else to dev if any draws dev, else to
train. So added rows move no row out of test, and rows in new groups move no old row unless they tie groups together.
Rows that only adapt the encoder and are tied to no task row are all train: nothing is measured on them.

Writes id, group, cluster and split for each row, and counts; `test_sha` is the fingerprint of the frozen test rows.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Self

import pyarrow as pa
from pydantic import Field, model_validator

from winnow import hashing, params, tables
from winnow.components import Components
from winnow.errors import UserError
from winnow.files import write_json
from winnow.stage import arguments, run

SPLITS = ("train", "dev", "test")


class Params(params.Section):
    dev: float = Field(gt=0, lt=1)  # share of the groups on which choices are made
    test: float = Field(gt=0, lt=1)  # share of the groups that only the report looks at
    salt: str = Field(min_length=1)

    @model_validator(mode="after")
    def leaves_train(self) -> Self:
        if self.dev + self.test >= 1:
            raise ValueError("dev + test must be below 1, else nothing is left to train on")
        return self


def draw(group: str, options: Params) -> str:
    """Return the split that a group draws by its name alone."""
    number = hashing.unit(options.salt, group)
    return "test" if number < options.test else "dev" if number < options.test + options.dev else "train"


def split(table: pa.Table, options: Params) -> pa.Table:
    """Return the rows' id, group, cluster and split (all string), one row for each row of the table."""
    groups, clusters, purposes = (table[name].to_pylist() for name in ("group", "cluster", "purpose"))
    components = Components(table.num_rows)
    components.join_equal(groups)
    components.join_equal(clusters)
    roots = components.roots()
    drawn = {group: draw(group, options) for group in set(groups)}
    highest = dict.fromkeys(roots, "train")
    for root, group in zip(roots, groups, strict=True):
        highest[root] = max(highest[root], drawn[group], key=SPLITS.index)
    with_task = {root for root, purpose in zip(roots, purposes, strict=True) if purpose == "task"}
    splits = [highest[root] if root in with_task else "train" for root in roots]
    return tables.set_column(table.select(["id", "group", "cluster"]), "split", splits, pa.string())


def leaks(assigned: pa.Table) -> int:
    """Return how many groups and clusters stand in more than one split."""
    splits = assigned["split"].to_pylist()
    count = 0
    for name in ("group", "cluster"):
        found: dict[str, set[str]] = defaultdict(set)
        for key, split_ in zip(assigned[name].to_pylist(), splits, strict=True):
            found[key].add(split_)
        count += sum(len(places) > 1 for places in found.values())
    return count


def measure(table: pa.Table, assigned: pa.Table) -> dict:
    """Return rows, groups and labels of the task per split, leaks, and the fingerprint of the test rows."""
    columns = (table["id"], table["purpose"], table["group"], table["label"], assigned["split"])
    rows = list(zip(*(column.to_pylist() for column in columns), strict=True))
    result: dict = {}
    for name in SPLITS:
        task = [row for row in rows if row[4] == name and row[1] == "task"]
        labels = Counter(row[3] for row in task if row[3] is not None)
        result[name] = {
            "rows": len(task),
            "groups": len({row[2] for row in task}),
            "text_rows": sum(row[4] == name and row[1] == "text" for row in rows),
            "label_shares": {label: count / labels.total() for label, count in labels.items()},
        }
    test_ids = sorted(row[0] for row in rows if row[4] == "test" and row[1] == "task")
    return result | {"leaks": leaks(assigned), "test_sha": hashing.digest(*test_ids)}


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "out", "metrics")
    options = params.load("split", Params)
    table = tables.read(args.rows, ["id", "group", "cluster", "purpose", "label"])
    assigned = split(table, options)
    metrics = measure(table, assigned)
    if empty := [name for name in SPLITS if not metrics[name]["rows"]]:
        raise UserError(
            f"{args.rows}: no row with purpose task falls into {' or '.join(empty)}; "
            f"add rows in more groups, or enlarge the shares in params.yaml: split"
        )
    tables.write(assigned, args.out)
    write_json(args.metrics, metrics)


if __name__ == "__main__":
    run(main)
