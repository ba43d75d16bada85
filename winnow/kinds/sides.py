"""The sides of a row that are compared with those of others: its text, or of a dialogue the prompt and the response.

Of kinds with the concern `turns` the words are those of `said`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pyarrow as pa

from winnow import kinds
from winnow.kinds.task import Task

COLUMNS = "text", "label"


@dataclass(frozen=True)
class Rows:
    """Rows whose words are compared.

    Attributes:
        read: yields `COLUMNS` of all rows, each time from the first.
        wanted: (rows,) bool, the rows that are looked at.
        kind: as `turns` returns it.
    """

    read: Callable[[], Iterator[pa.Table]]
    wanted: np.ndarray
    kind: ModuleType | None

    @property
    def sides(self) -> tuple[str, ...]:
        """What the sides of a row are called."""
        return ("text",) if self.kind is None else ("prompt", "response")

    def only(self, side: str) -> Iterator[pa.Array]:
        """Yield the words of one side of the rows that are looked at."""
        first = 0
        for batch in self.read():
            here = batch.filter(pa.array(self.wanted[first : first + len(batch)]))
            first += len(batch)
            yield pa.array(words(here, side, self.kind), pa.string())

    def words(self, side: str) -> Callable[[], Iterator[pa.Array]]:
        """Return what yields the words of one side of all rows, empty where one is not looked at, at each call anew."""

        def texts() -> Iterator[pa.Array]:
            first = 0
            for batch in self.read():
                here = self.wanted[first : first + len(batch)]
                first += len(batch)
                told = np.full(len(batch), "", object)
                told[here] = words(batch.filter(pa.array(here)), side, self.kind)
                yield pa.array(told, pa.string())

        return texts


def turns(task: Task) -> ModuleType | None:
    """Return what a kind says of dialogues; None: its texts are none."""
    return kinds.load(task, "turns") if kinds.has(task, "turns") else None


def words(batch: pa.Table, side: str, kind: ModuleType | None) -> list[str]:
    """Return the words of one side of each row; empty where it has none."""
    texts = batch["text"].to_pylist()
    if kind is None:
        return texts
    said = (kind.said(*pair) for pair in zip(texts, batch["label"].to_pylist(), strict=True))
    return [(prompt if side == "prompt" else response) or "" for prompt, response in said]
