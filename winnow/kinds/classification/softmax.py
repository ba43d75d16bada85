"""The optimum of a multinomial logistic regression with a ridge penalty: L-BFGS (Nocedal 1980) with a preconditioner.

The objective is scikit-learn's: C times the summed cross-entropy, and half the squared weights; the intercepts are
free. What makes it fast: numbers of 32 bits; a step along a line costs no product with the features, since their scores
are linear in it; and the inverse Hessian that L-BFGS starts from is near the true one. That is its diagonal, and where
columns are dense and few its blocks, one a class, of the rows on which the class is in doubt.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    Matrix = np.ndarray | csr_matrix

TOLERANCE = 1e-9  # share of the objective that a step still promises; probabilities are then right to about 1e-4
STEPS = 2000  # at most; tens to two hundred are usual
MEMORY = 10  # past steps that tell the curvature
# Numbers of all of them together, 32 MiB: of many weights more steps cost more than the few iterations that they save.
PAST_NUMBERS, LEAST_MEMORY = 2**23, 3  # fewer steps are kept, but these
BLOCKS_AT = (10, 20, 30)  # steps before which blocks are computed anew; before the first, the diagonal does
DOUBTFUL = 3e-3  # p (1 - p) from which on a row counts in its class's block
LARGE = 2**23  # weights of a sparse matrix from which on a step costs more than a better diagonal
DIAGONALS_AT = (5, 10, 20, 40)  # steps before which the diagonal is then computed anew; a fifth fewer steps
IN_PLACE = 2**16  # numbers of an array that are worked on at once; they stay in the processor's cache
BLOCK_NUMBERS = 2**25  # of all blocks together, 128 MiB
LEAST_CURVATURE = 1e-6
OVERSHOT, SHORTER = 0.5, (0.1, 0.7)  # a slope behind the lowest point of the line that is taken; else, how much nearer


@dataclass(frozen=True)
class Rows:
    """What is learnt from.

    Attributes:
        matrix: (rows, features) float32, sparse or dense.
        truth: (rows,) int, classes 0 to count - 1, each of which occurs.
        weights: (rows,) float32.
        count: of the classes.
    """

    matrix: "Matrix"
    truth: np.ndarray
    weights: np.ndarray
    count: int

    @property
    def is_dense(self) -> bool:
        """Whether the matrix is an array."""
        return isinstance(self.matrix, np.ndarray)

    @cached_property
    def transposed(self) -> "Matrix":
        """The matrix by its features."""
        return self.matrix.T if self.is_dense else self.matrix.T.tocsr()

    @cached_property
    def total(self) -> float:
        """The sum of the weights."""
        return float(self.weights.sum(dtype=np.float64))

    def scores(self, weights: np.ndarray) -> np.ndarray:
        """Return what weights, (features + 1, classes) float32 with the intercepts last, say, (rows, classes)."""
        scores = self.matrix @ weights[:-1]
        scores += weights[-1]
        return scores

    def gradient(self, excess: np.ndarray) -> np.ndarray:
        """Return the loss's gradient, (features + 1, classes), from weighted probabilities less truth."""
        return np.vstack([self.transposed @ excess, excess.sum(axis=0, dtype=np.float64).astype(np.float32)])

    def loss(self, scores: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the cross-entropy of all rows, and weighted probabilities less truth, (rows, classes) float32."""
        chances = scores - scores.max(axis=1, keepdims=True)
        places = np.arange(len(chances)), self.truth
        own = chances[places].astype(np.float64)
        np.exp(chances, out=chances)
        sums = chances.sum(axis=1, dtype=np.float64)
        chances *= (1 / sums).astype(np.float32)[:, None]
        chances[places] -= 1
        chances *= self.weights[:, None]
        return float((np.log(sums) - own) @ self.weights), chances

    def chances(self, excess: np.ndarray) -> np.ndarray:
        """Return the probabilities that `loss` made `excess` of, (rows, classes) float32."""
        made = excess / np.maximum(self.weights, np.finfo(np.float32).tiny)[:, None]
        made[np.arange(len(made)), self.truth] += 1
        return made


def minimum(rows: Rows, penalty: float, near: np.ndarray | None = None) -> np.ndarray:
    """Return the weights of least cross-entropy plus penalty / 2 times their squares, (features + 1, classes) float32.

    The last row is the intercepts, which are not penalized.

    Args:
        near: weights of a penalty that is near, to begin at; not where few weights are soon found from none.
    """
    if rows.is_dense:  # around their means, features say less of each other and nothing of the intercept
        mean = rows.matrix.mean(axis=0, dtype=np.float64).astype(np.float32)
        found = _descend(Rows(rows.matrix - mean, rows.truth, rows.weights, rows.count), penalty)
        found[-1] -= mean @ found[:-1]
        return found
    return _descend(rows, penalty, near)


def _descend(rows: Rows, penalty: float, near: np.ndarray | None = None) -> np.ndarray:
    shape = rows.matrix.shape[1] + 1, rows.count
    memory = _memory(shape[0] * shape[1])
    is_near = near is not None and memory < MEMORY
    weights = near.copy() if is_near else np.zeros(shape, np.float32)
    has_blocks = rows.is_dense and _blocks_pay(shape[0], rows)
    is_large = not rows.is_dense and weights.size > LARGE
    scores = rows.scores(weights)
    loss, excess = rows.loss(scores)
    gradient = rows.gradient(excess)
    _add(gradient[:-1], penalty, weights[:-1])
    preconditioner = _Diagonal.at(rows, excess, penalty) if is_near else _Diagonal.of(rows, penalty)
    past = deque(maxlen=memory)
    for number in range(STEPS):
        if has_blocks and number in BLOCKS_AT:
            preconditioner = _Blocks.of(rows, excess, penalty)
            past.clear()
        if is_large and number in DIAGONALS_AT:
            preconditioner = _Diagonal.at(rows, excess, penalty)
            past.clear()
        direction = _newton(gradient, past, preconditioner)
        slope = _dot(gradient, direction)
        if -slope <= TOLERANCE * (loss + penalty * _squares(weights[:-1]) / 2):
            break
        along = _Line(rows.scores(direction), penalty, _dot(weights[:-1], direction[:-1]), _squares(direction[:-1]))
        length, loss, scores, excess = along.step(rows, scores, loss, slope)
        step = _times(direction, length)
        weights += step
        before, gradient = gradient, rows.gradient(excess)
        _add(gradient[:-1], penalty, weights[:-1])
        change = np.subtract(gradient, before, out=before)
        if (curvature := _dot(step, change)) > 0:
            past.append((step, change, 1 / curvature))
    return weights


@dataclass(frozen=True)
class _Line:
    """The way from some weights in one direction.

    Attributes:
        scores: (rows, classes) float32, what a whole step adds to the rows' scores.
        penalty: the ridge's.
        dot, square: of the direction with the weights, and with itself.
    """

    scores: np.ndarray
    penalty: float
    dot: float
    square: float

    def step(self, rows: Rows, start: np.ndarray, before: float, slope: float) -> tuple:
        """Return how far to go, and the loss, the scores and `excess` there.

        The objective is convex: where the slope is not yet upwards, it has fallen.

        Args:
            start: (rows, classes) float32, scores of the weights.
            before: the loss there.
            slope: of the objective, along the line there.
        """
        length, last = 1.0, False
        while True:
            scores = start + np.float32(length) * self.scores
            loss, excess = rows.loss(scores)
            there = loss + self.penalty * (length * self.dot + length**2 * self.square / 2)
            upwards = _dot(excess, self.scores) + self.penalty * (self.dot + length * self.square)
            if last or upwards <= 0 or (upwards <= -OVERSHOT * slope and there <= before):
                return length, loss, scores, excess
            nearest, farthest = SHORTER
            length *= min(max(slope / (slope - upwards), nearest), farthest)
            last = length < np.finfo(np.float32).eps


@dataclass(frozen=True)
class _Diagonal:
    """The inverse of the Hessian's diagonal, (features + 1, classes) float32."""

    inverse: np.ndarray

    @classmethod
    def of(cls, rows: Rows, penalty: float) -> "_Diagonal":
        """Return it as it is where each class is as likely as its share of the rows."""
        share = np.bincount(rows.truth, rows.weights, rows.count) / rows.total
        curvature = np.maximum(share * (1 - share), LEAST_CURVATURE)
        squared = rows.matrix * rows.matrix if rows.is_dense else rows.matrix.multiply(rows.matrix)
        scale = np.append(squared.T @ rows.weights, rows.total)
        inverse = np.empty((len(scale), rows.count), np.float32)
        for block in _blocks(inverse):
            hessian = scale[block, None] * curvature
            hessian[: max(len(scale) - 1 - block.start, 0)] += penalty
            inverse[block] = 1 / hessian
        return cls(inverse)

    @classmethod
    def at(cls, rows: Rows, excess: np.ndarray, penalty: float) -> "_Diagonal":
        """Return the inverse of the diagonal where `loss` made `excess`."""
        doubt = rows.chances(excess)
        doubt *= 1 - doubt
        np.maximum(doubt, 0, out=doubt)
        doubt *= rows.weights[:, None]
        hessian = np.vstack([rows.transposed.multiply(rows.transposed) @ doubt, doubt.sum(axis=0) + LEAST_CURVATURE])
        hessian[:-1] += np.float32(penalty)
        return cls(np.divide(1, hessian, out=hessian))

    def times(self, gradient: np.ndarray) -> np.ndarray:
        return self.inverse * gradient


@dataclass(frozen=True)
class _Blocks:
    """The inverses of the Hessian's blocks of one class each, (classes, features + 1, features + 1) float32."""

    inverse: np.ndarray

    @classmethod
    def of(cls, rows: Rows, excess: np.ndarray, penalty: float) -> "_Blocks":
        matrix = np.hstack([rows.matrix, np.ones((len(rows.truth), 1), np.float32)])
        size, square = matrix.shape[1], _squares(matrix) / matrix.size
        inverse, chances = np.empty((rows.count, size, size), np.float32), rows.chances(excess)
        ridge = np.append(np.full(size - 1, penalty), LEAST_CURVATURE)
        for number in range(rows.count):
            curvature = np.maximum(chances[:, number] * (1 - chances[:, number]), 0) * rows.weights
            doubtful = np.flatnonzero(curvature > DOUBTFUL)
            scaled = matrix[doubtful] * np.sqrt(curvature[doubtful])[:, None]
            block = (scaled.T @ scaled).astype(np.float64)
            rest = float(curvature.sum(dtype=np.float64) - curvature[doubtful].sum(dtype=np.float64))
            block[np.diag_indices(size)] += ridge + max(rest, 0.0) * square
            inverse[number] = np.linalg.inv(block)
        return cls(inverse)

    def times(self, gradient: np.ndarray) -> np.ndarray:
        return np.matmul(self.inverse, np.ascontiguousarray(gradient.T)[:, :, None])[:, :, 0].T


def _blocks_pay(size: int, rows: Rows) -> bool:
    """Return whether blocks cost less than the steps that they save."""
    return size**2 <= 4 * len(rows.truth) and rows.count * size**2 <= BLOCK_NUMBERS


def _newton(gradient: np.ndarray, past: deque, preconditioner: "_Diagonal | _Blocks") -> np.ndarray:
    """Return minus the inverse Hessian times the gradient, as past steps and the preconditioner tell it."""
    made, shares = gradient.copy(), []
    for step, change, inverse in reversed(past):
        share = inverse * _dot(step, made)
        shares.append(share)
        _add(made, -share, change)
    made = preconditioner.times(made)
    if past:
        _, change, inverse = past[-1]
        made = _times(made, 1 / (inverse * _dot(change, preconditioner.times(change))))
    for (step, change, inverse), share in zip(past, reversed(shares), strict=True):
        _add(made, share - inverse * _dot(change, made), step)
    return np.negative(made, out=made)


def _add(to: np.ndarray, share: float, values: np.ndarray) -> None:
    """Add `share` times `values` to an array in place, some rows at a time: large arrays need no further memory."""
    for block in _blocks(to):
        to[block] += np.float32(share) * values[block]


def _times(values: np.ndarray, share: float) -> np.ndarray:
    """Multiply an array in place and return it."""
    values *= np.float32(share)
    return values


def _blocks(values: np.ndarray) -> Iterator[slice]:
    """Yield slices of a few rows each."""
    rows = max(IN_PLACE // values.shape[1], 1)
    return (slice(start, start + rows) for start in range(0, len(values), rows))


def _memory(size: int) -> int:
    """Return how many past steps are remembered."""
    return int(np.clip(PAST_NUMBERS // (2 * size), LEAST_MEMORY, MEMORY))


def _dot(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.vdot(first, second))


def _squares(values: np.ndarray) -> float:
    return _dot(values, values)
