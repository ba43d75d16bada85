"""Predictions, one Parquet file a trained model: `<approach>-<seed>.parquet`, one row a dev or test example.

Columns: id, group, split (dev or test), label, predicted (string) and p_<label> (float64), one for each label of
the task in its order. Every metric can be computed again from them, on any revision.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.rows import tables
from winnow.rows.origins import TRUSTED

NAME = re.compile(r"(?P<approach>.+)-(?P<seed>\d+)")


def table(
    ids: Sequence[str],
    groups: Sequence[str],
    splits: Sequence[str],
    truth: np.ndarray,
    probabilities: np.ndarray,
    labels: list[str],
) -> pa.Table:
    """Return predictions as a table.

    Args:
        truth: (rows,) int, index into `labels`.
        probabilities: (rows, labels) float.
    """
    names = pa.array(labels, pa.string())
    columns = {
        "id": pa.array(ids, pa.string()),
        "group": pa.array(groups, pa.string()),
        "split": pa.array(splits, pa.string()),
        "label": names.take(pa.array(truth)),
        "predicted": names.take(pa.array(probabilities.argmax(axis=1))),
    }
    chances = {f"p_{label}": pa.array(probabilities[:, i], pa.float64()) for i, label in enumerate(labels)}
    return pa.table(columns | chances)


def evaluated(rows: pa.Table) -> pa.Table:
    """Return the dev and test rows whose label a source gave or a person set; automatic labels prove nothing."""
    keep = [
        split in ("dev", "test") and label is not None and origin in TRUSTED
        for split, label, origin in zip(
            *(rows[name].to_pylist() for name in ("split", "label", "label_origin")), strict=True
        )
    ]
    return rows.filter(pa.array(keep, pa.bool_()))


def read_all(folder: Path, labels: list[str]) -> dict[str, pa.Table]:
    """Return the predictions of every arm in a folder, by file name without suffix; rows sorted by id.

    Raises:
        UserError: there is no file, a name is not `<approach>-<seed>`, a column is missing, or two files differ in
            their rows, labels, groups or splits.
    """
    arms: dict[str, pa.Table] = {}
    for path in sorted(folder.glob("*.parquet")):
        split_name(path.stem)
        columns = ["id", "group", "split", "label", "predicted", *(f"p_{label}" for label in labels)]
        arm = tables.read(path, columns).sort_by("id")
        _check_labels(arm, labels, path)
        if arms:
            first = next(iter(arms))
            for column in ("id", "label", "group", "split"):
                if not arm[column].equals(arms[first][column]):
                    raise UserError(
                        f"{path}: column '{column}' differs from that of {first}.parquet; arms are compared on the "
                        f"same rows only: run `dvc repro evaluate`"
                    )
        arms[path.stem] = arm
    if not arms:
        raise UserError(f"{folder}: holds no <approach>-<seed>.parquet; `dvc repro evaluate` makes them")
    return arms


def split_name(name: str) -> tuple[str, int]:
    """Return approach and seed of an arm's name, or raise `UserError` if it is not `<approach>-<seed>`."""
    match = NAME.fullmatch(name)
    if not match:
        raise UserError(f"arm '{name}': not of the form <approach>-<seed>, such as transfer-1")
    return match["approach"], int(match["seed"])


def by_approach(arms: dict[str, pa.Table]) -> dict[str, list[str]]:
    """Return the arms' names of each approach, in order of seed."""
    approaches: dict[str, list[str]] = {}
    for name in sorted(arms, key=split_name):
        approaches.setdefault(split_name(name)[0], []).append(name)
    return approaches


def arrays(arm: pa.Table, labels: list[str], split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return truth, (rows,) int index into `labels`, and probabilities, (rows, labels) float64, of one split."""
    rows = arm.filter(pa.array(np.array(arm["split"].to_pylist(), dtype=object) == split))
    return indices(rows["label"], labels), np.stack([rows[f"p_{label}"].to_numpy() for label in labels], axis=1)


def indices(column: pa.ChunkedArray, labels: list[str]) -> np.ndarray:
    """Return each label's index in `labels`, (rows,) int."""
    place = {label: index for index, label in enumerate(labels)}
    return np.array([place[label] for label in column.to_pylist()], dtype=int)


def _check_labels(arm: pa.Table, labels: list[str], path: Path) -> None:
    for column in ("label", "predicted"):
        strange = sorted(set(arm[column].to_pylist()) - set(labels), key=str)
        if strange:
            raise UserError(f"{path}: {column} '{strange[0]}' is not one of params.yaml: task.labels")
