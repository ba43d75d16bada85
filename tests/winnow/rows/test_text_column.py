"""Texts that are read where they are needed are those of the file, in any order, a row group at a time."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.rows.text_column import TextColumn, strings, take

TEXTS = [f"text {number}" for number in range(50)]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "rows.parquet"
    pq.write_table(pa.table({"id": TEXTS, "text": TEXTS}), path, row_group_size=7)
    return path


def test_they_are_a_sequence(file):
    texts = TextColumn(file)
    assert list(texts) == TEXTS
    assert (len(texts), texts[0], texts[-1], texts[6:9]) == (50, TEXTS[0], TEXTS[-1], TEXTS[6:9])
    with pytest.raises(IndexError):
        texts[50]


@given(st.lists(st.integers(0, 49)), st.data())
def test_rows_are_taken_in_any_order(file, rows, data):
    texts = TextColumn(file, np.array(rows, dtype=np.int64))
    assert list(texts) == [TEXTS[row] for row in rows]
    places = data.draw(st.lists(st.integers(0, len(rows) - 1)) if rows else st.just([]))
    assert texts.take(places) == [TEXTS[rows[place]] for place in places]
    assert list(texts.of(np.array(places, dtype=np.int64))) == texts.take(places)


def test_rows_may_be_marked(file):
    marked = np.arange(50) % 3 == 0
    assert list(TextColumn(file, marked)) == TEXTS[::3]
    assert list(TextColumn(file).of(marked)) == TEXTS[::3]


def test_each_row_group_is_read_once(file, monkeypatch):
    read, before = [], pq.ParquetFile.read_row_group

    def counted(self, number, **more):
        read.append(number)
        return before(self, number, **more)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counted)
    list(TextColumn(file, np.arange(50)[::-1]))
    assert sorted(read) == list(range(8))


def test_a_table_without_texts_is_an_error(tmp_path):
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "rows.parquet")
    with pytest.raises(UserError, match="column 'text' is missing"):
        TextColumn(tmp_path / "rows.parquet")


def test_they_are_read_alike_from_a_file_a_list_and_a_column(file):
    places = [40, 3, 3, 17]
    wanted = [TEXTS[place] for place in places]
    assert take(TextColumn(file), places) == take(TEXTS, places) == wanted
    column = TextColumn(file, np.array(places)).column()
    assert column.type == pa.large_string()
    assert list(strings(column)) == wanted
