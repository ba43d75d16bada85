"""votes: by row in the table's order, and no majority where the first two are even."""

import pyarrow as pa

from winnow.rows import votes


def test_the_majority_is_none_where_votes_are_even():
    said = [
        ("a", "r1", "STONE"),
        ("b", "r1", "STONE"),
        ("b", "r2", "FRUIT"),
        ("c", "r1", "FRUIT"),
        ("c", "r2", "FRUIT"),
        ("c", "r3", "STONE"),
    ]
    table = pa.table(dict(zip(("id", "rule", "label"), map(list, zip(*said, strict=True)), strict=True)))
    by_row = votes.ByRow(table)
    assert by_row["b"] == [{"rule": "r1", "label": "STONE"}, {"rule": "r2", "label": "FRUIT"}]
    assert list(by_row) == ["a", "b", "c"]
    assert [votes.majority(by_row.get(id, ())) for id in "abcd"] == ["STONE", None, "FRUIT", None]
