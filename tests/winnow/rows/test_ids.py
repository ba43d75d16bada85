"""Ids as numbers: in the order of the ids, from wherever in a column they are taken."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from winnow.rows import ids


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20), st.integers(0, 20))
def test_ids_are_numbers_in_the_same_order(values, start):
    column = pa.chunked_array([[f"{value:016x}" for value in values]], pa.string())
    assert ids.numbers(column).tolist() == values
    assert ids.numbers(column.slice(start)).tolist() == values[start:]
