"""Where a row's label came from, and which origins count as evidence."""

import pyarrow as pa
import pyarrow.compute as pc

# Labels that people stand for. Models train on them, and only they measure anything.
TRUSTED = ("given", "human")


def trusted(rows: pa.Table) -> pa.ChunkedArray:
    """Return which rows have a label that people stand for, (rows,) bool without nulls.

    Args:
        rows: with the columns label and label_origin.
    """
    origin = pc.fill_null(pc.is_in(rows["label_origin"], pa.array(TRUSTED, pa.string())), False)
    return pc.and_(origin, pc.is_valid(rows["label"]))
