"""auxiliary: the train rows that have a label of a further task, for the approach `multitask`.

python -m stages.auxiliary --rows data/edited.parquet --split data/split.parquet --out data/auxiliary.parquet

These labels (`aux_<task>`) come with the source, not from people, so rows of any purpose have them, however small the
label budget is. Out: id, group, text and every aux_<task> of the rows of split `train` with at least one of them. A
stage of its own, and before any decision, so that what changes nothing here trains nothing again.
"""

from collections.abc import Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from winnow.base.stage import arguments, run
from winnow.rows import tables


def choose(rows: pa.Table, split: pa.Table) -> pa.Table:
    """Return the rows of split `train` that have an auxiliary label, sorted by id.

    Args:
        rows: id, group, aux_<task>, and text or not.
    """
    names = sorted(name for name in rows.column_names if name.startswith("aux_"))
    rows = rows.select([name for name in ("id", "group", "text", *names) if name in rows.column_names])
    if not names:
        return rows.slice(0, 0)
    train = split["id"].filter(pc.equal(split["split"], "train"))
    has_any = reduce(pc.or_, (pc.is_valid(rows[name]) for name in names))
    return rows.filter(pc.and_(pc.is_in(rows["id"], train), has_any)).sort_by("id")


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "split", "out")
    columns = tables.without_texts(args.rows)
    chosen = choose(tables.read(args.rows, columns), tables.read(args.split, ["id", "split"]))
    _, _, *tasks = chosen.column_names
    schema = tables.schema(args.rows)
    out = pa.schema([schema.field(name) for name in ("id", "group", "text", *tasks)])
    tables.write_with(chosen, out, args.rows, args.out)


if __name__ == "__main__":
    run(main)
