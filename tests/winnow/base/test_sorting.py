import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.base import sorting
from winnow.base.sorting import Sorter

SCHEMA = pa.schema([("id", pa.string()), ("number", pa.int64())])
IDS = st.one_of(st.text("0123456789abcdef", min_size=1, max_size=4), st.text(min_size=0, max_size=3))


@settings(max_examples=40)
@given(st.lists(st.lists(IDS, max_size=20), max_size=8), st.sampled_from([1, 200, 10**9]))
def test_any_number_of_runs_gives_what_a_stable_sort_gives(tmp_path_factory, parts, run_bytes):
    sorter = Sorter(SCHEMA, ["id"], tmp_path_factory.mktemp("runs"), run_bytes)
    rows = [(id, number) for number, id in enumerate(id for part in parts for id in part)]
    start = 0
    for part in parts:
        ids, numbers = zip(*rows[start : start + len(part)], strict=True) if part else ((), ())
        sorter.add(pa.table([pa.array(ids, pa.string()), pa.array(numbers, pa.int64())], schema=SCHEMA))
        start += len(part)
    found = [(row["id"], row["number"]) for table in sorter.sorted() for row in table.to_pylist()]
    assert found == sorted(rows, key=lambda row: row[0].encode())
    assert sorter.rows == len(rows)


def test_rows_over_the_limit_lie_on_disk(tmp_path):
    sorter = Sorter(SCHEMA, ["id"], tmp_path, run_bytes=100)
    for number in range(5):
        sorter.add(pa.table({"id": [f"{number:02x}" * 50], "number": [number]}, schema=SCHEMA))
    assert list(tmp_path.iterdir())
    assert sorter._bytes < 100 + 120


def test_runs_grow_before_there_are_too_many_files_to_read_side_by_side(tmp_path, monkeypatch):
    monkeypatch.setattr(sorting, "RUNS", 4)
    sorter = Sorter(SCHEMA, ["id"], tmp_path, run_bytes=1)
    for number in range(60):
        sorter.add(pa.table({"id": [f"{number:02x}"], "number": [number]}, schema=SCHEMA))
    assert len(list(tmp_path.iterdir())) < 30
    assert [id for part in sorter.sorted() for id in part["id"].to_pylist()] == [f"{n:02x}" for n in range(60)]
