"""Spans: passages of whole sentences, drawn anew from each document in each epoch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from winnow import hashing

# After a full stop, before a capital letter, digit or bracket. Wrong at "Dr. Smith", which costs a span a poor edge and
# no more; splitters that know better are made for one language each.
EDGE = re.compile(r"(?<=[.!?])\s+(?=[^\W_a-z]|[(\[\"'])")


@dataclass(frozen=True)
class Span:
    """A passage of a document.

    Attributes:
        tokens: its ids, special tokens included.
        middle: where it stands: the place of its middle, from 0 to 1 of the document's tokens.
    """

    tokens: list[int]
    middle: float


class Documents:
    """Documents as sentences of token ids.

    Attributes:
        ids: (documents,) names.
    """

    def __init__(self, ids: Sequence[str], texts: Sequence[str], tokenizer, max_length: int):
        """Cut `texts` into sentences; documents of one sentence have no inner places and are left out.

        Args:
            max_length: tokens of a span, special ones included; what goes beyond it is cut off.
        """
        opening, closing = special_tokens(tokenizer)
        self._opening, self._closing = opening, closing
        self._room = max_length - len(opening) - len(closing)
        sentences = [EDGE.split(text) for text in texts]
        kept = [number for number, each in enumerate(sentences) if len(each) > 1]
        self.ids = [ids[number] for number in kept]
        flat = [sentence for number in kept for sentence in sentences[number]]
        pieces = tokenizer(flat, add_special_tokens=False, truncation=False)["input_ids"] if flat else []
        ends = np.cumsum([len(sentences[number]) for number in kept]).tolist()
        self._sentences = [pieces[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def draw(self, number: int, max_sentences: int, *key: object) -> Span:
        """Return a span of one to `max_sentences` sentences, a pure function of the document and `key`."""
        generator, count = self._generator(number, *key), len(self._sentences[number])
        start = int(generator.integers(count))
        return self._span(number, start, start + 1 + int(generator.integers(max_sentences)))

    def draw_pair(self, number: int, max_sentences: int, *key: object) -> tuple[Span, Span]:
        """Return two spans, the second of which begins where the first ends; else as `draw`."""
        generator, count = self._generator(number, *key), len(self._sentences[number])
        edge = 1 + int(generator.integers(count - 1))
        before, after = (1 + int(generator.integers(max_sentences)) for _ in range(2))
        return self._span(number, max(0, edge - before), edge), self._span(number, edge, edge + after)

    def _generator(self, number: int, *key: object) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(int(hashing.digest(*key, self.ids[number])[:16], 16)))

    def _span(self, number: int, start: int, end: int) -> Span:
        """Return the sentences from `start` to `end`, which may lie beyond the last."""
        sentences = self._sentences[number]
        inside = [token for sentence in sentences[start:end] for token in sentence][: self._room]
        before, whole = sum(map(len, sentences[:start])), sum(map(len, sentences))
        return Span([*self._opening, *inside, *self._closing], (before + len(inside) / 2) / max(1, whole))


def special_tokens(tokenizer) -> tuple[list[int], list[int]]:
    """Return the ids that a tokenizer puts before and behind a text."""
    ids = tokenizer("")["input_ids"]
    before = 1 if tokenizer.cls_token_id in ids[:1] or tokenizer.bos_token_id in ids[:1] else 0
    return ids[:before], ids[before:]
