"""The rows that a stage removed, and how many of the rows with one value of a dimension a rule removed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from winnow.statistics.intervals import wilson

UNLABELLED, TEXT = "(no label)", "(text)"  # no classes: rows to annotate, and rows of sources with purpose text


@dataclass(frozen=True)
class Removed:
    """The rows that one stage removed."""

    ids: np.ndarray  # (rows,) uint64, ascending
    rule: np.ndarray  # (rows,) int32, index into `rules`
    rules: list[str]

    def rule_of(self, ids: np.ndarray) -> np.ndarray:
        """Return the rule that removed each row, (rows,) int32; -1 for a row that stayed."""
        if not len(self.ids):
            return np.full(len(ids), -1, np.int32)
        place = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[place] == ids, self.rule[place], -1)


@dataclass(frozen=True)
class Line:
    """Rows that entered a stage and have one value of a dimension, and how many of them a rule removed."""

    rule: str
    stage: str
    dimension: str
    value: str
    rows: int
    removed: int

    @property
    def share(self) -> float:
        return self.removed / self.rows

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.removed, self.rows)


def classes(lines: Sequence[Line]) -> list[Line]:
    """Return the lines about classes that a model learns."""
    return [line for line in lines if line.dimension == "class" and line.value not in (UNLABELLED, TEXT)]


def by_rule(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield the lines of each rule of each stage."""
    found: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        found.setdefault((line.stage, line.rule), []).append(line)
    yield from found.values()


def base_rate(lines: Sequence[Line]) -> float:
    """Return the share that a rule removed of all classes together; 0 where there is no class."""
    return sum(line.removed for line in lines) / max(sum(line.rows for line in lines), 1)
