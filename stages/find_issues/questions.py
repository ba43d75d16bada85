"""Rows that wait for a person whatever the detectors say: duplicates with other labels, reviewers who disagree."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.base.errors import UserError
from winnow.kinds.task import Task
from winnow.rows.text_column import TextColumn


@dataclass(frozen=True)
class Questions:
    """Open questions, by row id.

    Attributes:
        copies: what to say of a kept row whose duplicates had other labels.
        disputes: of a row on which reviewers disagree, the label of their consensus and what they said.
    """

    copies: Mapping[str, str]
    disputes: Mapping[str, tuple[str | None, str]]


def copies_in_words(conflicts: pa.Table, rows: pa.Table, texts: TextColumn, task: Task) -> dict[str, str]:
    """Return what to say of each kept row whose duplicates had other labels, by its id.

    A duplicate that stayed is told by the label that it has today, and only if the row's own differs: people may have
    given both the same since, or have taken one out.

    Args:
        conflicts: id, kept, others, others_total.
        rows: id and label of the rows that are left; `texts` are theirs.
    """
    told = [row for row in conflicts.to_pylist() if row["kept"]]
    named = {row["id"] for row in told} | {other["id"] for row in told for other in row["others"]}
    places = np.flatnonzero(pc.is_in(rows["id"], pa.array(sorted(named), pa.string())))
    known = rows.select(["id", "label"]).take(places)
    labels = dict(zip(known["id"].to_pylist(), known["label"].to_pylist(), strict=True))
    text = dict(zip(labels, texts.take(places), strict=True))
    said = {}
    for row in told:
        others = [f"{other['id']} {other['label']} (dropped)" for other in row["others"] if not other["kept"]]
        stay = {other["id"]: labels.get(other["id"]) for other in row["others"] if other["kept"]}
        differ = {id: label for id, label in stay.items() if label is not None and label != labels.get(row["id"])}
        others += [f"{id} {task.brief(label, text[id])}" for id, label in differ.items()]
        if more := row["others_total"] - len(row["others"]):
            others.append(f"{more} more")
        if others:
            start = f"{', '.join(others[:-1])} and " if others[1:] else ""
            said[row["id"]] = f"duplicates have other labels: {start}{others[-1]}"
    return said


def disputes_in_words(rows: pa.Table, consensus: pa.Table, where: Path) -> dict[str, tuple[str | None, str]]:
    """Return the label of the consensus and what reviewers said of each row on which they disagree, by its id.

    Raises:
        UserError: the consensus, read from `where`, is of other decisions.
    """
    found = {row["id"]: (row["suggested_label"], row["reason"]) for row in consensus.to_pylist() if row["conflict"]}
    for id, disagree in zip(rows["id"].to_pylist(), rows["conflict"].to_pylist(), strict=True):
        if disagree != (id in found):
            raise UserError(f"{where}: row {id} is not as decisions.csv has it; run `dvc repro agreement`")
    return found
