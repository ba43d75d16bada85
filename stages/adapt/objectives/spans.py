"""Spans: passages of whole sentences, drawn anew from each document in each epoch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from winnow.base import hashing
from winnow.encoder.tokens import Drawn, Tokens, chunks

SENTENCES = 3  # in a span, at most: as long as the short texts that a classifier meets
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
        max_length: tokens of a span, special ones included; what goes beyond it is cut off.
    """

    def __init__(self, ids: Sequence[str], texts: Sequence[str], tokenizer, max_length: int):
        """Cut `texts` into sentences; documents of one sentence have no inner places and are left out."""
        self.max_length = max_length
        self._opening, self._closing = special_tokens(tokenizer)
        self._room = max_length - len(self._opening) - len(self._closing)
        self.ids: list[str] = []
        self._sentences, self._firsts = Tokens(), [0]  # by document, the number of its first sentence
        for own_ids, own_texts in zip(chunks(ids), chunks(texts), strict=True):
            sentences = []
            for id, text in zip(own_ids, own_texts, strict=True):
                each = EDGE.split(text)
                if len(each) > 1:
                    self.ids.append(id)
                    self._firsts.append(self._firsts[-1] + len(each))
                    sentences += each
            if sentences:
                self._sentences.extend(tokenizer(sentences, add_special_tokens=False, truncation=False)["input_ids"])

    def draw(self, number: int, max_sentences: int, *key: object) -> Span:
        """Return a span of one to `max_sentences` sentences, a pure function of the document and `key`."""
        generator, count = self._generator(number, *key), self._count(number)
        start = int(generator.integers(count))
        return self._span(number, start, start + 1 + int(generator.integers(max_sentences)))

    def draw_pair(self, number: int, max_sentences: int, *key: object) -> tuple[Span, Span]:
        """Return two spans, the second of which begins where the first ends; else as `draw`."""
        generator, count = self._generator(number, *key), self._count(number)
        edge = 1 + int(generator.integers(count - 1))
        before, after = (1 + int(generator.integers(max_sentences)) for _ in range(2))
        return self._span(number, max(0, edge - before), edge), self._span(number, edge, edge + after)

    def spans(self, *key: object) -> Drawn:
        """Return a span of one to SENTENCES sentences of each document."""
        return Drawn(len(self.ids), lambda number: self.draw(number, SENTENCES, *key).tokens)

    def _count(self, number: int) -> int:
        """Return how many sentences a document has."""
        return self._firsts[number + 1] - self._firsts[number]

    def _generator(self, number: int, *key: object) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(int(hashing.digest(*key, self.ids[number])[:16], 16)))

    def _span(self, number: int, start: int, end: int) -> Span:
        """Return the sentences from `start` to `end`, which may lie beyond the last."""
        first, last = self._firsts[number : number + 2]
        inside = self._sentences.between(first + start, min(first + end, last))[: self._room]
        began, at, ended = map(self._sentences.start, (first, first + start, last))
        middle = (at - began + len(inside) / 2) / max(1, ended - began)
        return Span([*self._opening, *inside, *self._closing], middle)


def special_tokens(tokenizer) -> tuple[list[int], list[int]]:
    """Return the ids that a tokenizer puts before and behind a text."""
    ids = tokenizer("")["input_ids"]
    before = 1 if tokenizer.cls_token_id in ids[:1] or tokenizer.bos_token_id in ids[:1] else 0
    return ids[:before], ids[before:]
