"""Prompts with the responses that the stage score judges: those that rows have or had, and those planted among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from winnow.base import hashing
from winnow.kinds.evidence import NOISES
from winnow.kinds.generation import plants

REAL = ""  # the sort of a response that nobody planted
FAR = 20  # responses to any prompts from which an error is drawn


@dataclass(frozen=True)
class Pairs:
    """Responses by row: each row's own ones first, then the one that was planted, if there is any.

    Attributes:
        bounds: (rows + 1,) int, where each row's responses begin.
        responses: (pairs,) str.
        sorts: (pairs,) str, of `plants.SORTS`, or `REAL`.
        ways: (pairs,) str, of `NOISES`, how an error was planted; `REAL` of others.
    """

    bounds: np.ndarray
    responses: np.ndarray
    sorts: np.ndarray
    ways: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """The row of each pair, (pairs,) int."""
        return np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.bounds))

    def of(self, labels: np.ndarray, planted: bool = True) -> np.ndarray:
        """Return the pair of each row that has a label as its response, (rows,) int; -1 where none has.

        Args:
            labels: (rows,) responses, None where a row has none.
            planted: whether a planted pair counts; a row's own comes before it.
        """
        found = np.full(len(labels), -1)
        rows = self.rows
        same = (self.responses == labels[rows]) & (planted | (self.sorts == REAL))
        places = np.flatnonzero(same)[::-1]
        found[rows[places]] = places
        return found

    def take(self, rows: np.ndarray) -> tuple["Pairs", np.ndarray]:
        """Return the pairs of some rows, (some,) int, and which they are, (pairs,) int."""
        sizes = np.diff(self.bounds)[rows]
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        places = np.repeat(self.bounds[:-1][rows] - bounds[:-1], sizes) + np.arange(bounds[-1])
        return Pairs(bounds, self.responses[places], self.sorts[places], self.ways[places]), places


def gathered(own: Sequence[Sequence[str]], planted: Sequence[plants.Planted | None]) -> Pairs:
    """Return pairs of rows, each with its own responses and with what was planted in it."""
    responses, sorts, ways, sizes = [], [], [], []
    for real, wrong in zip(own, planted, strict=True):
        known = list(dict.fromkeys(real))
        added = [wrong] if wrong is not None and wrong.response not in known else []
        responses += [*known, *(each.response for each in added)]
        sorts += [REAL] * len(known) + [each.sort for each in added]
        ways += [REAL] * len(known) + [each.way for each in added]
        sizes.append(len(known) + len(added))
    columns = (np.array([*each, None], dtype=object)[:-1] for each in (responses, sorts, ways))
    return Pairs(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), *columns)


def drawn(
    ids: Sequence[str], prompts: Sequence[str], labels: np.ndarray, near: np.ndarray, most: int
) -> list[plants.Planted | None]:
    """Return an error to plant in each of the first `most` rows that have a label, (rows,).

    Args:
        labels: (rows,) responses, None where a row has none.
        near: (rows, k) int, the nearest rows that have one, nearest first; -1: none.
    """
    known = np.flatnonzero([label is not None for label in labels])
    found: list[plants.Planted | None] = [None] * len(labels)
    for row, prompt in zip(known[:most].tolist(), prompts, strict=False):
        draw = Random(hashing.digest("planted response", ids[row]))
        around = [labels[other] for other in near[row] if other >= 0]
        far = [labels[other] for other in draw.sample(known.tolist(), min(FAR, len(known)))]
        found[row] = plants.plant(plants.Row(prompt, labels[row], around, far), draw.choice(NOISES), draw)
    return found
