"""Sentence embeddings of a sample of rows: clusters, an RBF kernel, and how many different rows there are."""

import numpy as np

from stages.represent import distances
from stages.represent.rows import Sample
from stages.represent.words import entropy


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length one, (rows, dimensions) float64, so that distance is an angle's; zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float64) / np.where(lengths > 0, lengths, 1)


def cluster(vectors: np.ndarray, fit_on: np.ndarray, clusters: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's k-means cluster, (rows,) int, and its distance to the cluster's centre, (rows,) float.

    Args:
        vectors: (rows, dimensions) float.
        fit_on: numbers of the rows from which the centres come.
    """
    from sklearn.cluster import KMeans

    fitted = KMeans(min(clusters, len(fit_on)), n_init=3, random_state=seed).fit(vectors[fit_on])
    to_centres = fitted.transform(vectors)
    return to_centres.argmin(axis=1), to_centres.min(axis=1)


def rbf(vectors: np.ndarray, width_from: np.ndarray) -> np.ndarray:
    """Return the RBF kernel of all rows, (rows, rows); its width is a median distance (Gretton et al. 2012).

    Args:
        vectors: (rows, dimensions) float.
        width_from: numbers of the rows whose median distance is the width.
    """
    norms = (vectors**2).sum(axis=1)
    squared = np.maximum(norms[:, None] + norms[None, :] - 2 * vectors @ vectors.T, 0)
    pairs = squared[np.ix_(width_from, width_from)][np.triu_indices(len(width_from), 1)]
    return np.exp(-squared / (2 * max(float(np.median(pairs)), 1e-12))) if len(pairs) else np.ones_like(squared)


def vendi(vectors: np.ndarray) -> float:
    """Return the Vendi score of unit vectors under the cosine kernel: the effective number of different rows.

    The exponential of the entropy of the eigenvalues of the kernel matrix over the rows (Friedman & Dieng 2023). It
    grows with the number of rows: compare samples of one number only.
    """
    if not len(vectors):
        return 0.0
    values = np.linalg.svd(vectors, compute_uv=False) ** 2 / len(vectors)
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


class Space:
    """The embeddings of a sample's rows.

    Args:
        sample: the rows.
        vectors: of these rows, (rows, dimensions) float32.
        clusters: of k-means.
        nearly_empty: see `distances.own_mass`.
    """

    def __init__(self, sample: Sample, vectors: np.ndarray, clusters: int, nearly_empty: float, seed: int) -> None:
        self.sample, self._nearly_empty = sample, nearly_empty
        self.vectors = unit_length(vectors)
        # Of the sources' own rows, as many of each: the reference's others are a second helping of some.
        own = np.flatnonzero(sample.of_source)
        self.clusters, self.to_centre = cluster(self.vectors, own, clusters, seed)
        self.kinds = int(self.clusters[own].max()) + 1
        self._kernel = rbf(self.vectors, own)

    def counts(self, numbers: np.ndarray) -> np.ndarray:
        """Return how many of these rows lie in each cluster, (clusters,) int."""
        return np.bincount(self.clusters[numbers], minlength=self.kinds)

    def profile(self, numbers: np.ndarray) -> dict:
        """Return the coverage of the clusters and the Vendi score of these rows."""
        if not len(numbers):
            return {"rows": 0}
        counts = self.counts(numbers)
        return {
            "rows": len(numbers),
            "coverage": float((counts > 0).mean()),
            "entropy": entropy(counts, self.kinds),
            "vendi": vendi(self.vectors[numbers]),
        }

    def distance(self, first: np.ndarray, second: np.ndarray) -> distances.Distance:
        """Return the squared maximum mean discrepancy of two sets of rows."""
        units = self.sample.units(first), self.sample.units(second)
        return distances.maximum_mean_discrepancy(self._kernel, first, second, units)

    def own_mass(self, first: np.ndarray, second: np.ndarray) -> distances.Distance:
        """Return the share of the first rows in clusters that the second leave nearly empty."""
        return distances.own_mass(self._by_group(first), self._by_group(second), self._nearly_empty)

    def most_own(self, first: np.ndarray, second: np.ndarray, number: int) -> list[tuple[str, int, float]]:
        """Return id, cluster and the first rows' share of the cluster, of rows in the middle of their own clusters.

        One row a cluster, those first in which the first rows outnumber the second most; a cluster with one is chance.
        """
        counts = self.counts(first)
        one, other = counts / max(len(first), 1), self.counts(second) / max(len(second), 1)
        share = np.where(counts > 1, one / np.maximum(one + other, 1e-12), 0)
        found = []
        for kind in np.lexsort((np.arange(self.kinds), -share))[:number]:
            members = first[self.clusters[first] == kind]
            if share[kind] > 0:
                middle = members[self.to_centre[members].argmin()]
                found.append((self.sample.ids[middle], int(kind), float(share[kind])))
        return found

    def _by_group(self, numbers: np.ndarray) -> np.ndarray:
        units = self.sample.units(numbers)
        counts = np.zeros((units.max(initial=-1) + 1, self.kinds))
        np.add.at(counts, (units, self.clusters[numbers]), 1)
        return counts
