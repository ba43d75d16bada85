"""Which of several duplicates stays: the rules of `deduplicate.keep`, as numbers that a sort can compare."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.deduplicate.scratch import Scratch

Rule = Literal["labelled", "best_label", "longest", "newest", "source_order"]
ORIGINS = ("human", "given", "rule", "model")  # of a label, the most trusted first


def measure(rows: pa.Table, rules: Sequence[Rule], sources: Sequence[str]) -> dict[str, np.ndarray]:
    """Return, for "purpose" and for each rule, a number for each row, (rows,) float64; the lowest duplicate stays.

    Args:
        sources: for `source_order`, the preferred ones first; those not named come last, all alike.
    """
    measures = {
        "labelled": lambda: pc.is_null(rows["label"]),
        # A confidence is at most one; an unknown one is the least.
        "best_label": lambda: pc.subtract(
            pc.multiply(_place(rows["label_origin"], ORIGINS), 10), pc.fill_null(rows["label_confidence"], 0)
        ),
        "longest": lambda: pc.negate(pc.utf8_length(rows["text"])),
        "newest": lambda: pc.negate(pc.fill_null(rows["published"].cast(pa.int32()), -(2**31) + 1)),
        "source_order": lambda: _place(rows["source"], sources),
    }
    found = {"purpose": pc.not_equal(rows["purpose"], "task")} | {rule: measures[rule]() for rule in rules}
    return {name: values.cast(pa.float64()).to_numpy() for name, values in found.items()}


def by_preference(scratch: Scratch, rows: np.ndarray, groups: np.ndarray, rules: Sequence[Rule]) -> np.ndarray:
    """Return row numbers sorted by their group, the row that is to stay first: a task row, by the rules, by number."""
    keys = [scratch.get(name, np.float64)[rows] for name in ("purpose", *rules)]
    return rows[np.lexsort((rows, *reversed(keys), groups))]


def _place(values: pa.ChunkedArray, order: Sequence[str]) -> pa.ChunkedArray:
    """Return each value's place in an order, int64; the order's length for others."""
    places = pc.index_in(values, pa.array(order, pa.string())).cast(pa.int64())
    return pc.fill_null(places, len(order))
