"""The queue as a saved file: decided without a server, downloaded, taken in."""

from pathlib import Path

import pytest

from tests import review_project
from tests.browser.conftest import opened, press, without_a_name
from winnow.people import decisions, queue
from winnow.review import importing
from winnow.review import page as pages
from winnow.rows import tables

NO_STORAGE = """
  for (const name of ["localStorage", "sessionStorage"]) {
    Object.defineProperty(window, name, { get() { throw new DOMException("none for files", "SecurityError"); } });
  }
"""


@pytest.fixture
def project(tmp_path):
    return review_project.make(tmp_path)


@pytest.fixture
def address(project, tmp_path):
    file = tmp_path / "queue.html"
    file.write_text(pages.offline(tables.read(project.queue), project.task, "Queue"), encoding="utf-8")
    return file.as_uri()


def downloaded(page) -> Path:
    with page.expect_download() as download:
        press(page, "d")
    return download.value.path()


def test_decisions_are_kept_in_the_browser_downloaded_and_taken_in(page, address, project, tmp_path):
    opened(page, address)
    press(page, "k")
    assert page.locator("#said").inner_text() == "Who decides? Write your name first."
    assert page.evaluate("document.activeElement.id") == "reviewer"
    page.keyboard.type("Ana María")
    press(page, "Enter", "k", "2", "n")
    page.keyboard.type('=1+1, "so"')
    press(page, "Enter", "a", "o", "u", "s", "3")
    assert page.locator("#counts").inner_text().startswith("4 of 6 decided")

    opened(page, address)  # closed and opened again
    assert page.locator("#where").inner_text().startswith("Row 4 of 6")
    assert page.locator("#reviewer").input_value() == "Ana María"
    press(page, "u", "a")

    file = tmp_path / "decisions-of-ana.csv"
    file.write_bytes(downloaded(page).read_bytes())
    assert "'=1+1" in file.read_text(encoding="utf-8")
    made = decisions.read(file)
    assert [(row.id, row.verdict, row.new_label, row.note) for row in made] == [
        ("row-000", "keep", "", ""),
        ("row-001", "relabel", "STONE", ""),
        ("row-002", "ambiguous", "", '=1+1, "so"'),
        ("row-004", "ambiguous", "", ""),
    ]
    assert {row.reviewer for row in made} == {"Ana María"}
    assert all(row.seconds is not None for row in made)

    done = importing.run(file, review_project.target(project))
    assert done.added == 4
    assert decisions.read(project.decisions)[2].note == '=1+1, "so"'


def test_each_decision_has_its_time_and_what_its_row_was_drawn_for(page, tmp_path):
    rows = [entry | {"drawn_for": "v1"} for entry in review_project.entries(2)]
    project = review_project.make(tmp_path, rows)
    file = tmp_path / "audit.html"
    file.write_text(pages.offline(tables.read(project.queue), project.task, "Audit"), encoding="utf-8")
    opened(page, file.as_uri())
    page.locator("#reviewer").fill("ana")
    began = decisions.now()
    page.locator("#row").focus()
    press(page, "k", "ArrowLeft", "a")  # and another verdict on the same row, perhaps in the same second
    made = decisions.read(downloaded(page))
    assert [(row.verdict, row.drawn_for) for row in made] == [("keep", "v1"), ("ambiguous", "v1")]
    assert began <= made[0].decided_on < made[1].decided_on


def test_a_browser_that_keeps_nothing_says_so_and_still_gives_the_file(page, address):
    page.add_init_script(NO_STORAGE)
    opened(page, address)
    press(page, "k", *"Ana", "Enter", "k", "1")
    assert "keeps nothing for this file: download" in page.locator("#warning").inner_text()
    assert len(decisions.read(downloaded(page))) == 2


def test_another_queue_does_not_meet_these_decisions(page, address, project, tmp_path):
    opened(page, address)
    press(page, "k", *"Ana", "Enter", "k")
    other = tmp_path / "other.html"
    rows = queue.table(review_project.entries(3))
    other.write_text(pages.offline(rows, project.task, "Queue"), encoding="utf-8")
    opened(page, other.as_uri())
    assert "0 of 3 decided" in page.locator("#counts").inner_text()


def test_the_end_tells_what_to_do_and_undo_leads_back(page, address, monkeypatch):
    opened(page, address)
    press(page, "k", *"Ana", "Enter", *"kaaooa")
    assert page.locator("#end h2").inner_text() == "All 6 rows are decided"
    assert "winnow review --import" in page.locator("#end pre").inner_text()
    assert without_a_name(page) == []
    press(page, "u")
    assert page.locator("#where").inner_text().startswith("Row 6 of 6")


def test_an_empty_queue_says_so(page, project, tmp_path):
    file = tmp_path / "empty.html"
    file.write_text(pages.offline(queue.table([]), project.task, "Queue"), encoding="utf-8")
    opened(page, file.as_uri())
    assert page.locator("#end h2").inner_text() == "There is nothing to review"
    press(page, "k", "u", "ArrowLeft", "r", "s")
    assert page.locator("#end").is_visible()


def test_rows_beyond_the_page_s_limit_are_counted(page, project, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "MOST_ROWS", 2)
    file = tmp_path / "part.html"
    rows = tables.read(project.queue)
    file.write_text(pages.offline(rows, project.task, "Queue"), encoding="utf-8")
    opened(page, file.as_uri())
    assert "0 of 2 decided · 4 more in `winnow review`" in page.locator("#counts").inner_text()
