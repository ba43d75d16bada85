"""TF-IDF: words and runs of words as numbers."""

from collections.abc import Iterable, Sequence

import numpy as np
from pydantic import Field

from winnow.base.errors import UserError
from winnow.base.params import Section
from winnow.text.words import terms


class Regularization(Section):
    """C of two linear models, the inverse of their penalty's strength; smaller is smoother. A few hundred dense columns
    want another one than many sparse ones."""

    probe: float = Field(gt=0)
    """C on embeddings."""

    tfidf: float = Field(gt=0)
    """C on words."""


def features(texts: Iterable[str], ngrams: int, max_features: int):
    """Return a `TfidfVectorizer` fitted on `texts`, and their matrix.

    Raises:
        ValueError: no text holds a word.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        tokenizer=terms,
        token_pattern=None,
        lowercase=False,  # terms are
        sublinear_tf=True,
        ngram_range=(1, ngrams),
        max_features=max_features,
        min_df=1,
    )
    return vectorizer, vectorizer.fit_transform(texts)


def of_all(texts: Sequence[str], fit_on: np.ndarray, ngrams: int, max_features: int):
    """Return the matrix of all texts, (rows, features), whose vocabulary and weights are those of some.

    Args:
        fit_on: (rows,) bool.

    Raises:
        UserError: no text of `fit_on` holds a word.
    """
    try:
        vectorizer, _ = features([texts[row] for row in np.flatnonzero(fit_on)], ngrams, max_features)
    except ValueError as error:
        raise UserError(f"the texts to learn from hold no words ({error})") from None
    return vectorizer.transform(texts)
