"""A gazetteer of the entities of labelled texts: what was an entity there more often than not is one elsewhere."""

from collections import Counter
from collections.abc import Iterable, Sequence

from winnow.kinds.token_classification.labels import spans
from winnow.kinds.token_classification.span import Span
from winnow.text.gazetteer import Gazetteer

HALF = 0.5


class Mentions:
    """Names with a type, and how often each was right where it was found in the texts to learn from."""

    def __init__(self, texts: Sequence[str], labels: Sequence[str]) -> None:
        """Learn from texts with labels, in canonical form."""
        types: dict[str, Counter] = {}
        for text, label in zip(texts, labels, strict=True):
            for start, end, name in spans(label):
                types.setdefault(_key(text[start:end]), Counter())[name] += 1
        every = {name: min(own, key=lambda type_: (-own[type_], type_)) for name, own in types.items()}
        found, right = Counter(), Counter()
        finder = Gazetteer(every.items(), case="any")
        for text, label in zip(texts, labels, strict=True):
            own = set(spans(label))
            for span in finder.find(text):
                key = _key(text[span[0] : span[1]])
                found[key] += 1
                right[key] += span in own
        self._shares = {name: right[name] / found[name] for name in every if found[name]}
        kept = {name: every[name] for name, share in self._shares.items() if share >= HALF}
        self._finder = Gazetteer(kept.items(), case="any")

    def find(self, text: str) -> Iterable[tuple[Span, float]]:
        """Yield the entities of a text, and how often their names were right."""
        for span in self._finder.find(text):
            yield span, self._shares.get(_key(text[span[0] : span[1]]), HALF)


def _key(name: str) -> str:
    return " ".join(name.casefold().split())
