"""Single detectors of label errors, each a ranking or a flag; the tiered detector is measured against them."""

from collections.abc import Mapping

import numpy as np

from winnow.detect import neighbours
from winnow.detect.neighbours import Neighbours
from winnow.detect.signals import NEAREST, against
from winnow.kinds.classification import scores

CLEANLAB = "cleanlab "
NAMES = ("self_confidence", "normalized_margin", "agreement", "neighbours")


def rank_by(
    name: str, given: np.ndarray, members: Mapping[str, np.ndarray], near: Neighbours | None = None
) -> np.ndarray:
    """Return how suspicious each label is, (rows,) float64, higher is more.

    Args:
        name: one of `NAMES`, or `loss_<member>`: a member's out-of-fold cross-entropy. Self-confidence and normalized
            margin are cleanlab's, of the members' mean; agreement is the share of members that prefer another label;
            neighbours the share of the nearest rows that have another one.
        given: (rows,) int.
        members: (rows, classes) float, out of fold.
        near: for `neighbours`; their labels are `given`.

    Raises:
        ValueError: there is no detector of that name.
    """
    rows = np.arange(len(given))
    mean = np.mean(list(members.values()), axis=0)
    if name == "self_confidence":
        return -mean[rows, given]
    if name == "normalized_margin":
        others = mean.copy()
        others[rows, given] = -1
        return others.max(axis=1) - mean[rows, given]
    if name == "agreement":
        return np.mean([found.argmax(axis=1) != given for found in members.values()], axis=0)
    if name == "neighbours" and near is not None:
        return 1 - neighbours.shares(near, given, mean.shape[1], NEAREST)[rows, given]
    if name.removeprefix("loss_") in members and name.startswith("loss_"):
        return np.logaddexp(0, against(members[name.removeprefix("loss_")], given))
    raise ValueError(f"no detector '{name}'; there are {', '.join(NAMES)}, and loss_ with a member's name")


def flags(
    given: np.ndarray,
    probabilities: np.ndarray,
    members: Mapping[str, np.ndarray],
    near: Neighbours,
    labels: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return which labels each detector holds to be wrong, (rows,) bool each, by name.

    All of cleanlab's filters on the stacked probabilities; each member, and the nearest rows' majority, where they
    prefer another label.

    Args:
        given: (rows,) int.
        probabilities: (rows, classes) float, out of fold.
        near: of the rows; its indices are into `labels`.
        labels: (all rows,) int.
    """
    found = {
        f"{CLEANLAB}{name}": scores.suspects(given, probabilities, name).is_issue for name in scores.Filter.__args__
    }
    found |= {name: chances.argmax(axis=1) != given for name, chances in members.items()}
    shares = neighbours.shares(near, labels, probabilities.shape[1], NEAREST)
    own = shares[np.arange(len(given)), given]
    return found | {"neighbours": shares.max(axis=1) > own}
