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
NARROW = 64 * 1024


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
    keys = splits.codes(table["group"]), splits.codes(table["cluster"]), splits.indices(table["split"])
    for what, places in splits.leaks(*keys, released):
        yield what, len(places), table["id"].take(pa.array(places[:SHOWN])).to_pylist()


def _copies(training: Path, evaluated: Path) -> Iterator[tuple[str, int, list[str]]]:
    """Yield rows that train and stand in dev or test under the same id, or whose text stands there under another."""
    ids: list[pa.Array] = []
    texts = [np.array([], np.uint64)]
    for batch in tables.batches(evaluated, ["id", "text"]):
        ids.append(batch["id"].combine_chunks())
        texts.append(splits.codes(batch["text"]))
    known, read = pa.concat_arrays(ids) if ids else pa.array([], pa.string()), np.concatenate(texts)
    same, copied = [], []
    for batch in tables.batches(training, ["id", "text"]):
        own = pc.is_in(batch["id"], known).to_numpy()
        same += batch["id"].filter(pa.array(own)).to_pylist()
        copied += batch["id"].filter(pa.array(np.isin(splits.codes(batch["text"]), read) & ~own)).to_pylist()
    if same:
        yield "of dev or test that models train on", len(same), same[:SHOWN]
    if copied:
        yield "that models train on, with a text that stands in dev or test", len(copied), copied[:SHOWN]
