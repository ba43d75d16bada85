"""Whether what is measured on, the rows of dev and test, stands in rows that train, by runs of words.

Duplicates are in one split already. What is left are texts that stand within longer ones, and phrases of many.
"""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
from pydantic import Field

from winnow.base.gates import Doubt, Example, beginning
from winnow.kinds import sides
from winnow.rows import tables
from winnow.rows.splits import SPLITS
from winnow.text import overlap
from winnow.text.overlap import Runs, Watched

Kind = ModuleType | None
MEASURED = ("dev", "test")
EXAMPLES = 3  # pairs of rows that a doubt shows
BATCH_ROWS = 4096  # whole texts


class Overlap(Runs):
    """Section `split.overlap` of params.yaml: rows of dev and test that stand in rows which train, by runs of words."""

    rows: int = Field(10000, ge=0)
    """Rows of each of dev and test that are looked for, drawn at random; all, where there are fewer. 0: overlap is not
    measured."""

    max_share: float = Field(0.05, ge=0, le=1)
    """Share of these rows that stand in rows which train; a larger one is in doubt."""


def find(path: Path, assigned: np.ndarray, of_task: np.ndarray, settings: Overlap, kind: Kind) -> tuple[dict, list]:
    """Return how much of dev and test stands in rows that train, for metrics, and the doubts in it.

    Args:
        path: the rows.
        assigned: (rows,) int8, the split of each, an index into `SPLITS`.
        of_task: (rows,) bool, of purpose task.
        kind: as `winnow.kinds.sides.turns` returns it.
    """
    read = partial(tables.batches, path, sides.COLUMNS, BATCH_ROWS)
    train = sides.Rows(read, assigned == SPLITS.index("train"), kind)
    # Ids are hashes and rows stand in their order, so the first are a random draw.
    chosen = [np.flatnonzero(of_task & (assigned == SPLITS.index(name)))[: settings.rows] for name in MEASURED]
    metrics: dict = {name: {} for name in MEASURED}
    pairs: dict[str, list[tuple[int, int]]] = {name: [] for name in MEASURED}
    bounds = np.cumsum([0, *map(len, chosen)])
    for side in train.sides:
        asked = (sides.Rows(read, _mask(numbers, len(assigned)), kind).only(side) for numbers in chosen)
        watched = Watched(chain.from_iterable(asked), settings)
        found = overlap.between(watched, train.words(side), settings)
        for name, of in zip(MEASURED, pairwise(bounds.tolist()), strict=True):
            metrics[name][side] = overlap.measure(watched, found, settings, slice(*of))
            here = (found.texts >= of[0]) & (found.texts < of[1])
            numbers = np.concatenate(chosen)[found.texts[here]]
            pairs[name] += zip(numbers.tolist(), found.rows[here].tolist(), strict=True)
    shares = {name: max(_share(told) for told in metrics[name].values()) for name in MEASURED}
    return metrics, [
        _doubt(name, share, settings, tuple(_examples(pairs[name], path)))
        for name, share in shares.items()
        if share > settings.max_share
    ]


def _mask(numbers: np.ndarray, count: int) -> np.ndarray:
    mask = np.zeros(count, bool)
    mask[numbers] = True
    return mask


def _share(told: dict) -> float:
    return told["found"] / max(told["texts"], 1)


def _doubt(name: str, share: float, settings: Overlap, examples: tuple[Example, ...]) -> Doubt:
    return Doubt(
        "split.overlap.max_share",
        f"{share:.1%} of the rows of {name} stand in rows that train, more than {settings.max_share:.1%} "
        f"(split.overlap.max_share): {settings.share:.0%} of their words, in runs of {settings.words}",
        f"split.overlap.max_share: {math.ceil(1000 * share) / 1000}",
        "give rows that share passages one group (columns.group of their source), lower deduplicate.threshold, or "
        "strip what all rows share",
        examples,
    )


def _examples(pairs: Sequence[tuple[int, int]], path: Path) -> Iterator[Example]:
    """Yield the first pairs of rows, given by number, with their texts."""
    shown = pairs[:EXAMPLES]
    wanted, rows, first = sorted({number for pair in shown for number in pair}), {}, 0
    for batch in tables.batches(path, ["id", "text"], BATCH_ROWS):
        here = [number for number in wanted if first <= number < first + len(batch)]
        for number, row in zip(here, batch.take(np.array(here, np.int64) - first).to_pylist(), strict=True):
            rows[number] = row["id"], beginning(row["text"])
        first += len(batch)
    for one, other in shown:
        yield Example(*rows[one], *rows[other])
