"""Hashes choose: stable for ever, even over [0, 1), and different for different names."""

import statistics

from hypothesis import given
from hypothesis import strategies as st

from winnow.base import hashing


def test_values_never_change():
    # As sha256sum says. Another value would move rows between splits and void every decision that people have made.
    assert hashing.row_ids("source", ["key"]) == ["a7b444d4c0aa372d"]
    assert hashing.text_sha("a text") == "734194ede5b063e6"
    assert hashing.unit("salt", "group") == 0x4CC2A6842AB43 / 16**13


def test_parts_are_kept_apart():
    assert hashing.digest("ab", "c") != hashing.digest("a", "bc")


@given(st.text(), st.text())
def test_different_texts_have_different_hashes(first, second):
    assert (hashing.text_sha(first) == hashing.text_sha(second)) == (first == second)
    assert len(hashing.text_sha(first)) == len(hashing.row_ids(first, [second])[0]) == 16


def test_lone_surrogates_can_be_hashed():
    assert hashing.text_sha("\ud800") != hashing.text_sha("\ud801")


def test_units_are_even_in_their_range():
    units = [hashing.unit("salt", number) for number in range(5000)]
    assert min(units) >= 0
    assert max(units) < 1
    tenths = [sum(int(unit * 10) == tenth for unit in units) for tenth in range(10)]
    # 500 each are expected with a standard deviation of 21.
    assert statistics.mean(tenths) == 500
    assert all(abs(count - 500) < 100 for count in tenths)
