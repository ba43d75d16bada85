"""The log of looks at test: counted by version of the test rows, merged by union, never in silence."""

import subprocess
import sys

import pyarrow as pa
import pytest

from tests.conftest import ROOT, make_rows
from tests.killing import environment
from winnow.base import files
from winnow.base.errors import UserError
from winnow.rows import tables
from winnow.validation import looks
from winnow.validation.looks import Look

HEADER = ",".join(looks.HEADER) + "\n"


def look(predictions: str, dataset: str = "d1", **changes: str) -> Look:
    values = {"looked_on": "2026-11-29", "by": "ana", "revision": "abc", "reason": "release"} | changes
    return Look(dataset=dataset, predictions=predictions, **values)


def rows(**changes: dict[int, str]) -> pa.Table:
    made = [{"text": f"text {n}", "label": "AB"[n % 2], "split": ("train", "dev", "test")[n % 3]} for n in range(12)]
    table = make_rows(made)
    for column, values in changes.items():
        cells = [values.get(n, cell) for n, cell in enumerate(table[column].to_pylist())]
        table = tables.set_column(table, column, cells, pa.string())
    return table


def test_a_look_is_counted_once_for_each_version_and_predictions(tmp_path):
    assert looks.read(tmp_path) == []
    assert looks.record(tmp_path, look("p1")) == [look("p1")]
    assert looks.record(tmp_path, look("p1", reason="again")) == [look("p1")], "the same predictions show nothing new"
    assert len(looks.record(tmp_path, look("p2"))) == 2
    assert looks.record(tmp_path, look("p1", dataset="d2")) == [look("p1", dataset="d2")]
    assert len((tmp_path / looks.LOG).read_text().splitlines()) == 1 + 3


def test_the_version_is_of_the_test_rows_alone(tmp_path):
    def version(table: pa.Table) -> str:
        tables.write(table, tmp_path / "labelled.parquet")
        return looks.fingerprint(tmp_path / "labelled.parquet")

    of_rows = version(rows())
    assert of_rows == version(rows(text={0: "another train text"}, label={1: "A"}))
    changed = {version(rows(**{column: {2: "B"}})) for column in ("text", "label", "id")}
    assert rows()["label"][2].as_py() == "A"
    assert len(changed | {of_rows}) == 4
    automatic = rows(label_origin={2: "rule"})  # no model is judged by it
    assert version(automatic) == version(automatic.filter([n != 2 for n in range(12)]))


def test_a_reason_that_looks_like_a_formula_comes_back_as_it_was(tmp_path):
    odd = look("p1", reason='=1+1, "quoted", and\tmore')
    looks.record(tmp_path, odd)
    assert ",'=1+1" in (tmp_path / looks.LOG).read_text().replace('"', "")
    assert looks.read(tmp_path) == [odd]


def test_what_a_terminal_or_a_file_cannot_take_leaves_name_and_reason(tmp_path):
    made = looks.today("ana\x1b[2J", "d1", "p1", "=1+1\n2026,a\udcff\x00 " + "x" * 200_000)
    assert (made.by, made.reason[:12], len(made.reason)) == ("ana [2J", "=1+1 2026,a ", 500)
    assert looks.record(tmp_path, made) == [made] == looks.read(tmp_path)


def test_a_log_without_a_line_end_keeps_its_last_line(tmp_path):
    files.write_text(tmp_path / looks.LOG, HEADER + "2026-11-29,ana,d1,p1,abc,release")
    assert len(looks.record(tmp_path, look("p2"))) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2026-11-29,ana,d1", r"looks\.csv: line 2: not 6 cells"),
        ("2026-11-29,,d1,p1,,why", r"looks\.csv: line 2: not 6 cells"),
        ('2026-11-29,ana,d1,p1,abc,"an open quote', r"looks\.csv: line 2: unexpected end of data"),
        ("<<<<<<< HEAD", "conflict"),
    ],
)
def test_a_broken_log_is_named(tmp_path, line, message):
    files.write_text(tmp_path / looks.LOG, f"{HEADER}{line}\n")
    with pytest.raises(UserError, match=message):
        looks.read(tmp_path)


def test_a_log_that_a_spreadsheet_saved_is_read(tmp_path):
    line = "2026-11-29,ana,d1,p1,abc,release"
    (tmp_path / looks.LOG).write_bytes(f"\ufeff{HEADER}{line}\n".replace("\n", "\r\n").encode())
    assert looks.read(tmp_path) == [look("p1")]
    assert looks.record(tmp_path, look("p2")) == [look("p1"), look("p2")] == looks.read(tmp_path)


LOOK = """
import sys
from pathlib import Path
from winnow.validation import looks

for number in range(20):
    predictions = f"{sys.argv[2]}-{number}"
    looks.record(Path(sys.argv[1]), looks.Look("2026-11-29", "ana", "d1", predictions, "abc", "release"))
"""


def test_looks_at_the_same_time_are_all_counted(tmp_path):
    command = [sys.executable, "-c", LOOK, str(tmp_path / "data/test")]
    running = [subprocess.Popen([*command, name], env=environment()) for name in ("one", "two")]
    assert [process.wait() for process in running] == [0, 0]
    assert len(looks.at(looks.read(tmp_path / "data/test"), "d1")) == 40


def test_two_branches_that_looked_are_two_looks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data/test"

    def git(*words: str) -> None:
        names = ("-c", "user.name=ana", "-c", "user.email=ana@example.org", "-c", "init.defaultBranch=main")
        subprocess.run(["git", *names, *words], check=True, capture_output=True)

    git("init")
    files.write_text(tmp_path / ".gitattributes", (ROOT / ".gitattributes").read_text())
    files.write_text(folder / looks.LOG, HEADER)
    git("add", ".")
    git("commit", "-m", "log")
    for branch in ("one", "two"):
        git("checkout", "-b", branch, "main")
        looks.record(folder, look(branch))
        git("commit", "-am", branch)
    git("merge", "one")
    assert {each.predictions for each in looks.at(looks.read(folder), "d1")} == {"one", "two"}


def test_the_last_look_is_the_one_of_the_last_day_wherever_its_line_stands():
    first, last = look("p1", looked_on="2026-11-01"), look("p2", looked_on="2026-11-29")
    again = look("p1", looked_on="2026-11-30", reason="again")
    assert looks.at([again, last, first], "d1") == [first, last]


def test_figures_of_other_rows_or_predictions_are_not_today_s(tmp_path):
    looks.record(tmp_path, look("p1"))
    assert looks.standing(tmp_path, "d1", "p1").results is None
    results = {"dataset": "d1", "predictions": "p1", "test": {}}
    files.write_json(tmp_path / looks.RESULTS, results)
    assert looks.standing(tmp_path, "d1", "p1") == looks.Standing([look("p1")], results)
    assert looks.standing(tmp_path, "d1", "p2") == looks.Standing([look("p1")], None)
    assert looks.standing(tmp_path, "d2", "p1") == looks.Standing([], None)
    (tmp_path / looks.LOG).rename(tmp_path / "log")
    with pytest.raises(UserError, match=r"looks\.csv: the look that .*results\.json shows is not there; restore"):
        looks.standing(tmp_path, "d1", "p1")
    (tmp_path / "log").rename(tmp_path / looks.LOG)
    files.write_text(tmp_path / looks.RESULTS, "[]")
    with pytest.raises(UserError, match=r"results\.json: not what `winnow test` writes"):
        looks.standing(tmp_path, "d1", "p1")
