"""A logistic regression of words' tags on the forms of words and of their neighbours (`features`), in seconds.

The objective is scikit-learn's: C times the summed cross-entropy, and half the squared weights. A text has hundreds of
words, and each has few features: steps on one word at a time, each weight with a pace of its own (AdaGrad, Duchi et al.
2011), come near the optimum within a few passes, where methods on all words at once take a hundred. Each word bears its
part of the penalty of the weights that it reads, one of as many as read them. The mean of the last passes counts.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from winnow.kinds.token_classification.features import COLUMNS

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

PACE = np.float32(0.2)
LEAST = np.float32(1e-8)  # of a weight's sum of squared slopes, which is divided by
SEED = 1  # of the order of the words


@dataclass(frozen=True)
class Tagger:
    """A regression that has learnt; `weights` are (columns, tags) float32."""

    weights: np.ndarray

    @classmethod
    def fit(cls, read: np.ndarray, tags: np.ndarray, c: float, passes: int, weights: np.ndarray) -> "Tagger":
        """Return what learnt tags.

        Args:
            read: (words, features) int32, from `columns_of`.
            tags: (words,) int.
            c: the inverse of the penalty's strength.
            passes: over all words.
            weights: (words,) float, what each word counts.
        """
        count = int(tags.max(initial=0)) + 1
        penalty = (1 / (c * np.maximum(np.bincount(read.ravel(), minlength=COLUMNS), 1))).astype(np.float32)
        found = np.zeros((COLUMNS, count), np.float32)
        sums, squares = np.zeros_like(found), np.full_like(found, LEAST)
        random, last = np.random.default_rng(SEED), max(passes // 2, 1)
        for number in range(passes):
            order = random.permutation(len(read))
            _pass(read, order, tags, weights.astype(np.float32), penalty, found, squares)
            if number >= passes - last:
                sums += found
        return cls(sums / np.float32(last))

    def probabilities(self, read: np.ndarray, count: int) -> np.ndarray:
        """Return the probability of each of `count` tags, (words, tags) float64."""
        found = np.zeros((len(read), count))
        found[:, : self.weights.shape[1]] = _chances(read, self.weights)
        return found


def columns_of(matrix: "csr_matrix") -> np.ndarray:
    """Return the columns of each row's ones, (words, features) int32, of features as `Forms.matrix` makes them."""
    return matrix.indices.reshape(matrix.shape[0], -1) if matrix.shape[0] else np.zeros((0, 1), np.int32)


@njit(cache=True)
def _pass(read, order, tags, weights, penalty, found, squares):
    width, count = read.shape[1], found.shape[1]
    chances = np.empty(count, np.float32)
    for word in order:
        _softmax(read[word], found, chances)
        chances[tags[word]] -= np.float32(1)
        for tag in range(count):
            chances[tag] *= weights[word]
        for place in range(width):
            column = read[word, place]
            for tag in range(count):
                slope = chances[tag] + penalty[column] * found[column, tag]
                squares[column, tag] += slope * slope
                found[column, tag] -= PACE * slope / np.sqrt(squares[column, tag])


@njit(cache=True)
def _chances(read, weights):
    chances = np.empty((read.shape[0], weights.shape[1]), np.float32)
    for word in range(read.shape[0]):
        _softmax(read[word], weights, chances[word])
    return chances


@njit(cache=True)
def _softmax(columns, weights, out):
    """Write the probabilities of tags into `out`, (tags,) float32."""
    out[:] = np.float32(0)
    for column in columns:
        for tag in range(len(out)):
            out[tag] += weights[column, tag]
    highest, total = out.max(), np.float32(0)
    for tag in range(len(out)):
        out[tag] = np.exp(out[tag] - highest)
        total += out[tag]
    for tag in range(len(out)):
        out[tag] /= total
