"""Probabilities of classes as columns: `p_<label>`, and `<model>_p_<label>` where several models tell them."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError

if TYPE_CHECKING:
    from winnow.kinds.classification.labels import Task

SUM_TOLERANCE = 1e-4  # probabilities may be rounded to float32


def names(task: "Task", model: str | None = None) -> list[str]:
    """Return the columns of a model's probabilities, or of those that stand alone."""
    prefix = "p" if model is None else f"{model}_p"
    return [f"{prefix}_{label}" for label in task.labels]


def of(task: "Task", chances: np.ndarray, model: str | None = None) -> dict[str, pa.Array]:
    """Return probabilities, (rows, labels) float in the order of the task's labels, as columns of their type."""
    return {name: pa.array(chances[:, place]) for place, name in enumerate(names(task, model))}


def models(task: "Task", table: pa.Table) -> list[str]:
    """Return the models whose probabilities of all labels a table holds."""
    ending = f"_p_{task.labels[0]}"
    found = [column.removesuffix(ending) for column in table.column_names if column.endswith(ending)]
    return [model for model in found if set(names(task, model)) <= set(table.column_names)]


def read(task: "Task", table: pa.Table, where: str, model: str | None = None) -> np.ndarray:
    """Return a table's probabilities, (rows, labels) float of their type.

    Args:
        table: with the column id.
        where: how errors begin.

    Raises:
        UserError: those of a label are missing, or a row's are none or do not sum to one.
    """
    wanted = names(task, model)
    for name in wanted:
        if name not in table.column_names:
            raise UserError(f"{where}: column '{name}' is missing; the table is of another task: `dvc repro`")
    found = np.stack([table[name].to_numpy() for name in wanted], axis=1)
    sound = (np.abs(found.sum(axis=1) - 1) <= SUM_TOLERANCE) & ((found >= 0) & (found <= 1)).all(axis=1)
    if not sound.all():
        first = ", ".join(table["id"].filter(pa.array(~sound))[:3].to_pylist())
        raise UserError(
            f"{where}: the probabilities of {int((~sound).sum())} row(s) are none or do not sum to one, first {first}"
        )
    return found
