"""Leaks that HEAD has and BASE has not: rows between train and test, groups and copies across splits.

A leak makes every figure of test, and of dev, too good, so that it comes before all of them. Beside the leaks stands
how many rows have a duplicate in another split, before and after.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.commands.diff.data import Rows
from winnow.commands.diff.revision import Revision
from winnow.rows import splits, tables

ALARMING = ("test → train", "train → test")
CLUSTER = "duplicate cluster"  # in the words of `splits.leaks`
# The stage, and the option of its command that names the file.
TABLES, FROZEN = (("split", "out"), ("balance", "out"), ("evaluate", "rows")), ("split", "frozen")
SHOWN = 5  # ids of a leak that are named


@dataclass(frozen=True)
class Standing:
    """A leak of one revision.

    Attributes:
        what: in words that follow "row(s)".
        ids: (rows,) string, of the rows that leak.
        is_duplicate: whether they leak by a duplicate that stands in another split.
    """

    what: str
    ids: pa.Array
    is_duplicate: bool = False


def compared(rows: Rows | None, base: Revision, head: Revision) -> tuple[list[dict], dict]:
    """Return the leaks and the duplicates across splits.

    Of each leak: how many rows, of what kind, in words that follow "row(s)", and some of their ids. Of the duplicates,
    before and after: `rows`, which have one, near or exact, in another split; `kinds`, the same by what they are;
    `pairs`, in other words, as the stage `semantic_duplicates` counted them. A count is None where it is not known.
    """
    before = list(_standing(base))
    after = before if _read(base) == _read(head) else list(_standing(head))
    leaks = [*(_moved(rows) if rows else ()), *_told(before, after)]
    # Of a revision without a split nobody can say that it has no duplicates across splits.
    sides = [found if side.find("split", "out") else None for side, found in ((base, before), (head, after))]
    return leaks, _duplicates(*sides) | {"pairs": [_pairs(side) for side in (base, head)]}


def _told(before: list[Standing], after: list[Standing]) -> Iterator[dict]:
    known = {leak.what: len(leak.ids) for leak in before}
    for leak in after:
        count = len(leak.ids)
        is_new = count > known.get(leak.what, 0)
        some = leak.ids[:SHOWN].to_pylist()
        yield {"kind": "standing", "what": leak.what, "rows": count, "ids": some, "is_new": is_new}


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


def _read(revision: Revision) -> tuple[list[Path | None], bytes]:
    """Return where leaks are looked for: tables, of which equal bytes are one file of the cache, and frozen groups."""
    files = [revision.find(*named) for named in TABLES]
    frozen = revision.find(*FROZEN)
    return [file and file.resolve() for file in files], frozen.read_bytes() if frozen else b""


def _standing(revision: Revision) -> Iterator[Standing]:
    """Yield the leaks of one revision."""
    split, training, evaluated = (revision.find(*named) for named in TABLES)
    if split:
        yield from _across(split, revision.find(*FROZEN))
    if training and evaluated:
        yield from _copies(training, evaluated)


def _across(file: Path, frozen: Path | None) -> Iterator[Standing]:
    table = tables.read(file, ["id", "group", "cluster", "split"])
    released = splits.read_frozen(frozen) if frozen else np.array([], np.uint64)
    # Hashes are compared with those of frozen groups; where there are none, any number of a name will do, in less time.
    group = splits.codes(table["group"]) if len(released) else _numbers(table["group"])
    for what, places in splits.leaks(group, _numbers(table["cluster"]), splits.indices(table["split"]), released):
        ids = table["id"].take(pa.array(places)).combine_chunks()
        yield Standing(what, ids, is_duplicate=CLUSTER in what)


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    """Return a number for each name, (rows,) uint64."""
    return column.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.uint64)


def _copies(training: Path, evaluated: Path) -> Iterator[Standing]:
    """Yield rows that train and stand in dev or test under the same id, or whose text stands there under another."""
    ids, read = (tables.read(file, ["id"])["id"].combine_chunks() for file in (training, evaluated))
    same = pc.is_in(ids, read).to_numpy(zero_copy_only=False)
    copied = np.isin(_texts(training), _texts(evaluated)) & ~same
    if same.any():
        yield Standing("of dev or test that models train on", ids.filter(pa.array(same)))
    if copied.any():
        what = "that models train on, with a text that stands in dev or test"
        yield Standing(what, ids.filter(pa.array(copied)), is_duplicate=True)


def _texts(file: Path) -> np.ndarray:
    """Return a number for each text, (rows,) uint64; a batch of texts is in memory at a time."""
    parts = (splits.codes(batch["text"]) for batch in tables.batches(file, ["text"]))
    return np.concatenate([np.array([], np.uint64), *parts])


def _duplicates(*leaks: Sequence[Standing] | None) -> dict:
    sides = [None if side is None else [leak for leak in side if leak.is_duplicate] for side in leaks]
    names = dict.fromkeys(leak.what for side in sides if side for leak in side)
    return {
        "rows": [_distinct(side) for side in sides],
        "kinds": {
            name: [None if side is None else _distinct([leak for leak in side if leak.what == name]) for side in sides]
            for name in names
        },
    }


def _distinct(leaks: Sequence[Standing] | None) -> int | None:
    """Return how many rows leak; one that leaks in two ways counts once."""
    if leaks is None:
        return None
    return len(set().union(*(leak.ids.to_pylist() for leak in leaks)))


def _pairs(revision: Revision) -> int | None:
    """Return how many pairs across splits say the same in other words, by the stage's metrics, which Git has."""
    file = revision.find("semantic_duplicates", "metrics")
    if file is None:
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return None
    count = found.get("pairs_across_splits") if isinstance(found, dict) else None
    return count if isinstance(count, int) else None
