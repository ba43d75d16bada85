"""Texts in pieces, each of which is cleaned by itself, as the turns of a dialogue; what stands between them stays."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from winnow.text.cleaning import personal
from winnow.text.cleaning.personal import PersonalData
from winnow.text.cleaning.profiles import Rule, clean_column


@dataclass(frozen=True)
class Pieces:
    """A text in pieces.

    Attributes:
        pieces: what is cleaned; none is blank.
        joined: returns the text that other pieces in their place make.
    """

    pieces: Sequence[str]
    joined: Callable[[Sequence[str]], str]


Split = Callable[[str], Pieces]


@dataclass
class Column:
    """A column of texts in pieces, while they are cleaned.

    Attributes:
        texts: (rows,) as they are now.
        owner: (pieces,) int, the row of each piece.
        pieces: (pieces,) as they are now.
    """

    texts: list[str]
    owner: np.ndarray
    pieces: list[str]
    _split: list[Pieces] = field(default_factory=list)
    _first: np.ndarray = field(default_factory=lambda: np.zeros(1, int))

    @classmethod
    def of(cls, texts: Sequence[str], split: Split) -> "Column":
        """Take texts apart."""
        found = list(map(split, texts))
        counts = np.array([len(each.pieces) for each in found], int)
        first = np.concatenate([[0], np.cumsum(counts)])
        return cls(
            list(texts),
            np.repeat(np.arange(len(found)), counts),
            [piece for each in found for piece in each.pieces],
            found,
            first,
        )

    def put(self, places: np.ndarray, pieces: Sequence[str]) -> tuple[np.ndarray, list[str], list[str]]:
        """Put other pieces in the place of some; return the rows that changed, and their texts before and after.

        Args:
            places: (changed,) int, ascending.
        """
        for place, piece in zip(places.tolist(), pieces, strict=True):
            self.pieces[place] = piece
        rows = np.unique(self.owner[places])
        before, after = [self.texts[row] for row in rows], []
        for row in rows.tolist():
            start, end = self._first[row : row + 2].tolist()
            self.texts[row] = self._split[row].joined(self.pieces[start:end])
            after.append(self.texts[row])
        return rows, before, after


# Takes a rule, the rows that it changed, and their texts before and after it.
Record = Callable[[Rule, np.ndarray, list[str], list[str]], None]


def clean(
    column: Column,
    active: Sequence[Rule],
    headings: pa.Array | None = None,
    record: Record | None = None,
    plain: pa.Array | None = None,
) -> list[str]:
    """Return the texts after all rules, which ran on each piece by itself; arguments as of `clean_column`, by row."""

    def put(rule: Rule, places: np.ndarray, before: list[str], after: list[str]) -> None:
        changed = column.put(places, after)
        if record:
            record(rule, *changed)

    owner = pa.array(column.owner, pa.int64())
    clean_column(
        pa.array(column.pieces, pa.string()),
        active,
        None if headings is None else headings.take(owner),
        put,
        None if plain is None else plain.take(owner),
    )
    return column.texts


def masked(text: str, settings: PersonalData, split: Split) -> tuple[str, Counter]:
    """Return a text with the personal data in its pieces masked, and the findings by kind."""
    taken, counts, new = split(text), Counter(), []
    for piece in taken.pieces:
        without, found = personal.mask(piece, settings.kinds, settings.regions, settings.names)
        counts.update(found)
        new.append(without)
    return taken.joined(new), counts
