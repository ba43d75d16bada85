"""One pass over all rows: counts, and a sample of rows for what is too expensive to measure on all."""

import datetime
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.kinds.task import Task
from winnow.text import language, sketch

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


@dataclass
class Profile:
    """Counts over all rows of a source, or of all sources."""

    purpose: str | None = None
    lengths: list[np.ndarray] = field(default_factory=list)
    years: Counter = field(default_factory=Counter)
    first: datetime.date | None = None
    last: datetime.date | None = None
    labelled: int = 0
    classes: Counter = field(default_factory=Counter)  # rows whose label counts for a class
    tied: int = 0  # rows kept whose duplicate cluster holds another row that was kept
    dropped: int = 0  # rows that deduplication took out

    def add(self, rows: pa.Table, words: np.ndarray, task: Task) -> None:
        """Count more rows: columns purpose, published, label, tied (bool); and the (rows,) words of each text."""
        self.purpose = self.purpose or rows["purpose"][0].as_py()
        self.lengths.append(words)
        self.years.update(_counted(pc.year(rows["published"])))
        self.labelled += rows.num_rows - rows["label"].null_count
        for label, count in _counted(rows["label"].drop_null()).items():
            self.classes.update(dict.fromkeys(task.names(label), count))
        self.tied += pc.sum(rows["tied"]).as_py()
        dates = pc.min_max(rows["published"]).as_py()
        if dates["min"]:
            self.first = min(filter(None, (self.first, dates["min"])))
            self.last = max(filter(None, (self.last, dates["max"])))

    def rows(self) -> int:
        """Return the number of rows."""
        return sum(map(len, self.lengths))

    def words(self) -> dict[str, float]:
        """Return the number of words of all rows, their mean and quantiles a row."""
        lengths = np.concatenate([np.empty(0, np.int32), *self.lengths])
        if not len(lengths):
            return {"total": 0}
        quantiles = np.quantile(lengths, list(QUANTILES.values()))
        return {"total": int(lengths.sum()), "mean": float(lengths.mean())} | dict(
            zip(QUANTILES, map(float, quantiles), strict=True)
        )

    def duplicate_share(self) -> float:
        """Return the share of rows, before deduplication, that copy or nearly copy another row."""
        return (self.dropped + self.tied) / max(self.rows() + self.dropped, 1)


def _counted(column: pa.ChunkedArray) -> dict:
    return {pair["values"]: pair["counts"] for pair in pc.value_counts(column).to_pylist()}


@dataclass
class Sample:
    """Rows on which something expensive is measured: at most `limit` of each source, and as many of the reference.

    Ids are hashes and rows stand in their order, so the first rows of a source are a random draw from it.
    """

    limit: int
    ids: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    of_source: list[bool] = field(default_factory=list)
    of_reference: list[bool] = field(default_factory=list)
    _seen: Counter = field(default_factory=Counter)

    def takes(self, id: str, source: str, group: str, referred: bool) -> bool:
        """Add a row if it is among the first of its source or of the reference; return whether it was added."""
        of_source, of_reference = self._seen[source] < self.limit, referred and self._seen[None] < self.limit
        if not (of_source or of_reference):
            return False
        self._seen.update([*[source] * of_source, *[None] * of_reference])
        for name, value in (("ids", id), ("sources", source), ("groups", group)):
            getattr(self, name).append(value)
        self.of_source.append(of_source)
        self.of_reference.append(of_reference)
        return True

    def of(self, source: str) -> np.ndarray:
        """Return the numbers of a source's rows."""
        return np.flatnonzero((np.array(self.sources) == source) & np.array(self.of_source, bool))

    def of_others(self, source: str | None) -> np.ndarray:
        """Return the numbers of all other sources' rows; of all sources' for None."""
        return np.flatnonzero((np.array(self.sources) != source) & np.array(self.of_source, bool))

    def reference(self) -> np.ndarray:
        """Return the numbers of the reference's rows."""
        return np.flatnonzero(np.array(self.of_reference, bool))

    def units(self, rows: np.ndarray) -> np.ndarray:
        """Return the group of each of these rows as a number, from 0."""
        return np.unique(np.array(self.groups)[rows], return_inverse=True)[1]

    def groups_of(self, rows: np.ndarray) -> int:
        """Return in how many groups these rows are."""
        return len(set(np.array(self.groups)[rows].tolist()))

    def outside_reference(self, source: str) -> np.ndarray:
        """Return the numbers of a source's rows whose group has no row in the reference."""
        rows, groups = self.of(source), np.array(self.groups)
        return rows[~np.isin(groups[rows], groups[self.reference()])]


@dataclass
class Rows:
    """What is counted over all rows, and the samples of which words and embeddings are known."""

    task: Task
    spoken: Sample
    embedded: Sample
    referred: int = 0  # rows of the reference
    profiles: dict[str, Profile] = field(default_factory=dict)  # by source
    everything: Profile = field(default_factory=Profile)
    texts: list[np.ndarray] = field(default_factory=list)  # of `spoken`: what `encode` made of each
    languages: list[str] = field(default_factory=list)  # of `spoken`: ISO 639 code, "und" where none was told

    def read(self, part: pa.Table, encode: Callable[[str], np.ndarray], with_embedding: set[str]) -> None:
        """Count more rows and sample from them.

        Args:
            part: the next rows in order of id: columns id, source, purpose, group, text, published, label, tied and
                referred (bool: the row is of the reference).
            encode: turns a text into its words' numbers.
            with_embedding: ids of the rows that have one.
        """
        self.referred += pc.sum(part["referred"]).as_py()
        lengths = np.diff(sketch.words(part["text"].combine_chunks()).offsets).astype(np.int32)
        self.everything.add(part, lengths, self.task)
        for source in part["source"].unique().to_pylist():
            own = pc.equal(part["source"], source)
            profile = self.profiles.setdefault(source, Profile())
            profile.add(part.filter(own), lengths[own.to_numpy()], self.task)
        keys = (part[name].to_pylist() for name in ("id", "source", "group", "referred"))
        numbers = []
        for number, key in enumerate(zip(*keys, strict=True)):
            if self.spoken.takes(*key):
                numbers.append(number)
            if key[0] in with_embedding:
                self.embedded.takes(*key)
        texts = part["text"].take(pa.array(numbers, pa.int64())).to_pylist()
        self.texts += map(encode, texts)
        self.languages += [code for code, _ in language.detect(texts)]
