"""TF-IDF and logistic regression: what a transformer must beat."""

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from winnow.base.params import Section


class Regularization(Section):
    """C of two logistic regressions; smaller is smoother. Few hundred dense columns want another than many sparse."""

    probe: float = Field(gt=0)
    """C on embeddings."""

    tfidf: float = Field(gt=0)
    """C on words."""


def features(texts: Sequence[str], ngrams: int, max_features: int):
    """Return a `TfidfVectorizer` fitted on `texts`, and their matrix.

    Raises:
        ValueError: no text holds a word.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        sublinear_tf=True, ngram_range=(1, ngrams), max_features=max_features, min_df=1, strip_accents="unicode"
    )
    return vectorizer, vectorizer.fit_transform(texts)


def fit(matrix, truth: np.ndarray, regularization: float, weights: np.ndarray | None = None):
    """Return a fitted `LogisticRegression`.

    Args:
        matrix: (rows, features), sparse or dense.
        truth: (rows,) int, with at least two classes.
        regularization: C, the inverse of the penalty's strength.
        weights: (rows,) float, or None for equal weights.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    # One thread: the same bytes on any machine, and several times faster on one that is busy.
    with threadpool_limits(1):
        return LogisticRegression(C=regularization, max_iter=2000).fit(matrix, truth, sample_weight=weights)


def probabilities(fitted, matrix, classes: int) -> np.ndarray:
    """Return class probabilities, (rows, classes) float64, with zeros for classes that training did not show."""
    aligned = np.zeros((matrix.shape[0], classes))
    aligned[:, fitted.classes_] = fitted.predict_proba(matrix)
    return aligned
