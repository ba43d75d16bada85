"""Active learning: which rows without a label to give to people next.

Each strategy returns rows in the order in which to label them, so that people may stop anywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from winnow.kinds.evidence import Doubt

Strategy = Literal["random", "entropy", "margin", "k_center", "typical", "mixed"]
ColdStart = Literal["random", "k_center", "typical"]  # those that ask no model

# What each strategy asks of the models; the others ask nothing.
DOUBT: Mapping[Strategy, Doubt] = MappingProxyType({"entropy": "entropy", "margin": "margin", "mixed": "margin"})
MOST_CLUSTERS = 500  # of `typical`; more take long and hold few rows each (Hacohen et al. 2022)
NEIGHBOURS = 20  # from which typicality is measured (the same)
SMALLEST_CLUSTER = 6  # smaller ones are outliers, chosen last (the same)
UNCERTAIN = 3  # rows of `mixed`, for each row wanted, that are thought uncertain; with 10 it chose too certain ones
BLOCK = 4096  # rows whose distances to as many others, or to all of some, are held at once


@dataclass(frozen=True)
class Pool:
    """Rows to choose among.

    Attributes:
        vectors: (candidates, dimensions) float, embeddings of unit length.
        labelled: (labelled, dimensions) float, those of the rows that have a label; may be empty.
        doubt: (candidates,) float, how unsure the models are, by the strategy's `DOUBT`; None where it asks none.
    """

    vectors: np.ndarray
    labelled: np.ndarray
    doubt: np.ndarray | None = None


def choose(strategy: Strategy, rows: int, pool: Pool, seed: int) -> np.ndarray:
    """Return the numbers of the rows to label, (at most `rows`,) int, the first to be labelled first.

    Args:
        strategy:
            random: what all others are to be compared with.
            entropy: the most uncertain label first (Shannon's entropy).
            margin: the least difference between the two likeliest labels first (Scheffer et al. 2001).
            k_center: the row farthest from all labelled and chosen ones, time and again (Sener and Savarese 2018).
            typical: the densest row of each large cluster that has no label yet (TypiClust, Hacohen et al. 2022).
            mixed: of the rows of least margin, three times as many as wanted, those farthest from each other (after
                Cluster-Margin, Citovsky et al. 2021): for large batches, and where rows are much alike.
    """
    vectors = pool.vectors
    rows = min(rows, len(vectors))
    if not rows:
        return np.zeros(0, dtype=np.int64)
    if strategy == "random":
        return np.random.default_rng(seed).permutation(len(vectors))[:rows]
    if strategy == "k_center":
        return _k_center(rows, vectors, pool.labelled)
    if strategy == "typical":
        return _typical(rows, vectors, pool.labelled, seed)
    doubtful = np.argsort(-pool.doubt, kind="stable")
    if strategy != "mixed":
        return doubtful[:rows]
    uncertain = doubtful[: UNCERTAIN * rows]
    others = _k_center(rows - 1, vectors[uncertain[1:]], vectors[uncertain[:1]])
    return np.concatenate([uncertain[:1], uncertain[1:][others]])


def unit_length(vectors: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return vectors of length one, (rows, dimensions) float32, in `out` if it is given; zeros stay."""
    out = np.empty(vectors.shape, np.float32) if out is None else out
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK]
        lengths = np.linalg.norm(block, axis=1, keepdims=True)
        out[start : start + BLOCK] = block / np.where(lengths > 0, lengths, 1)
    return out


def nearest(vectors: np.ndarray, rows: np.ndarray, others: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the `count` most similar others of each of some rows, all if there are fewer, and their cosines.

    Args:
        vectors: (all, dimensions) float of unit length.
        rows, others: (rows,) and (others,) int, places in `vectors`.

    Returns:
        Places in `vectors`, and cosines; (rows, count) each. Of equally similar ones, the first come first.
    """
    own, count = vectors[rows], min(count, len(others))
    places, cosines = np.empty((len(rows), 0), np.int64), np.empty((len(rows), 0), np.float32)
    for start in range(0, len(others), BLOCK):
        block = others[start : start + BLOCK]
        cosines = np.hstack([cosines, own @ vectors[block].T])
        places = np.hstack([places, np.tile(block, (len(rows), 1))])
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
        places, cosines = np.take_along_axis(places, order, axis=1), np.take_along_axis(cosines, order, axis=1)
    return places, np.einsum("nd,nkd->nk", own, vectors[places])


def squared_distance(vectors: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return each row's squared distance to the nearest of `others`, (rows,) float; of unit vectors, 0..4.

    Infinite where there are no others.
    """
    found = np.full(len(vectors), np.inf)
    if len(others):
        for start in range(0, len(vectors), BLOCK):
            found[start : start + BLOCK] = 2 - 2 * (vectors[start : start + BLOCK] @ others.T).max(axis=1)
    return np.maximum(found, 0)


def _k_center(rows: int, vectors: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Greedy 2-approximation of the k-center problem (Gonzalez 1985); begins in the middle if nothing is labelled."""
    away = squared_distance(vectors, labelled)
    chosen: list[int] = []
    for _ in range(rows):
        row = int(np.argmax(vectors @ vectors.mean(axis=0))) if np.isinf(away[0]) else int(np.argmax(away))
        chosen.append(row)
        away = np.minimum(away, np.maximum(2 - 2 * (vectors @ vectors[row]), 0))
        away[chosen] = -1
    return np.array(chosen, dtype=np.int64)


def _typical(rows: int, vectors: np.ndarray, labelled: np.ndarray, seed: int) -> np.ndarray:
    """Return one row after another, each time of the cluster with the fewest labels and, among those, the most rows."""
    every = np.concatenate([vectors, labelled]).astype(np.float32)
    cluster = _clusters(every, min(len(labelled) + rows, MOST_CLUSTERS, len(every)), seed)
    members = [np.flatnonzero(cluster == number) for number in range(cluster.max() + 1)]
    labels = np.array([(inside >= len(vectors)).sum() for inside in members])
    small = np.array([len(inside) < SMALLEST_CLUSTER for inside in members])
    waiting = [_by_typicality(every, inside, len(vectors)) for inside in members]
    chosen: list[int] = []
    while len(chosen) < rows:
        open_ = [number for number, left in enumerate(waiting) if left]
        best = min(open_, key=lambda number: (small[number], labels[number], -len(members[number]), number))
        chosen.append(waiting[best].pop(0))
        labels[best] += 1
    return np.array(chosen)


def _by_typicality(every: np.ndarray, inside: np.ndarray, candidates: int) -> list[int]:
    """Return a cluster's candidates, those nearest to their nearest neighbours first."""
    own = every[inside]
    parts = [_distance(own[start : start + BLOCK], own) for start in range(0, len(own), BLOCK)]
    away = np.concatenate([np.empty(0, np.float32), *parts])
    order = inside[np.argsort(away, kind="stable")]
    return order[order < candidates].tolist()


def _distance(rows: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return the mean distance of some rows of a cluster to their nearest neighbours in it, (rows,) float."""
    near = np.sort(np.maximum(2 - 2 * rows @ own.T, 0), axis=1)[:, 1 : NEIGHBOURS + 1]
    return np.sqrt(near).mean(axis=1) if near.shape[1] else np.zeros(len(rows), np.float32)


def _clusters(vectors: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return each row's k-means cluster, (rows,) int."""
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from threadpoolctl import threadpool_limits

    count = min(count, len(np.unique(vectors, axis=0)))
    kind = KMeans if count <= 50 else MiniBatchKMeans  # as TypiClust does: k-means proper takes minutes with many
    with threadpool_limits(1):  # the same bytes on any machine
        return kind(count, n_init=1, random_state=seed).fit_predict(vectors)
