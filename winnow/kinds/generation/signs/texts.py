"""What the words of a response say of it: repetition, an echo of the prompt, boilerplate, a cut ending, its length."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
import regex

ECHO = 4  # words in a row that a response and its prompt hardly share by chance
SHARED = 5  # words in a row that responses hardly share by chance
MANY = 3  # other responses with the same words in a row, from which on they are boilerplate
REPEATED = 3  # words in a row that come again
ENDINGS = 5  # uses of a word that the mean of all words counts for, in how often it ends a response
LONGEST = 2000  # words of a text that are read

_FINISHED = regex.compile(r"(?:[.!?…。！？।։؟:;)\]}>»”’\"'`*|]|\p{Emoji_Presentation})\s*$")

Grams = list[tuple[str, ...]]


def grams(words: Sequence[str], size: int) -> Grams:
    """Return all runs of so many words."""
    words = words[:LONGEST]
    return [tuple(words[start : start + size]) for start in range(len(words) - size + 1)]


def repetition(words: Sequence[str]) -> float:
    """Return the share of a text's runs of words that came before, 0 to 1."""
    runs = grams(words, REPEATED)
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def echo(words: Sequence[str], prompt: Sequence[str]) -> tuple[float, float]:
    """Return the share of a response's runs of words that its prompt has, and that of the prompt's which it has."""
    own, asked = set(grams(words, ECHO)), set(grams(prompt, ECHO))
    shared = len(own & asked)
    return shared / max(len(own), 1), shared / max(len(asked), 1)


def boilerplate(responses: Sequence[Sequence[str]], rows: np.ndarray) -> np.ndarray:
    """Return the share of each response's runs of words that several other rows' responses have, (responses,) float64.

    Args:
        responses: their words.
        rows: (responses,) int, the row of each; a row's own responses are none of another's.
    """
    each = [set(grams(words, SHARED)) for words in responses]
    of_row: dict[int, set] = {}
    for row, own in zip(rows.tolist(), each, strict=True):
        of_row.setdefault(row, set()).update(own)
    counts = Counter(chain.from_iterable(of_row.values()))
    return np.array([sum(counts[run] > MANY for run in own) / len(own) if own else 0.0 for own in each])


def is_finished(response: str) -> bool:
    """Return whether a response ends as sentences, lists and code do."""
    return bool(_FINISHED.search(response))


def endings(responses: Sequence[Sequence[str]], learnt: Iterable[int]) -> np.ndarray:
    """Return how unusual the last word of each response is as a last word, (responses,) float64: a log of odds.

    Args:
        responses: their words.
        learnt: places of the responses that tell which words end one; each is judged without its own end.
    """
    learnt = set(learnt)
    uses, ends = Counter(), Counter()
    for place in learnt:
        uses.update(responses[place][:LONGEST])
        ends.update(responses[place][-1:])
    mean = (sum(ends.values()) + 1) / (sum(uses.values()) + 2)
    found = np.zeros(len(responses))
    for place, words in enumerate(responses):
        if not words:
            continue
        own = int(place in learnt)
        ended, used = ends[words[-1]] - own, uses[words[-1]] - own
        found[place] = np.log(mean) - np.log((ended + ENDINGS * mean) / (used + ENDINGS))
    return found
