"""Comparison: how buckets are cut into pieces, and that similarity is never guessed."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.deduplicate import compare


@given(st.lists(st.integers(1, 9), max_size=8), st.integers(2, 5))
def test_pieces_hold_every_member_and_begin_with_the_bucket_s_first(sizes, limit):
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    members = np.arange(100, 100 + sum(sizes), dtype=np.int32)
    whole, compare.PIECE = compare.PIECE, limit
    try:
        cut, edges = compare._pieces(members, bounds)
    finally:
        compare.PIECE = whole
    pieces = [cut[start:end].tolist() for start, end in pairwise(edges)]
    assert all(len(piece) <= limit for piece in pieces)
    expected = []
    for start, end in pairwise(bounds):
        head, *rest = members[start:end].tolist()
        expected.append([head, *rest[: limit - 1]])
        others = rest[limit - 1 :]
        expected += [[head, *others[at : at + limit - 1]] for at in range(0, len(others), limit - 1)]
    assert pieces == expected


SET = st.sets(st.integers(0, 30), min_size=1, max_size=20)


@given(SET, SET, st.sampled_from([0.1, 0.5, 2 / 3, 0.8, 1.0]))
def test_jaccard_is_exact_where_it_reaches_the_threshold(one, two, threshold):
    hashes = np.array([*sorted(one), *sorted(two)], np.uint64)
    share = compare._jaccard(hashes, 0, len(one), len(one), len(hashes), threshold)
    true = len(one & two) / len(one | two)
    assert share == true if true >= threshold else share < threshold


@given(st.lists(st.integers(0, 3).map(np.uint64), max_size=12))
def test_buckets_are_the_texts_that_share_a_key(keys):
    texts = np.arange(50, 50 + len(keys), dtype=np.int32)
    members, bounds = compare._buckets(np.array(keys, np.uint64), texts)
    found = [members[start:end].tolist() for start, end in pairwise(bounds)]
    expected = [[50 + place for place, key in enumerate(keys) if key == number] for number in sorted(set(keys))]
    assert [bucket for bucket in found if bucket] == [bucket for bucket in expected if len(bucket) > 1]


@pytest.mark.parametrize(("keys", "starts"), [([], [0]), ([4], [0, 1]), ([1, 1, 2, 5, 5], [0, 2, 3, 5])])
def test_runs(keys, starts):
    assert compare.runs(np.array(keys, np.int64)).tolist() == starts
