"""The response to the prompt that is nearest to one's own: what a language model must beat."""

from collections.abc import Sequence

import numpy as np

CHUNK = 512  # prompts whose similarities to all others are in memory at once


def nearest(asked: Sequence, known: Sequence) -> np.ndarray:
    """Return for each asked row the known one of the highest similarity, (asked,) int; the first of equals.

    Args:
        asked: features of rows, (asked, own) each, rows of length one or zero; similarities of several are added.
        known: the same features of at least one known row, (known, own) each.
    """
    found = []
    for start in range(0, asked[0].shape[0], CHUNK):
        similar = 0.0
        for own, other in zip(asked, known, strict=True):
            product = own[start : start + CHUNK] @ other.T
            similar = similar + np.asarray(product.todense() if hasattr(product, "todense") else product)
        found.append(similar.argmax(axis=1))
    return np.concatenate(found) if found else np.zeros(0, dtype=int)
