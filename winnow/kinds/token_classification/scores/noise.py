"""Planted errors in spans: one missed, one too many, one of another type, one with another border.

Three kinds of draw, from the easiest to find to the hardest: `uniform`, any change of any row; `class`, changes as the
models make them on the whole, by sort and type; `instance`, changes that a model takes for right (Gu et al. 2022). The
four sorts come equally often, as far as a row can have them: one without a span has none to miss.
"""

from dataclasses import dataclass

import numpy as np

from winnow.kinds.evidence import NOISES, Errors
from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.scores.spans import Spans, joined

MISSED, SPURIOUS, TYPE, BORDER = range(4)
SORTS = ("missed", "spurious", "type", "border")
LONGEST = 2  # words of a span too many
LEAST = 1e-9  # a model may be certain; a change of weight zero could not be drawn


@dataclass(frozen=True)
class Edits:
    """Changes of single spans, (edits,) each.

    Attributes:
        sort: of `SORTS`.
        row: whose label it changes.
        old: number of the span that is changed, -1 where one is added.
        new: what stands there then; of missed spans, the span that was there.
    """

    sort: np.ndarray
    row: np.ndarray
    old: np.ndarray
    new: Spans


def edits(layout: Layout, given: Spans, types: int, is_word: np.ndarray) -> Edits:
    """Return all changes of single spans.

    Args:
        given: sorted.
        is_word: (words,) bool, on which words a span too many may lie.
    """
    count, number = len(given), np.arange(len(given))
    taken = np.zeros(len(layout.offsets) + 1, dtype=np.int64)
    np.add.at(taken, given.first, 1)
    np.add.at(taken, given.end, -1)
    taken = np.cumsum(taken)[:-1] > 0
    parts = [(MISSED, number, given)]
    for shift in range(1, types):
        parts.append((TYPE, number, Spans(given.first, given.end, (given.kind + shift) % types)))
    for first, end in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        moved = Spans(given.first + first, given.end + end, given.kind)
        touched = np.clip(np.where(first, moved.first, moved.end - 1), 0, len(taken) - 1)
        is_shrunk = (first == 1) or (end == -1)
        may = (moved.end > moved.first) & (moved.first >= 0) & (moved.end <= len(taken))
        if not is_shrunk and count:
            may &= ~taken[touched] & (layout.row[touched] == layout.row[given.first])
        parts.append((BORDER, number[may], moved.take(may)))
    blocked = np.append(0, np.cumsum(taken | ~is_word))
    for length in range(1, LONGEST + 1):
        first = np.arange(max(len(taken) - length + 1, 0))
        may = (blocked[first + length] == blocked[first]) & (layout.row[first] == layout.row[first + length - 1])
        first = first[may]
        for kind in range(types):
            parts.append((SPURIOUS, np.full(len(first), -1), Spans(first, first + length, np.full(len(first), kind))))
    new = joined([own for _, _, own in parts])
    sort = np.concatenate([np.full(len(own), kind) for kind, _, own in parts])
    return Edits(sort, layout.row[new.first], np.concatenate([old for _, old, _ in parts]), new)


def applied(given: Spans, found: Edits, chosen: np.ndarray) -> Spans:
    """Return the spans after some changes, (some,) int; no two may touch the same words."""
    old = found.old[chosen]
    stays = np.ones(len(given), dtype=bool)
    stays[old[old >= 0]] = False
    made = joined([given.take(stays), found.new.take(chosen[found.sort[chosen] != MISSED])])
    return made.take(np.argsort(made.first, kind="stable"))


def plant(layout: Layout, given: Spans, found: Edits, chances: np.ndarray, errors: Errors) -> Spans:
    """Return spans of which exactly round(rate * rows) rows have a wrong one, or all rows that can have one.

    The errors of a lower rate are among those of a higher one with the same seed.

    Args:
        found: all changes of the spans.
        chances: (words, tags) float, a model's.

    Raises:
        ValueError: an argument is outside of what is said here.
    """
    if errors.kind not in NOISES or not 0 <= errors.rate <= 1:
        raise ValueError(f"{errors}: needs a known kind and a rate in 0..1")
    random = np.random.default_rng([NOISES.index(errors.kind), errors.seed])
    readiness = _readiness(given, found, chances, errors.kind)
    sort = _sorts(layout, found, random.random(layout.rows))
    weight = np.where(found.sort == sort[found.row], np.maximum(readiness, LEAST), 0.0)
    # The largest of log weight plus Gumbel noise is a draw by weight.
    with np.errstate(divide="ignore"):
        key = np.log(weight) + random.gumbel(size=len(weight))
    order = np.lexsort((-key, found.row))
    rows, first = np.unique(found.row[order], return_index=True)
    most = np.zeros(layout.rows)
    np.maximum.at(most, found.row, weight)
    # Rows drawn one after another without replacement, by weight (Efraimidis and Spirakis 2006).
    waits = random.exponential(size=layout.rows)[rows] / most[rows]
    chosen = np.argsort(waits, kind="stable")[: round(errors.rate * layout.rows)]
    return applied(given, found, order[first[chosen]])


def _sorts(layout: Layout, found: Edits, draws: np.ndarray) -> np.ndarray:
    """Return the sort of change that each row would have, (rows,) int, drawn among those that it can have."""
    may = np.zeros((layout.rows, len(SORTS)), dtype=bool)
    may[found.row, found.sort] = True
    counts = may.cumsum(axis=1)
    return (counts > np.floor(draws * counts[:, -1])[:, None]).argmax(axis=1)


def _readiness(given: Spans, found: Edits, chances: np.ndarray, kind: str) -> np.ndarray:
    """Return how readily each change comes, (edits,) float: by how much likelier a model holds the changed label."""
    if kind == "uniform":
        return np.ones(len(found.sort))
    logs = np.vstack([np.zeros(chances.shape[1]), np.cumsum(np.log(np.maximum(chances, LEAST)), axis=0)])
    changed = found.old >= 0
    old = given.take(np.where(changed, found.old, 0)) if len(given) else found.new
    before = np.where(changed, _likely(logs, chances, old), 0.0)
    after = np.where(found.sort == MISSED, 0.0, _likely(logs, chances, found.new))
    ready = np.exp(np.minimum(after - before, 0))
    if kind == "class":
        group = found.sort * (chances.shape[1]) + found.new.kind
        sums, counts = np.bincount(group, ready), np.bincount(group)
        ready = (sums / np.maximum(counts, 1))[group]
    return ready


def _likely(logs: np.ndarray, chances: np.ndarray, spans: Spans) -> np.ndarray:
    """Return the log of how much likelier spans are than none in their place, (spans,) float64."""
    begin, inside = 2 * spans.kind + 1, 2 * spans.kind + 2
    start = np.log(np.maximum(chances[spans.first, begin], LEAST))
    rest = logs[spans.end, inside] - logs[spans.first + 1, inside]
    return start + rest - (logs[spans.end, 0] - logs[spans.first, 0])
