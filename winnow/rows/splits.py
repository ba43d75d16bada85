"""What the split, its checks and `winnow freeze` share: names, codes of groups, frozen test groups, leaks.

`data/frozen/test_groups.txt` (Git) names every group that was ever in a released test split, by hash: 16 hex digits of
the sha256 of its name, one a line; a name may be a person's. `winnow freeze` adds lines, nothing takes one away.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.base.errors import UserError
from winnow.base.files import read_text, write_text

SPLITS = ("train", "dev", "test")
HEADER = "# Groups whose rows stay in the test split for ever, by hash; `winnow freeze` adds lines, never remove one.\n"


def codes(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Return a number for each string, (rows,) uint64: the first 8 bytes of its sha256.

    So a column of names takes 8 bytes a row, whatever the names are. Two of 25 million names meet in one number with a
    probability of 2e-5; they would share a split, which is no leak.
    """
    encoded = (column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column).dictionary_encode()
    names = encoded.dictionary.to_pylist()
    hashed = (int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) for name in names)
    return np.fromiter(hashed, np.uint64, len(names))[encoded.indices.to_numpy()]


def indices(column: pa.ChunkedArray) -> np.ndarray:
    """Return each split's place in `SPLITS`, (rows,) int8; -1 for another name."""
    return pc.fill_null(pc.index_in(column, pa.array(SPLITS)), -1).to_numpy().astype(np.int8)


def crossing(keys: np.ndarray, splits: np.ndarray) -> np.ndarray:
    """Return the rows (positions) whose key stands in more than one split.

    Args:
        keys: (rows,) `codes` of groups or clusters.
        splits: (rows,) int8.
    """
    (
        _,
        key,
    ) = np.unique(keys, return_inverse=True)
    lowest, highest = np.full(len(keys), 127, np.int8), np.full(len(keys), -1, np.int8)
    np.minimum.at(lowest, key, splits)
    np.maximum.at(highest, key, splits)
    return np.flatnonzero((lowest != highest)[key])


def leaks(
    group: np.ndarray, cluster: np.ndarray, split: np.ndarray, frozen: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what leaks, in words that follow "row(s)", and which rows (positions).

    Args:
        group, cluster: (rows,) `codes`.
        split: (rows,) int8, `indices`.
        frozen: (groups,) uint64, `read_frozen`.
    """
    outside = np.flatnonzero(np.isin(group, frozen) & (split != SPLITS.index("test")))
    for what, rows in (
        ("of a group that stands in more than one split", crossing(group, split)),
        ("of a duplicate cluster that stands in more than one split", crossing(cluster, split)),
        ("of frozen test groups outside of test", outside),
    ):
        if len(rows):
            yield what, rows


def read_frozen(path: Path) -> np.ndarray:
    """Return the `codes` of the frozen test groups, (groups,) uint64, ascending; none where there is no file yet.

    Raises:
        UserError: a line is no hash.
    """
    found = set()
    text = read_text(path) if path.exists() else ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if not re.fullmatch("[0-9a-f]{16}", line):
            raise UserError(f"{path}: line {number}: '{line}' is not 16 hex digits; keep the lines that were there")
        found.add(int(line, 16))
    return np.array(sorted(found), np.uint64)


def write_frozen(path: Path, groups: Iterable[int]) -> None:
    """Write the codes of frozen test groups."""
    write_text(path, HEADER + "".join(f"{code:016x}\n" for code in sorted(set(map(int, groups)))))
