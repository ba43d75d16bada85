"""The nearest rows in embedding space, exact, in blocks: memory does not grow with the square of the rows."""

from dataclasses import dataclass

import numpy as np

BLOCK = 2**23  # similarities in memory at a time, 32 MiB
SPARE = 8  # more than wanted are compared exactly: rounding in float32 may swap those at the edge
ROUNDING = 2e-6  # cosines in float32 that differ by less may be equal to 6 digits
WIDEST = 512  # rows of a block; their candidates are gathered in float64


@dataclass(frozen=True)
class Neighbours:
    """The rows nearest to each row, nearest first.

    Attributes:
        index: (rows, k) int64, -1 where there are not so many.
        similarity: (rows, k) float64, cosine rounded to 6 digits; 0 where there is no row.
    """

    index: np.ndarray
    similarity: np.ndarray


def nearest(vectors: np.ndarray, groups: np.ndarray, among: np.ndarray, k: int) -> Neighbours:
    """Return each row's nearest rows by cosine, of other groups alone: a row's own group resembles it anyway.

    Of equally near ones, the first come first. Time grows with the square of the rows (100,000 rows of 384 dimensions
    take minutes), memory does not.

    Args:
        vectors: (rows, dimensions) float32; a row of zeros is as far from all.
        groups: (rows,) int.
        among: (rows,) bool, the rows that may be neighbours.
        k: how many.
    """
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    exact = np.divide(vectors, norms, out=np.zeros(vectors.shape), where=norms > 0)
    rough = exact.astype(np.float32)
    # Sorted by group, so that those of a row's own group are one slice.
    candidates = np.flatnonzero(among)
    candidates = candidates[np.argsort(groups[candidates], kind="stable")]
    own = groups[candidates]
    starts, ends = np.searchsorted(own, groups, "left"), np.searchsorted(own, groups, "right")
    columns = np.ascontiguousarray(rough[candidates].T)

    index = np.full((len(vectors), k), -1, dtype=np.int64)
    similarity = np.zeros((len(vectors), k))
    taken = min(k + SPARE, len(candidates))
    step = min(max(1, BLOCK // max(len(candidates), 1)), WIDEST)
    for first in range(0, len(vectors) if taken else 0, step):
        rows = np.arange(first, min(first + step, len(vectors)))
        cosine = rough[rows] @ columns
        for place, row in enumerate(rows):
            cosine[place, starts[row] : ends[row]] = -np.inf
        near = np.argpartition(cosine, -taken, axis=1)[:, -taken:]
        values = np.take_along_axis(cosine, near, axis=1)
        index[rows], similarity[rows] = _exactly(exact, rows, candidates[near], np.isfinite(values), k)
        # Where more are as near as the last one wanted than were taken, all of these are compared.
        edge = np.sort(values, axis=1)[:, -min(k, taken)] - ROUNDING
        for place in np.flatnonzero(np.isfinite(edge) & ((cosine >= edge[:, None]).sum(axis=1) > taken)):
            row, near = rows[place : place + 1], np.flatnonzero(cosine[place] >= edge[place])[None]
            index[row], similarity[row] = _exactly(exact, row, candidates[near], np.ones(near.shape, bool), k)
    return Neighbours(index, similarity)


def _exactly(
    exact: np.ndarray, rows: np.ndarray, found: np.ndarray, allowed: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest of the rows found, (rows, k) int and float; those not allowed are none."""
    cosine = np.round(np.einsum("rd,rfd->rf", exact[rows], exact[found]), 6)
    cosine[~allowed] = -np.inf
    order = np.lexsort((found, -cosine))[:, :k]
    found, cosine = np.take_along_axis(found, order, axis=1), np.take_along_axis(cosine, order, axis=1)
    none = np.isneginf(cosine)
    short = k - found.shape[1]
    index = np.pad(np.where(none, -1, found), ((0, 0), (0, max(short, 0))), constant_values=-1)
    return index, np.pad(np.where(none, 0.0, cosine), ((0, 0), (0, max(short, 0))))
