"""Further kinds of issues, by cleanlab's Datalab: outliers, near-duplicates with other labels, null values, class
imbalance, slices on which the models do poorly, rows whose order matters.

Datalab is given the nearest rows that are known already, so that it searches for none, and clusters of embeddings as
slices. Its own check of labels is left out: the signals do more. It draws random numbers for `non_iid` alone, from a
fixed seed.
"""

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from winnow.encoder import neighbours
from winnow.encoder.neighbours import Neighbours

NEAREST = 10  # Datalab's default
SLICES = 25  # clusters of embeddings, at most
FITTED = 50_000  # rows from which the clusters' centres come; rows are in order of id, which is a hash
SLICE_ROWS = 20  # of a slice, at least; fewer show nothing
SLICE_EXAMPLES = 3
ORDERED_ROWS = 5000  # of the test of order, spread evenly over it
SEED = 0


@dataclass(frozen=True)
class Taken:
    """Some rows of an array, (any, dimensions), which are taken where they are looked at.

    Attributes:
        places: (rows,) int.
    """

    array: np.ndarray
    places: np.ndarray

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.places)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return some of the rows, (some, dimensions)."""
        return self.array[self.places[rows]]


@dataclass(frozen=True)
class Kinds:
    """What Datalab finds.

    Attributes:
        outlier: (rows,) bool, far from all others.
        duplicates: row -> the rows that say nearly the same under another label, ascending.
        slice: (rows,) bool, of the slice on which the models do worst, if they do much worse there.
        dataset: figures of the whole, by kind; a kind that could not be looked for is missing.
    """

    outlier: np.ndarray
    slice: np.ndarray
    duplicates: dict[int, list[int]] = field(default_factory=dict)
    dataset: dict = field(default_factory=dict)


def find(
    labels: np.ndarray, support: np.ndarray | None, vectors: np.ndarray | Taken, near: Neighbours, poor: float
) -> Kinds:
    """Return the kinds of issues among labelled rows.

    Args:
        labels: (rows,) labels.
        support: (rows,) float, how probable the models hold each row's label, out of fold; None: they do not tell.
        vectors: (rows, dimensions) float32.
        near: of these rows among one another.
        poor: a slice does poorly if the models give its labels less than this share of the probability that they
            give all rows' labels.
    """
    nothing = Kinds(np.zeros(len(labels), dtype=bool), np.zeros(len(labels), dtype=bool))
    if len(set(labels)) < 2:
        return nothing
    if near.index.shape[1] < NEAREST or (near.index[:, NEAREST - 1] < 0).any():
        return nothing  # too few rows, or groups, to speak of neighbours
    graph = _graph(near.index[:, :NEAREST], near.similarity[:, :NEAREST])
    wanted = {"outlier": {"k": NEAREST}, "near_duplicate": {"k": NEAREST}}
    lab = _datalab(_alike(len(labels)), wanted, knn_graph=graph)
    outlier = lab.get_issues("outlier")["is_outlier_issue"].to_numpy()
    duplicates = _contradicting(lab.get_info("near_duplicate")["near_duplicate_sets"], labels)
    slice_, worst = (nothing.slice, {}) if support is None else _worst_slice(support, vectors, poor)
    counts = {"outlier": {"rows": int(outlier.sum())}, "near_duplicate": {"rows": len(duplicates)}}
    return Kinds(outlier, slice_, duplicates, counts | worst)


def imbalance(names: Sequence[str], classes: Sequence[str]) -> dict:
    """Return which class is the rarest, its share, and whether it is too rare; nothing of fewer than two classes.

    Args:
        names: the class of each label, or the classes of all labels where a label has several.
        classes: all classes, in their order; of equally rare ones, the first is told.
    """
    there = set(names)
    place = {name: number for number, name in enumerate(name for name in classes if name in there)}
    if len(place) < 2:
        return {}
    label = np.array([place[name] for name in names])
    lab = _datalab(label, {"class_imbalance": {}})
    counts = np.bincount(label)
    return {
        "rarest": list(place)[int(counts.argmin())],
        "share": float(counts.min() / counts.sum()),
        "issue": bool(lab.get_issues("class_imbalance")["is_class_imbalance_issue"].any()),
    }


def nulls(columns: Mapping[str, Sequence]) -> dict:
    """Return the share of rows that lack each optional value, and how many lack all.

    Args:
        columns: (rows,) values by name, None where there is none.
    """
    import pandas as pd

    if not columns or not len(next(iter(columns.values()))):
        return {}
    features = pd.DataFrame({name: pd.Series(list(values), dtype=object) for name, values in columns.items()})
    lab = _datalab(_alike(len(features)), {"null": {"features": features}})
    shares = lab.get_info("null")["column_impact"]
    return {
        "rows": int(lab.get_issues("null")["is_null_issue"].sum()),
        "columns": dict(zip(columns, map(float, shares), strict=True)),
    }


def order(vectors: np.ndarray | Taken) -> dict:
    """Return whether rows that stand near each other are alike: drift, or rows sorted by what they say.

    Args:
        vectors: (rows, dimensions) float32, in their order, one row a group: rows of a group are alike anyway.

    Returns:
        p_value of the permutation test, and how many rows it saw; nothing where they are too few.
    """
    step = -(-len(vectors) // ORDERED_ROWS) or 1
    vectors = vectors[::step]
    if len(vectors) <= NEAREST:
        return {}
    near = neighbours.nearest(vectors, np.arange(len(vectors)), np.ones(len(vectors), dtype=bool), NEAREST)
    graph = _graph(near.index, near.similarity)
    lab = _datalab(_alike(len(vectors)), {"non_iid": {"k": NEAREST, "seed": SEED}}, knn_graph=graph)
    return {"p_value": float(lab.get_info("non_iid")["p-value"]), "rows": len(vectors)}


def _worst_slice(support: np.ndarray, vectors: np.ndarray | Taken, poor: float) -> tuple[np.ndarray, dict]:
    """Return the rows of the slice on which the models do worst, if they do poorly there, and its figures."""
    cluster, centre = _clusters(vectors)
    counts = np.bincount(cluster)
    if not (counts >= SLICE_ROWS).any():
        return np.zeros(len(support), dtype=bool), {}
    wanted = {"underperforming_group": {"cluster_ids": cluster, "min_cluster_samples": SLICE_ROWS, "threshold": poor}}
    # Datalab asks how probable each row's label is: two classes, of which the first is right.
    lab = _datalab(_alike(len(support)), wanted, pred_probs=np.stack([support, 1 - support], axis=1))
    # Datalab 2.9 may name another cluster as the worst than the one with the lowest score.
    score = lab.get_issues("underperforming_group")["underperforming_group_score"].to_numpy()
    worst = cluster[score.argmin()]
    inside = np.flatnonzero(cluster == worst)
    distance = np.linalg.norm(vectors[inside] - centre[worst], axis=1).round(4)
    figures = {
        "rows": len(inside),
        "score": float(score.min()),
        "issue": bool(score.min() < poor),
        "examples": inside[np.argsort(distance, kind="stable")[:SLICE_EXAMPLES]].tolist(),
    }
    return (cluster == worst) & (score.min() < poor), {"underperforming_group": figures}


def _clusters(vectors: np.ndarray | Taken) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's cluster, (rows,) int, and the clusters' centres; these come from the first `FITTED` rows."""
    from sklearn.cluster import MiniBatchKMeans
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        count = max(1, min(SLICES, len(vectors) // (2 * SLICE_ROWS)))
        fitted = MiniBatchKMeans(count, random_state=SEED, n_init=3).fit(vectors[:FITTED])
        further = [fitted.predict(vectors[at : at + FITTED]) for at in range(FITTED, len(vectors), FITTED)]
    return np.concatenate([fitted.labels_, *further]).astype(np.int64), fitted.cluster_centers_


def _contradicting(sets: Sequence[Sequence[int]], labels: np.ndarray) -> dict[int, list[int]]:
    found = {row: sorted(int(other) for other in near if labels[other] != labels[row]) for row, near in enumerate(sets)}
    return {row: others for row, others in found.items() if others}


def _graph(index: np.ndarray, similarity: np.ndarray):
    """Return nearest rows as the sparse matrix of cosine distances that Datalab takes."""
    from scipy.sparse import csr_matrix

    rows, k = index.shape
    distances = np.maximum(1 - similarity, 0.0)
    return csr_matrix((distances.ravel(), index.ravel(), np.arange(0, rows * k + 1, k)), shape=(rows, rows))


def _alike(rows: int) -> np.ndarray:
    """Return labels for checks that do not read them."""
    return np.zeros(rows, dtype=int)


def _datalab(label: np.ndarray, wanted: dict, **inputs):
    """Return a `Datalab` that has looked for the kinds `wanted`; it prints errors and goes on, here they are raised."""
    from cleanlab import Datalab

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        lab = Datalab({"label": label}, label_name="label", verbosity=0)
        lab.find_issues(issue_types=wanted, **inputs)
    missing = set(wanted) - set(lab.issue_summary.get("issue_type", ()))
    if missing:
        raise RuntimeError(f"cleanlab found no {', '.join(sorted(missing))}: {' '.join(said.getvalue().split())}")
    return lab
