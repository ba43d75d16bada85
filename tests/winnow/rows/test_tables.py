"""The one writer of Parquet: equal tables are equal bytes, and a bad file is one clear line."""

from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import make_rows
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.rows import tables

# Without "Cs": Arrow strings are UTF-8 and cannot hold lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "text": TEXT,
            "label": st.none() | TEXT,
            "label_confidence": st.none() | st.floats(0, 1),
            "meta": st.dictionaries(TEXT, TEXT, max_size=3),
        }
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_equal_rows_in_any_order_and_chunking_are_equal_bytes(tmp_path_factory, rows, chooser):
    folder = tmp_path_factory.mktemp("tables")
    table = make_rows(rows)
    order = list(range(table.num_rows))
    chooser.shuffle(order)
    cut = chooser.randrange(table.num_rows + 1)
    shuffled = table.take(order)
    chunked = pa.concat_tables([shuffled.slice(0, cut), shuffled.slice(cut)]).replace_schema_metadata({"made": "now"})
    tables.write(table, folder / "one")
    tables.write(chunked, folder / "two")
    assert (folder / "one").read_bytes() == (folder / "two").read_bytes()
    assert tables.read(folder / "one").cast(table.schema).equals(table.sort_by("id"))


def test_a_table_without_rows_keeps_its_schema(tmp_path):
    tables.write(tables.ROW.empty_table(), tmp_path / "none")
    assert tables.read(tmp_path / "none").schema.names == tables.ROW.names


def test_files_carry_no_library_metadata(tmp_path):
    tables.write(make_rows([{}]), tmp_path / "rows")
    assert not pq.read_schema(tmp_path / "rows").metadata
    file = pq.ParquetFile(tmp_path / "rows").metadata
    assert file.metadata is None  # not ARROW:schema either
    assert file.created_by == f"parquet-cpp-arrow version {pa.__version__}"  # the one that Arrow itself writes


def test_a_repeated_id_is_an_error_and_keeps_the_old_file(tmp_path):
    tables.write(make_rows([{}]), tmp_path / "rows")
    before = (tmp_path / "rows").read_bytes()
    table = make_rows([{"id": "one"}, {"id": "two"}, {"id": "one"}])
    with pytest.raises(UserError, match="id one stands twice"):
        tables.write(table, tmp_path / "rows")
    assert (tmp_path / "rows").read_bytes() == before


def test_a_missing_file_says_how_to_get_it(tmp_path):
    with pytest.raises(UserError, match=r"rows\.parquet: not found; `dvc repro` or `dvc pull` makes it"):
        tables.read(tmp_path / "rows.parquet")


@pytest.mark.parametrize("content", [b"", b"id,text\n1,one\n", b"PAR1" + b"\0" * 40 + b"PAR1"])
def test_a_file_that_is_no_parquet_is_an_error(tmp_path, content):
    (tmp_path / "rows").write_bytes(content)
    with pytest.raises(UserError, match="not a readable Parquet file"):
        tables.read(tmp_path / "rows")


def test_a_truncated_file_is_an_error(tmp_path):
    tables.write(make_rows([{}, {}]), tmp_path / "rows")
    whole = (tmp_path / "rows").read_bytes()
    (tmp_path / "rows").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="not a readable Parquet file"):
        tables.read(tmp_path / "rows")


def test_read_selects_columns_and_names_a_missing_one(tmp_path):
    tables.write(make_rows([{}]), tmp_path / "rows")
    assert tables.read(tmp_path / "rows", ["text", "id"]).column_names == ["text", "id"]
    with pytest.raises(UserError, match="column 'colour' is missing; it has id, source,"):
        tables.read(tmp_path / "rows", ["id", "colour"])


def test_read_reads_no_other_column(tmp_path):
    tables.write(make_rows([{"text": "long " * 200_000}] * 1 + [{"text": "short"}]), tmp_path / "rows")
    before = pa.total_allocated_bytes()
    ids = tables.read(tmp_path / "rows", ["id"])
    assert pa.total_allocated_bytes() - before < 10_000
    assert len(ids) == 2


def test_a_column_of_more_than_two_gibibytes_is_sorted(tmp_path):
    """As `string`, which has 32-bit offsets, it is not: `offset overflow while concatenating arrays`."""
    tables.write(make_rows([{"text": "x" * 10**6}] * 10), tmp_path / "rows")
    ten = tables.read(tmp_path / "rows", ["id", "text"])
    table = pa.concat_tables([ten] * 220).sort_by("id")
    assert table["text"].nbytes > 2**31
    assert table["id"][-1] == ten["id"][-1]


def test_rows_are_written_with_the_columns_that_they_lack(tmp_path):
    table = make_rows([{"text": f"text {number}", "meta": {"at": str(number)}} for number in range(10_000)])
    tables.write(table, tmp_path / "rows")
    narrow = tables.read(tmp_path / "rows", tables.without_texts(tmp_path / "rows"))
    assert not {"text", "meta"} & set(narrow.column_names)
    some = narrow.filter(pa.array([number % 3 > 0 for number in range(10_000)]))
    tables.write_with(some, table.schema, tmp_path / "rows", tmp_path / "with")
    ids = set(some["id"].to_pylist())
    tables.write(table.filter(pa.array([id in ids for id in table["id"].to_pylist()])), tmp_path / "whole")
    assert (tmp_path / "with").read_bytes() == (tmp_path / "whole").read_bytes()


def test_rows_that_are_not_in_the_other_table_are_an_error(tmp_path):
    table = make_rows([{}, {}])
    tables.write(table.slice(1), tmp_path / "rows")
    narrow = table.drop_columns(["text", "meta"]).sort_by("id")
    with pytest.raises(UserError, match=r"rows: row [0-9a-f]{16} is not in it, or its rows are not sorted by id"):
        tables.write_with(narrow, table.schema, tmp_path / "rows", tmp_path / "with")


def test_further_tasks_stand_before_meta_in_order():
    names = tables.row_schema(["b", "a"]).names
    assert names[-3:] == ["aux_a", "aux_b", "meta"]


def test_set_column_replaces_or_appends():
    table = make_rows([{}, {}])
    replaced = tables.set_column(table, "text", ["x", "y"], pa.string())
    assert (replaced.schema, replaced["text"].to_pylist()) == (table.schema, ["x", "y"])
    added = tables.set_column(table, "cluster", pa.array(["c", None]), pa.string())
    assert (added.column_names[-1], added["cluster"].to_pylist()) == ("cluster", ["c", None])


@settings(max_examples=10)
@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=4))
def test_the_bytes_do_not_depend_on_how_the_rows_arrive(tmp_path_factory, cuts):
    folder = tmp_path_factory.mktemp("tables")
    ids = [f"{hashing.digest(number)[:16]}" for number in range(40_000)]
    whole = pa.table({"id": ids, "number": range(40_000)})
    tables.write(whole, folder / "whole.parquet")
    with tables.writer(folder / "parts.parquet", whole.schema) as rows:
        rows._limit = 300_000
        for start, end in pairwise(sorted({0, 40_000, *cuts})):
            rows.add(whole.slice(start, end - start))
    assert (folder / "parts.parquet").read_bytes() == (folder / "whole.parquet").read_bytes()
    assert pa.concat_tables(tables.batches(folder / "parts.parquet", rows=999)).num_rows == 40_000
    assert {file.name for file in folder.iterdir()} == {"parts.parquet", "whole.parquet"}


def test_a_writer_refuses_an_id_that_stands_twice(tmp_path):
    table = pa.table({"id": ["b", "a"]})

    def write() -> None:
        with tables.writer(tmp_path / "out.parquet", table.schema) as rows:
            rows.add(table)
            rows.add(table.slice(1))

    with pytest.raises(UserError, match=r"out\.parquet: id a stands twice"):
        write()
    assert not list(tmp_path.iterdir())
