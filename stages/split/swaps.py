"""Units that change places across a border until no exchange makes the labels of a split more even.

Where rows have several labels, a unit that crosses a border for one of them takes the others along, so that crossings
one by one soon find no better one. Here two units may cross at once.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

NEAREST = 512  # units of a border that may cross it; time and memory go with the square
MOST = 1000  # crossings of a border
# All is counted in whole numbers, since those of sums of fractions differ from machine to machine.
UNIT, PARTS = 2**30, 16


def swap(split: np.ndarray, held: "csr_array", share: float, near: np.ndarray, sides: tuple[int, int]) -> None:
    """Let units cross a border, the best one or two first, as long as that makes a split more even.

    Uneven is the sum over columns of (what the split holds - share x all)^2 / all.

    Args:
        split: (units,) int8, changed in place.
        held: (units, columns) int, what is to be even: rows of each class, and rows.
        share: of the split.
        near: numbers of the units that may cross, those that shall be tried first in front.
        sides: the split, and the one on the other side of the border.
    """
    some = near[:NEAREST]
    if not len(some):
        return
    totals = np.maximum(held.sum(axis=0), 1).astype(np.int64)
    excess = np.rint(PARTS * (held[split == sides[0]].sum(axis=0) - share * totals)).astype(np.int64)
    weights = np.maximum(UNIT // totals, 1)
    own = held[some].toarray().astype(np.int64)
    weighed = own * weights
    both = weighed @ own.T
    for _ in range(MOST):
        sign = np.where(split[some] == sides[0], -1, 1)
        alone = 2 * sign * (weighed @ excess) + PARTS * both.diagonal()
        gain = alone[:, None] + alone + 2 * PARTS * sign[:, None] * sign * both
        np.fill_diagonal(gain, alone)
        first, second = np.unravel_index(gain.argmin(), gain.shape)
        if gain[first, second] >= 0:
            return
        for unit in {int(first), int(second)}:
            excess += PARTS * sign[unit] * own[unit]
            split[some[unit]] = sides[0] if sign[unit] > 0 else sides[1]
