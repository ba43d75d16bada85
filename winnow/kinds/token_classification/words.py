"""Words of a text: the units on which probabilities of entities are told, scored and planted.

A word is a run of letters, digits and their marks; every other visible character is one by itself, an emoji with all of
its parts. In scripts without spaces, and in Korean, which puts endings right behind a name, each character with its
marks is a word: no entity ends within one. So words tell a span exactly if its borders are borders of words.

A word's tag is a place in `Task.tags`: O, then B and I of each type. A word belongs to the first span that overlaps it.
"""

from collections.abc import Sequence

import numpy as np
import regex

from winnow.kinds.token_classification.labels import Task, canonical, spans
from winnow.text.words import JOINED_LETTERS

OUTSIDE = 0  # the tag of a word that belongs to no span
# Between letters, the joiners of Persian and of Indic scripts belong to the word.
_WORD = regex.compile(
    rf"(?V1)[{JOINED_LETTERS}]\p{{M}}*+"
    rf"|[[\p{{L}}\p{{N}}]--[{JOINED_LETTERS}]][[\p{{L}}\p{{N}}\p{{M}}\p{{Join_Control}}]--[{JOINED_LETTERS}]]*+"
    r"|(?!\s)\X"
)


def offsets(text: str) -> np.ndarray:
    """Return where each word begins and ends, (words, 2) int32, in code points of the text."""
    found = [match.span() for match in _WORD.finditer(text)]
    return np.array(found, dtype=np.int32).reshape(len(found), 2)


def begin(kind: int) -> int:
    """Return the tag of the first word of a span, whose type stands at place `kind` of `Task.labels`."""
    return 2 * kind + 1


def inside(kind: int) -> int:
    """Return the tag of a further word of a span, whose type stands at place `kind` of `Task.labels`."""
    return 2 * kind + 2


def tags(task: Task, label: str, offsets: np.ndarray) -> np.ndarray:
    """Return the tag of each word, (words,) int.

    Args:
        label: canonical; its types are the task's.
        offsets: (words, 2) int, where words, or other pieces of the text, begin and end, in their order.
    """
    found, free = np.full(len(offsets), OUTSIDE), 0
    for start, end, name in spans(label):
        first = max(free, int(np.searchsorted(offsets[:, 1], start, "right")))
        free = max(free, int(np.searchsorted(offsets[:, 0], end, "left")))
        if first < free:
            kind = task.labels.index(name)
            found[first:free] = inside(kind)
            found[first] = begin(kind)
    return found


def runs(tags: np.ndarray) -> np.ndarray:
    """Return the spans that tags mean, (spans, 3) int: the first word, the word behind the last, and the type's place.

    A span ends before O, before any B and before another type; an I behind neither its B nor its I begins one, as in
    transformers' pipeline with the strategy `simple`.

    Args:
        tags: (words,) int.
    """
    kinds = (tags + 1) // 2 - 1  # -1: of no type
    before, behind = np.append(-1, kinds[:-1]), np.append(kinds[1:], -1)
    begins = (kinds >= 0) & ((kinds != before) | (tags % 2 == 1))
    ends = (kinds >= 0) & ((kinds != behind) | np.append(begins[1:], True))
    first = np.flatnonzero(begins)
    return np.stack([first, np.flatnonzero(ends) + 1, kinds[first]], axis=1)


def spans_of(task: Task, tags: Sequence[int] | np.ndarray, offsets: np.ndarray) -> str:
    """Return the label that tags of words mean, the inverse of `tags`; see `runs`."""
    return canonical(
        (int(offsets[first, 0]), int(offsets[end - 1, 1]), task.labels[kind])
        for first, end, kind in runs(np.asarray(tags, dtype=np.int64)).tolist()
    )
