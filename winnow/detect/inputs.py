"""What the pipeline's tables say of rows: evidence on their labels, and what surrounds them."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow import kinds
from winnow.base.errors import UserError
from winnow.encoder import neighbours
from winnow.kinds.evidence import NEAREST, Evidence, Surroundings
from winnow.kinds.task import Task
from winnow.rows import origins, tables

COLUMNS = ["id", "source", "source_key", "group", "label", "label_origin"]


def labels(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column of labels, (rows,) object: str, or None where a row has none."""
    encoded = column.combine_chunks().dictionary_encode()  # rows of one label then share one string
    names = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    return names[encoded.indices.fill_null(len(encoded.dictionary)).to_numpy()]


def evidence(path: Path, ids: Sequence[str], task: Task) -> Evidence:
    """Return what the models say of some rows, in the order of their ids.

    Args:
        path: the table of the stage `score`.

    Raises:
        UserError: a row is not in it.
    """
    return kinds.load(task, "scores").read(task, _in_order(tables.read(path), ids, path), path)


def evidence_of_all(path: Path, ids: Sequence[str], task: Task) -> tuple[Evidence, np.ndarray]:
    """Return what the models say of all rows, in the order of their ids, and the rows' folds, (rows,) int.

    Raises:
        UserError: the table of the stage `score` is of other rows.
    """
    scored = tables.read(path)
    if sorted(ids) != sorted(scored["id"].to_pylist()):
        raise UserError(f"{path}: its rows are not those of the labelled table; run `dvc repro score`")
    scored = _in_order(scored, ids, path)
    return kinds.load(task, "scores").read(task, scored, path), scored["fold"].to_numpy()


def _in_order(scored: pa.Table, ids: Sequence[str], path: Path) -> pa.Table:
    places = pc.index_in(pa.array(ids, pa.string()), scored["id"].combine_chunks())
    if places.null_count:
        missing = ids[places.to_pylist().index(None)]
        raise UserError(f"{path}: {places.null_count} row(s) are not in it, first {missing}; run `dvc repro score`")
    return scored.take(places)


def surroundings(rows: pa.Table, folds: np.ndarray, votes: np.ndarray, vectors: np.ndarray) -> Surroundings:
    """Return what is known of rows beside their labels and the models.

    Args:
        rows: `COLUMNS` of the labelled table.
        folds: (rows,) int.
        votes: (rows,) labels that most labelling rules give.
        vectors: (rows, dimensions) float32, embeddings.
    """
    groups = np.unique(rows["group"].to_pylist(), return_inverse=True)[1]
    keys = zip(rows["source"].to_pylist(), rows["source_key"].to_pylist(), strict=True)
    places = order([f"{source} {key}" for source, key in keys])
    near = neighbours.nearest(vectors, groups, origins.trusted(rows).to_numpy(), NEAREST)
    return Surroundings(folds, groups, places, votes, near)


def order(keys: Sequence[str]) -> np.ndarray:
    """Return each row's place when rows are sorted by key as people number them, (rows,) int: 2 before 10."""
    ranked = sorted(range(len(keys)), key=lambda row: (_natural(keys[row]), keys[row]))
    places = np.empty(len(keys), dtype=np.int64)
    places[ranked] = np.arange(len(keys))
    return places


def _natural(key: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"([0-9]+)", key)
    return [(1, int(part), "") if place % 2 else (0, 0, part) for place, part in enumerate(parts)]
