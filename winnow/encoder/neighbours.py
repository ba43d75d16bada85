"""The nearest rows in embedding space: exact up to a bound, by a graph of near rows beyond it.

Beyond `EXACT` comparisons, FAISS searches a hierarchical navigable small world graph (Malkov and Yashunin 2018) of the
vectors in 16-bit floats, and what it finds is compared exactly. It misses a few neighbours: `make bench-rows`
measures the share that it finds. One thread builds the graph, so that equal inputs give equal bytes on a processor;
another kind of processor may find others.
"""

from dataclasses import dataclass

import numpy as np

BLOCK = 2**23  # similarities in memory at a time, 32 MiB
SPARE = 8  # more than wanted are compared exactly: rounding in float32 may swap those at the edge
ROUNDING = 2e-6  # cosines in float32 that differ by less may be equal to 6 digits
WIDEST = 512  # rows of a block; their candidates are gathered in float64
EXACT = 50_000**2  # comparisons of rows with candidates that are made one by one, minutes on one core
GRAPH = "HNSW16,SQfp16"  # 16 links a row and layer; 0.9 KiB a row at 384 dimensions
BUILD, SEARCH = 100, 128  # rows looked at while one is put in, and while one is searched; more find more, and take time
LARGE = 32  # candidates of a group from which on its own rows are left out while the graph is searched, not after


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

    Of equally near ones, the first come first. Up to `EXACT` comparisons they are the nearest of all, and time grows
    with the square of the rows; beyond, nearly all of them are, and time grows hardly faster than the rows.

    Args:
        vectors: (rows, dimensions) float32; a row of zeros is as far from all.
        groups: (rows,) int.
        among: (rows,) bool, the rows that may be neighbours.
        k: how many.
    """
    # Sorted by group, so that those of a row's own group are one slice.
    candidates = np.flatnonzero(among)
    candidates = candidates[np.argsort(groups[candidates], kind="stable")]
    own = groups[candidates]
    slices = np.searchsorted(own, groups, "left"), np.searchsorted(own, groups, "right")
    if len(vectors) * len(candidates) > EXACT:
        return _searched(vectors, candidates, slices, k)
    return _compared(vectors, candidates, slices, k)


def _compared(vectors: np.ndarray, candidates: np.ndarray, slices: tuple[np.ndarray, np.ndarray], k: int) -> Neighbours:
    """Return the nearest of all candidates.

    Args:
        candidates: (candidates,) int, sorted by group.
        slices: (rows,) int each, where the candidates of a row's own group start and end.
    """
    exact, (starts, ends) = _unit(vectors), slices
    rough = exact.astype(np.float32)
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
        found = np.where(np.isfinite(values), candidates[near], -1)
        index[rows], similarity[rows] = _first(_cosine(exact[rows], exact[found]), found, k)
        # Where more are as near as the last one wanted than were taken, all of these are compared.
        edge = np.sort(values, axis=1)[:, -min(k, taken)] - ROUNDING
        for place in np.flatnonzero(np.isfinite(edge) & ((cosine >= edge[:, None]).sum(axis=1) > taken)):
            row, found = rows[place : place + 1], candidates[np.flatnonzero(cosine[place] >= edge[place])][None]
            index[row], similarity[row] = _first(_cosine(exact[row], exact[found]), found, k)
    return Neighbours(index, similarity)


def _searched(vectors: np.ndarray, candidates: np.ndarray, slices: tuple[np.ndarray, np.ndarray], k: int) -> Neighbours:
    """Return the nearest candidates that a graph finds; arguments as `_compared`."""
    import faiss

    graph, (starts, ends) = _graph(vectors, candidates), slices
    sizes, wanted = ends - starts, k + SPARE + LARGE
    norms = np.sqrt(np.einsum("rd,rd->r", vectors, vectors, dtype=np.float64))  # once: a row is found many times
    index = np.full((len(vectors), k), -1, dtype=np.int64)
    similarity = np.zeros((len(vectors), k))

    def look(rows: np.ndarray, found: np.ndarray) -> None:
        """Compare what was found of rows, places in `candidates`, exactly; of their own group is none."""
        inside = (found >= starts[rows, None]) & (found < ends[rows, None])
        found = np.where((found < 0) | inside, -1, candidates[found])
        products = np.empty(found.shape)
        for place, (own, others) in enumerate(zip(vectors[rows].astype(np.float64), found, strict=True)):
            products[place] = vectors[others] @ own  # row by row: what is gathered at once stays in the cache
        lengths = norms[rows, None] * norms[found]
        cosine = np.divide(products, lengths, out=np.zeros(found.shape), where=lengths > 0)
        index[rows], similarity[rows] = _first(cosine, found, k)

    small = np.flatnonzero(sizes < LARGE)
    for first in range(0, len(small), WIDEST):
        rows = small[first : first + WIDEST]
        look(rows, graph.search(_unit(vectors[rows]).astype(np.float32), wanted)[1])
    large = np.flatnonzero(sizes >= LARGE)
    large = large[np.argsort(starts[large], kind="stable")]
    for of_group in np.split(large, np.flatnonzero(np.diff(starts[large])) + 1):
        for first in range(0, len(of_group), WIDEST):
            rows = of_group[first : first + WIDEST]
            others = faiss.IDSelectorNot(faiss.IDSelectorRange(int(starts[rows[0]]), int(ends[rows[0]])))
            how = faiss.SearchParametersHNSW(sel=others, efSearch=2 * SEARCH)
            look(rows, graph.search(_unit(vectors[rows]).astype(np.float32), k + SPARE, params=how)[1])
    return Neighbours(index, similarity)


def _graph(vectors: np.ndarray, candidates: np.ndarray):
    """Return a FAISS index of the candidates, numbered by their place."""
    import faiss

    graph = faiss.index_factory(vectors.shape[1], GRAPH, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction, graph.hnsw.efSearch = BUILD, SEARCH
    graph.train(np.zeros((1, vectors.shape[1]), np.float32))  # 16-bit floats have nothing to learn
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        for first in range(0, len(candidates), WIDEST):
            graph.add(_unit(vectors[candidates[first : first + WIDEST]]).astype(np.float32))
    finally:
        faiss.omp_set_num_threads(threads)
    return graph


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length one, (…, dimensions) float64; zeros stay."""
    norms = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros(vectors.shape), where=norms > 0)


def _cosine(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the cosines of rows, (rows, dimensions), with others, (rows, others, dimensions), of unit length."""
    return np.einsum("rd,rfd->rf", own, others)


def _first(cosine: np.ndarray, found: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest of the rows found, (rows, k) int, and their cosines, float64, rounded to 6 digits.

    Args:
        cosine: (rows, found) float64.
        found: (rows, found) int, -1 for none.
    """
    cosine = np.where(found < 0, -np.inf, np.round(cosine, 6))
    order = np.lexsort((found, -cosine))[:, :k]
    found, cosine = np.take_along_axis(found, order, axis=1), np.take_along_axis(cosine, order, axis=1)
    none = np.isneginf(cosine)
    short = k - found.shape[1]
    index = np.pad(np.where(none, -1, found), ((0, 0), (0, max(short, 0))), constant_values=-1)
    return index, np.pad(np.where(none, 0.0, cosine), ((0, 0), (0, max(short, 0))))
