"""The table that `balance` makes, as a model is trained on it."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from winnow.rows import tables

COPIES = "copies"  # int32, there only where params.yaml: balance.oversample is above 1


def read(path: Path, columns: list[str]) -> pa.Table:
    """Return columns of the training table, each row as often as its `copies` says.

    Raises:
        UserError: the file is missing, is no Parquet file or lacks one of `columns`.
    """
    if COPIES not in tables.schema(path).names:
        return tables.read(path, columns)
    table = tables.read(path, [*columns, COPIES])
    return table.take(pa.array(np.repeat(np.arange(table.num_rows), table[COPIES].to_numpy()))).select(columns)
