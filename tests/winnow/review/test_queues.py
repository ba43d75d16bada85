"""Which queues there are, and a list of ids as one."""

from pathlib import Path

import pytest

from tests import review_project
from winnow.base.errors import UserError
from winnow.review import queues
from winnow.rows import tables

FILES = {
    "issues": Path("data/queue.parquet"),
    "audit": Path("data/audit_queue.parquet"),
    queues.ROUND: Path("data/rounds"),
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return review_project.make(tmp_path)


def test_queues_are_found_by_name_or_path(project, tmp_path):
    assert queues.find("issues", FILES) == FILES["issues"]
    assert queues.find(str(project.queue), FILES) == project.queue
    (tmp_path / "data/rounds").mkdir()
    for name in ("001.csv", "002.csv"):
        (tmp_path / "data/rounds" / name).write_text("id\n")
    assert queues.find("round", FILES).name == "002.csv"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("audit", r"data/audit_queue\.parquet: not found; `dvc repro`"),
        ("round", "no round has begun; `winnow round --start`"),
        ("nonsense", "--queue 'nonsense': give issues, audit, round"),
        ("none.csv", "none.csv: not found"),
    ],
)
def test_a_queue_that_is_not_there_says_how_to_get_it(project, name, message):
    with pytest.raises(UserError, match=message):
        queues.find(name, FILES)


def test_a_csv_file_of_ids_is_a_queue(project, tmp_path):
    path = tmp_path / "sample.csv"
    path.write_text(
        "\ufeffid,stratum,reasons\nrow-004,flagged,drawn at random; of the test split\nrow-001,unflagged,\n"
    )
    first, second = queues.read(path, project.labelled).to_pylist()
    assert (first["id"], first["text"], first["given_label"]) == ("row-004", "the text of row 4", "FRUIT")
    assert first["reasons"] == ["drawn at random", "of the test split"]
    assert (second["given_label"], second["suggested_label"], second["p_error"]) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("key\nrow-001\n", "line 1: column 'id' is missing"),
        ("", "line 1: column 'id' is missing"),
        ("id\nrow-001\nrow-001\n", "id 'row-001' stands twice"),
        ("id\nrow-999\n", "id 'row-999' is not in .*; `winnow why row-999`"),
        ('id\n"row', "not valid CSV"),
    ],
)
def test_a_broken_csv_file_is_one_line(project, tmp_path, text, message):
    path = tmp_path / "sample.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        queues.read(path, project.labelled)


def test_a_table_that_is_no_queue_is_refused(project):
    with pytest.raises(UserError, match="column 'rank' is missing"):
        queues.read(project.labelled, project.labelled)
    twice = tables.read(project.queue)
    tables.write_sorted(twice.take([0, 0]), project.queue)
    with pytest.raises(UserError, match="id 'row-000' stands twice"):
        queues.read(project.queue, project.labelled)


def test_the_served_page_says_what_the_queue_holds_where_it_holds_most_rows(project):
    assert queues.heading("issues", project.queue, project.labelled) == "All 3 labels, the most doubtful first"
    assert queues.heading("audit", project.queue, project.labelled) == "Audit of automatic labels"
    assert queues.of_issues(0, 0) == queues.of_issues(0, 9) == queues.of_issues(1, 2) == "Suspected label errors"
    assert queues.of_issues(1999, 2001) == "The 1,999 most doubtful of 2,001 labels"
