"""The logistic regression is scikit-learn's, to its optimum: on words and on dense columns, few classes and many."""

import tracemalloc

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from winnow.kinds.classification import logistic, softmax


def optimum(matrix, truth, c, asked, weights=None):
    """Return scikit-learn's probabilities of the rows `asked` at its own optimum, which its default is short of."""
    fitted = LogisticRegression(C=c, tol=1e-8, max_iter=5000, solver="newton-cg")
    return fitted.fit(matrix, truth, sample_weight=weights).predict_proba(asked)


def drawn(rows, features, classes, seed=0):
    """Return (rows,) classes, and (rows, features) columns of different spread that tell them, with correlations."""
    random = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(classes), random.integers(0, classes, rows - classes)])
    columns = 0.7 * random.normal(size=(classes, features))[truth] + random.normal(size=(rows, features))
    columns = columns @ random.normal(size=(features, features)) / np.sqrt(features) + 3
    return truth, columns * np.geomspace(0.1, 3, features)


def words(rows, classes, seed=0):
    """Return (rows,) classes, and rows of TF-IDF, of which each class has some columns of its own."""
    random = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(classes), random.integers(0, classes, rows - classes)])
    places = np.concatenate([[7 * truth + random.integers(0, 7, rows)], random.integers(0, 900, (11, rows))])
    matrix = csr_matrix((random.random(places.size) + 0.2, (np.tile(np.arange(rows), 12), places.ravel())))
    return truth, matrix.multiply(1 / np.sqrt(matrix.multiply(matrix).sum(axis=1))).tocsr()


@pytest.mark.parametrize("classes", [2, 3, 40])
@pytest.mark.parametrize("c", [0.01, 1.0])
def test_dense_columns(classes, c):
    truth, columns = drawn(800, 25, classes)
    fitted = logistic.fit(columns[:600], truth[:600], c)
    expected = optimum(columns[:600], truth[:600], c, columns)
    np.testing.assert_allclose(logistic.probabilities(fitted, columns, classes), expected, atol=1e-4)


def test_columns_too_many_for_blocks():
    truth, columns = drawn(300, 60, 5)
    fitted = logistic.fit(columns.astype(np.float32), truth, 0.1)
    expected = optimum(columns, truth, 0.1, columns)
    np.testing.assert_allclose(logistic.probabilities(fitted, columns, 5), expected, atol=1e-4)


@pytest.mark.parametrize("classes", [2, 30])
@pytest.mark.parametrize("c", [10, 10_000])
def test_words(classes, c):
    truth, matrix = words(500, classes)
    fitted = logistic.fit(matrix[:400], truth[:400], c)
    expected = optimum(matrix[:400], truth[:400], c, matrix)
    np.testing.assert_allclose(logistic.probabilities(fitted, matrix, classes), expected, atol=2e-4)


@pytest.mark.parametrize("make", [lambda: drawn(300, 10, 4), lambda: words(300, 4)])
def test_weights_count_as_so_many_rows_and_a_class_that_is_not_there_has_no_chance(make):
    truth, matrix = make()
    weights = np.where(truth == 2, 3, 1)
    fitted = logistic.fit(matrix, 2 * truth, 1.0, weights)
    found = logistic.probabilities(fitted, matrix, 9)
    assert not found[:, [1, 3, 5, 7, 8]].any()
    np.testing.assert_allclose(found[:, [0, 2, 4, 6]], optimum(matrix, truth, 1.0, matrix, weights), atol=1e-4)
    again = np.repeat(np.arange(len(truth)), weights)
    repeated = logistic.fit(matrix[again], 2 * truth[again], 1.0)
    np.testing.assert_allclose(logistic.probabilities(repeated, matrix, 9), found, atol=1e-4)


def test_many_weights_find_the_same_optimum_in_bounded_memory(monkeypatch):
    truth, matrix = words(500, 30)
    expected = optimum(matrix[:400], truth[:400], 100, matrix)
    monkeypatch.setattr(softmax, "LARGE", 0)
    monkeypatch.setattr(softmax, "PAST_NUMBERS", 0)
    assert softmax._memory(1) == softmax.LEAST_MEMORY
    fitted = logistic.fit(matrix[:400], truth[:400], 100)
    np.testing.assert_allclose(logistic.probabilities(fitted, matrix, 30), expected, atol=2e-4)


def test_the_weights_of_a_thousand_classes_are_held_few_times():
    truth, matrix = words(1200, 1000)
    size = 4 * (matrix.shape[1] + 1) * 1000
    tracemalloc.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(softmax, "PAST_NUMBERS", 0)
        patch.setattr(softmax, "STEPS", 8)
        logistic.fit(matrix, truth, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (2 * softmax.LEAST_MEMORY + 10) * max(size, 4 * len(truth) * 1000)


def test_equal_rows_give_equal_bytes():
    truth, matrix = words(400, 20)
    first, second = (logistic.fit(matrix, truth, 10.0) for _ in range(2))
    assert first.weights.tobytes() == second.weights.tobytes()


def test_another_number_of_threads_gives_the_same_bytes():
    _, columns = drawn(2600, 384, 77)
    learnt, seen = columns[:200], np.arange(200) % 77
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(logistic.probabilities(logistic.fit(learnt, seen, 0.01), columns, 77).tobytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("spoilt", ["constant", "zero", "twice", "large", "apart"])
def test_columns_that_tell_nothing_tell_twice_or_tell_all(spoilt):
    truth, columns = drawn(200, 6, 3)
    if spoilt == "constant":
        columns[:, 0] = 7
    elif spoilt == "zero":
        columns[:, :] = 0
    elif spoilt == "twice":
        columns[:, 1] = columns[:, 0]
    elif spoilt == "large":
        columns[:, 1] *= 100
    else:
        columns[:, 0] = 50 * truth
    fitted = logistic.fit(columns, truth, 1.0)
    expected = optimum(columns, truth, 1.0, columns)
    np.testing.assert_allclose(logistic.probabilities(fitted, columns, 3), expected, atol=3e-4)


def test_a_fit_that_begins_near_its_optimum_finds_the_same_in_fewer_steps(monkeypatch):
    truth, matrix = words(500, 30)
    gradients = []
    own = softmax.Rows.gradient
    monkeypatch.setattr(softmax.Rows, "gradient", lambda rows, excess: gradients.append(1) or own(rows, excess))
    monkeypatch.setattr(softmax, "PAST_NUMBERS", 2**17)  # as if its weights were many
    before = logistic.fit(matrix[:400], truth[:400], 300)
    gradients.clear()
    alone = logistic.fit(matrix[:400], truth[:400], 1000)
    steps = len(gradients)
    gradients.clear()
    found = logistic.fit(matrix[:400], truth[:400], 1000, near=before)
    assert len(gradients) < steps / 2
    chances = logistic.probabilities(found, matrix, 30)
    np.testing.assert_allclose(chances, logistic.probabilities(alone, matrix, 30), atol=2e-4)
    np.testing.assert_allclose(chances, optimum(matrix[:400], truth[:400], 1000, matrix), atol=2e-4)
    # Of few weights it begins anew: the bytes do not depend on what was fitted before.
    monkeypatch.undo()
    again = [logistic.fit(matrix[:400], truth[:400], 1000, near=near).weights for near in (None, before)]
    np.testing.assert_array_equal(*again)
