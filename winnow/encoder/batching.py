"""Batches with a budget of tokens, of rows of like length: little padding, and no loss that cycles with length."""

import numpy as np

# Rows are sorted by length within blocks of this many batches only, and the batches then shuffled: sorting the whole
# epoch would make the loss swing with the length (huggingface/transformers#20810).
BLOCK = 32


def by_length(lengths: np.ndarray, max_tokens: int) -> list[np.ndarray]:
    """Return batches of row numbers, longest rows first, each of at most `max_tokens` tokens with padding.

    Args:
        lengths: (rows,) int, tokens of each row.
        max_tokens: budget; a row that is longer stands alone.
    """
    return _cut(np.argsort(-lengths, kind="stable"), lengths, max_tokens)


def shuffled(lengths: np.ndarray, max_tokens: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Return one epoch's batches of row numbers in an order that depends on (seed, epoch) alone."""
    generator = np.random.Generator(np.random.Philox(key=[seed, epoch]))
    order = generator.permutation(len(lengths))
    rows_in_block = max(1, int(BLOCK * max_tokens / max(1.0, lengths.mean())))
    batches = []
    for start in range(0, len(order), rows_in_block):
        block = order[start : start + rows_in_block]
        batches += _cut(block[np.argsort(-lengths[block], kind="stable")], lengths, max_tokens)
    return [batches[i] for i in generator.permutation(len(batches))]


def _cut(order: np.ndarray, lengths: np.ndarray, max_tokens: int) -> list[np.ndarray]:
    batches, start = [], 0
    while start < len(order):
        rows = max(1, max_tokens // int(max(1, lengths[order[start]])))
        batches.append(order[start : start + rows])
        start += rows
    return batches
