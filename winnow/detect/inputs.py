"""What the detectors read, from the pipeline's tables, in the order of the labelled table."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.base.errors import UserError
from winnow.detect import context, neighbours
from winnow.detect.signals import NONE, Rows
from winnow.kinds.task import Task
from winnow.rows.origins import TRUSTED

COLUMNS = ["id", "source", "source_key", "group", "label", "label_origin"]


def label_index(labels: Sequence[str | None], task: Task) -> np.ndarray:
    """Return labels as indices into the task's, (rows,) int; `NONE` where there is none."""
    place = {label: index for index, label in enumerate(task.labels)}
    return np.array([NONE if label is None else place[label] for label in labels], dtype=np.int64)


def known_labels(rows: pa.Table) -> np.ndarray:
    """Return the rows whose label people stand for, (rows,) bool."""
    return pc.fill_null(pc.is_in(rows["label_origin"], pa.array(TRUSTED)), False).to_numpy()


def members(rows: pa.Table, scored: pa.Table, task: Task, where: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return each model's out-of-fold probabilities, (rows, labels) float64, by name, and the folds, (rows,) int.

    Args:
        scored: the stage score's table, with columns <member>_p_<label>.

    Raises:
        UserError: its rows are others, or it holds no model's probabilities.
    """
    if sorted(rows["id"].to_pylist()) != sorted(scored["id"].to_pylist()):
        raise UserError(f"{where}: its rows are not those of the labelled table; run `dvc repro score`")
    ordered = scored.take(pc.index_in(rows["id"], scored["id"].combine_chunks()))
    found = {}
    for column in ordered.column_names:
        name = column.removesuffix(f"_p_{task.labels[0]}")
        columns = [f"{name}_p_{label}" for label in task.labels]
        if name != column and set(columns) <= set(ordered.column_names):
            found[name] = np.stack([ordered[column].to_numpy() for column in columns], axis=1).astype(np.float64)
    if not found:
        raise UserError(f"{where}: no columns <member>_p_<label> of all labels of the task; run `dvc repro score`")
    return found, ordered["fold"].to_numpy()


def votes_of(ids: Sequence[str], votes: pa.Table, task: Task) -> tuple[dict[str, list[dict]], np.ndarray]:
    """Return what the rules say of each row, by id, and the label that most of them give, (rows,) int.

    `NONE` where none fires or the first two labels have as many votes.

    Args:
        votes: columns id, rule, label.
    """
    said: dict[str, list[dict]] = {}
    for vote in votes.select(["id", "rule", "label"]).to_pylist():
        said.setdefault(vote["id"], []).append({"rule": vote["rule"], "label": vote["label"]})
    return said, np.array([_majority([vote["label"] for vote in said.get(id, ())], task) for id in ids], dtype=np.int64)


def _majority(labels: list[str], task: Task) -> int:
    counts = sorted(((labels.count(label), label) for label in set(labels)), reverse=True)
    if not counts or (len(counts) > 1 and counts[0][0] == counts[1][0]):
        return NONE
    return task.labels.index(counts[0][1])


def describe(
    rows: pa.Table, folds: np.ndarray, array: np.ndarray, votes: np.ndarray, known: np.ndarray, k: int
) -> Rows:
    """Return what is known of rows beside their labels.

    Args:
        rows: table of the data contract.
        folds, votes: (rows,) int.
        array: (rows, dimensions) float32, embeddings.
        known: (rows,) bool, the rows that may be neighbours.
        k: how many neighbours.
    """
    groups = np.unique(rows["group"].to_pylist(), return_inverse=True)[1]
    keys = zip(rows["source"].to_pylist(), rows["source_key"].to_pylist(), strict=True)
    places = context.order([f"{source} {key}" for source, key in keys])
    return Rows(folds, groups, places, votes, neighbours.nearest(array, groups, known, k))
