"""A round's sample is random, stratified and stable, and a file that was touched is refused."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.people.rounds import sample
from winnow.people.rounds.sample import Candidate
from winnow.people.rounds.settings import Sample

COUNTS = Sample(flagged=6, unflagged=9, test=10)
BEGAN = ("2026-01-31T09:30:00Z", "2026-02-14T00:00:00Z")


def candidates(train: int = 60, dev: int = 10, test: int = 30, flagged: int = 4) -> list[Candidate]:
    """Rows of each split; one in `flagged` is flagged."""
    return [
        Candidate(
            id=hashing.row_ids(split, [str(number)])[0],
            stratum="unflagged" if number % flagged else "flagged",
            split=split,
            text_sha=hashing.text_sha(f"{split} {number}"),
            given_label="=A" if number % 2 else "B",
            p_error=None if number % 5 else number / 100,
        )
        for split, count in (("train", train), ("dev", dev), ("test", test))
        for number in range(count)
    ]


def counts(found: sample.Round) -> Counter:
    return Counter((row.stratum, row.split) for row in found.rows)


def test_each_stratum_is_shared_by_the_splits_and_the_test_split_gets_its_simple_random_sample():
    found = sample.draw(3, candidates(), COUNTS, began=BEGAN[0])
    assert (found.number, found.began) == (3, BEGAN[0])
    drawn = counts(found)
    lowest = sorted((row for row in candidates() if row.split == "test"), key=lambda row: sample._key(3, row.id))[:10]
    of_test = Counter(row.stratum for row in lowest)
    for (stratum, split), least in {
        ("flagged", "train"): 3,
        ("flagged", "dev"): 1,
        ("unflagged", "train"): 5,
        ("unflagged", "dev"): 1,
    }.items():
        assert drawn[stratum, split] >= least
        assert drawn[stratum, "test"] >= of_test[stratum]
    assert {row.id for row in lowest} <= {row.id for row in found.rows}
    assert found.cells == Counter((row.stratum, row.split) for row in candidates())
    assert all(row.drawn == drawn[row.stratum, row.split] for row in found.rows)


@given(
    st.lists(st.integers(0, 9), min_size=3, max_size=3),
    st.integers(1, 5),
    st.builds(Sample, flagged=st.integers(1, 20), unflagged=st.integers(1, 20), test=st.integers(0, 20)),
)
def test_every_cell_is_drawn_from_and_never_beyond_it(sizes, flagged, wanted):
    rows = candidates(*sizes, flagged=flagged)
    if not rows:
        with pytest.raises(UserError, match="nothing to draw"):
            sample.draw(1, rows, wanted, BEGAN[0])
        return
    found = sample.draw(1, rows, wanted, BEGAN[0])
    population, drawn = Counter((row.stratum, row.split) for row in rows), counts(found)
    assert set(drawn) == set(population)
    assert all(1 <= drawn[cell] <= population[cell] for cell in drawn)
    for stratum in sample.STRATA:
        there = sum(size for cell, size in population.items() if cell[0] == stratum)
        assert sum(count for cell, count in drawn.items() if cell[0] == stratum) >= min(there, getattr(wanted, stratum))


def test_any_beginning_holds_all_strata_at_an_even_pace():
    found = sample.draw(1, candidates(400, 100, 200), Sample(flagged=40, unflagged=40, test=0), BEGAN[0])
    half = Counter((row.stratum, row.split) for row in found.rows[: len(found.rows) // 2])
    assert all(abs(half[cell] - count / 2) <= 1 for cell, count in counts(found).items())


def test_the_draw_depends_on_round_and_id_alone():
    rows = candidates()
    first = sample.draw(1, rows, COUNTS, BEGAN[0])
    assert sample.draw(1, reversed(rows), COUNTS, BEGAN[0]) == first
    assert {row.id for row in sample.draw(2, rows, COUNTS, BEGAN[0]).rows} != {row.id for row in first.rows}


def test_every_row_of_a_cell_is_drawn_equally_often():
    rows = candidates(20, 0, 0, flagged=1)
    drawn = Counter(
        row.id
        for number in range(1, 401)
        for row in sample.draw(number, rows, Sample(flagged=5, unflagged=1, test=0), BEGAN[0]).rows
    )
    assert len(drawn) == 20
    # 400 draws of a quarter: 100 each, with a standard deviation of 8.7.
    assert all(60 < count < 140 for count in drawn.values())


@pytest.fixture
def folder(tmp_path):
    """A folder with two rounds."""
    for number, began in enumerate(BEGAN, 1):
        sample.write(sample.path_of(tmp_path, number), sample.draw(number, candidates(), COUNTS, began))
    return tmp_path


def test_a_file_is_read_as_it_was_written(folder):
    assert sample.read_all(folder) == [
        sample.draw(number, candidates(), COUNTS, began) for number, began in enumerate(BEGAN, 1)
    ]
    assert "'=A" in (folder / "001.csv").read_text()  # no spreadsheet runs it


def test_no_folder_is_no_round(tmp_path):
    assert sample.read_all(tmp_path / "rounds") == []


def edited(folder, change) -> None:
    path = folder / "002.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(change(lines)) + "\n")


def with_cell(line: str, column: str, value: str) -> str:
    cells = line.split(",")
    cells[sample.COLUMNS.index(column)] = value
    return ",".join(cells)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [*lines[:3], *lines[4:]], r"002.csv: \d+ .* rows of split .*added or taken out; restore it"),
        (lambda lines: [*lines, lines[-1]], "002.csv: an id stands twice"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "not in the order of their hashes"),
        (lambda lines: [*lines[:2], with_cell(lines[2], "id", "f" * 16), *lines[3:]], "not in the order"),
        (
            lambda lines: [*lines[:2], with_cell(lines[2], "population", "7777"), *lines[3:]],
            "but its columns say that",
        ),
        (lambda lines: [*lines[:2], with_cell(lines[2], "population", "many"), *lines[3:]], "line 3: not 9 cells"),
        (lambda lines: [*lines[:2], lines[2] + ",", *lines[3:]], "line 3: not 9 cells"),
        (lambda lines: [*lines[:2], with_cell(lines[2], "stratum", "odd"), *lines[3:]], "line 3: stratum 'odd'"),
        (lambda lines: [*lines[:2], with_cell(lines[2], "began", "2026-01-31"), *lines[3:]], "must hold one time"),
        (lambda lines: [*lines[:2], with_cell(lines[2], "began", "4"), *lines[3:]], "line 3: began '4' is no date"),
        (lambda lines: lines[:1], "must hold one time, in one row at least"),
        (lambda lines: [], "line 1: the header must be id,"),
        (lambda lines: [*lines[:2], "<<<<<<< HEAD", *lines[2:]], "line 3: Git conflict marker"),
    ],
)
def test_a_file_that_was_touched_is_refused(folder, change, message):
    edited(folder, change)
    with pytest.raises(UserError, match=message):
        sample.read_all(folder)


def test_missing_rounds_strange_names_and_another_order_are_told(folder):
    edited(folder, lambda lines: [lines[0], *(with_cell(line, "began", "2026-01-30") for line in lines[1:])])
    with pytest.raises(UserError, match=r"002\.csv: the round began on 2026-01-30, before round 1 on 2026-01-31T0"):
        sample.read_all(folder)
    (folder / "001.csv").rename(folder / "003.csv")
    with pytest.raises(UserError, match="round 1 is missing, round 3 is there"):
        sample.read_all(folder)
    (folder / "003.csv").rename(folder / "notes.csv")
    with pytest.raises(UserError, match=r"notes\.csv: not the name of a round"):
        sample.read_all(folder)


@pytest.mark.parametrize(
    ("decided_on", "begun"),
    [
        ("2026-01-30T23:59:59Z", False),
        ("2026-01-31T09:29:59Z", False),
        ("2026-01-31T09:30:00Z", True),
        ("2026-02-01", True),
        ("2026-01-31", True),  # the day alone: whoever begins a round decides afterwards
        ("2026-01-30", False),
    ],
)
def test_a_decision_is_of_a_round_by_its_time(decided_on, begun):
    assert sample.draw(1, candidates(), COUNTS, BEGAN[0]).has_begun(decided_on) == begun
    assert sample.draw(1, candidates(), COUNTS, "2026-01-31").has_begun(decided_on) == (decided_on >= "2026-01-31")
