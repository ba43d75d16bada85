"""A queue goes through a spreadsheet and comes back as decisions."""

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import review_project
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.people import decisions, queue, settling
from winnow.people.decisions import QUEUE_COLUMNS
from winnow.review import importing, journal

NOW = "2026-02-01T09:30:00Z"
TIMED = decisions.ALL_COLUMNS


@pytest.fixture
def project(tmp_path):
    """Six rows: row-000, row-002 and row-004 are FRUIT, the others have no label."""
    return review_project.make(tmp_path)


def row(number: int, **filled_in: str) -> dict[str, str]:
    """Return a row of the queue as its reviewer filled it in."""
    text = f"the text of row {number}"
    cells = {"id": f"row-{number:03}", "text_sha": hashing.text_sha(text), "text": text, "suggested_label": "STONE"}
    return cells | {"given_label": "" if number % 2 else "FRUIT"} | filled_in


def keep(number: int, **cells: str) -> dict[str, str]:
    return row(number, **({"verdict": "keep", "reviewer": "ana", "decided_on": "2026-01-31"} | cells))


def relabel(number: int, label: str, **cells: str) -> dict[str, str]:
    return keep(number, verdict="relabel", new_label=label, **cells)


def sheet(project, *rows: dict[str, str], delimiter: str = ",", encoding: str = "utf-8", columns=QUEUE_COLUMNS):
    """Write rows as a spreadsheet does; return the file."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, restval="", delimiter=delimiter, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    file = project.queue.with_name("filled-in.csv")
    file.write_bytes(out.getvalue().encode(encoding))
    return file


def run(project, file, reviewer: str = "", now: str = NOW) -> str:
    added = importing.run(file, review_project.target(project), reviewer, now)
    return added.summary("sheet").removeprefix("sheet: ")


def refused(project, *rows: dict[str, str], **how) -> str:
    """Import rows that must be refused; return why."""
    before = project.decisions.read_bytes()
    with pytest.raises(UserError) as error:
        run(project, sheet(project, *rows), **how)
    assert project.decisions.read_bytes() == before
    return str(error.value)


def lines(project) -> list[str]:
    return project.decisions.read_text().splitlines()[1:]


def said(project) -> list[tuple[str, str, str]]:
    return [(found.id, found.verdict, found.new_label) for found in decisions.read(project.decisions)]


def test_what_was_filled_in_is_added_and_the_rest_counted(project):
    file = sheet(project, keep(0), row(1), relabel(3, "PLANT", note="=why?"), row(2, reviewer="ana"))
    assert run(project, file) == "2 decisions added, 0 already there, 2 rows not filled in"
    assert lines(project) == [
        f"row-000,{row(0)['text_sha']},FRUIT,keep,,ana,2026-01-31,,,",
        f"row-003,{row(3)['text_sha']},,relabel,PLANT,ana,2026-01-31,'=why?,,",
    ]


def test_importing_again_adds_nothing(project):
    rows = [keep(0, note="a \n  note"), relabel(1, "STONE", decided_on=""), relabel(3, "PLANT", reviewer="")]
    run(project, sheet(project, *rows), "bo")
    before = project.decisions.read_bytes()
    again = run(project, sheet(project, *rows, row(2)), "bo", "2026-02-02T00:00:00Z")
    assert again == "0 decisions added, 3 already there, 1 rows not filled in"
    assert project.decisions.read_bytes() == before


def test_reviewer_and_moment_stand_in_where_the_columns_are_empty(project):
    run(project, sheet(project, keep(0, reviewer="", decided_on=""), keep(2)), "bo")
    assert [(found.reviewer, found.decided_on) for found in decisions.read(project.decisions)] == [
        ("ana", "2026-01-31"),
        ("bo", NOW),
    ]


def test_the_offline_pages_download_brings_its_times(project):
    file = sheet(project, keep(0, seconds="12.5"), keep(2, seconds=""), columns=TIMED)
    assert run(project, file) == "2 decisions added, 0 already there, 0 rows not filled in"
    assert [found.seconds for found in decisions.read(project.decisions)] == [12.5, None]
    assert run(project, sheet(project, keep(0, seconds="12,5"), delimiter=";", columns=TIMED)).startswith("0 decisions")


def test_a_change_of_mind_is_another_line(project):
    run(project, sheet(project, keep(0)))
    run(project, sheet(project, relabel(0, "STONE", decided_on="")))
    assert said(project) == [("row-000", "keep", ""), ("row-000", "relabel", "STONE")]


@pytest.mark.parametrize("before", ["2026-01-31", "2026-01-31T16:00:00Z"])
def test_a_change_of_mind_that_may_be_the_older_one_is_refused(project, before):
    run(project, sheet(project, keep(0, decided_on=before)))
    assert "line 2, and line 2: ana decides on row-000 in two ways on 2026-01-31; keep one of them, or give" in refused(
        project, relabel(0, "STONE")
    )
    run(project, sheet(project, relabel(0, "STONE", decided_on="2026-01-31T16:00:01Z")))
    assert settling.latest(decisions.read(project.decisions))["row-000"]["ana"].verdict == "relabel"


def test_an_audit_s_sheet_says_what_it_was_drawn_for(project):
    run(project, sheet(project, keep(0, drawn_for="v1"), keep(2)))
    assert [found.drawn_for for found in decisions.read(project.decisions)] == ["v1", ""]


def test_an_old_sheet_does_not_overrule_a_later_decision(project):
    run(project, sheet(project, keep(0, decided_on="2026-01-31")))
    answer = run(project, sheet(project, relabel(0, "STONE", decided_on="2026-01-30")))
    assert answer == (
        "0 decisions added, 0 already there, 1 overruled by later ones of the same reviewer, 0 rows not filled in"
    )
    assert run(project, sheet(project, relabel(0, "STONE", decided_on="2026-01-30", reviewer="bo"))).startswith("1 dec")


def test_several_days_of_one_sheet_are_added_in_their_order(project):
    run(project, sheet(project, relabel(0, "STONE", decided_on="2026-01-31"), keep(0, decided_on="2026-01-30")))
    assert [verdict for _, verdict, _ in said(project)] == ["keep", "relabel"]


def test_a_line_that_stands_twice_is_added_once(project):
    assert run(project, sheet(project, keep(0), keep(0))) == "1 decisions added, 1 already there, 0 rows not filled in"


def test_contradictions_are_refused(project):
    assert refused(project, keep(0), row(2), relabel(0, "STONE")) == (
        f"{project.queue.with_name('filled-in.csv')}: 1 problem: lines 2 and 4: ana decides on row-000 in two ways on "
        f"2026-01-31; keep one of them, or give the later one a time such as 2026-01-31T09:30:00Z"
    )


def test_reviewers_may_differ(project):
    run(project, sheet(project, keep(0), relabel(0, "STONE", reviewer="bo")))
    assert len(said(project)) == 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([keep(0, text_sha="0" * 15 + "a")], "line 2: the text of row-000 changed"),
        ([keep(0, given_label="STONE")], "line 2: the label of row-000 changed"),
        ([keep(0, id="row-999")], "line 2: id 'row-999' is not in the table"),
        ([keep(0), keep(2, verdict="kep")], "line 3: verdict 'kep' is not one of keep, relabel"),
        (
            [relabel(0, "ROCK")],
            "line 2: new_label: label 'ROCK' is not one of params.yaml: task.labels (FRUIT, STONE, PLANT)",
        ),
        ([keep(0, new_label="STONE")], "line 2: new_label 'STONE' with verdict 'keep'"),
        ([row(0, new_label="STONE", reviewer="ana", decided_on="2026-01-31")], "line 2: verdict '' is not one of"),
        ([row(0, note="odd", reviewer="ana", decided_on="2026-01-31")], "line 2: verdict '' is not one of"),
        ([keep(1)], "line 2: verdict 'keep' on a row without a label"),
        ([keep(0, reviewer="")], "line 2: reviewer is missing"),
        ([keep(0, decided_on="02/03/2026")], "line 2: decided_on '02/03/2026' may be 2026-02-03 or 2026-03-02"),
        ([keep(0, decided_on="soon")], "line 2: decided_on 'soon' is not a date such as 2026-01-31"),
        ([keep(0, id="1.23E+12")], "line 2: the spreadsheet took id for a number, '1.23E+12', and digits are lost"),
        ([keep(0, text_sha="1,2E+15")], "line 2: the spreadsheet took text_sha for a number, '1,2E+15'"),
    ],
)
def test_what_no_spreadsheet_did_is_refused(project, rows, message):
    problem = refused(project, *rows)
    assert f"1 problem: {message}" in problem


def test_times_that_are_none(project):
    with pytest.raises(UserError, match="line 2: seconds 'long' is not a number"):
        run(project, sheet(project, keep(0, seconds="long"), columns=TIMED))


def test_all_problems_are_counted_ten_shown_and_nothing_is_added(project):
    dates = [keep(2, decided_on=f"{day}.13.2026") for day in range(1, 8)]
    problem = refused(project, keep(0), *dates, relabel(9, "STONE"))
    assert "8 problems: line 3: decided_on '1.13.2026'" in problem
    assert "line 10: id 'row-009' is not in the table" in problem
    mixed = refused(project, relabel(9, "STONE"), keep(2, decided_on="1.13.2026"))  # each seen by another check
    assert "2 problems: line 2: id 'row-009' is not in the table" in mixed
    many = refused(project, keep(0), *(relabel(number, "STONE") for number in range(10, 24)))
    assert "14 problems: " in many
    assert many.endswith("; and 4 more")


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [(",", "utf-8-sig"), (";", "utf-8-sig"), ("\t", "utf-16"), (";", "cp1252"), (",", "utf-8")],
)
def test_what_spreadsheets_do_is_undone(tmp_path, delimiter, encoding):
    """German Excel, LibreOffice and Google's: dates in the country's form, TRUE, 1 for 01, verdicts in capitals."""
    text = "l'été, s'il vous plaît; merci"
    rows = [{"id": f"00123456789012{n}", "text": text, "given_label": ["true", "01", "é"][n]} for n in range(3)]
    project = review_project.make(tmp_path, rows, ["true", "01", "é"])
    out = tmp_path / "queue.csv"
    decisions.write_queue(out, (queue.csv_row(entry, project.task) for entry in queue.read(project.queue)))
    filled = {"reviewer": "Zoë", "decided_on": "31.01.2026", "verdict": "KEEP ", "note": "sûr"}
    found = [line | filled for line in csv.DictReader(io.StringIO(out.read_text(), newline=""))]
    found[0] |= {"given_label": "TRUE", "verdict": "Relabel", "new_label": "1"}
    found[1] |= {"given_label": "1"}
    assert run(project, sheet(project, *found, delimiter=delimiter, encoding=encoding)) == (
        "3 decisions added, 0 already there, 0 rows not filled in"
    )
    assert said(project) == [
        ("001234567890120", "relabel", "01"),
        ("001234567890121", "keep", ""),
        ("001234567890122", "keep", ""),
    ]
    assert {found.reviewer + found.note for found in decisions.read(project.decisions)} == {"Zoësûr"}


def test_a_row_that_was_put_out_of_scope_may_be_decided_anew(project):
    run(project, sheet(project, keep(0, verdict="out of scope")))
    rows = [entry for entry in review_project.entries(6) if entry["id"] != "row-000"]
    review_project.write_queue(project.queue.parents[1], rows)  # as the next run leaves it
    run(project, sheet(project, keep(0, decided_on="2026-02-01")))
    assert said(project) == [("row-000", "out_of_scope", ""), ("row-000", "keep", "")]
    assert "the label of row-000 changed" in refused(project, keep(0, decided_on="2026-02-02", given_label="STONE"))


def test_a_broken_decisions_file_stops_the_import(project):
    project.decisions.write_text(project.decisions.read_text() + "<<<<<<< HEAD\n")
    assert "line 2: Git conflict marker" in refused(project, keep(0))


def test_a_missing_decisions_file_is_made(project):
    project.decisions.unlink()
    run(project, sheet(project, keep(0)))
    assert project.decisions.read_text().startswith(",".join(TIMED))


def test_a_missing_table_says_what_makes_it(project):
    project.labelled.unlink()
    assert "labelled.parquet: not found; `dvc repro` or `dvc pull` makes it" in refused(project, keep(0))


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(str.strip)


@settings(max_examples=50)
@given(
    texts=st.lists(TEXT, min_size=1, max_size=4),
    reviewer=TEXT.filter(journal.clean),
    note=st.text(st.characters(codec="utf-8"), max_size=40),
    delimiter=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
@example(texts=["0"], reviewer="0", note="\n", delimiter=",", encoding="utf-8")
def test_any_queue_comes_back_from_a_spreadsheet(tmp_path_factory, texts, reviewer, note, delimiter, encoding):
    folder = tmp_path_factory.mktemp("project")
    rows = [
        {"id": hashing.row_ids("test", [str(n)])[0], "text": text, "given_label": "STONE"}
        for n, text in enumerate(texts)
    ]
    project = review_project.make(folder, rows)
    out = folder / "queue.csv"
    decisions.write_queue(out, (queue.csv_row(entry, project.task) for entry in queue.read(project.queue)))
    filled = {"verdict": "keep", "decided_on": "2026-01-31"}
    filled |= {"reviewer": decisions.guard(reviewer), "note": decisions.guard(note)}
    found = [line | filled for line in csv.DictReader(io.StringIO(out.read_bytes().decode(), newline=""))]
    for expected in (f"{len(rows)} decisions added, 0", f"0 decisions added, {len(rows)}"):
        file = sheet(project, *found, delimiter=delimiter, encoding=encoding)
        assert run(project, file) == f"{expected} already there, 0 rows not filled in"
    assert {(found.reviewer, found.note) for found in decisions.read(project.decisions)} == {
        (journal.clean(reviewer), journal.clean(note))
    }
