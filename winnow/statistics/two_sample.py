"""Are two samples of one kind? A classifier is asked to tell their rows apart (Lopez-Paz and Oquab 2017).

The classifier is a ridge regression on a kernel, whose answers on held-out rows are linear in the rows' membership: a
permutation of the membership costs a product of matrices and no second fit. So the p-value is that of a permutation
test: exact, whatever the classifier, as long as the rows are exchangeable. Rows of one document are not: give one of
each.
"""

from dataclasses import dataclass

import numpy as np

FOLDS = 5  # the answer to a row comes from the rows of the others
PENALTY = 1.0  # of the ridge, in rows of unit length
Z = 1.959964  # of a 95 % interval


@dataclass(frozen=True)
class Apart:
    """How well the rows of two samples are told apart.

    Attributes:
        auc: of a row of each sample, how often the classifier puts the second one's higher: 0.5 by chance, 1 always.
        low, high: its 95 % interval (DeLong et al. 1988), the classifier taken as it is.
        p: how often a random division into samples is told apart as well.
        scores: (rows,) float, higher is more like the second sample; by classifiers that did not see the row.
    """

    auc: float
    low: float
    high: float
    p: float
    scores: np.ndarray


def tell_apart(kernel: np.ndarray, is_second: np.ndarray, permutations: int, seed: int) -> Apart:
    """Return how well two samples are told apart; with fewer than `FOLDS` rows of one, not at all.

    Args:
        kernel: (rows, rows) float, products of rows of unit length.
        is_second: (rows,) bool.
    """
    rows, rng = len(is_second), np.random.default_rng(seed)
    fold = rng.permutation(np.arange(rows) % FOLDS)  # of the rows, not of the samples: it is the same when these change
    if min(is_second.sum(), rows - is_second.sum()) < FOLDS:
        return Apart(0.5, 0.0, 1.0, 1.0, np.zeros(rows))
    answers = _answers(kernel.astype(np.float32), fold)
    member = is_second.astype(np.float32)[:, None]
    drawn = np.concatenate([member, *(rng.permutation(member) for _ in range(permutations))], axis=1)
    scores = answers @ (drawn - drawn.mean(axis=0))
    aucs = _aucs(scores, drawn > 0, fold)
    p = float((1 + (aucs[1:] >= aucs[0] - 1e-9).sum()) / (1 + permutations))
    margin = Z * _error(scores[:, 0], is_second, fold)
    auc = float(aucs[0])
    return Apart(auc, max(0.0, auc - margin), min(1.0, auc + margin), p, scores[:, 0])


def permuted(first: np.ndarray, second: np.ndarray, permutations: int, seed: int) -> tuple[float, float]:
    """Return how far the shares of two samples' classes are apart, and the p-value of a permutation test.

    The distance is the total variation, half the sum of the shares' differences, 0 to 1; what is tested is chi-square.

    Args:
        first, second: (rows,) int, the rows' classes.
    """
    together = np.concatenate([first, second])
    kinds, rng = int(together.max(initial=0)) + 1, np.random.default_rng(seed)
    if not len(first) or not len(second):
        return 0.0, 1.0
    whole = np.bincount(together, minlength=kinds)
    expected = np.maximum(whole * len(second) / len(together), 1e-9)

    def statistic(drawn: np.ndarray) -> float:
        return float((((np.bincount(drawn, minlength=kinds) - expected) ** 2) / expected).sum())

    found = statistic(second)
    drawn = [statistic(rng.permutation(together)[: len(second)]) for _ in range(permutations)]
    shares = (np.bincount(own, minlength=kinds) / len(own) for own in (first, second))
    apart = float(np.abs(np.subtract(*shares)).sum() / 2)
    return apart, (1 + sum(value >= found - 1e-9 for value in drawn)) / (1 + permutations)


def _answers(kernel: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return what each row's held-out answer is of all rows' membership, (rows, rows) float32."""
    answers = np.zeros_like(kernel)
    for number in range(FOLDS):
        asked, learnt = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        inner = kernel[np.ix_(learnt, learnt)] + PENALTY * np.eye(len(learnt), dtype=np.float32)
        answers[np.ix_(asked, learnt)] = np.linalg.solve(inner, kernel[np.ix_(learnt, asked)]).T
    return answers


def _aucs(scores: np.ndarray, is_second: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return the AUC of each column, (columns,): pairs within a fold alone, for each fold has a classifier of its own.

    Args:
        scores: (rows, columns) float.
        is_second: (rows, columns) bool.
    """
    wins, pairs = np.zeros(scores.shape[1]), np.zeros(scores.shape[1])
    for number in range(FOLDS):
        own, second = scores[fold == number], is_second[fold == number]
        ranks = _ranks(own)
        count = second.sum(axis=0)
        wins += (ranks * second).sum(axis=0) - count * (count + 1) / 2
        pairs += count * (len(own) - count)
    return np.where(pairs > 0, wins / np.maximum(pairs, 1), 0.5)


def _ranks(scores: np.ndarray) -> np.ndarray:
    """Return the ranks within each column, from 1, those of ties their mean."""
    from scipy.stats import rankdata

    return rankdata(scores, axis=0)


def _error(scores: np.ndarray, is_second: np.ndarray, fold: np.ndarray) -> float:
    """Return the standard error of the AUC, by DeLong's placements within each fold."""
    variance = pairs = 0.0
    for number in range(FOLDS):
        first, second = (scores[(fold == number) & (is_second == side)] for side in (False, True))
        if min(len(first), len(second)) < 2:
            continue
        wins = (second[:, None] > first).astype(float) + 0.5 * (second[:, None] == first)
        own = wins.mean(axis=1).var(ddof=1) / len(second) + wins.mean(axis=0).var(ddof=1) / len(first)
        variance += (len(first) * len(second)) ** 2 * own
        pairs += len(first) * len(second)
    return float(np.sqrt(variance) / pairs) if pairs else 0.5
