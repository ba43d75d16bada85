"""The ledger: rows are conserved, entries come out in a stable order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.rows import ledger as ledgers
from winnow.rows import tables
from winnow.rows.ledger import COLUMNS, Details, Ledger

ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(["id1", "id2", "id3"]),
        st.sampled_from(["refuse", "drop", "change", "skip"]),
        st.sampled_from(["rule_a", "rule_b"]),
        st.text(max_size=5),
    ),
    unique=True,
    max_size=12,
)


def ledger_of(entries: list[tuple]) -> Ledger:
    ledger = Ledger("a_stage")
    for entry in entries:
        ledger.add(*entry)
    return ledger


@given(ENTRIES, st.randoms(use_true_random=False))
def test_the_order_of_adding_does_not_matter(entries, chooser):
    shuffled = list(entries)
    chooser.shuffle(shuffled)
    assert ledger_of(entries).table().equals(ledger_of(shuffled).table())


@given(ENTRIES, st.integers(0, 100), st.integers(-3, 3))
def test_check_holds_exactly_when_rows_are_conserved(entries, rows_out, error):
    ledger = ledger_of(entries)
    removed = sum(entry[1] != "change" for entry in entries)
    assert ledger.removed() == removed
    if error:
        with pytest.raises(UserError, match="defect of the stage: no output was written"):
            ledger.check(rows_out + removed + error, rows_out)
    else:
        ledger.check(rows_out + removed, rows_out)


def test_summary_counts_action_and_rule():
    ledger = ledger_of([("1", "drop", "empty", ""), ("2", "drop", "empty", ""), ("1", "change", "space", "")])
    assert ledger.summary() == {"change.space": 1, "drop.empty": 2}
    assert list(ledger.summary()) == sorted(ledger.summary())


def test_an_empty_and_a_full_ledger_have_the_same_columns(tmp_path):
    full = Ledger("a_stage")
    full.add("1", "change", "space", "white space collapsed", Details("before", "after", "2"))
    full.write(tmp_path / "full")
    Ledger("a_stage").write(tmp_path / "empty")
    assert tables.read(tmp_path / "empty").schema == tables.read(tmp_path / "full").schema
    assert tables.read(tmp_path / "empty").num_rows == 0
    row = ("1", "a_stage", "change", "space", "white space collapsed", "before", "after", "2")
    assert tables.read(tmp_path / "full").to_pylist() == [dict(zip(COLUMNS, row, strict=True))]


@given(ENTRIES, ENTRIES)
def test_a_book_of_batches_is_the_ledger_of_them_all(tmp_path_factory, first, second):
    folder = tmp_path_factory.mktemp("book")
    whole = ledger_of(first + second)
    whole.write(folder / "whole.parquet")
    with ledgers.book("a_stage", folder / "book.parquet") as book:
        book.add(ledger_of(second).table())
        book.add(ledger_of(first).table())
        book.check(whole.removed() + 3, 3)
        assert book.summary() == whole.summary()
    assert (folder / "book.parquet").read_bytes() == (folder / "whole.parquet").read_bytes()


def test_a_book_that_lost_a_row_is_not_written(tmp_path):
    with (
        pytest.raises(UserError, match="5 rows in, 3 out and 0 recorded as removed"),
        ledgers.book("a_stage", tmp_path / "book.parquet") as book,
    ):
        book.check(5, 3)
    assert not list(tmp_path.iterdir())
