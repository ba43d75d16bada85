"""Words of a sample of rows: vocabulary growth, repetition, and the words that tell one source from the others."""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy import sparse

from stages.represent import distances
from stages.represent.rows import Sample
from winnow.text.words import terms

# Words that distances tell apart; the rest count as one. With 11,000 words, two halves of one source of 60,000 tokens
# each seemed 0.07 bits apart, after correction; with 900, 0.001.
FREQUENT = 1000


class Vocabulary:
    """Numbers the words of texts, in the order in which they are first seen.

    Without figures, which would make every source's vocabulary grow without end.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def encode(self, text: str) -> np.ndarray:
        """Return the numbers of a text's words, (words,) int32; in scripts without spaces, of pairs of characters."""
        found = [term for term in terms(text) if not term[0].isdigit()]
        return np.fromiter((self._numbers.setdefault(word, len(self._numbers)) for word in found), np.int32, len(found))

    def __len__(self) -> int:
        return len(self._numbers)

    def words(self) -> list[str]:
        """Return every word, by number."""
        return list(self._numbers)


def growth(texts: Sequence[np.ndarray], points: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Return tokens read and distinct words among them, (points,) int each, at places even on a log scale.

    Args:
        texts: encoded texts, in the order in which they are read.
    """
    tokens = np.concatenate([np.empty(0, np.int32), *texts])
    if not len(tokens):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    _, first_seen = np.unique(tokens, return_index=True)
    places = np.unique(np.geomspace(min(100, len(tokens)), len(tokens), points).round().astype(np.int64))
    return places, np.searchsorted(np.sort(first_seen), places)


def heaps_exponent(tokens: np.ndarray, distinct: np.ndarray) -> float | None:
    """Return b of Heaps' law, distinct = c * tokens^b, by least squares on logarithms; None for fewer than 3 points."""
    if len(tokens) < 3:
        return None
    return float(np.polyfit(np.log(tokens), np.log(distinct), 1)[0])


def richness(texts: Sequence[np.ndarray], tokens: int) -> dict[str, float] | None:
    """Return the shares of distinct words and of distinct pairs of words among the first `tokens` tokens.

    Both fall as a text grows, so they compare sources at one number of tokens only; None where a source has fewer.
    Distinct pairs: distinct-2 of Li et al. (2016), A Diversity-Promoting Objective Function.
    """
    kept, left = [], tokens
    for text in texts:
        kept.append(text[:left])
        left -= len(kept[-1])
        if not left:
            break
    if left:
        return None
    pairs = np.concatenate([(text[:-1].astype(np.int64) << 32) | text[1:] for text in kept])  # none across two texts
    return {
        "distinct_words": len(np.unique(np.concatenate(kept))) / tokens,
        "distinct_pairs": len(np.unique(pairs)) / max(len(pairs), 1),
    }


def counts(texts: Sequence[np.ndarray], vocabulary: int) -> sparse.csr_array:
    """Return the word counts of each encoded text, (texts, vocabulary) int64."""
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    columns = np.concatenate([np.empty(0, np.int32), *texts])
    return sparse.coo_array((np.ones(len(columns), np.int64), (rows, columns)), (len(texts), vocabulary)).tocsr()


def fold_rare(matrix: sparse.csr_array, keep: int) -> sparse.csr_array:
    """Return counts of the `keep` words that are most frequent in all, and of all others together in a last column."""
    kept = np.zeros(matrix.shape[1], bool)
    kept[np.argsort(-matrix.sum(axis=0), kind="stable")[:keep]] = True
    return sparse.hstack([matrix[:, kept], sparse.csr_array(matrix[:, ~kept].sum(axis=1)[:, None])]).tocsr()


def summed(matrix: sparse.csr_array, units: np.ndarray) -> sparse.csr_array:
    """Return the counts of each unit, the sum of its rows, (units, words); `units` has each row's, from 0."""
    ones = np.ones(len(units), np.int64)
    return sparse.csr_array((ones, (units, np.arange(len(units))))) @ matrix


def log_odds(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how characteristic each word is of the first counts against the second, (words,) z-scores.

    Log-odds ratio with an informative Dirichlet prior, the words' counts in both (Monroe, Colaresi & Quinn 2008,
    Fightin' Words).
    """
    prior = (own + others).astype(float)
    total = prior.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = own + prior, others + prior
        odds = np.log(first / (own.sum() + total - first)) - np.log(second / (others.sum() + total - second))
        scores = odds / np.sqrt(1 / first + 1 / second)
    return np.where(prior > 0, scores, 0.0)


def only_here(own: np.ndarray, others: np.ndarray) -> dict[str, float]:
    """Return how much of a source's vocabulary no other source has; words seen once are mostly slips and count as none.

    Args:
        own: (words,) int, counts in the source.
        others: (words,) int, counts in all other sources.
    """
    repeated, new = own >= 2, (own >= 2) & (others == 0)
    return {
        "new_words": int(new.sum()),
        "new_word_share": float(new.sum() / max(repeated.sum(), 1)),
        "new_token_share": float(own[new].sum() / max(own.sum(), 1)),
    }


def top(scores: np.ndarray, allowed: np.ndarray, number: int) -> list[int]:
    """Return the numbers of the highest scores among the allowed, ties by number."""
    order = np.lexsort((np.arange(len(scores)), -scores))
    return [int(word) for word in order[allowed[order]][:number]]


def entropy(numbers: Iterable[int], kinds: int) -> float | None:
    """Return Shannon's entropy of counts over its maximum for `kinds` kinds: 1 is even, 0 is one kind.

    None where nothing was counted, or there is but one kind.
    """
    found = np.array([number for number in numbers if number], dtype=float)
    if not len(found) or kinds < 2:
        return None
    shares = found / found.sum()
    return max(0.0, float(-(shares * np.log(shares)).sum() / np.log(kinds)))


class Words:
    """The words of a sample's rows.

    Args:
        sample: the rows.
        texts: their encoded texts.
        vocabulary: what the numbers stand for.
        at_tokens: where sources of different length are compared, see `richness`.
    """

    def __init__(self, sample: Sample, texts: Sequence[np.ndarray], vocabulary: Vocabulary, at_tokens: int) -> None:
        self.sample, self.names = sample, vocabulary.words()
        self._texts, self._at_tokens = texts, at_tokens
        self._counts = counts(texts, len(self.names))
        self._folded = fold_rare(self._counts, FREQUENT)

    def growth(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return tokens read and distinct words among them, as `growth`."""
        return growth([self._texts[number] for number in numbers])

    def profile(self, numbers: np.ndarray) -> dict:
        """Return the vocabulary of these rows."""
        tokens, distinct = self.growth(numbers)
        return {
            "rows": len(numbers),
            "tokens": int(tokens[-1]) if len(tokens) else 0,
            "distinct": int(distinct[-1]) if len(tokens) else 0,
            "heaps_exponent": heaps_exponent(tokens, distinct),
        } | (richness([self._texts[number] for number in numbers], self._at_tokens) or {})

    def counts(self, numbers: np.ndarray) -> np.ndarray:
        """Return how often each word stands in these rows, (words,) int."""
        return self._counts[numbers].sum(axis=0)

    def distance(self, first: np.ndarray, second: np.ndarray) -> distances.Distance:
        """Return the Jensen-Shannon divergence of two sets of rows."""
        groups = (summed(self._folded[numbers], self.sample.units(numbers)) for numbers in (first, second))
        return distances.jensen_shannon(*groups)
