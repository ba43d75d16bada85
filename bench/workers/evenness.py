"""Iterative stratification (Sechidis et al. 2011), as the package iterative-stratification has it."""

from collections.abc import Sequence


def iterative(sets: Sequence[Sequence[int]], labels: int, shares: Sequence[float], seed: int) -> dict:
    """Return the split of each row as `split`, a list of indices into `shares`.

    Args:
        sets: the labels of each row, by number.
        labels: how many there are.
        shares: of the rows in each split; they sum to one.
    """
    import numpy as np
    from iterstrat.ml_stratifiers import IterativeStratification

    matrix = np.zeros((len(sets), labels), dtype=bool)
    for row, held in enumerate(sets):
        matrix[row, list(held)] = True
    return {"split": IterativeStratification(matrix, np.array(shares), np.random.RandomState(seed)).tolist()}
