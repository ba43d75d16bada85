"""The documents that the encoder adapts to: what is known of each in memory, their texts in the file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa

from winnow.rows import tables
from winnow.rows.text_column import TextColumn


@dataclass(frozen=True)
class Corpus:
    """Documents, sorted by id.

    Attributes:
        rows: id and purpose, and source where the sources are chosen among.
        texts: (documents,) str.
    """

    rows: pa.Table
    texts: Sequence[str]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the documents of a file, whose texts are read where they are needed."""
        return cls(tables.read(path, ["id", "source", "purpose"]), TextColumn(path))

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """Return the documents of a table with the column `text`."""
        return cls(table.drop_columns(["text"]), table["text"].to_pylist())

    @property
    def ids(self) -> list[str]:
        """The documents' ids."""
        return self.rows["id"].to_pylist()

    def where(self, chosen: np.ndarray) -> Self:
        """Return the documents that are marked, (documents,) bool."""
        places, texts = np.flatnonzero(chosen), self.texts
        some = texts.of(places) if isinstance(texts, TextColumn) else [texts[place] for place in places]
        return type(self)(self.rows.take(places), some)
