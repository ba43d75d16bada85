"""What of the removals is in doubt: a rule that took too much of a class, or of one class more than of the others.

Each rule and class is a test, and with many of both some would fail by chance: exact tests, with Holm's correction over
all of them, say what is beyond a limit. A few rows are never a finding.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from pydantic import Field

from stages.removals.lines import Line, base_rate, by_rule, classes
from winnow.base import params
from winnow.base.gates import SHOWN, Doubt
from winnow.statistics import testing

ALPHA = 0.05  # of any false finding in a run
NEAR_DUPLICATE = "near_duplicate"  # the rule of deduplicate that is a choice; copies teach nothing twice


class Params(params.Section):
    """Section `removals` of params.yaml: from what share on it is in doubt whether a rule of clean or deduplicate
    removes the right rows."""

    max_skew: float | None = Field(3, gt=1)
    """Share of one class that a rule removed, as a multiple of its share of all classes. A class cannot exceed all
    labels / its labels: 2 where two classes are alike, so 1.5 suits them better. Null: no limit."""

    max_share: float | None = Field(0.2, gt=0, le=1)
    """Share of one class, or of all rows, that a rule removed. Null: no limit."""

    min_removed: int = Field(5, ge=1)
    """Fewer removed rows of a class are no doubt, whatever their share."""


@dataclass(frozen=True)
class Finding:
    """A line beyond a limit.

    Attributes:
        gate: max_share or max_skew.
        limit: what the rule may remove, in words that follow "more than".
        line: of a class, or of all rows.
        reached: what the gate's parameter would have to be.
    """

    gate: str
    limit: str
    line: Line
    reached: float

    @property
    def of_class(self) -> bool:
        return self.line.dimension == "class"


def findings(lines: Sequence[Line], settings: Params) -> list[Finding]:
    """Return what is beyond a limit with certainty, by rule and gate, the largest share first."""
    tested: list[tuple[Finding, float]] = []
    for of_rule in by_rule(lines):
        of_classes = classes(of_rule)
        base = base_rate(of_classes)
        if settings.max_share is not None:
            cells = [*(line for line in of_rule if line.dimension == "all"), *of_classes]
            reached = [min(math.ceil(100 * line.share) / 100, 1.0) for line in cells]
            p_values = testing.above_share(*_counts(cells), settings.max_share)
            tested += _tested("max_share", f"{100 * settings.max_share:g}%", cells, reached, p_values)
        if settings.max_skew is not None and base:
            reached = [math.ceil(10 * line.share / base) / 10 for line in of_classes]
            p_values = testing.above_ratio(*_counts(of_classes), settings.max_skew)
            tested += _tested(
                "max_skew", f"{settings.max_skew:g} times the {base:.2%} of all classes", of_classes, reached, p_values
            )
    adjusted = testing.holm(np.array([p_value for _, p_value in tested]))
    certain = [
        finding
        for (finding, _), p_value in zip(tested, adjusted, strict=True)
        if p_value < ALPHA and finding.line.removed >= settings.min_removed
    ]
    return sorted(certain, key=lambda found: (found.line.stage, found.line.rule, found.gate, -found.line.share))


def _counts(cells: Sequence[Line]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([line.removed for line in cells], int), np.array([line.rows for line in cells], int)


def _tested(
    gate: str, limit: str, cells: Sequence[Line], reached: Sequence[float], p_values: np.ndarray
) -> Iterator[tuple[Finding, float]]:
    for line, value, p_value in zip(cells, reached, p_values.tolist(), strict=True):
        yield Finding(gate, limit, line, value), p_value


def grouped(found: Sequence[Finding]) -> Iterator[list[Finding]]:
    """Yield the findings of one rule and gate, which make one doubt."""
    for _, of_gate in groupby(found, key=lambda finding: (finding.line.stage, finding.line.rule, finding.gate)):
        yield list(of_gate)


def doubt(found: Sequence[Finding]) -> Doubt:
    """Return what is in doubt about one rule, by the findings of one gate."""
    first, gate = found[0], f"removals.{found[0].gate}"
    of_classes = [finding for finding in found if finding.of_class]
    told = [_told(finding.line) for finding in found[:SHOWN]]
    more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    count = f"of {len(of_classes)} class{'es' if len(of_classes) > 1 else ''}" if of_classes else "of all rows"
    return Doubt(
        gate,
        f"rule '{first.line.rule}' of stage {first.line.stage} removes more than {first.limit} {count} ({gate}): "
        f"{', '.join(told)}{more}",
        f"{gate}: {max(finding.reached for finding in found):g}",
        _mend(first.line),
    )


def _told(line: Line) -> str:
    what = f"“{line.value}” " if line.dimension == "class" else "in all "
    return f"{what}{line.removed:,} of {line.rows:,} rows ({line.share:.1%})"


def _mend(line: Line) -> str:
    if line.rule == NEAR_DUPLICATE:
        return (
            "read some; deduplicate.drop_near: false keeps near-duplicates, a cluster in one split; a higher "
            "deduplicate.threshold takes fewer rows for alike"
        )
    return f"read some; if they should stay, mend the rule or switch it off in params.yaml: {line.stage}"
