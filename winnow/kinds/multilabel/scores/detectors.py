"""Single detectors of wrong sets, each a ranking or a flag; the calibrated signals are measured against them."""

from collections.abc import Mapping
from typing import get_args

import numpy as np

from winnow.kinds.evidence import CLEANLAB, Filter, Suspects
from winnow.kinds.multilabel.scores.stack import against

# cleanlab's own choice and that of its authors' benchmark (Thyagarajan et al. 2022, arXiv 2211.13895).
AGGREGATORS = {
    "cleanlab_average": {"method": "exponential_moving_average", "alpha": 0.8},
    "cleanlab_softmin": {"method": "softmin", "temperature": 0.1},
}


def rankings(given: np.ndarray, members: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return how suspicious each set is, (rows,) float64, higher is more, to each of these.

    cleanlab_softmin and cleanlab_average are cleanlab's multilabel scores of the members' mean; agreement is the share
    of members that prefer another set; loss_<member> is a member's out-of-fold cross-entropy over the labels.

    Args:
        given: (rows, labels) bool.
        members: (rows, labels) float, out of fold.
    """
    mean = np.mean(list(members.values()), axis=0)
    found = {name: -quality(given, mean, name) for name in AGGREGATORS}
    found["agreement"] = np.mean([((own >= 0.5) != given).any(axis=1) for own in members.values()], axis=0)
    return found | {f"loss_{name}": np.logaddexp(0, against(own, given)).mean(axis=1) for name, own in members.items()}


def quality(given: np.ndarray, chances: np.ndarray, aggregator: str) -> np.ndarray:
    """Return cleanlab's label quality of each set, (rows,) float64 in 0..1, low where it is suspicious.

    Args:
        given: (rows, labels) bool.
        chances: (rows, labels) float.
        aggregator: one of `AGGREGATORS`.
    """
    from cleanlab.multilabel_classification import get_label_quality_scores

    # A row is scored by itself. cleanlab refuses rows that are all alike: one with all labels and one with none join.
    labels = [np.flatnonzero(row).tolist() for row in given] + [list(range(given.shape[1])), []]
    joined = np.vstack([chances, np.full((2, given.shape[1]), 0.5)])
    return get_label_quality_scores(labels, joined, aggregator_kwargs=AGGREGATORS[aggregator])[:-2]


def suspects(given: np.ndarray, chances: np.ndarray, filter_by: Filter) -> Suspects:
    """Return label quality and suspected sets: those of which cleanlab suspects a label, each against the rest.

    Args:
        given: (rows, labels) bool.
        chances: (rows, labels) float64, out of fold.
    """
    if not len(given):
        return Suspects(np.zeros(0), np.zeros(0, dtype=bool), None)
    is_issue = np.stack([_issues(own, p, filter_by) for own, p in zip(given.T, chances.T, strict=True)], axis=1)
    wrong = is_issue.any(axis=1)
    return Suspects(quality(given, chances, "cleanlab_softmin"), wrong, int(wrong.sum()))


def confident(given: np.ndarray, chances: np.ndarray) -> dict[str, np.ndarray]:
    """Return which sets each way of confident learning holds to be wrong, (rows,) bool each, by name."""
    return {f"{CLEANLAB}{way}": suspects(given, chances, way).is_issue for way in get_args(Filter)}


def _issues(given: np.ndarray, p: np.ndarray, filter_by: Filter) -> np.ndarray:
    """Return which cells of a label are suspects, (rows,) bool."""
    from cleanlab.filter import find_label_issues

    if not 0 < given.sum() < len(given):
        # Confident learning estimates which value is taken for which; with one left there is no such pair.
        return (p >= 0.5) != given
    return find_label_issues(given.astype(int), np.stack([1 - p, p], axis=1), filter_by=filter_by, n_jobs=1)
