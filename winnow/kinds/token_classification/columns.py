"""What models say of words, as columns: `text`, which has the words, `p` and `<model>_p`, lists of numbers a row.

A row's list has the probabilities of all tags of its first word, then those of its second, and so on.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.token_classification.labels import Task
from winnow.kinds.token_classification.layout import Layout

TEXT, TOGETHER, SUFFIX = "text", "p", "_p"


def of(texts: Sequence[str], layout: Layout, chances: Mapping[str, np.ndarray]) -> dict[str, pa.Array]:
    """Return the columns of some rows.

    Args:
        chances: (words, tags) float32 by name of the model; that of all together has none.
    """
    found: dict[str, pa.Array] = {TEXT: pa.array(list(texts), pa.large_string())}
    for name, own in chances.items():
        bounds = pa.array(layout.bounds * own.shape[1], pa.int64())
        values = pa.array(own.astype(np.float32).ravel())
        found[f"{name}{SUFFIX}" if name else TOGETHER] = pa.LargeListArray.from_arrays(bounds, values)
    return found


def models(table: pa.Table) -> list[str]:
    """Return the names of the models whose probabilities a table has, in its order."""
    return [name.removesuffix(SUFFIX) for name in table.column_names if name.endswith(SUFFIX)]


def texts(table: pa.Table, where: str) -> list[str]:
    """Return the texts of a table's rows, (rows,) str.

    Raises:
        UserError: it has none; begins with `where`.
    """
    if TEXT not in table.column_names:
        raise UserError(f"{where}: column '{TEXT}' is missing; the table is of another task: `dvc repro`")
    return table[TEXT].to_pylist()


def read(task: Task, table: pa.Table, where: str, layout: Layout, model: str = "") -> np.ndarray:
    """Return a table's probabilities, (words, tags) float32.

    Args:
        table: with the column id.
        where: how errors begin.
        layout: the words of its texts.
        model: whose they are; empty: of all together.

    Raises:
        UserError: a column is missing, or holds what are no probabilities of these words' tags.
    """
    name = f"{model}{SUFFIX}" if model else TOGETHER
    if name not in table.column_names:
        raise UserError(f"{where}: column '{name}' is missing; the table is of another task: `dvc repro`")
    column = table[name].combine_chunks()
    counts = np.diff(layout.bounds) * len(task.tags)
    lengths = np.array([0 if value is None else value for value in column.value_lengths().to_pylist()])
    if (lengths != counts).any():
        first = table["id"][int(np.flatnonzero(lengths != counts)[0])]
        raise UserError(f"{where}: column '{name}' of row {first} is not of its words and tags; run `dvc repro score`")
    found = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, len(task.tags)).astype(np.float32)
    sound = ((found >= 0) & (found <= 1)).all(axis=1)
    if not sound.all():
        first = table["id"][int(layout.row[np.flatnonzero(~sound)[0]])]
        raise UserError(f"{where}: column '{name}' of row {first} holds a number that is no probability")
    return found
