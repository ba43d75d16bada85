"""Which rows a training table holds and what each weighs: the label budget, classes too large or too rare."""

from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from winnow import kinds
from winnow.base import hashing, params
from winnow.encoder import embeddings
from winnow.kinds.task import Task
from winnow.rows import tables
from winnow.rows.ledger import Details, Ledger
from winnow.rows.training_table import COPIES

READ = ("id", "group", "text", "label")  # what a model is given of a row
EQUAL = "none"  # the scheme by which all rows weigh the same
BLOCK = 1024  # rows that are compared with the others of their class at once


class Params(params.Section):
    """Section `balance` of params.yaml: the training table."""

    max_labels: int | None = Field(gt=0)
    """The label budget: rows by lowest hash, so that a larger budget holds the smaller. Null: all."""

    weights: Literal["none", "inverse", "sqrt", "effective_number"]
    """What classes weigh in training. `none`; `inverse` of the class's share, when every class matters as much; `sqrt`,
    between the two; `effective_number`, when the rows of a large class say much the same. With `oversample`,
    `focal_gamma` or `logit_adjustment`: `none`."""

    oversample: float = Field(1, ge=1)
    """Times that a row of a rare class stands in an epoch, at most, to come up to the largest class. 1: once."""

    min_per_class: int = Field(1, ge=0)
    """Rows of a class. A class that has fewer in the training table is in doubt: with none, no model predicts it."""

    max_per_class: int | None = Field(None, gt=0)
    """Rows of a class. A small number asks what each approach learns from few labels. Null: all."""

    undersample: Literal["hash", "redundancy"] = "hash"
    """Which rows go beyond `max_per_class`: by `hash`, so that a larger number holds the smaller; or by `redundancy`,
    those that are most like others."""

    dev_rows: bool = False
    """`true` for `finetune.patience`. A decision about a dev row then trains every classifier again."""

    train_on: list[Literal["given", "rule", "model", "human"]] = Field(
        ["given", "human", "rule", "model"], min_length=1
    )
    """Origins of labels to train on. Automatic labels stand only where people's audit accepted them."""

    beta: float = Field(0.999, ge=0, lt=1)
    """Of `effective_number`: about 1 - 1 / the rows of a class that say different things."""

    seed: int = Field(1, ge=0)
    """Seed of the draws."""


def chosen(
    rows: pa.Table, left_out: dict[str, str], settings: Params, task: Task, embedded: Path, ledger: Ledger
) -> pa.Table:
    """Return the rows to train on, those of too large classes left out; see `choose` and `undersample`.

    Args:
        rows: id, group, split, label, label_origin, verdict and aux_<task> of all rows.
        embedded: folder of the rows' embeddings.
    """
    return undersample(choose(rows, left_out, settings, task, ledger), settings, task, embedded, ledger)


def choose(rows: pa.Table, left_out: dict[str, str], settings: Params, task: Task, ledger: Ledger) -> pa.Table:
    """Return the rows to train on, sorted by id; the ledger says why each other row is left out.

    Args:
        left_out: for the id of a row that says what another says, the id of that one.

    Raises:
        UserError: there is no row, or only such of one class, before or under the budget.
    """
    eligible = []
    columns = rows.select(["id", "split", "label", "label_origin", "verdict"]).to_pylist()
    for index, row in enumerate(columns):
        if row["verdict"] == "ambiguous":
            ledger.add(row["id"], "skip", "ambiguous", "reviewers found the label ambiguous")
        elif row["label"] is None:
            ledger.add(row["id"], "skip", "unlabelled", "has no label")
        elif row["split"] != "train":
            ledger.add(row["id"], "skip", "not_train", f"is a {row['split']} row")
        elif row["label_origin"] not in settings.train_on:
            ledger.add(row["id"], "skip", "origin", f"balance.train_on leaves out origin {row['label_origin']}")
        elif row["id"] in left_out:
            other = left_out[row["id"]]
            ledger.add(row["id"], "skip", "semantic_duplicate", f"says what {other} says", Details(other_id=other))
        else:
            eligible.append((hashing.digest(settings.seed, row["id"]), index))
    eligible.sort()
    labels = [columns[index]["label"] for _, index in eligible]
    task.check_counts(labels, "balance: rows to train on")
    budget = settings.max_labels or len(eligible)
    task.check_counts(labels[:budget], f"params.yaml: balance.max_labels: the first {budget} rows")
    for _, index in eligible[budget:]:
        ledger.add(columns[index]["id"], "skip", "budget", f"beyond the budget of {budget} labels")
    return rows.take([index for _, index in eligible[:budget]]).sort_by("id")


def undersample(rows: pa.Table, settings: Params, task: Task, embedded: Path, ledger: Ledger) -> pa.Table:
    """Return the rows of each class, at most `max_per_class`; the ledger says why each other row is left out.

    A row that counts for several classes stays where one of them needs it.

    Raises:
        UserError: a row of a class with too many has no embedding, where these choose.
    """
    cap, ids = settings.max_per_class, rows["id"].to_pylist()
    dropped: dict[int, tuple[str, str | None]] = {}  # place -> reason, and the row that is most like it
    needed: set[int] = set()
    for label, places in sorted(by_class(rows, task).items()):
        count = len(places)
        if cap is None or count <= cap:
            needed.update(places)
            continue
        places.sort(key=lambda place: hashing.digest(settings.seed, ids[place]))
        if settings.undersample == "redundancy":
            vectors = embeddings.of([ids[place] for place in places], embedded)
            excess = {}
            for gone, like in redundant(vectors, count - cap):
                other = ids[places[like]]
                excess[places[gone]] = f"of {count} rows of {label}, is among those most like another: {other}", other
        else:
            excess = dict.fromkeys(places[cap:], (f"beyond {cap} rows of {label}", None))
        needed.update(set(places) - set(excess))
        dropped |= excess
    dropped = {place: reason for place, reason in dropped.items() if place not in needed}
    for place, (reason, other) in dropped.items():
        ledger.add(ids[place], "skip", "undersample", reason, Details(other_id=other))
    return rows.take([place for place in range(rows.num_rows) if place not in dropped])


def by_class(rows: pa.Table, task: Task) -> dict[str, list[int]]:
    """Return the places of the rows that count for each class, classes in the order in which they first occur."""
    places: dict[str, list[int]] = {}
    for place, label in enumerate(rows["label"].to_pylist()):
        for name in task.names(label):
            places.setdefault(name, []).append(place)
    return places


def redundant(vectors: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Return `count` rows to leave out, each with the one that it is most like, in the order in which they go.

    Again and again, of the two remaining rows with the highest cosine, the later one goes. Memory grows with the rows,
    not with their pairs.

    Args:
        vectors: (rows, dimensions) float, more rows than `count`.
    """
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
    rows = np.arange(len(unit))
    nearest, cosine = np.zeros(len(unit), int), np.full(len(unit), -np.inf)

    def look(some: np.ndarray, remaining: np.ndarray) -> None:
        """Find the nearest other remaining row of each of `some`."""
        for start in range(0, len(some), BLOCK):
            block = some[start : start + BLOCK]
            cosines = unit[block] @ unit.T
            cosines[:, ~remaining] = -np.inf
            cosines[np.arange(len(block)), block] = -np.inf
            nearest[block] = cosines.argmax(axis=1)
            cosine[block] = cosines[np.arange(len(block)), nearest[block]]

    remaining = np.ones(len(unit), bool)
    look(rows, remaining)
    gone = []
    for _ in range(count):
        first = int(cosine.argmax())
        later, like = max(first, nearest[first]), min(first, nearest[first])
        gone.append((int(later), int(like)))
        remaining[later], cosine[later] = False, -np.inf
        look(rows[remaining & (nearest == later)], remaining)
    return gone


def copies(rows: pa.Table, cap: float, task: Task, seed: int) -> list[int]:
    """Return how often each row stands in an epoch: rare classes up to the largest's rows, `cap` times at most.

    Of a share of a copy, the rows of lowest hash have one more: 2.5 is 2 for one half and 3 for the other. A row that
    counts for several classes stands as often as the rarest asks (Gupta et al. 2019).
    """
    classes = by_class(rows, task)
    most = max(map(len, classes.values()))
    out, hashes = [0] * rows.num_rows, [hashing.digest(seed, id) for id in rows["id"].to_pylist()]
    for places in classes.values():
        count = len(places)
        total = round(count * min(cap, most / count))
        for order, place in enumerate(sorted(places, key=lambda place: hashes[place])):
            out[place] = max(out[place], total // count + (order < total % count))
    return out


def weigh(rows: pa.Table, settings: Params, task: Task) -> tuple[pa.Table, dict[str, float]]:
    """Return the training table and the weight of each class.

    Args:
        rows: those to train on; without texts the table has none.

    Raises:
        UserError: the kind of task has no weights but equal ones, and others are asked for.
    """
    labels = rows["label"].to_pylist()
    if settings.weights == EQUAL:
        row_weights, weights = [1.0] * len(labels), dict.fromkeys(sorted(by_class(rows, task)), 1.0)
    else:
        row_weights, weights = kinds.load(task, "weights").weigh(task, labels, settings.weights, settings.beta)
    known = [name for name in READ if name in rows.column_names]
    table = tables.set_column(rows.select(known), "weight", row_weights, pa.float64())
    for name in sorted(name for name in rows.column_names if name.startswith("aux_")):
        table = tables.set_column(table, name, rows[name], pa.string())
    if settings.oversample > 1:
        table = tables.set_column(table, COPIES, copies(rows, settings.oversample, task, settings.seed), pa.int32())
    return table, weights


def write(table: pa.Table, source: Path, path: Path) -> None:
    """Write a table that lacks its texts, which are those of `source`."""
    schema = table.schema.insert(READ.index("text"), tables.ROW.field("text"))
    tables.write_with(table, schema, source, path)
