"""How much of each dataset of `against` stands in the rows that stay, by runs of words (`winnow.text.overlap`).

A copy of a benchmark's text is dropped as a duplicate. A text that stands within a longer one, or of which a row has
most, is none: it is found here.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import pyarrow as pa

from winnow.kinds import sides
from winnow.text import overlap
from winnow.text.overlap import Overlaps, Runs, Watched


class Overlap(Runs):
    """Section `deduplicate.overlap` of params.yaml: texts of `against` that stand within rows, by runs of words."""

    action: Literal["off", "note", "drop"] = "note"
    """What becomes of a row in which such a text stands: `note` tells it in the ledger, `drop` drops the row. `off`:
    overlap is not measured."""


@dataclass(frozen=True)
class Found:
    """What stands in the rows.

    Attributes:
        reasons: why a row is told of, by its number, in words.
        metrics: by dataset, then by side.
    """

    reasons: Mapping[int, str]
    metrics: dict[str, dict]


def find(others: Sequence[Iterator[pa.Table]], names: Sequence[str], own: sides.Rows, settings: Overlap) -> Found:
    """Return what of other datasets stands in rows, by either side of dialogues.

    Args:
        others: of each dataset its texts, cleaned: tables of one column `text`.
        names: of the datasets.
        own: the rows, and which of them stay.
    """
    bounds = [0]

    def texts() -> Iterator[pa.Array]:
        for tables in others:
            bounds.append(bounds[-1])
            for table in tables:
                bounds[-1] += len(table)
                unlabelled = table.append_column("label", pa.nulls(len(table), pa.string()))
                yield pa.array(sides.words(unlabelled, own.sides[0], own.kind), pa.string())

    watched = Watched(texts(), settings)
    by_side = _by_side(watched, own, settings)
    reasons: dict[int, tuple[float, str]] = {}
    for side, found in by_side.items():
        for row, text, share in zip(found.rows.tolist(), found.texts.tolist(), found.held.tolist(), strict=True):
            if share > reasons.get(row, (0.0, ""))[0]:
                place = bisect_right(bounds, text) - 1
                where = "it" if own.kind is None else f"its {side}"
                reasons[row] = (
                    share,
                    f"{share:.0%} of the words of row {text - bounds[place] + 1} of {names[place]} stand in {where}, "
                    f"in runs of {watched.lengths[text]}",
                )
    left = {}
    if settings.action == "drop" and reasons:
        stay = own.wanted.copy()
        stay[list(reasons)] = False
        left = _by_side(watched, replace(own, wanted=stay), settings)
    metrics = {}
    for name, ends in zip(names, pairwise(bounds), strict=True):
        told = {side: overlap.measure(watched, found, settings, slice(*ends)) for side, found in by_side.items()}
        for side, found in left.items():
            told[side]["left"] = overlap.measure(watched, found, settings, slice(*ends))
        metrics[name] = told
    return Found({row: reason for row, (_, reason) in sorted(reasons.items())}, metrics)


def _by_side(watched: Watched, own: sides.Rows, settings: Overlap) -> dict[str, Overlaps]:
    return {side: overlap.between(watched, own.words(side), settings) for side in own.sides}
