"""What a frozen encoder makes of each word: the mean of the states of its pieces, each read in its home window."""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from winnow.base import progress
from winnow.base.errors import UserError
from winnow.encoder import models, pooling
from winnow.encoder.reader import Reader
from winnow.encoder.tokens import CHUNK
from winnow.kinds.token_classification import windows
from winnow.kinds.token_classification.layout import Layout

if TYPE_CHECKING:
    from transformers import PreTrainedModel

IN_MEMORY = 2**28  # bytes of states that are held in memory; more lie on disk


def of_words(reader: Reader, texts: Sequence[str], layout: Layout, share: float) -> np.ndarray:
    """Return the states of the words of texts, (words, dimensions) float16, of which more than `IN_MEMORY` lie on disk.

    A word of which the tokenizer makes no piece has zeros.

    Args:
        share: of the encoder's layers that read, the lowest; at least one does.

    Raises:
        UserError: the tokenizer does not tell where a piece stands in the text.
    """
    model = pooling.load(reader.folder, reader.accelerator)
    with suppress(UserError):  # of a model that runs one layer again and again all is read
        layers = models.layers_of(model)
        del layers[max(round(share * len(layers)), 1) :]
    out = _array(len(layout.offsets), model.config.hidden_size)
    for start in progress.over(range(0, layout.rows, CHUNK), "states of words"):
        rows = np.arange(start, min(start + CHUNK, layout.rows))
        own = slice(int(layout.bounds[start]), int(layout.bounds[rows[-1] + 1]))
        out[own] = _states(model, reader, list(texts[start : start + CHUNK]), layout.take(rows))
    return out


def _array(words: int, dimensions: int) -> np.ndarray:
    """Return an array of float16, of a file without a name if it is large."""
    if words * dimensions * 2 <= IN_MEMORY:
        return np.zeros((words, dimensions), np.float16)
    with tempfile.TemporaryFile() as file:  # its bytes are kept as long as the array
        return np.memmap(file, np.float16, "w+", shape=(words, dimensions))


def _states(model: "PreTrainedModel", reader: Reader, texts: list[str], layout: Layout) -> np.ndarray:
    """Return the states of the words of some texts, (words, dimensions) float32."""
    import torch

    read = windows.cut(texts, [""] * len(texts), reader)
    piece, word = layout.pieces(read)
    bounds = np.searchsorted(piece, read.bounds)
    sums = np.zeros((len(layout.offsets), model.config.hidden_size), np.float32)
    with torch.inference_mode():
        for batch, ids, mask in reader.batches(read.tokens, ""):
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state.float().cpu().numpy()
            for state, window in zip(hidden, batch.tolist(), strict=True):
                own = slice(bounds[window], bounds[window + 1])
                np.add.at(sums, word[own], state[piece[own] - read.bounds[window]])
    return sums / np.maximum(np.bincount(word, minlength=len(sums)), 1)[:, None].astype(np.float32)
