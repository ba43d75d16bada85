"""Probabilities of labels as columns: `p_<label>`, and `<model>_p_<label>` where several models tell them.

Each lies between 0 and 1 by itself: they do not sum to one.
"""

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.classification.columns import models, names, of
from winnow.kinds.multilabel.labels import Task

__all__ = ["models", "names", "of", "read"]


def read(task: Task, table: pa.Table, where: str, model: str | None = None) -> np.ndarray:
    """Return a table's probabilities, (rows, labels) float64.

    Args:
        table: with the column id.
        where: how errors begin.

    Raises:
        UserError: those of a label are missing, or one is no probability.
    """
    for name in names(task, model):
        if name not in table.column_names:
            raise UserError(f"{where}: column '{name}' is missing; the table is of another task: `dvc repro`")
    found = np.stack([table[name].to_numpy().astype(np.float64) for name in names(task, model)], axis=1)
    sound = ((found >= 0) & (found <= 1)).all(axis=1)
    if not sound.all():
        first = ", ".join(table["id"].filter(pa.array(~sound))[:3].to_pylist())
        raise UserError(f"{where}: {int((~sound).sum())} row(s) hold a number that is no probability, first {first}")
    return found
