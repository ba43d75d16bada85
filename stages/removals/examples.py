"""Rows that show what a rule removes: their first words, and those of the row in whose place they went."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from stages.removals.gate import Finding, doubt, grouped
from stages.removals.lines import Removed
from winnow.base import gates
from winnow.base.gates import Doubt, Example
from winnow.kinds.task import Task
from winnow.rows import ids, tables
from winnow.rows.ledger import REMOVING

EACH = 3  # rows that show one doubt


@dataclass(frozen=True)
class Reader:
    """Where rows that show a doubt are read.

    Attributes:
        raw: the sources' tables.
        clean: the cleaned rows; a row that is not among them has its raw text.
        ledgers: of each stage.
        removed: what each stage removed.
    """

    raw: Sequence[Path]
    clean: Path
    ledgers: Mapping[str, Path]
    removed: Mapping[str, Removed]

    def ids(self, finding: Finding, task: Task) -> list[str]:
        """Return the first rows that show a finding."""
        of_stage, found = self.removed[finding.line.stage], []
        rule = of_stage.rules.index(finding.line.rule)
        for batch in _batches(self.raw, ["id", "purpose", "label"]):
            batch = batch.filter(pa.array(of_stage.rule_of(ids.numbers(batch["id"])) == rule))
            for row in batch.to_pylist():
                named = row["purpose"] == "task" and row["label"] is not None
                if not finding.of_class or (named and finding.line.value in task.names(row["label"])):
                    found.append(row["id"])
                if len(found) == EACH:
                    return found
        return found

    def others(self, stage: str, rows: Sequence[str]) -> dict[str, str]:
        """Return the rows that are the reason why rows went, by id, where another row is the reason."""
        found = {}
        for batch in tables.batches(self.ledgers[stage], ["id", "action", "other_id"]):
            chosen = pc.and_(pc.is_in(batch["action"], pa.array(REMOVING)), pc.is_in(batch["id"], pa.array(rows)))
            found |= {row["id"]: row["other_id"] for row in batch.filter(chosen).to_pylist() if row["other_id"]}
        return found

    def texts(self, rows: set[str]) -> dict[str, str]:
        """Return the first words of rows."""
        wanted, said = pa.array(sorted(rows), pa.string()), {}
        for batch in _batches([self.clean, *self.raw], ["id", "text"]):
            for row in batch.filter(pc.is_in(batch["id"], wanted)).to_pylist():
                said.setdefault(row["id"], gates.beginning(row["text"]))
        return said


def doubts(found: Sequence[Finding], reader: Reader, task: Task) -> list[Doubt]:
    """Return the findings as doubts, each with rows of the class of which the rule removed the largest share."""
    told = []
    for together in grouped(found):
        first = together[0]
        rows = reader.ids(first, task)
        others = reader.others(first.line.stage, rows)
        said = reader.texts({*rows, *others.values()})
        examples = [Example(id, said[id], others.get(id, ""), said.get(others.get(id, ""), "")) for id in rows]
        told.append(replace(doubt(together), examples=tuple(examples)))
    return told


def _batches(paths: Sequence[Path], columns: list[str]) -> Iterator[pa.Table]:
    for path in paths:
        yield from tables.batches(path, columns)
