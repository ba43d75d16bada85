"""Leaks that HEAD has and BASE has not: rows between train and test, groups and copies across splits.

A leak makes every figure of test, and of dev, too good, so that it comes before all of them.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.commands.diff.data import Rows
from winnow.commands.diff.revision import Revision
from winnow.rows import splits, tables

ALARMING = ("test → train", "train → test")
SHOWN = 5  # ids of a leak that are named


def found(rows: Rows | None, base: Revision, head: Revision) -> list[dict]:
    """Return each leak: how many rows, of what kind, in words that follow "row(s)", and some of their ids."""
    leaks = list(_moved(rows)) if rows else []
    standing = list(_standing(head))
    before = {what: count for what, count, _ in _standing(base)} if standing else {}
    for what, count, ids in standing:
        is_new = count > before.get(what, 0)
        leaks.append({"kind": "standing", "what": what, "rows": count, "ids": ids, "is_new": is_new})
    return leaks


def _moved(rows: Rows) -> Iterator[dict]:
    before, after = rows.both("split")
    _, ids = rows.both("id")
    for way in ALARMING:
        first, second = way.split(" → ")
        both = pc.and_(pc.equal(before, first), pc.equal(after, second))
        places = np.flatnonzero(pc.fill_null(both, False).to_numpy(zero_copy_only=False))
        if len(places):
            some = ids.take(pa.array(places[:SHOWN])).to_pylist()
            what = f"moved from {first} to {second}"
            yield {"kind": way, "what": what, "rows": len(places), "ids": some, "is_new": True}


def _standing(revision: Revision) -> Iterator[tuple[str, int, list[str]]]:
    """Yield the leaks of one revision: what, how many rows and some ids."""
    if file := revision.find("split", "out"):
        yield from _across(file, revision.find("split", "frozen"))
    training, evaluated = revision.find("balance", "out"), revision.find("evaluate", "rows")
    if training and evaluated:
        yield from _copies(training, evaluated)


def _across(file: Path, frozen: Path | None) -> Iterator[tuple[str, int, list[str]]]:
    table = tables.read(file, ["id", "group", "cluster", "split"])
    released = splits.read_frozen(frozen) if frozen else np.array([], np.uint64)
    # Hashes are compared with those of frozen groups; where there are none, any number of a name will do, in less time.
    group = splits.codes(table["group"]) if len(released) else _numbers(table["group"])
    for what, places in splits.leaks(group, _numbers(table["cluster"]), splits.indices(table["split"]), released):
        yield what, len(places), table["id"].take(pa.array(places[:SHOWN])).to_pylist()


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    """Return a number for each name, (rows,) uint64."""
    return column.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.uint64)


def _copies(training: Path, evaluated: Path) -> Iterator[tuple[str, int, list[str]]]:
    """Yield rows that train and stand in dev or test under the same id, or whose text stands there under another."""
    ids, read = (tables.read(file, ["id"])["id"].combine_chunks() for file in (training, evaluated))
    same = pc.is_in(ids, read).to_numpy(zero_copy_only=False)
    copied = np.isin(_texts(training), _texts(evaluated)) & ~same
    for what, rows in (
        ("of dev or test that models train on", same),
        ("that models train on, with a text that stands in dev or test", copied),
    ):
        places = np.flatnonzero(rows)
        if len(places):
            yield what, len(places), ids.take(pa.array(places[:SHOWN])).to_pylist()


def _texts(file: Path) -> np.ndarray:
    """Return a number for each text, (rows,) uint64; a batch of texts is in memory at a time."""
    parts = (splits.codes(batch["text"]) for batch in tables.batches(file, ["text"]))
    return np.concatenate([np.array([], np.uint64), *parts])
