"""Single detectors of label errors, each a ranking or a flag; the calibrated signals are measured against them."""

from collections.abc import Mapping
from typing import get_args

import numpy as np

from winnow.encoder.neighbours import Neighbours
from winnow.kinds.classification.scores.stack import against, shares
from winnow.kinds.evidence import CLEANLAB, Filter, Suspects


def rankings(given: np.ndarray, members: Mapping[str, np.ndarray], near: Neighbours) -> dict[str, np.ndarray]:
    """Return how suspicious each label is, (rows,) float64, higher is more, to each of these.

    self_confidence and normalized_margin are cleanlab's, of the members' mean; agreement is the share of members that
    prefer another label; neighbours the share of the nearest rows that have another one; loss_<member> is a member's
    out-of-fold cross-entropy.

    Args:
        given: (rows,) int.
        members: (rows, classes) float, out of fold.
        near: the nearest rows, places in `given`.
    """
    rows = np.arange(len(given))
    mean = np.mean(list(members.values()), axis=0)
    others = mean.copy()
    others[rows, given] = -1
    found = {
        "self_confidence": -mean[rows, given],
        "normalized_margin": others.max(axis=1) - mean[rows, given],
        "agreement": np.mean([chances.argmax(axis=1) != given for chances in members.values()], axis=0),
        "neighbours": 1 - shares(near, given, mean.shape[1])[rows, given],
    }
    return found | {f"loss_{name}": np.logaddexp(0, against(chances, given)) for name, chances in members.items()}


def suspects(truth: np.ndarray, probabilities: np.ndarray, filter_by: Filter) -> Suspects:
    """Return label quality and suspected label errors (Northcutt et al. 2021, by cleanlab).

    Args:
        truth: (rows,) int, the given labels.
        probabilities: (rows, classes) float64, out of fold.
    """
    from cleanlab.count import num_label_issues
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    if not len(truth):
        return Suspects(np.zeros(0), np.zeros(0, dtype=bool), None)
    quality = get_label_quality_scores(truth, probabilities, method="normalized_margin")
    if len(np.unique(truth)) < 2:
        # Confident learning estimates which class is taken for which; with one class left there is no such pair.
        return Suspects(quality, probabilities.argmax(axis=1) != truth, None)
    is_issue = find_label_issues(truth, probabilities, filter_by=filter_by, n_jobs=1)
    return Suspects(quality, is_issue, int(num_label_issues(truth, probabilities)))


def confident(given: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Return which labels each way of confident learning holds to be wrong, (rows,) bool each, by name.

    Args:
        given: (rows,) int.
        probabilities: (rows, classes) float64, out of fold.
    """
    return {f"{CLEANLAB}{way}": suspects(given, probabilities, way).is_issue for way in get_args(Filter)}
