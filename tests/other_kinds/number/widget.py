"""People write a number."""

from winnow.kinds.widget import (
    LONGEST_LABEL,
    LONGEST_TEXT,
    STARTS_FROM_GIVEN,
    answers,
    controls,
    fits,
    labels,
    parts,
    prediction,
    read_cell,
)

__all__ = [
    "LONGEST_LABEL",
    "LONGEST_TEXT",
    "STARTS_FROM_GIVEN",
    "answers",
    "controls",
    "fits",
    "labels",
    "parts",
    "prediction",
    "read_cell",
]
