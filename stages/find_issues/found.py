"""The labelled table, and what the detectors find in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from stages.find_issues import datalab
from stages.find_issues.datalab import Kinds, Taken
from winnow.detect import inputs
from winnow.encoder.neighbours import Neighbours
from winnow.kinds.evidence import GROUP, Evidence, Signals, Surroundings
from winnow.kinds.task import Task
from winnow.rows import origins, votes
from winnow.rows.text_column import TextColumn


class Labelled(NamedTuple):
    """The labelled table: its rows without their texts, and these, read where they are needed."""

    rows: pa.Table
    texts: TextColumn


@dataclass(frozen=True)
class Table:
    """The labelled table and what the detectors find in it; all arrays in its order.

    Attributes:
        rows: the labelled table, without texts.
        texts: its texts.
        task: that its labels are of.
        labels: (rows,) labels, None where there is none.
        judged: (rows,) the label that is or was in question: before people decided, if they did.
        open: (rows,) bool, what nobody has settled.
        found: signals of the labels `judged`.
        surroundings: folds, groups, neighbours and the rules' majority.
        votes: what the rules say of a row, by its id.
    """

    rows: pa.Table
    texts: TextColumn
    task: Task
    labels: np.ndarray
    judged: np.ndarray
    open: np.ndarray
    found: Signals
    surroundings: Surroundings
    votes: Mapping[str, list[dict]]

    @cached_property
    def known(self) -> np.ndarray:
        """The labels that people stand for, (rows,) bool."""
        return origins.trusted(self.rows).to_numpy()

    @property
    def evidence(self) -> Evidence:
        """What the models say, weighed against each other."""
        return self.found.evidence

    @property
    def near(self) -> Neighbours:
        """The nearest rows whose label people stand for."""
        return self.surroundings.near

    @cached_property
    def ids(self) -> list[str]:
        """The rows' ids."""
        return self.rows["id"].to_pylist()

    @cached_property
    def likeliest(self) -> np.ndarray:
        """The label that the models together hold to be likeliest, (rows,) object."""
        return self.evidence.likeliest()

    @cached_property
    def members(self) -> dict[str, np.ndarray]:
        """The label that each model holds to be likeliest, (rows,) object, by the model's name."""
        return {name: member.likeliest() for name, member in self.evidence.members.items()}

    @cached_property
    def _has_others(self) -> np.ndarray:
        """Whether there are other rows of a row's group, (rows,) bool."""
        _, group, rows = np.unique(self.surroundings.groups, return_inverse=True, return_counts=True)
        return rows[group] > 1

    def said_by(self, place: int) -> dict[str, str]:
        """Return the label that each model holds to be likeliest of a row, without its group where it is alone."""
        heard = (name for name in self.members if name != GROUP or self._has_others[place])
        return {name: self.members[name][place] for name in heard}

    def chances(self, places: np.ndarray) -> list[list[tuple[str, float]]]:
        """Return labels and their probabilities to show of some rows, (some,) int."""
        return self.evidence.take(places).shown()


def detect(
    labelled: Labelled, task: Task, scored: tuple[Evidence, np.ndarray], said: pa.Table, array: np.ndarray
) -> Table:
    """Return what the detectors say of a labelled table.

    Args:
        scored: what the models say of the rows, and the rows' folds, (rows,) int.
        said: the labelling rules' votes.
        array: (rows, dimensions) float32, embeddings in the order of `rows`.
    """
    (rows, texts), (evidence, folds) = labelled, scored
    labels, before = inputs.labels(rows["label"]), inputs.labels(rows["given_label"])
    is_open = np.array([verdict is None for verdict in rows["verdict"].to_pylist()], dtype=bool)
    judged = np.where(is_open, labels, before)
    by_row = votes.ByRow(said)
    majority = np.array([votes.majority(by_row.get(id, ())) for id in rows["id"].to_pylist()], dtype=object)
    surroundings = inputs.surroundings(rows, folds, majority, array)
    found = evidence.signals(labels, origins.trusted(rows).to_numpy(), surroundings, judged)
    return Table(rows, texts, task, labels, judged, is_open, found, surroundings, by_row)


def further_kinds(table: Table, array: np.ndarray, poor_slice: float) -> Kinds:
    """Return what Datalab finds, rows by their place in the labelled table; arguments as `datalab.find`."""
    at = np.flatnonzero(table.known)
    place = np.full(len(table.known), -1)
    place[at] = np.arange(len(at))
    inside = Neighbours(np.where(table.near.index < 0, -1, place[table.near.index])[at], table.near.similarity[at])
    labels, support = table.labels[at], table.evidence.take(at).support(table.labels[at])
    found = datalab.find(labels, support, Taken(array, at), inside, poor_slice)
    outlier, poor = np.zeros(len(place), dtype=bool), np.zeros(len(place), dtype=bool)
    outlier[at], poor[at] = found.outlier, found.slice
    duplicates = {int(at[row]): [int(at[other]) for other in others] for row, others in found.duplicates.items()}
    ordered = np.argsort(table.surroundings.places)
    _, first = np.unique(table.surroundings.groups[ordered], return_index=True)
    dataset = imbalance(labels, table.task) | found.dataset
    dataset |= {"non_iid": datalab.order(Taken(array, ordered[np.sort(first)])), "null": nulls(table.rows)}
    if "underperforming_group" in dataset:
        examples = dataset["underperforming_group"]["examples"]
        dataset["underperforming_group"] |= {"examples": [table.ids[at[row]] for row in examples]}
    return Kinds(outlier, poor, duplicates, dataset)


def nulls(rows: pa.Table) -> dict:
    """Return which values of the data contract the rows lack, label and confidence apart."""
    names = [name for name in rows.column_names if name == "published" or name.startswith("aux_")]
    return datalab.nulls({name: rows[name].to_pylist() for name in names})


def imbalance(labels: np.ndarray, task: Task) -> dict:
    """Return the figures of the rarest class, (rows,) labels; nothing where they are of one class."""
    names = [name for label in labels for name in task.names(label)]
    rarest = datalab.imbalance(names, task.classes(labels))
    return {"class_imbalance": rarest} if rarest else {}
