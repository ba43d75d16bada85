"""splits: codes are stable, leaks are found wherever they are, frozen groups survive the file."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.rows import splits

NAMES = st.lists(st.text(), max_size=20)


@given(NAMES, st.integers(0, 20))
def test_a_code_is_the_begin_of_the_name_s_sha256_however_the_column_is_cut(names, cut):
    column = pa.chunked_array([pa.array(names[:cut], pa.string()), pa.array(names[cut:], pa.string())])
    expected = [int(hashlib.sha256(name.encode()).hexdigest()[:16], 16) for name in names]
    assert splits.codes(column).tolist() == expected
    assert splits.codes(column).dtype == np.uint64
    assert [f"{code:016x}" for code in expected] == [hashing.digest(name)[:16] for name in names]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=20))
def test_rows_whose_key_crosses_splits_are_found(rows):
    keys = np.array([key for key, _ in rows], np.uint64)
    places = np.array([place for _, place in rows], np.int8)
    expected = [n for n, (key, _) in enumerate(rows) if len({p for k, p in rows if k == key}) > 1]
    assert splits.crossing(keys, places).tolist() == expected


def test_each_leak_is_named():
    group, cluster = np.array([1, 1, 2, 3], np.uint64), np.array([7, 8, 9, 9], np.uint64)
    split = np.array([0, 2, 2, 0], np.int8)
    found = dict(splits.leaks(group, cluster, split, np.array([2, 3], np.uint64)))
    assert {what.split()[2]: rows.tolist() for what, rows in found.items()} == {
        "group": [0, 1],
        "duplicate": [2, 3],
        "test": [3],
    }
    assert not list(splits.leaks(group, cluster, np.zeros(4, np.int8), np.empty(0, np.uint64)))


def test_indices_of_splits():
    assert splits.indices(pa.chunked_array([["train", "test"], ["dev", None, "exam"]])).tolist() == [0, 2, 1, -1, -1]


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_frozen_groups_survive_the_file_in_any_order(tmp_path_factory, groups):
    path = tmp_path_factory.mktemp("frozen") / "groups.txt"
    splits.write_frozen(path, groups)
    written = path.read_bytes()
    assert splits.read_frozen(path).tolist() == sorted(set(groups))
    path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))  # as a merge by union may leave it
    splits.write_frozen(path, splits.read_frozen(path).tolist())
    assert path.read_bytes() == written


@pytest.mark.parametrize("line", ["ABCDEF0123456789", "123", "=======", "0123456789abcdef  "])
def test_a_line_that_is_no_hash_is_named(tmp_path, line):
    path = tmp_path / "groups.txt"
    path.write_text(f"# words\n{'0' * 16}\n{line}\n")
    with pytest.raises(UserError, match=f"line 3: '{line}' is not 16 hex digits"):
        splits.read_frozen(path)
