"""The profile of a dataset: what it is made of, small enough for Git, part by part (train, dev, test, text).

    {"train": {"rows": 3433, "groups": 796, "labels": {"METHODS": 0.26, …}, "sources": {…}, "years": {"2020": …},
               "characters": {"128": 0.03, …}, "words": {"the": 0.05, …}}, …}

All but rows and groups are shares that sum to one. `labels` are the classes for which labels count. `characters` are
lengths, each text counted under the lowest bound above its length: bounds grow by a quarter of an octave, so that one
list suits tweets and books. `words` are the most frequent ones of the part's first rows by id, a random sample, since
ids are hashes: added rows leave most of it as it is; in scripts without spaces, pairs of characters
(`winnow.text.words.terms`). Its other words are under "" (no word). Memory: 8 bytes a row for groups, the sample's
words.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.kinds.task import Task
from winnow.rows.splits import codes
from winnow.text.words import terms

COLUMNS = ("group", "label", "source", "published", "text")
BOUNDS = np.unique(np.round(2 ** np.arange(0, 40, 0.25)).astype(np.int64))
NONE = "none"


@dataclass
class Part:
    """Counts of one part; takes batches of rows that ascend by id.

    Args:
        words: most frequent words that are told.
        sample_rows: rows whose words are counted.
        task: tells for which classes a label counts.
    """

    words: int
    sample_rows: int
    task: Task
    rows: int = 0
    counts: dict[str, Counter] = field(default_factory=dict)
    groups: list[np.ndarray] = field(default_factory=list)

    def add(self, batch: pa.Table) -> None:
        """Take rows in; the batch has `COLUMNS`."""
        sample = batch["text"].slice(0, max(self.sample_rows - self.rows, 0))
        self.rows += batch.num_rows
        self.groups.append(np.unique(codes(batch["group"])))
        for label, count in _counts(batch["label"]):
            names = [NONE] if label is None else self.task.names(label)
            self.counts.setdefault("labels", Counter()).update(dict.fromkeys(names, count))
        for name, values in (
            ("sources", batch["source"]),
            ("years", pc.fill_null(pc.cast(pc.year(batch["published"]), pa.string()), NONE)),
            ("characters", pa.array(_bound(batch["text"]), pa.string())),
        ):
            self.counts.setdefault(name, Counter()).update(dict(_counts(values)))
        words = self.counts.setdefault("words", Counter())
        for text in sample.to_pylist():
            words.update(terms(text))

    def result(self) -> dict:
        """Return the part of the profile."""
        shares = {name: _shares(counter) for name, counter in self.counts.items()}
        words = sorted(shares["words"].items(), key=lambda item: (-item[1], item[0]))[: self.words]
        shares["words"] = dict(words) | {"": max(1 - sum(share for _, share in words), 0.0)}
        return {"rows": self.rows, "groups": len(np.unique(np.concatenate(self.groups)))} | shares


def _counts(column: pa.ChunkedArray | pa.Array) -> list[tuple[str | None, int]]:
    return [(pair["values"], pair["counts"]) for pair in pc.value_counts(column).to_pylist()]


def _shares(counts: Counter) -> dict[str, float]:
    total = counts.total()
    return {key: count / total for key, count in counts.items()}


def _bound(texts: pa.ChunkedArray) -> list[str]:
    """Return the lowest bound above each text's length in characters."""
    lengths = pc.utf8_length(texts).to_numpy()
    return BOUNDS[np.searchsorted(BOUNDS, lengths, side="right")].astype(str).tolist()
