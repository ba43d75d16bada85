"""Tables of the page and of the documents, and the bars that a page draws beside intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

PAD = 0.06  # of a bar's width, on either side
MOST = 500  # lines of a table on the page, of those that grow with rules times classes


@dataclass(frozen=True)
class Bar:
    """An interval as a page draws it, in per cent of its width; zero is None where it is no mark."""

    low: float
    value: float
    high: float
    zero: float | None
    sign: str


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        align: l or r for each column.
        bars: for each row an interval to draw at its end, or None; empty where there is nothing to draw.
        left_out: lines that it does not show.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    align: str
    bars: Sequence[Bar | None] = ()
    left_out: int = 0


def cut(head: Sequence[str], rows: Sequence[Sequence[object]], align: str) -> Table:
    """Return a table of the first lines."""
    return Table(head, rows[:MOST], align, left_out=max(len(rows) - MOST, 0))


def bars(estimates: Sequence[tuple[float, float, float, str] | None], zero: bool) -> list[Bar | None]:
    """Return the bars of estimates (value, low, high, sign) on one scale.

    Args:
        zero: whether zero is on the scale and is marked.
    """
    ends = [end for estimate in estimates if estimate for end in estimate[:3]] + ([0.0] if zero else [])
    if not ends:
        return [None] * len(estimates)
    least, most = min(ends), max(ends)
    width = most - least

    def place(value: float) -> float:
        share = (value - least) / width if width else 0.5  # where all are the same, the middle
        return round(100 * (PAD + (1 - 2 * PAD) * share), 2)

    return [
        Bar(place(estimate[1]), place(estimate[0]), place(estimate[2]), place(0) if zero else None, estimate[3])
        if estimate
        else None
        for estimate in estimates
    ]
