import datetime

import pyarrow as pa
import pytest

from winnow.readers.values import joined, strings

LOCAL = pa.timestamp("us", "America/New_York")


def refuse(index: int, rule: str, reason: str) -> None:
    raise AssertionError(reason)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pa.array([datetime.datetime(2021, 3, 5, 23, 30)]), "2021-03-05T23:30:00"),
        (pa.array([datetime.datetime(2021, 3, 5, 23, 30)], pa.timestamp("s")), "2021-03-05T23:30:00"),
        (pa.array([datetime.datetime(2021, 3, 5)], pa.timestamp("ms")), "2021-03-05T00:00:00"),
        (pa.array([1_614_987_000_123_456_789], pa.timestamp("ns")), "2021-03-05T23:30:00.123456"),
        (pa.array([1_614_987_000_000_000], pa.timestamp("us", "UTC")), "2021-03-05T23:30:00+00:00"),
        (pa.array([1_614_987_000_000_000], LOCAL), "2021-03-05T18:30:00-05:00"),
        (pa.array([1_614_987_000_000_000], pa.timestamp("us", "+05:30")), "2021-03-06T05:00:00+05:30"),
        (pa.array([1_614_987_000_000_000], LOCAL).dictionary_encode(), "2021-03-05T18:30:00-05:00"),
        (pa.array([1_614_987_000_000_000], pa.timestamp("us", "Never/Land")), "2021-03-05T23:30:00+00:00"),
        (pa.array([-62_135_596_800_000_000], pa.timestamp("us")), "0001-01-01T00:00:00"),
        (pa.array([253_402_300_799_000_000], pa.timestamp("us")), "9999-12-31T23:59:59"),
        # Before the year 1 and after 9999 there is the number alone, also where a cast would wrap it to another year.
        (pa.array([-62_135_596_800_000_000], LOCAL), "-62135596800000000"),
        (pa.array([2**62], pa.timestamp("us")), str(2**62)),
        (pa.array([2**62], pa.timestamp("s")), str(2**62)),
        (pa.array([2**62], pa.timestamp("us", "Never/Land")), str(2**62)),
        (pa.array([datetime.date(2021, 3, 5)]), "2021-03-05"),
        (pa.array([2**30], pa.date32()), str(2**30)),
        (pa.array([2**60], pa.date64()), str(2**60)),
        (pa.array([1_614_987_000]), "1614987000"),
        (pa.array([1_614_987_000.5]), "1614987000.5"),
        ([1_614_987_000.0], "1614987000.0"),
    ],
)
def test_moments_as_text(column, text):
    nothing = (
        pa.nulls(1, column.type) if isinstance(column, pa.Array) and not pa.types.is_dictionary(column.type) else None
    )
    assert strings(column, "day", refuse).to_pylist() == [text]
    if nothing is not None:  # what stands beside it changes nothing
        both = pa.concat_arrays([nothing, column])
        assert strings(both, "day", refuse).to_pylist() == [None, text]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_texts_of_several_columns_are_joined_row_by_row_also_where_there_is_none(count):
    cells = [None, "a", None, None]
    columns = [pa.array(cells[number:] + cells[:number], pa.string()) for number in range(count)]
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    assert joined(columns).to_pylist() == ["\n\n".join(cell for cell in row if cell) for row in rows]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[2**62]], pa.list_(pa.timestamp("s"))),
        pa.array([[1]], pa.list_(pa.timestamp("us", "Never/Land"))),
        pa.array([{"a": 2**62}], pa.struct([("a", pa.timestamp("us"))])),
        pa.array([{"a": 1}], pa.struct([("a", pa.timestamp("us", "Never/Land"))])),
        pa.array([1], pa.duration("ns")),
    ],
)
def test_moments_in_lists_that_python_has_no_date_for_are_refused_as_lists_are(column):
    refused = []
    found = strings(column, "when", lambda *problem: refused.append(problem))
    assert found.to_pylist() == [None]
    ((row, rule, reason),) = refused
    assert (row, rule) == (0, "bad_value")
    assert reason.startswith("column 'when' holds a ")
