"""Rows that wait for a person whatever the detectors say: duplicates with other labels, reviewers who disagree."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from winnow.base.errors import UserError


@dataclass(frozen=True)
class Questions:
    """Open questions, by row id.

    Attributes:
        copies: what to say of a kept row whose duplicates had other labels.
        disputes: of a row on which reviewers disagree, the label of their consensus and what they said.
    """

    copies: Mapping[str, str]
    disputes: Mapping[str, tuple[str | None, str]]


def copies_in_words(conflicts: pa.Table) -> dict[str, str]:
    """Return what to say of each kept row whose duplicates had other labels, by its id."""
    said = {}
    for row in conflicts.to_pylist():
        if row["kept"]:
            others = [
                f"{other['id']} {other['label']}{'' if other['kept'] else ' (dropped)'}" for other in row["others"]
            ]
            more = row["others_total"] - len(others)
            said[row["id"]] = f"duplicates have other labels: {', '.join(others)}{f' and {more} more' if more else ''}"
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
