"""How a response fits its prompt and the responses to similar prompts, by vectors of both: embeddings or words."""

from collections.abc import Callable

import numpy as np

from winnow.encoder.neighbours import Neighbours


def predicted(
    prompts: np.ndarray, responses: np.ndarray, learnt: np.ndarray, folds: np.ndarray, penalty: float
) -> np.ndarray:
    """Return what a ridge regression of other folds expects of each prompt, (rows, targets) float64.

    Args:
        prompts: (rows, dimensions) float.
        responses: (rows, targets) float; only those of `learnt` are read.
        learnt: (rows,) bool, the rows to learn from.
        folds: (rows,) int.
        penalty: of the weights, of standardised dimensions.
    """
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    found = np.zeros((len(prompts), responses.shape[1]))
    for fold in np.unique(folds):
        inside, train = folds == fold, learnt & (folds != fold)
        if not train.any():
            continue
        scaler = StandardScaler().fit(prompts[train])
        fitted = Ridge(alpha=penalty).fit(scaler.transform(prompts[train]), responses[train])
        found[inside] = fitted.predict(scaler.transform(prompts[inside])).reshape(-1, responses.shape[1])
    return found


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the cosine of each pair of rows, (rows,) float64; 0 where one is zero."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    products = np.einsum("ij,ij->i", first.astype(np.float64), second.astype(np.float64))
    return np.divide(products, lengths, out=np.zeros(len(first)), where=lengths > 0)


def ranks(
    alike: Callable[[np.ndarray, np.ndarray], np.ndarray], rows: np.ndarray, pairs: np.ndarray, near: np.ndarray
) -> np.ndarray:
    """Return the share of near rows' responses that fit a prompt better than its own response, (pairs,) float64.

    Args:
        alike: how well responses fit prompts: (some,) rows, (some,) pairs -> (some,) float.
        rows: (pairs,) int, the row of each pair.
        pairs: (pairs,) int, the pair itself.
        near: (rows, k) int, pairs of the nearest rows; -1: none.
    """
    own = alike(rows, pairs)
    better, count = np.zeros(len(rows)), np.zeros(len(rows))
    for column in near.T:
        other = column[rows]
        there = other >= 0
        said = np.zeros(len(rows))
        said[there] = alike(rows[there], other[there])
        better += there & (said > own)
        count += there
    return better / np.maximum(count, 1)


def agreement(
    alike: Callable[[np.ndarray, np.ndarray], np.ndarray], rows: np.ndarray, pairs: np.ndarray, near: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how like a response is to those of near rows: the mean and the most, (pairs,) float64 each.

    Args:
        alike: how like two responses are: (some,) pairs, (some,) pairs -> (some,) float.
        rows, pairs, near: as in `ranks`.
    """
    total, most, count = np.zeros(len(rows)), np.zeros(len(rows)), np.zeros(len(rows))
    for column in near.T:
        other = column[rows]
        there = other >= 0
        said = np.zeros(len(rows))
        said[there] = alike(pairs[there], other[there])
        total += said
        most = np.maximum(most, said)
        count += there
    return total / np.maximum(count, 1), most


def spread(alike: Callable[[np.ndarray, np.ndarray], np.ndarray], near: np.ndarray) -> np.ndarray:
    """Return how differently the prompts near to each row are answered, (rows,) float64, 0 to 1 and above.

    Args:
        alike: as in `agreement`.
        near: (rows, k) int, pairs of the nearest rows, nearest first; -1: none.
    """
    first = near[:, 0] if near.shape[1] else np.full(len(near), -1)
    total, count = np.zeros(len(near)), np.zeros(len(near))
    for column in near[:, 1:].T:
        there = (column >= 0) & (first >= 0)
        total[there] += 1 - alike(first[there], column[there])
        count += there
    return total / np.maximum(count, 1)


def of_pairs(near: Neighbours, pair: np.ndarray, most: int) -> np.ndarray:
    """Return the pairs of the nearest rows, (rows, at most `most`) int; -1 where there is none.

    Args:
        pair: (rows,) int, the pair of each row that stands for it.
    """
    index = near.index[:, :most]
    return np.where(index >= 0, pair[index], -1)
