"""Whether the spans of two texts, one of which is a copy of the other, say the same."""

from collections import defaultdict
from collections.abc import Sequence

from winnow.kinds.token_classification.span import Span
from winnow.text.words import words

_BORDER = "\x1f"  # stands in no word


def agree(text: str, spans: Sequence[Span], other: str, others: Sequence[Span]) -> bool:
    """Return whether spans of two texts mark the same in what the texts share; see `labels.Task.agree`."""
    if words(text) == words(other):
        return _placed(text, spans) == _placed(other, others)
    own, their = _types(text, spans), _types(other, others)
    shared = [_bordered(of) for of in (text, other)]
    return all(own[marked] == their[marked] for marked in {*own, *their} if all(marked in of for of in shared))


def _placed(text: str, spans: Sequence[Span]) -> list[tuple[int, str, str]]:
    """Return of each span how many words stand before it, what it marks, and its type."""
    return [(len(words(text[:start])), _bordered(text[start:end]), name) for start, end, name in spans]


def _types(text: str, spans: Sequence[Span]) -> dict[str, set[str]]:
    """Return the types by what is marked so."""
    found: dict[str, set[str]] = defaultdict(set)
    for start, end, name in spans:
        found[_bordered(text[start:end])].add(name)
    return found


def _bordered(text: str) -> str:
    """Return the words of a text, so that one is found in another only as whole words."""
    return _BORDER.join(["", *words(text), ""])
