"""Passages of raw text that a language model reads, and the order in which it reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.encoder import batching
from winnow.generator.template import Encoded

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HELD_OUT = 0.02  # share of the documents that measure and do not teach


@dataclass(frozen=True)
class Passages:
    """Windows of documents, each of which begins with the last token of the one before; all others are learnt.

    Attributes:
        names: document and number of each.
    """

    rows: Sequence[Encoded]
    names: Sequence[str]

    @classmethod
    def of(
        cls, documents: Sequence[tuple[str, str]], tokenizer: "PreTrainedTokenizerBase", max_length: int
    ) -> "Passages":
        """Return the passages of documents, (id, text) each; a token that ends texts stands behind each document."""
        rows, names = [], []
        for name, text in documents:
            ids = [*tokenizer.encode(text, split_special_tokens=True), tokenizer.eos_token_id]
            for number, start in enumerate(range(0, len(ids) - 1, max_length - 1)):
                rows.append(Encoded(ids[start : start + max_length], 1))
                names.append(f"{name}:{number}")
        return cls(rows, names)

    def batches(self, tokens: int, batch_tokens: int, seed: int) -> list[np.ndarray]:
        """Return batches of passages until they hold `tokens`, in epochs, each in an order of its own.

        Raises:
            UserError: there is no passage.
        """
        if not tokens:
            return []
        if not self.rows:
            raise UserError("adapt_generator: no document to read; add a source of purpose text")
        lengths = np.array([len(row.ids) for row in self.rows])
        found, seen, epoch = [], 0, 0
        while seen < tokens:
            for batch in batching.shuffled(lengths, batch_tokens, seed, epoch):
                found.append(batch)
                seen += int(lengths[batch].sum())
                if seen >= tokens:
                    break
            epoch += 1
        return found


def held_out(documents: Sequence[tuple[str, str]], seed: int) -> tuple[list, list]:
    """Return the documents that teach and those that measure, at least one of two or more."""
    draws = [hashing.unit("held out", seed, name) for name, _ in documents]
    most = max(HELD_OUT, min(draws, default=1.0)) if len(documents) > 1 else -1.0
    pairs = list(zip(documents, draws, strict=True))
    return [each for each, draw in pairs if draw > most], [each for each, draw in pairs if draw <= most]
