"""The prompts that are nearest to one's own: their responses are what a model must beat, and examples for one."""

from collections.abc import Sequence

import numpy as np

CHUNK = 512  # prompts whose similarities to all others are in memory at once


def nearest(asked: Sequence, known: Sequence, count: int = 1) -> np.ndarray:
    """Return for each asked row the known ones of the highest similarity, (asked, count) int, highest first.

    Of equals, the first comes first.

    Args:
        asked: features of rows, (asked, own) each, rows of length one or zero; similarities of several are added.
        known: the same features of at least `count` known rows, (known, own) each.
    """
    found = []
    for start in range(0, asked[0].shape[0], CHUNK):
        similar = 0.0
        for own, other in zip(asked, known, strict=True):
            product = own[start : start + CHUNK] @ other.T
            similar = similar + np.asarray(product.todense() if hasattr(product, "todense") else product)
        best = similar.argmax(axis=1)[:, None] if count == 1 else np.argsort(-similar, axis=1, kind="stable")[:, :count]
        found.append(best)
    return np.concatenate(found) if found else np.zeros((0, count), dtype=int)
