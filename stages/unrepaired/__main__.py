"""unrepaired: the training tables that show what people's decisions are worth: as it was, and thinned at random.

python -m stages.unrepaired --rows data/deduplicated.parquet --split data/split.parquet --labelled data/labelled.parquet
    --undecided data/undecided.parquet --left-out data/semantic_duplicates.parquet --embeddings data/base_embeddings
    --out data/unrepaired --metrics reports/metrics/unrepaired.json

Of params.yaml: arms.controls, for each seed of arms.seeds:
`<seed>/given.parquet`: the training table that section `balance` makes of the rows as they were before people decided
about single rows. Automatic labels stand where people's audit accepts them, as they do in the repaired table.
`<seed>/thinned.parquet`: the same without as many rows, drawn by the seed, as people's decisions changed or took out.
What is gained by leaving out some rows, whichever, is in it; what finding the wrong ones gains is not.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow import kinds
from winnow.balance import balancing
from winnow.base import hashing, params
from winnow.base.errors import UserError
from winnow.base.files import replacing, write_json
from winnow.base.stage import arguments, run
from winnow.kinds.task import Task
from winnow.rows import tables
from winnow.rows.ledger import Ledger
from winnow.rows.text_column import TextColumn
from winnow.training.arms import Arms

LABELS = ("label", "label_origin", "label_confidence")


def as_given(rows: pa.Table, split: pa.Table, labelled: pa.Table, undecided: pa.Table) -> pa.Table:
    """Return the rows of the task as they would be labelled if nobody had decided about single rows.

    Args:
        rows: of data/deduplicated.parquet, without texts; those of the task.
        split: id and split.
        labelled: id and `LABELS`, after decisions.
        undecided: the same of the rows on which people decided, before.
    """
    known = {row["id"]: row for table in (labelled, undecided) for row in table.to_pylist()}
    found = [known.get(id, {}) for id in rows["id"].to_pylist()]
    for name in LABELS:
        rows = tables.set_column(rows, name, [row.get(name) for row in found], tables.ROW.field(name).type)
    splits = dict(zip(split["id"].to_pylist(), split["split"].to_pylist(), strict=True))
    rows = tables.set_column(rows, "split", [splits[id] for id in rows["id"].to_pylist()], pa.string())
    return tables.set_column(rows, "verdict", [None] * rows.num_rows, pa.string())


def repaired(given: pa.Table, labelled: Mapping[str, str | None], texts: Mapping[str, bool]) -> dict[str, int]:
    """Return how many rows of a training table people's decisions changed, and how many they took out.

    Args:
        given: id and label of the rows as they were.
        labelled: by id of the rows that are there after decisions, their label.
        texts: by id of the rows on which people decided, whether the text is another one now.
    """
    counts = {"changed": 0, "removed": 0}
    for id, label in zip(given["id"].to_pylist(), given["label"].to_pylist(), strict=True):
        if labelled.get(id) is None:
            counts["removed"] += 1
        elif labelled[id] != label or texts.get(id, False):
            counts["changed"] += 1
    return counts


def changed_texts(ids: Sequence[str], before: Path, after: Path) -> dict[str, bool]:
    """Return, by id of the rows that are in both tables, whether their text differs."""
    found: list[dict[str, str]] = []
    for path in (before, after):
        table = tables.read(path, ["id"])["id"]
        places = np.flatnonzero(pc.is_in(table, pa.array(sorted(ids), pa.string())).to_numpy())
        found.append(dict(zip(table.take(places).to_pylist(), TextColumn(path).take(places), strict=True)))
    old, new = found
    return {id: old[id] != text for id, text in new.items() if id in old}


def thinned(rows: pa.Table, count: int, seed: int) -> pa.Table:
    """Return rows (id) without `count` of them, those of the lowest hash with this seed.

    Raises:
        UserError: none would be left.
    """
    if count >= rows.num_rows:
        raise UserError(
            f"params.yaml: arms.controls: people changed or took out {count} of {rows.num_rows} training rows, so that "
            f"'thinned' has none left; take it out"
        )
    ids = rows["id"].to_pylist()
    order = sorted(range(len(ids)), key=lambda place: hashing.digest("thinned", seed, ids[place]))
    return rows.take(sorted(order[count:]))


def write(rows: pa.Table, settings: balancing.Params, task: Task, source: Path, path: Path) -> None:
    """Write the training table of some rows, whose texts are those of `source`."""
    balancing.write(balancing.weigh(rows, settings, task)[0], source, path)


def main(argv: Sequence[str] | None = None) -> None:
    paths = ("rows", "split", "labelled", "undecided", "left_out", "embeddings", "out", "metrics")
    args = arguments(__doc__, argv, *paths)
    settings, task, arms = params.load("balance", balancing.Params), kinds.read_task(), params.load("arms", Arms)
    told: dict = {}
    with replacing(args.out) as new:
        new.mkdir()
        if arms.controls:
            rows = tables.read(args.rows, tables.without_texts(args.rows))
            rows = rows.filter(pc.equal(rows["purpose"], "task"))
            labelled, undecided = (tables.read(path, ["id", *LABELS]) for path in (args.labelled, args.undecided))
            before = as_given(rows, tables.read(args.split, ["id", "split"]), labelled, undecided)
            left_out = {row["id"]: row["keeper"] for row in tables.read(args.left_out, ["id", "keeper"]).to_pylist()}
            chosen = balancing.chosen(before, left_out, settings, task, args.embeddings, Ledger("unrepaired"))
            after = dict(zip(labelled["id"].to_pylist(), labelled["label"].to_pylist(), strict=True))
            texts = changed_texts(undecided["id"].to_pylist(), args.rows, args.labelled)
            counts = repaired(chosen, after, texts)
            told = {"rows": chosen.num_rows, **counts}
            for seed in arms.seeds:
                (new / str(seed)).mkdir()
                fewer = thinned(chosen, sum(counts.values()), seed) if "thinned" in arms.controls else chosen
                for name in arms.controls:
                    write(
                        {"given": chosen, "thinned": fewer}[name],
                        settings,
                        task,
                        args.rows,
                        new / f"{seed}/{name}.parquet",
                    )
    write_json(args.metrics, told)


if __name__ == "__main__":
    run(main)
