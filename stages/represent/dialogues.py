"""How diverse prompts and responses are, where texts are dialogues: turns, lengths, tools, and how prompts begin."""

from collections import Counter
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import pyarrow as pa

from stages.represent.rows import QUANTILES
from winnow import kinds
from winnow.kinds.task import Task
from winnow.text.words import words

MOST_OPENINGS = 20


def of(task: Task) -> ModuleType | None:
    """Return what a kind says of dialogues; None: its texts are none."""
    return kinds.load(task, "turns") if kinds.has(task, "turns") else None


@dataclass
class Dialogues:
    """Counts over the dialogues of a source."""

    turns: Counter = field(default_factory=Counter)  # rows by the number of turns before the response
    features: Counter = field(default_factory=Counter)  # rows with each
    openings: Counter = field(default_factory=Counter)  # rows by the first word of what the user asks last
    prompts: list[int] = field(default_factory=list)  # words of each
    responses: list[int] = field(default_factory=list)

    def add(self, rows: pa.Table, kind: ModuleType) -> None:
        """Count more rows: columns text and label."""
        for text, label in zip(rows["text"].to_pylist(), rows["label"].to_pylist(), strict=True):
            found = kind.described(text, label)
            self.turns[found.turns] += 1
            self.features.update(found.features)
            asked, said = words(found.asked), words(found.said)
            self.openings.update(asked[:1])
            self.prompts.append(len(asked))
            if label is not None:
                self.responses.append(len(said))

    def measured(self) -> dict:
        """Return the metrics of a source."""
        rows = max(self.turns.total(), 1)
        most = sorted(self.openings.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_OPENINGS]
        return {
            "turns": {str(turns): count / rows for turns, count in sorted(self.turns.items())},
            "features": {name: count / rows for name, count in sorted(self.features.items())},
            "words_asked": _quantiles(self.prompts),
            "words_answered": _quantiles(self.responses),
            "openings": {word: count / rows for word, count in most},
            "distinct_openings": len(self.openings),
        }


def _quantiles(lengths: list[int]) -> dict[str, float]:
    if not lengths:
        return {}
    found = np.quantile(lengths, list(QUANTILES.values()))
    return dict(zip(QUANTILES, map(float, found), strict=True))


def measured(by_source: dict[str, Dialogues]) -> dict[str, dict]:
    """Return the metrics of each source."""
    return {source: found.measured() for source, found in sorted(by_source.items())}
