"""Single detectors of wrong labels, each a ranking or a flag; the signals are measured against them."""

from collections.abc import Mapping
from typing import get_args

import numpy as np

from winnow.kinds.evidence import CLEANLAB, Filter, Suspects
from winnow.kinds.token_classification.layout import Layout


def lowest(layout: Layout, values: np.ndarray) -> np.ndarray:
    """Return the lowest value of each row's words, (rows,) float64; 1 where a row has no word."""
    found = np.ones(layout.rows)
    np.minimum.at(found, layout.row, values)
    return found


def worst_token(layout: Layout, tags: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Return cleanlab's label quality of each row, (rows,) float64: the lowest self-confidence of its words.

    It is what cleanlab.token_classification.rank.get_label_quality_scores returns (Wang and Mueller 2022).

    Args:
        tags: (words,) int.
        chances: (words, tags) float.
    """
    return lowest(layout, chances[np.arange(len(tags)), tags].astype(np.float64))


def suspects(layout: Layout, tags: np.ndarray, chances: np.ndarray, filter_by: Filter) -> Suspects:
    """Return label quality and suspected rows: those of which confident learning suspects a word's tag."""
    wrong = np.zeros(layout.rows, dtype=bool)
    wrong[layout.row[issues(tags, chances, filter_by)]] = True
    return Suspects(worst_token(layout, tags, chances), wrong, int(wrong.sum()))


def confident(layout: Layout, tags: np.ndarray, chances: np.ndarray) -> dict[str, np.ndarray]:
    """Return which rows each way of confident learning holds to be wrong, (rows,) bool each, by name."""
    return {f"{CLEANLAB}{way}": suspects(layout, tags, chances, way).is_issue for way in get_args(Filter)}


def rankings(layout: Layout, tags: np.ndarray, members: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return how suspicious each row is, (rows,) float64, to cleanlab's worst token by all models and by each."""
    mean = np.mean(list(members.values()), axis=0)
    found = {"cleanlab_worst_token": -worst_token(layout, tags, mean)}
    return found | {f"worst_token_{name}": -worst_token(layout, tags, own) for name, own in members.items()}


def issues(tags: np.ndarray, chances: np.ndarray, filter_by: Filter) -> np.ndarray:
    """Return the places of the words that confident learning suspects, (suspects,) int."""
    from cleanlab.filter import find_label_issues

    seen = np.unique(tags)
    if len(seen) < 2:
        # Confident learning estimates which tag is taken for which; with one left there is no such pair.
        return np.flatnonzero(chances.argmax(axis=1) != tags)
    # It asks that every class occurs.
    own = chances[:, seen].astype(np.float64) + 1e-9
    own /= own.sum(axis=1, keepdims=True)
    return np.flatnonzero(find_label_issues(np.searchsorted(seen, tags), own, filter_by=filter_by, n_jobs=1))
